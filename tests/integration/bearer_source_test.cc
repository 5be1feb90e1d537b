// Tokens whose bearers the program supplies: what is sent, when the program is asked, what it hears, and who waits.

#include <future>

#include "membership_fixture.h"

namespace warppool {
namespace {

constexpr const char* kName = "mine";
constexpr const char* kFirst = "fake-supplied-bearer-1";
constexpr const char* kSecond = "fake-supplied-bearer-2";

// A program that supplies bearers, and keeps a journal: "supply", and "refused <bearer> <HTTP status>". Thread-safe;
// must outlive the client.
class Program {
 public:
  using Answer = std::function<Result<SuppliedBearer>()>;

  // Each answer is given once, the last one for ever.
  explicit Program(std::vector<Answer> answers) : answers_(std::move(answers)) {}

  TokenConfig Token(Tier tier = Tier::kPersonal) {
    TokenConfig token;
    token.kind = CredentialKind::kCallback;
    token.name = kName;
    token.tier = tier;
    token.bearer_source.supply = [this](const std::string& name) { return Supply(name); };
    token.bearer_source.on_refused = [this](const std::string& name, const Secret& bearer, const Status& why) {
      Write(name, "refused " + std::string(bearer.Reveal()) + " " + std::to_string(why.error().http_status));
    };
    return token;
  }

  std::vector<std::string> journal() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return journal_;
  }
  int Supplies() const {
    const auto all = journal();
    return static_cast<int>(std::count(all.begin(), all.end(), "supply"));
  }

 private:
  Result<SuppliedBearer> Supply(const std::string& name) {
    Write(name, "supply");
    Answer answer;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      answer = answers_[std::min(next_++, answers_.size() - 1)];
    }
    return answer();
  }
  void Write(const std::string& name, std::string what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (name != kName) what += " of " + name;
    journal_.push_back(std::move(what));
  }

  mutable std::mutex mutex_;
  std::vector<Answer> answers_;
  std::size_t next_ = 0;
  std::vector<std::string> journal_;
};

Program::Answer BearerOf(const std::string& text, std::optional<std::chrono::milliseconds> life = std::nullopt) {
  return [text, life]() -> Result<SuppliedBearer> {
    SuppliedBearer bearer{Secret(text)};
    if (life) bearer.expires = std::chrono::system_clock::now() + *life;
    return bearer;
  };
}

Program::Answer Failure(Code code) {
  return [code] { return Status(code, "the program says no"); };
}

void AcceptAll(World* world) {
  for (const char* key : {kFirst, kSecond, kKey}) world->service.AcceptApiKey(key);
}

Config ConfigWith(const World& world, std::vector<TokenConfig> tokens) {
  Config config = ConfigFor(world.service, {});
  config.tokens = std::move(tokens);
  return config;
}

TokenConfig Reserve() {
  TokenConfig token = ApiKeyOf(kKey, "reserve");
  token.tier = Tier::kShared;
  return token;
}

// A token of the same kind, which shows by serving that it was another one's own fault to be refused.
TokenConfig Witness(Program* program) {
  TokenConfig token = program->Token(Tier::kShared);
  token.name = "witness";
  return token;
}

using Journal = std::vector<std::string>;

}  // namespace

TEST_CASE("a bearer of the program's is asked for once, and sent as it is") {
  Program program({BearerOf(kFirst)});
  World world;
  AcceptAll(&world);
  Client& client = world.Connect(ConfigWith(world, {program.Token()}));
  CHECK(program.journal().empty());
  for (int i = 0; i < 5; ++i) CHECK(world.Ask(Impatient())->token == kName);
  const auto bearer = client.AccessToken();
  REQUIRE(bearer.ok());
  CHECK(bearer->value == Secret(kFirst));
  CHECK_FALSE(bearer->expires);
  CHECK_FALSE(StatusOf(client, kName)->jwt_expires);
  CHECK(program.journal() == Journal{"supply"});
  CHECK(world.service.Count(kAgent, kFirst) == 5);
  CHECK(world.service.Count("/proxy/token") == 0);
  CHECK(CountersOf(client, kName).refreshes == 1);
}

