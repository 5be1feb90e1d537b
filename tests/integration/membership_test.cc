// Tokens that come, go and change while their client runs.

#include <algorithm>

#include "membership_fixture.h"

namespace warppool {
namespace {

using loopback::Endpoint;

// A client of one and two, called "one" and "two"; the service knows three, too.
void ConnectTwo(World* world, Tier tier_of_two = Tier::kPersonal) {
  for (const char* token : {kOne, kTwo, kThree}) world->service.Accept(token);
  Config config = ConfigFor(world->service, {});
  config.tokens = {TokenOf(kOne, Tier::kPersonal, "one"), TokenOf(kTwo, tier_of_two, "two")};
  world->Connect(std::move(config));
}

}  // namespace

TEST_CASE("a token that is added serves in its turn, behind the others of its tier") {
  World world;
  ConnectTwo(&world);
  REQUIRE(NextServed(&world) == "one");
  const auto added = world.client->AddToken(TokenOf(kThree, Tier::kPersonal, "three"));
  REQUIRE(added.status().ToString() == "ok");
  CHECK(*added == "three");
  CHECK(NamesIn(*world.client) == std::vector<std::string>{"one", "two", "three"});
  for (const char* next : {"two", "three", "one", "two", "three"}) CHECK(NextServed(&world) == next);
  const auto loaded = world.events.Of(PoolEventKind::kLoaded);
  REQUIRE(loaded.size() == 3);
  CHECK(loaded[2].token == "three");
}

TEST_CASE("a token that is added without a name has the one that a restart would give it") {
  World world;
  ConnectTwo(&world);
  const auto added = world.client->AddToken(TokenOf(kThree, Tier::kShared));
  REQUIRE(added.ok());
  auto other = Client::Create(ConfigFor(world.service, {kThree}));
  REQUIRE(other.ok());
  CHECK(added->substr(added->find('_')) == NamesIn(**other)[0].substr(std::string("PERSONAL").size()));
  CHECK(added->substr(0, added->find('_')) == "SHARED");
}

TEST_CASE("what is wrong with a change of the members is named, and nothing changes") {
  World world;
  for (const char* token : {kOne, kTwo, kThree}) world.service.Accept(token);
  Config config = ConfigFor(world.service, {});
  config.tokens = {TokenOf(kOne, Tier::kPersonal, "one"), TokenOf(kTwo, Tier::kPersonal, "two")};
  config.tier_order = {Tier::kPersonal, Tier::kShared};
  Client& client = world.Connect(std::move(config));
  const auto names = NamesIn(client);
  const std::size_t told = world.events.All().size();
  const auto refused = [&](const Status& status, const std::string& about) {
    INFO(world.Said(status).ToString());
    CHECK(status.code() == Code::kInvalidArgument);
    CHECK(status.message().find(about) != std::string::npos);
  };
  refused(client.AddToken(TokenOf(kOne)).status(), "credential");
  refused(client.AddToken(TokenOf(kThree, Tier::kPersonal, "one")).status(), "name");
  refused(client.AddToken(TokenOf(kThree, Tier::kAnonymous)).status(), "tier");
  refused(client.AddToken(TokenOf("")).status(), "credential");
  refused(client.AddToken(TokenOf("two words\n")).status(), "credential");
  refused(client.AddToken(TokenOf(kThree, Tier::kPersonal, "two\nlines")).status(), "name");
  TokenConfig callback;
  callback.kind = CredentialKind::kCallback;
  callback.name = "callback";
  refused(client.AddToken(callback).status(), "bearer_source");
  callback.bearer_source.supply = [](const std::string&) { return Status(Code::kInternal, "never"); };
  callback.name.clear();
  refused(client.AddToken(callback).status(), "name");
  refused(client.RemoveToken("three"), "three");
  refused(client.RenameToken("three", "four").status(), "three");
  refused(client.RenameToken("one", "two").status(), "name");
  refused(client.RenameToken("one", "two\nlines").status(), "name");
  refused(client.MoveToken("three", Tier::kShared).status(), "three");
  refused(client.MoveToken("one", Tier::kAnonymous).status(), "tier");
  refused(client.MoveToken("one", static_cast<Tier>(77)).status(), "tier");
  refused(client.ReplaceCredential("three", TokenOf(kThree)).status(), "three");
  refused(client.ReplaceCredential("one", TokenOf(kTwo)).status(), "credential");
  refused(client.ReplaceCredential("one", TokenOf("")).status(), "credential");
  CHECK(NamesIn(client) == names);
  CHECK(world.events.All().size() == told);
  CHECK(NextServed(&world) == "one");
}

TEST_CASE("the last token cannot be removed, and a closed client has no members to change") {
  World world;
  ConnectTwo(&world, Tier::kShared);
  Client& client = *world.client;
  REQUIRE(client.RemoveToken("one").ok());
  const Status last = client.RemoveToken("two");
  CHECK(last.code() == Code::kInvalidArgument);
  CHECK(last.message().find("last") != std::string::npos);
  CHECK(NextServed(&world) == "two");
  REQUIRE(client.Close(0ms).ok());
  CHECK(client.AddToken(TokenOf(kThree)).code() == Code::kMisuse);
  CHECK(client.RemoveToken("two").code() == Code::kMisuse);
  CHECK(client.RenameToken("two", "three").code() == Code::kMisuse);
  CHECK(client.MoveToken("two", Tier::kPersonal).code() == Code::kMisuse);
  CHECK(client.ReplaceCredential("two", TokenOf(kThree)).code() == Code::kMisuse);
  CHECK(client.Reload(ConfigFor(world.service, {kThree})).code() == Code::kMisuse);
}

TEST_CASE("a request finishes with the token that was removed, whose numbers stay in tier and total") {
  TokenGate gate(Endpoint::kAgent, kOne);
  World world;
  world.service.Decide(gate.Decision());
  ConnectTwo(&world);
  REQUIRE(NextServed(&world) == "one");
  REQUIRE(NextServed(&world) == "two");
  gate.Close();
  Pushed held(&world, Request("held"));
  REQUIRE(gate.WaitUntilInside(1));
  REQUIRE(world.client->RemoveToken("one").ok());
  CHECK(NamesIn(*world.client) == std::vector<std::string>{"two"});
  CHECK(CountersOf(*world.client, Tier::kPersonal).requests == 3);
  CHECK(world.client->RemoveToken("one").code() == Code::kInvalidArgument);
  CHECK(NextServed(&world) == "two");

  gate.Open();
  REQUIRE(held->WaitUntilDone());
  CHECK(held->status().ToString() == "ok");
  CHECK(held->token() == "one");
  CHECK(held->text() == "Echo: held");
  const Stats stats = world.client->Statistics();
  REQUIRE(stats.tokens.size() == 1);
  CHECK(stats.tokens[0].counters.requests == 2);
  CHECK(stats.tokens[0].in_flight == 0);
  for (const Counters& counters : {CountersOf(*world.client, Tier::kPersonal), stats.total}) {
    CHECK(counters.requests == 4);
    CHECK(counters.Successes() == 4);
    CHECK(counters.refreshes == 2);
    CHECK(counters.first_event.Count() == 4);
  }
  CHECK(stats.requests.succeeded == 4);
  CHECK(world.events.Count(PoolEventKind::kRemoved) == 1);
}

TEST_CASE("a token that was removed and comes again begins anew, where nothing keeps its state") {
  World world;
  ConnectTwo(&world);
  world.service.On(kOne).Exchange(loopback::Dead("USER_DISABLED").Times(1));
  REQUIRE(NextServed(&world) == "two");
  REQUIRE(StatusOf(*world.client, "one")->state == TokenState::kDisabled);
  REQUIRE(world.client->RemoveToken("one").ok());
  REQUIRE(world.client->AddToken(TokenOf(kOne, Tier::kPersonal, "one")).ok());
  CHECK(StatusOf(*world.client, "one")->state == TokenState::kReady);
  CHECK(CountersOf(*world.client, "one").requests == 0);
  CHECK(CountersOf(*world.client, Tier::kPersonal).requests == 2);
  CHECK(NextServed(&world) == "one");
}

TEST_CASE("a renamed token is the same under another name, for its running requests, too") {
  TokenGate gate(Endpoint::kAgent, kOne);
  World world;
  world.service.Decide(gate.Decision());
  ConnectTwo(&world);
  gate.Close();
  Pushed held(&world, Request("held"));
  REQUIRE(gate.WaitUntilInside(1));
  const auto renamed = world.client->RenameToken("one", "uno");
  REQUIRE(renamed.status().ToString() == "ok");
  CHECK(*renamed == "uno");
  CHECK(NamesIn(*world.client) == std::vector<std::string>{"uno", "two"});
  gate.Open();
  REQUIRE(held->WaitUntilDone());
  CHECK(CountersOf(*world.client, "uno").Successes() == 1);
  CHECK(world.service.Count(kExchange) == 1);
  CHECK(world.client->RecoverAll().ok());
  CHECK(world.client->Recover("one").code() == Code::kInvalidArgument);
  CHECK(world.client->Recover("uno").ok());
  // The old name is free.
  CHECK(world.client->RenameToken("two", "one").ok());
  const auto automatic = world.client->RenameToken("uno", "");
  REQUIRE(automatic.ok());
  CHECK(automatic->rfind("PERSONAL_", 0) == 0);
  CHECK(CountersOf(*world.client, *automatic).Successes() == 1);
  CHECK(world.events.Count(PoolEventKind::kChanged) == 3);
  CHECK(world.client->RenameToken("one", "one").ok());
  CHECK(world.events.Count(PoolEventKind::kChanged) == 3);
}

TEST_CASE("a token that moves takes its numbers along, and leaves what the tier has counted") {
  TokenGate gate(Endpoint::kAgent, kTwo);
  World world;
  world.service.Decide(gate.Decision());
  ConnectTwo(&world, Tier::kShared);
  Client& client = *world.client;
  GrowthWatch watch;
  for (int i = 0; i < 3; ++i) REQUIRE(NextServed(&world) == "one");
  CHECK(watch.Look(client).empty());
  REQUIRE(client.MoveToken("one", Tier::kAnonymous).ok());
  CHECK(watch.Look(client).empty());
  CHECK(NamesIn(client) == std::vector<std::string>{"two", "one"});
  CHECK(CountersOf(client, "one").Successes() == 3);
  CHECK(CountersOf(client, Tier::kAnonymous).requests == 0);
  CHECK(CountersOf(client, Tier::kPersonal).requests == 3);

  gate.Close();
  Pushed held(&world, Request("held"));
  REQUIRE(gate.WaitUntilInside(1));
  REQUIRE(client.MoveToken("two", Tier::kAnonymous).ok());
  CHECK(watch.Look(client).empty());
  CHECK(NamesIn(client) == std::vector<std::string>{"one", "two"});
  gate.Open();
  REQUIRE(held->WaitUntilDone());
  CHECK(held->status().ok());
  CHECK(watch.Look(client).empty());
  CHECK(NextServed(&world) == "one");
  CHECK(NextServed(&world) == "two");
  REQUIRE(client.RemoveToken("one").ok());
  CHECK(watch.Look(client).empty());
  REQUIRE(client.MoveToken("two", Tier::kPersonal).ok());
  CHECK(watch.Look(client).empty());
  CHECK(NextServed(&world) == "two");
  CHECK(watch.Look(client).empty());
  CHECK(CountersOf(client, "two").Successes() == 3);
  CHECK(client.Statistics().total.Successes() == 7);
  CHECK(client.Statistics().total.refreshes == 2);
}

TEST_CASE("a token keeps its health when it moves, and its automatic name follows the tier") {
  World world;
  world.service.On(kOne).Exchange(loopback::Dead("USER_DISABLED"));
  world.service.Accept(kTwo);
  Client& client = world.Connect({kOne, kTwo});
  REQUIRE(world.Ask(Impatient()).ok());
  const std::string before = NamesIn(client)[0];
  const auto moved = client.MoveToken(before, Tier::kShared);
  REQUIRE(moved.ok());
  CHECK(*moved == "SHARED" + before.substr(before.find('_')));
  const auto status = StatusOf(client, *moved);
  REQUIRE(status);
  CHECK(status->state == TokenState::kDisabled);
  CHECK(status->tier == Tier::kShared);
  CHECK(client.MoveToken(*moved, Tier::kShared).ok());
}

TEST_CASE("round robin stays fair while tokens come, go, change and move") {
  World world;
  ConnectTwo(&world);
  Client& client = *world.client;
  world.service.Accept("fake-token-four");
  REQUIRE(client.AddToken(TokenOf(kThree, Tier::kPersonal, "three")).ok());
  REQUIRE(NextServed(&world) == "one");
  REQUIRE(NextServed(&world) == "two");
  REQUIRE(client.AddToken(TokenOf("fake-token-four", Tier::kPersonal, "four")).ok());
  CHECK(NextServed(&world) == "three");
  CHECK(NextServed(&world) == "four");
  CHECK(NextServed(&world) == "one");
  // Whoever was served last goes: the next one is next all the same.
  REQUIRE(client.RemoveToken("one").ok());
  CHECK(NextServed(&world) == "two");
  // One before the turn goes.
  CHECK(NextServed(&world) == "three");
  REQUIRE(client.RemoveToken("two").ok());
  CHECK(NextServed(&world) == "four");
  // It was served last, and goes to the end of the tier.
  REQUIRE(client.AddToken(TokenOf(kOne, Tier::kPersonal, "one")).ok());
  CHECK(NextServed(&world) == "one");
  CHECK(NextServed(&world) == "three");
  world.service.Accept("fake-token-five");
  REQUIRE(client.ReplaceCredential("three", TokenOf("fake-token-five")).ok());
  CHECK(NextServed(&world) == "four");
  CHECK(NextServed(&world) == "one");
  CHECK(NextServed(&world) == "three");
  REQUIRE(client.RenameToken("four", "vier").ok());
  CHECK(NextServed(&world) == "vier");
  REQUIRE(client.MoveToken("vier", Tier::kShared).ok());
  CHECK(NextServed(&world) == "one");
  REQUIRE(client.MoveToken("vier", Tier::kPersonal).ok());
  CHECK(NextServed(&world) == "vier");
  CHECK(NextServed(&world) == "three");
}

TEST_CASE("a request that waits for a token gets the one that is added") {
  World world;
  ConnectTwo(&world);
  REQUIRE(world.client->RemoveToken("two").ok());
  world.service.On(kOne).Agent(loopback::Quota().Header("Retry-After", "25"));
  Pushed waits(&world, Request("hello"));
  REQUIRE(Eventually([&] { return !waits->failures().empty(); }));
  CHECK(waits->failures()[0].second == NextStep::kWait);
  REQUIRE(world.client->AddToken(TokenOf(kThree, Tier::kPersonal, "three")).ok());
  REQUIRE(waits->WaitUntilDone());
  CHECK(waits->status().ToString() == "ok");
  CHECK(waits->token() == "three");
  CHECK(StatusOf(*world.client, "one")->state == TokenState::kCooling);
}

TEST_CASE("a request that waits for a busy token gets the one that is added, or a new credential, or a higher limit") {
  TokenGate gate(Endpoint::kAgent, kOne);
  World world;
  world.service.Decide(gate.Decision());
  for (const char* token : {kOne, kTwo, kThree}) world.service.Accept(token);
  Config config = ConfigFor(world.service, {});
  config.tokens = {TokenOf(kOne, Tier::kPersonal, "one")};
  config.max_in_flight = 1;
  Client& client = world.Connect(config);
  gate.Close();
  Pushed held(&world, Request("held"));
  REQUIRE(gate.WaitUntilInside(1));
  Pushed waits(&world, Request("waits"));
  REQUIRE(waits->WaitForWait());
  std::string served_by = "one";
  SECTION("added") {
    REQUIRE(client.AddToken(TokenOf(kThree, Tier::kPersonal, "three")).ok());
    served_by = "three";
  }
  SECTION("replaced") {
    REQUIRE(client.ReplaceCredential("one", TokenOf(kThree)).ok());
  }
  SECTION("reloaded") {
    config.tokens = {TokenOf(kTwo, Tier::kPersonal, "two"), TokenOf(kOne, Tier::kPersonal, "one")};
    REQUIRE(client.Reload(config).ok());
    served_by = "two";
  }
  SECTION("another limit") {
    config.max_in_flight = 2;
    REQUIRE(client.Reload(config).ok());
    REQUIRE(gate.WaitUntilInside(2));
    gate.Open();
  }
  REQUIRE(waits->WaitUntilDone());
  CHECK(waits->status().ToString() == "ok");
  CHECK(waits->token() == served_by);
  gate.Open();
  REQUIRE(held->WaitUntilDone());
  CHECK(held->status().ToString() == "ok");
}

TEST_CASE("a request does not wait for a token that is removed meanwhile") {
  TokenGate gate(Endpoint::kAgent, kOne);
  World world;
  world.service.Decide(gate.Decision());
  world.service.Accept(kOne);
  world.service.On(kTwo).Agent(loopback::Quota().Header("Retry-After", "3600"));
  Config config = ConfigFor(world.service, {});
  config.tokens = {TokenOf(kOne, Tier::kPersonal, "one"), TokenOf(kTwo, Tier::kPersonal, "two")};
  config.max_in_flight = 1;
  Client& client = world.Connect(std::move(config));
  gate.Close();
  Pushed held(&world, Request("held"));
  REQUIRE(gate.WaitUntilInside(1));
  Pushed waits(&world, Request("waits"));
  REQUIRE(Eventually([&] { return !waits->failures().empty(); }));
  CHECK(waits->failures()[0].second == NextStep::kWait);
  REQUIRE(client.RemoveToken("one").ok());
  REQUIRE(waits->WaitUntilDone());
  CHECK(waits->status().code() == Code::kQuotaExhausted);
  CHECK(held->dones() == 0);
  gate.Open();
  REQUIRE(held->WaitUntilDone());
  CHECK(held->status().ToString() == "ok");
  CHECK(world.service.Count(kAgent, kOne) == 1);
}

}  // namespace warppool
