// The calls of a program's bearer sources: who waits for them and who does not, what they may do, and what becomes of
// them when the client, the token or its source goes.

#include <atomic>
#include <future>

#include "bearer_source_fixture.h"

namespace warppool {

TEST_CASE("a slow source holds up neither other tokens nor the time-outs of who waits for it") {
  Gate door;
  door.Close();
  BearerProgram program({[&door]() -> Result<SuppliedBearer> {
    door.Pass();
    return SuppliedBearer{Secret(kFirstBearer)};
  }});
  World world;
  AcceptAllBearers(&world);
  world.service.Accept("fake-token-one");
  Config config = ConfigWith(world, {program.Token(), ApiKeyOf(kKey, "key"), TokenOf("fake-token-one")});
  Client& client = world.Connect(std::move(config));
  Pushed waits(&world, Request("patient"));
  REQUIRE(door.WaitUntilInside(1));
  for (int i = 0; i < 2; ++i) CHECK(world.Ask(Impatient())->token != kSourceName);
  Request hurried("hurried");
  hurried.timeout = 20ms;
  CHECK(world.Ask(hurried).status().code() == Code::kDeadlineExceeded);
  REQUIRE(client.MoveToken(kSourceName, Tier::kAnonymous).ok());
  for (int i = 0; i < 4; ++i) CHECK(world.Ask(Impatient())->token != kSourceName);
  CHECK(waits->dones() == 0);
  door.Open();
  REQUIRE(waits->WaitUntilDone());
  CHECK(waits->status().ToString() == "ok");
  CHECK(waits->token() == kSourceName);
  CHECK(program.Supplies() == 1);
}

TEST_CASE("what waits for a bearer is refused inside the program's functions, and all else is allowed there") {
  std::promise<std::vector<Code>> codes;
  World world;
  AcceptAllBearers(&world);
  const auto call_all = [&] {
    Client& client = *world.client;
    std::vector<Code> found = {client.Ask(Request("hello")).status.code(), client.AccessToken(0ms).code(),
                               client.Close(0ms).code(), client.CheckHealth({.active = true}).code()};
    found.push_back(client.CheckHealth().code());
    static_cast<void>(client.Statistics());
    static_cast<void>(client.Explain());
    found.push_back(client.RenameToken("reserve", "spare").code());
    found.push_back(client.AddToken(ApiKeyOf(kSecondBearer, "second")).code());
    found.push_back(client.Recover(kSourceName).code());
    found.push_back(client.Start(Request("hello")).code());
    codes.set_value(found);
  };
  TokenConfig token;
  token.kind = CredentialKind::kCallback;
  token.name = kSourceName;
  bool in_supply = true;
  SECTION("supply") {
    token.bearer_source.supply = [&](const std::string&) -> Result<SuppliedBearer> {
      call_all();
      return SuppliedBearer{Secret(kFirstBearer)};
    };
  }
  SECTION("on_refused") {
    in_supply = false;
    token.bearer_source.supply = [&](const std::string&) -> Result<SuppliedBearer> {
      return SuppliedBearer{Secret("fake-unknown-bearer")};
    };
    token.bearer_source.on_refused = [&](const std::string&, const Secret&, const Status&) { call_all(); };
  }
  world.Connect(ConfigWith(world, {std::move(token), Reserve()}));
  const auto answer = world.Ask(Impatient());
  CHECK(answer.status().ToString() == "ok");
  if (in_supply) CHECK(answer->token == kSourceName);
  const auto found = codes.get_future().get();
  CHECK(std::vector<Code>(found.begin(), found.begin() + 4) == std::vector<Code>(4, Code::kMisuse));
  CHECK(std::vector<Code>(found.begin() + 4, found.end()) == std::vector<Code>(5, Code::kOk));
  CHECK(NamesIn(*world.client) == std::vector<std::string>{kSourceName, "second", "spare"});
}

TEST_CASE("a client that is closed while the program is asked waits for the program's answer") {
  Gate door;
  door.Close();
  std::atomic<bool> left{false};
  BearerProgram program({[&]() -> Result<SuppliedBearer> {
    door.Pass();
    left = true;
    return SuppliedBearer{Secret(kFirstBearer)};
  }});
  World world;
  AcceptAllBearers(&world);
  Client& client = world.Connect(ConfigWith(world, {program.Token()}));
  Pushed request(&world, Request("hello"));
  REQUIRE(door.WaitUntilInside(1));
  auto closed = std::async(std::launch::async, [&] {
    const Status status = client.Close(0ms);
    return std::pair(status.ok(), left.load());
  });
  REQUIRE(request->WaitUntilDone());
  CHECK(request->status().code() == Code::kCancelled);
  // Whoever did not wait would be back by now, most of the time.
  CHECK(closed.wait_for(50ms) == std::future_status::timeout);
  door.Open();
  const auto [ok, left_before] = closed.get();
  CHECK(ok);
  CHECK(left_before);
  CHECK(world.service.Count(kAgent) == 0);
}

TEST_CASE("a client that is destroyed inside a supply ends all the same") {
  Gate started;
  started.Close();
  std::promise<void> destroyed;
  World world;
  AcceptAllBearers(&world);
  std::unique_ptr<Client> client;
  TokenConfig token;
  token.kind = CredentialKind::kCallback;
  token.name = kSourceName;
  token.bearer_source.supply = [&](const std::string&) -> Result<SuppliedBearer> {
    started.Pass();
    client.reset();
    destroyed.set_value();
    return SuppliedBearer{Secret(kFirstBearer)};
  };
  // The I/O thread finishes alone, and may have something to say until then.
  auto log = std::make_shared<LogBook>();
  const std::weak_ptr<LogBook> held = log;
  auto made =
      Client::Create(ConfigWith(world, {std::move(token)}), {[log](const LogRecord& record) { log->Sink()(record); }});
  REQUIRE(made.ok());
  client = *std::move(made);
  {
    Recorder recorder(&world);
    auto stream = client->Start(Request("hello"), recorder.Callbacks());
    REQUIRE(stream.ok());
    started.Open();
    destroyed.get_future().get();
    REQUIRE(recorder.WaitUntilDone());
    CHECK(recorder.status().code() == Code::kCancelled);
  }
  CHECK(log->Count("destroyed inside") == 1);
  for (std::string& line : log->Lines()) world.Note(std::move(line));
  log.reset();
  CHECK(Eventually([&] { return held.expired(); }));
}

TEST_CASE("a source is asked under the token's present name, and a reload brings another one") {
  BearerProgram first({BearerOf(kFirstBearer)});
  BearerProgram second({BearerOf(kSecondBearer)});
  World world;
  AcceptAllBearers(&world);
  Client& client = world.Connect(ConfigWith(world, {first.Token(), Reserve()}));
  REQUIRE(client.RenameToken(kSourceName, "renamed").ok());
  REQUIRE(world.Ask(Impatient())->token == "renamed");
  CHECK(first.journal() == SourceJournal{"supply of renamed"});
  REQUIRE(client.RenameToken("renamed", kSourceName).ok());

  REQUIRE(client.Reload(ConfigWith(world, {second.Token(), Reserve()}))->kept == 2);
  REQUIRE(world.Ask(Impatient())->token == kSourceName);
  CHECK(first.journal() == SourceJournal{"supply of renamed"});
  CHECK(second.journal() == SourceJournal{"supply"});
  CHECK(world.service.Count(kAgent, kSecondBearer) == 1);
}

TEST_CASE("what the program throws when it is told of a refusal is dropped") {
  BearerProgram program({BearerOf("fake-unknown-bearer"), BearerOf(kFirstBearer)});
  World world;
  AcceptAllBearers(&world);
  TokenConfig token = program.Token();
  token.bearer_source.on_refused = [](const std::string&, const Secret&, const Status&) {
    throw std::runtime_error("the program throws");
  };
  Client& client = world.Connect(ConfigWith(world, {std::move(token), Reserve()}));
  CHECK(world.Ask(Impatient())->token == "reserve");
  REQUIRE(client.Recover(kSourceName).ok());  // it would rest, and come behind the reserve
  CHECK(world.Ask(Impatient())->token == kSourceName);
}

TEST_CASE("a token that is removed while its program is asked serves the request that waits for it, and no other") {
  Gate door;
  door.Close();
  BearerProgram program({[&door]() -> Result<SuppliedBearer> {
    door.Pass();
    return SuppliedBearer{Secret(kFirstBearer)};
  }});
  World world;
  AcceptAllBearers(&world);
  Client& client = world.Connect(ConfigWith(world, {program.Token(), Reserve()}));
  Pushed waits(&world, Request("hello"));
  REQUIRE(door.WaitUntilInside(1));
  REQUIRE(client.RemoveToken(kSourceName).ok());
  CHECK(world.Ask(Impatient())->token == "reserve");
  door.Open();
  REQUIRE(waits->WaitUntilDone());
  CHECK(waits->status().ToString() == "ok");
  CHECK(waits->token() == kSourceName);
}

TEST_CASE("a call that hangs holds up its token for the limit, and no other token at all") {
  Gate door;
  door.Close();
  BearerProgram hangs({[&door]() -> Result<SuppliedBearer> {
    door.Pass();
    return SuppliedBearer{Secret(kFirstBearer)};
  }});
  World world;
  AcceptAllBearers(&world);
  TokenConfig other;
  other.kind = CredentialKind::kCallback;
  other.name = "other";
  other.tier = Tier::kShared;
  other.bearer_source.supply = [](const std::string&) { return BearerOf(kSecondBearer)(); };
  Config config = ConfigWith(world, {hangs.Token(), std::move(other)});
  config.refresh_timeout = 500ms;
  config.retry_budget = 0;
  Client& client = world.Connect(std::move(config));
  Recorder recorder(&world);
  const auto stream = client.Start(Impatient(), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().ToString() == "ok");
  CHECK(recorder.token() == "other");
  CHECK(recorder.failures() == std::vector<std::pair<Code, NextStep>>{{Code::kNetwork, NextStep::kNextToken}});
  CHECK(StatusOf(client, kSourceName)->total_failures == 0);
  CHECK(world.Ask(Impatient())->token == "other");
  CHECK(hangs.Supplies() == 1);  // nobody asks twice at a time
  door.Open();
  REQUIRE(Eventually([&] { return CountersOf(client, kSourceName).refreshes == 1; }));
  CHECK(world.Ask(Impatient())->token == kSourceName);
  CHECK(hangs.Supplies() == 1);
}

TEST_CASE("calls of different tokens overlap, and those of one token do not") {
  constexpr int kTokens = 5;
  World world;
  std::atomic<int> inside{0};
  std::atomic<bool> all_came{false};
  std::atomic<int> of_first{0};
  std::atomic<bool> twice{false};
  std::vector<TokenConfig> tokens;
  for (int i = 0; i < kTokens; ++i) {
    const std::string bearer = std::string(kFirstBearer) + std::to_string(i);
    world.service.AcceptApiKey(bearer);
    TokenConfig token;
    token.kind = CredentialKind::kCallback;
    token.name = "source" + std::to_string(i);
    token.bearer_source.supply = [&, i, bearer](const std::string&) -> Result<SuppliedBearer> {
      if (i == 0 && ++of_first > 1) twice = true;
      if (++inside == kTokens) all_came = true;
      if (!Eventually([&] { return all_came.load(); })) return Status(Code::kInternal, "alone");
      if (i == 0) --of_first;
      return SuppliedBearer{Secret(bearer)};
    };
    tokens.push_back(std::move(token));
  }
  world.Connect(ConfigWith(world, std::move(tokens)));
  std::vector<std::unique_ptr<Pushed>> requests;
  for (int i = 0; i < 2 * kTokens; ++i) requests.push_back(std::make_unique<Pushed>(&world, Request("hello")));
  for (const auto& request : requests) {
    REQUIRE((*request)->WaitUntilDone());
    CHECK((*request)->status().ToString() == "ok");
  }
  CHECK_FALSE(twice);
}

}  // namespace warppool