TEST_CASE("many requests that come at once share one bearer") {
  Gate door;
  door.Close();
  Program program({[&door]() -> Result<SuppliedBearer> {
    door.Pass();
    return SuppliedBearer{Secret(kFirst)};
  }});
  World world;
  AcceptAll(&world);
  world.Connect(ConfigWith(world, {program.Token()}));
  std::vector<std::unique_ptr<Pushed>> requests;
  for (int i = 0; i < 20; ++i) requests.push_back(std::make_unique<Pushed>(&world, Request("hello")));
  REQUIRE(door.WaitUntilInside(1));
  door.Open();
  for (const auto& request : requests) {
    REQUIRE((*request)->WaitUntilDone());
    CHECK((*request)->status().ToString() == "ok");
  }
  CHECK(program.journal() == Journal{"supply"});
}

TEST_CASE("the next bearer is asked for before the one in use ends, without a request") {
  Program program({BearerOf(kFirst, 2s), BearerOf(kSecond)});
  World world;
  AcceptAll(&world);
  Client& client = world.Connect(ConfigWith(world, {program.Token()}));
  REQUIRE(world.Ask(Impatient()).ok());
  REQUIRE(Eventually([&] { return program.Supplies() == 2; }));
  REQUIRE(Eventually([&] { return CountersOf(client, kName).refreshes == 2; }));
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kAgent, kSecond) == 1);
  CHECK(program.journal() == Journal{"supply", "supply"});
}

TEST_CASE("a bearer that is a JWT ends when it says so") {
  World world;
  world.service.On("fake-token-issuer").Exchange(loopback::Ok().JwtLife(600s));
  auto issuer = Client::Create(ConfigFor(world.service, {"fake-token-issuer"}));
  REQUIRE(issuer.ok());
  const auto issued = (*issuer)->AccessToken();
  REQUIRE(issued.ok());
  Program program({BearerOf(std::string(issued->value.Reveal()))});
  Client& client = world.Connect(ConfigWith(world, {program.Token()}));
  REQUIRE(world.Ask(Impatient()).ok());
  const auto expires = StatusOf(client, kName)->jwt_expires;
  REQUIRE(expires);
  CHECK(std::chrono::abs(*expires - *issued->expires) <= 2s);
}

TEST_CASE("a bearer that has served and is refused is replaced, after the program has heard of it") {
  Program program({BearerOf(kFirst), BearerOf(kSecond)});
  World world;
  AcceptAll(&world);
  world.service.On(kFirst).Agent(loopback::Ok().Times(1)).Agent(loopback::Status(401));
  Client& client = world.Connect(ConfigWith(world, {program.Token()}));
  REQUIRE(world.Ask(Impatient()).ok());
  CHECK(world.Ask(Impatient()).ok());
  CHECK(program.journal() == Journal{"supply", std::string("refused ") + kFirst + " 401", "supply"});
  CHECK(StatusOf(client, kName)->total_failures == 0);
  CHECK(CountersOf(client, kName).Of(Outcome::kAuthStale) == 1);
  CHECK(world.service.Count(kAgent, kSecond) == 1);
}

TEST_CASE("a bearer that is refused before it has served counts against the token, and the next one is asked for") {
  Program program({BearerOf("fake-unknown-bearer"), BearerOf(kFirst)});
  Program other({BearerOf(kSecond)});
  World world;
  AcceptAll(&world);
  Client& client = world.Connect(ConfigWith(world, {program.Token(), Witness(&other)}));
  CHECK(world.Ask(Impatient())->token == "witness");
  CHECK(StatusOf(client, kName)->failures == 1);
  world.SkipRest();
  CHECK(world.Ask(Impatient())->token == kName);
  CHECK(program.journal() == Journal{"supply", "refused fake-unknown-bearer 401", "supply"});
  CHECK(StatusOf(client, kName)->failures == 0);
}

TEST_CASE("a bearer that is forbidden counts against the token, and the next one is asked for") {
  Program program({BearerOf(kFirst), BearerOf(kSecond)});
  World world;
  AcceptAll(&world);
  world.service.On(kFirst).Agent(loopback::Ok().Times(1)).Agent(loopback::Status(403));
  world.service.AcceptApiKey("fake-supplied-bearer-3");
  Program other({BearerOf("fake-supplied-bearer-3")});
  Client& client = world.Connect(ConfigWith(world, {program.Token(), Witness(&other)}));
  REQUIRE(world.Ask(Impatient())->token == kName);
  CHECK(world.Ask(Impatient())->token == "witness");
  CHECK(StatusOf(client, kName)->failures == 1);
  world.SkipRest();
  CHECK(world.Ask(Impatient())->token == kName);
  CHECK(program.journal() == Journal{"supply", std::string("refused ") + kFirst + " 403", "supply"});
  CHECK(world.service.Count(kAgent, kSecond) == 1);
}

TEST_CASE("a supply that fails is held against the token only if that may be its fault") {
  struct Case {
    const char* what;
    Program::Answer answer;
    bool failures;
  };
  const std::vector<Case> cases = {
      {"network", Failure(Code::kNetwork), false},
      {"overloaded", Failure(Code::kOverloaded), false},
      {"server error", Failure(Code::kServerError), false},
      {"timeout", Failure(Code::kTimeout), false},
      {"cancelled", Failure(Code::kCancelled), false},
      {"out of memory", Failure(Code::kOutOfMemory), false},
      {"unauthorized", Failure(Code::kUnauthorized), true},
      {"invalid argument", Failure(Code::kInvalidArgument), true},
      {"empty", BearerOf(""), true},
      {"expired", BearerOf(kFirst, -1s), true},
      {"throwing", []() -> Result<SuppliedBearer> { throw std::runtime_error("the program throws"); }, true},
      {"throwing no exception", []() -> Result<SuppliedBearer> { throw 1; }, true},
  };
  for (const Case& one : cases) {
    INFO(one.what);
    Program program({one.answer, BearerOf(kFirst)});
    Program other({BearerOf(kSecond)});
    World world;
    AcceptAll(&world);
    Client& client = world.Connect(ConfigWith(world, {program.Token(), Witness(&other)}));
    CHECK(world.Ask(Impatient())->token == "witness");
    const TokenStatus status = *StatusOf(client, kName);
    CHECK(status.state == (one.failures ? TokenState::kResting : TokenState::kReady));
    world.SkipRest();
    CHECK(status.failures == (one.failures ? 1 : 0));
    CHECK(status.last_error != Code::kOk);
    CHECK_FALSE(status.last_error_message.empty());
    CHECK(world.Ask(Impatient())->token == kName);
    CHECK(program.journal() == Journal{"supply", "supply"});
    CHECK(StatusOf(client, kName)->failures == 0);
  }
}

TEST_CASE("a source that fails again and again disables its token, and one that works again brings it back") {
  Program program({Failure(Code::kUnauthorized), Failure(Code::kUnauthorized), BearerOf(kFirst)});
  // Only one that was supplied just now says something of supplies.
  Program other({BearerOf(kSecond, 3s), BearerOf(kKey, 1h)});
  World world;
  AcceptAll(&world);
  Config config = ConfigWith(world, {program.Token(), Witness(&other)});
  config.max_failures = 2;
  Client& client = world.Connect(std::move(config));
  for (int i = 0; i < 2; ++i) {
    if (i > 0) world.SkipRest();
    CHECK(world.Ask(Impatient())->token == "witness");
  }
  CHECK(StatusOf(client, kName)->state == TokenState::kDisabled);
  CHECK(world.Ask(Impatient())->token == "witness");
  CHECK(program.Supplies() == 2);
  REQUIRE(client.Recover(kName).ok());
  CHECK(world.Ask(Impatient())->token == kName);
}

TEST_CASE("an active health check asks the program, and recovers what works again") {
  Program program({Failure(Code::kUnauthorized), BearerOf(kFirst)});
  Program other({BearerOf(kSecond)});
  World world;
  AcceptAll(&world);
  Config config = ConfigWith(world, {program.Token(), Witness(&other)});
  config.max_failures = 1;
  Client& client = world.Connect(std::move(config));
  REQUIRE(world.Ask(Impatient())->token == "witness");
  REQUIRE(StatusOf(client, kName)->state == TokenState::kDisabled);
  const auto report = client.CheckHealth({.active = true});
  REQUIRE(report.ok());
  CHECK(report->Healthy() == 2);
  CHECK(StatusOf(client, kName)->state == TokenState::kReady);
  CHECK(program.Supplies() == 2);
  REQUIRE(StatusOf(client, kName)->quota);
}

TEST_CASE("a bearer in use serves on while the program has no other one") {
  Program program({BearerOf(kFirst, 10s), Failure(Code::kUnauthorized)});
  World world;
  AcceptAll(&world);
  Client& client = world.Connect(ConfigWith(world, {program.Token()}));
  REQUIRE(world.Ask(Impatient()).ok());
  REQUIRE(Eventually([&] { return program.Supplies() == 2; }));  // ahead of its end
  CHECK(world.Ask(Impatient()).ok());
  CHECK(StatusOf(client, kName)->total_failures == 0);
}

TEST_CASE("a slow source holds up neither other tokens nor the time-outs of who waits for it") {
  Gate door;
  door.Close();
  Program program({[&door]() -> Result<SuppliedBearer> {
    door.Pass();
    return SuppliedBearer{Secret(kFirst)};
  }});
  World world;
  AcceptAll(&world);
  world.service.Accept("fake-token-one");
  Config config = ConfigWith(world, {program.Token(), ApiKeyOf(kKey, "key"), TokenOf("fake-token-one")});
  Client& client = world.Connect(std::move(config));
  Pushed waits(&world, Request("patient"));
  REQUIRE(door.WaitUntilInside(1));
  for (int i = 0; i < 2; ++i) CHECK(world.Ask(Impatient())->token != kName);
  Request hurried("hurried");
  hurried.timeout = 20ms;
  CHECK(world.Ask(hurried).status().code() == Code::kDeadlineExceeded);
  REQUIRE(client.MoveToken(kName, Tier::kAnonymous).ok());
  for (int i = 0; i < 4; ++i) CHECK(world.Ask(Impatient())->token != kName);
  CHECK(waits->dones() == 0);
  door.Open();
  REQUIRE(waits->WaitUntilDone());
  CHECK(waits->status().ToString() == "ok");
  CHECK(waits->token() == kName);
  CHECK(program.Supplies() == 1);
}

TEST_CASE("what waits for a bearer is refused inside the program's functions, and all else is allowed there") {
  std::promise<std::vector<Code>> codes;
  World world;
  AcceptAll(&world);
  const auto call_all = [&] {
    Client& client = *world.client;
    std::vector<Code> found = {client.Ask(Request("hello")).status.code(), client.AccessToken(0ms).code(),
                               client.Close(0ms).code(), client.CheckHealth({.active = true}).code()};
    found.push_back(client.CheckHealth().code());
    static_cast<void>(client.Statistics());
    static_cast<void>(client.Explain());
    found.push_back(client.RenameToken("reserve", "spare").code());
    found.push_back(client.AddToken(ApiKeyOf(kSecond, "second")).code());
    found.push_back(client.Recover(kName).code());
    found.push_back(client.Start(Request("hello")).code());
    codes.set_value(found);
  };
  TokenConfig token;
  token.kind = CredentialKind::kCallback;
  token.name = kName;
  bool in_supply = true;
  SECTION("supply") {
    token.bearer_source.supply = [&](const std::string&) -> Result<SuppliedBearer> {
      call_all();
      return SuppliedBearer{Secret(kFirst)};
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
  if (in_supply) CHECK(answer->token == kName);
  const auto found = codes.get_future().get();
  CHECK(std::vector<Code>(found.begin(), found.begin() + 4) == std::vector<Code>(4, Code::kMisuse));
  CHECK(std::vector<Code>(found.begin() + 4, found.end()) == std::vector<Code>(5, Code::kOk));
  CHECK(NamesIn(*world.client) == std::vector<std::string>{kName, "second", "spare"});
}

TEST_CASE("a client that is closed while the program is asked waits for the program's answer") {
  Gate door;
  door.Close();
  std::atomic<bool> left{false};
  Program program({[&]() -> Result<SuppliedBearer> {
    door.Pass();
    left = true;
    return SuppliedBearer{Secret(kFirst)};
  }});
  World world;
  AcceptAll(&world);
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
  AcceptAll(&world);
  std::unique_ptr<Client> client;
  TokenConfig token;
  token.kind = CredentialKind::kCallback;
  token.name = kName;
  token.bearer_source.supply = [&](const std::string&) -> Result<SuppliedBearer> {
    started.Pass();
    client.reset();
    destroyed.set_value();
    return SuppliedBearer{Secret(kFirst)};
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
  Program first({BearerOf(kFirst)});
  Program second({BearerOf(kSecond)});
  World world;
  AcceptAll(&world);
  Client& client = world.Connect(ConfigWith(world, {first.Token(), Reserve()}));
  REQUIRE(client.RenameToken(kName, "renamed").ok());
  REQUIRE(world.Ask(Impatient())->token == "renamed");
  CHECK(first.journal() == Journal{"supply of renamed"});
  REQUIRE(client.RenameToken("renamed", kName).ok());

  REQUIRE(client.Reload(ConfigWith(world, {second.Token(), Reserve()}))->kept == 2);
  REQUIRE(world.Ask(Impatient())->token == kName);
  CHECK(first.journal() == Journal{"supply of renamed"});
  CHECK(second.journal() == Journal{"supply"});
  CHECK(world.service.Count(kAgent, kSecond) == 1);
}

TEST_CASE("what the program throws when it is told of a refusal is dropped") {
  Program program({BearerOf("fake-unknown-bearer"), BearerOf(kFirst)});
  World world;
  AcceptAll(&world);
  TokenConfig token = program.Token();
  token.bearer_source.on_refused = [](const std::string&, const Secret&, const Status&) {
    throw std::runtime_error("the program throws");
  };
  Client& client = world.Connect(ConfigWith(world, {std::move(token), Reserve()}));
  CHECK(world.Ask(Impatient())->token == "reserve");
  REQUIRE(client.Recover(kName).ok());  // it would rest, and come behind the reserve
  CHECK(world.Ask(Impatient())->token == kName);
}

TEST_CASE("a token that is removed while its program is asked serves the request that waits for it, and no other") {
  Gate door;
  door.Close();
  Program program({[&door]() -> Result<SuppliedBearer> {
    door.Pass();
    return SuppliedBearer{Secret(kFirst)};
  }});
  World world;
  AcceptAll(&world);
  Client& client = world.Connect(ConfigWith(world, {program.Token(), Reserve()}));
  Pushed waits(&world, Request("hello"));
  REQUIRE(door.WaitUntilInside(1));
  REQUIRE(client.RemoveToken(kName).ok());
  CHECK(world.Ask(Impatient())->token == "reserve");
  door.Open();
  REQUIRE(waits->WaitUntilDone());
  CHECK(waits->status().ToString() == "ok");
  CHECK(waits->token() == kName);
}

TEST_CASE("a call that hangs holds up its token for the limit, and no other token at all") {
  Gate door;
  door.Close();
  Program hangs({[&door]() -> Result<SuppliedBearer> {
    door.Pass();
    return SuppliedBearer{Secret(kFirst)};
  }});
  World world;
  AcceptAll(&world);
  TokenConfig other;
  other.kind = CredentialKind::kCallback;
  other.name = "other";
  other.tier = Tier::kShared;
  other.bearer_source.supply = [](const std::string&) { return BearerOf(kSecond)(); };
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
  CHECK(StatusOf(client, kName)->total_failures == 0);
  CHECK(world.Ask(Impatient())->token == "other");
  CHECK(hangs.Supplies() == 1);  // nobody asks twice at a time
  door.Open();
  REQUIRE(Eventually([&] { return CountersOf(client, kName).refreshes == 1; }));
  CHECK(world.Ask(Impatient())->token == kName);
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
    const std::string bearer = std::string(kFirst) + std::to_string(i);
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
