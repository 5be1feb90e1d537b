// Tokens whose bearers the program supplies: what is sent, when the program is asked for the next one, and what a
// refusal or a supply that fails does to the token.

#include "bearer_source_fixture.h"

namespace warppool {

TEST_CASE("a bearer of the program's is asked for once, and sent as it is") {
  BearerProgram program({BearerOf(kFirstBearer)});
  World world;
  AcceptAllBearers(&world);
  Client& client = world.Connect(ConfigWith(world, {program.Token()}));
  CHECK(program.journal().empty());
  for (int i = 0; i < 5; ++i) CHECK(world.Ask(Impatient())->token == kSourceName);
  const auto bearer = client.AccessToken();
  REQUIRE(bearer.ok());
  CHECK(bearer->value == Secret(kFirstBearer));
  CHECK_FALSE(bearer->expires);
  CHECK_FALSE(StatusOf(client, kSourceName)->jwt_expires);
  CHECK(program.journal() == SourceJournal{"supply"});
  CHECK(world.service.Count(kAgent, kFirstBearer) == 5);
  CHECK(world.service.Count("/proxy/token") == 0);
  CHECK(CountersOf(client, kSourceName).refreshes == 1);
}

TEST_CASE("many requests that come at once share one bearer") {
  Gate door;
  door.Close();
  BearerProgram program({[&door]() -> Result<SuppliedBearer> {
    door.Pass();
    return SuppliedBearer{Secret(kFirstBearer)};
  }});
  World world;
  AcceptAllBearers(&world);
  world.Connect(ConfigWith(world, {program.Token()}));
  std::vector<std::unique_ptr<Pushed>> requests;
  for (int i = 0; i < 20; ++i) requests.push_back(std::make_unique<Pushed>(&world, Request("hello")));
  REQUIRE(door.WaitUntilInside(1));
  door.Open();
  for (const auto& request : requests) {
    REQUIRE((*request)->WaitUntilDone());
    CHECK((*request)->status().ToString() == "ok");
  }
  CHECK(program.journal() == SourceJournal{"supply"});
}

TEST_CASE("the next bearer is asked for before the one in use ends, without a request") {
  BearerProgram program({BearerOf(kFirstBearer, 2s), BearerOf(kSecondBearer)});
  World world;
  AcceptAllBearers(&world);
  Client& client = world.Connect(ConfigWith(world, {program.Token()}));
  REQUIRE(world.Ask(Impatient()).ok());
  REQUIRE(Eventually([&] { return program.Supplies() == 2; }));
  REQUIRE(Eventually([&] { return CountersOf(client, kSourceName).refreshes == 2; }));
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kAgent, kSecondBearer) == 1);
  CHECK(program.journal() == SourceJournal{"supply", "supply"});
}

TEST_CASE("a bearer that is a JWT ends when it says so") {
  World world;
  world.service.On("fake-token-issuer").Exchange(loopback::Ok().JwtLife(600s));
  auto issuer = Client::Create(ConfigFor(world.service, {"fake-token-issuer"}));
  REQUIRE(issuer.ok());
  const auto issued = (*issuer)->AccessToken();
  REQUIRE(issued.ok());
  BearerProgram program({BearerOf(std::string(issued->value.Reveal()))});
  Client& client = world.Connect(ConfigWith(world, {program.Token()}));
  REQUIRE(world.Ask(Impatient()).ok());
  const auto expires = StatusOf(client, kSourceName)->jwt_expires;
  REQUIRE(expires);
  CHECK(std::chrono::abs(*expires - *issued->expires) <= 2s);
}

TEST_CASE("a bearer that has served and is refused is replaced, after the program has heard of it") {
  BearerProgram program({BearerOf(kFirstBearer), BearerOf(kSecondBearer)});
  World world;
  AcceptAllBearers(&world);
  world.service.On(kFirstBearer).Agent(loopback::Ok().Times(1)).Agent(loopback::Status(401));
  Client& client = world.Connect(ConfigWith(world, {program.Token()}));
  REQUIRE(world.Ask(Impatient()).ok());
  CHECK(world.Ask(Impatient()).ok());
  CHECK(program.journal() == SourceJournal{"supply", std::string("refused ") + kFirstBearer + " 401", "supply"});
  CHECK(StatusOf(client, kSourceName)->total_failures == 0);
  CHECK(CountersOf(client, kSourceName).Of(Outcome::kAuthStale) == 1);
  CHECK(world.service.Count(kAgent, kSecondBearer) == 1);
}

TEST_CASE("a bearer that is refused before it has served counts against the token, and the next one is asked for") {
  BearerProgram program({BearerOf("fake-unknown-bearer"), BearerOf(kFirstBearer)});
  BearerProgram other({BearerOf(kSecondBearer)});
  World world;
  AcceptAllBearers(&world);
  Client& client = world.Connect(ConfigWith(world, {program.Token(), Witness(&other)}));
  CHECK(world.Ask(Impatient())->token == "witness");
  CHECK(StatusOf(client, kSourceName)->failures == 1);
  world.SkipRest();
  CHECK(world.Ask(Impatient())->token == kSourceName);
  CHECK(program.journal() == SourceJournal{"supply", "refused fake-unknown-bearer 401", "supply"});
  CHECK(StatusOf(client, kSourceName)->failures == 0);
}

TEST_CASE("a bearer that is forbidden counts against the token, and the next one is asked for") {
  BearerProgram program({BearerOf(kFirstBearer), BearerOf(kSecondBearer)});
  World world;
  AcceptAllBearers(&world);
  world.service.On(kFirstBearer).Agent(loopback::Ok().Times(1)).Agent(loopback::Status(403));
  world.service.AcceptApiKey("fake-supplied-bearer-3");
  BearerProgram other({BearerOf("fake-supplied-bearer-3")});
  Client& client = world.Connect(ConfigWith(world, {program.Token(), Witness(&other)}));
  REQUIRE(world.Ask(Impatient())->token == kSourceName);
  CHECK(world.Ask(Impatient())->token == "witness");
  CHECK(StatusOf(client, kSourceName)->failures == 1);
  world.SkipRest();
  CHECK(world.Ask(Impatient())->token == kSourceName);
  CHECK(program.journal() == SourceJournal{"supply", std::string("refused ") + kFirstBearer + " 403", "supply"});
  CHECK(world.service.Count(kAgent, kSecondBearer) == 1);
}

TEST_CASE("a supply that fails is held against the token only if that may be its fault") {
  struct Case {
    const char* what;
    BearerProgram::Answer answer;
    bool failures;
  };
  const std::vector<Case> cases = {
      {"network", FailedSupply(Code::kNetwork), false},
      {"overloaded", FailedSupply(Code::kOverloaded), false},
      {"server error", FailedSupply(Code::kServerError), false},
      {"timeout", FailedSupply(Code::kTimeout), false},
      {"cancelled", FailedSupply(Code::kCancelled), false},
      {"out of memory", FailedSupply(Code::kOutOfMemory), false},
      {"unauthorized", FailedSupply(Code::kUnauthorized), true},
      {"invalid argument", FailedSupply(Code::kInvalidArgument), true},
      {"empty", BearerOf(""), true},
      {"expired", BearerOf(kFirstBearer, -1s), true},
      {"throwing", []() -> Result<SuppliedBearer> { throw std::runtime_error("the program throws"); }, true},
      {"throwing no exception", []() -> Result<SuppliedBearer> { throw 1; }, true},
  };
  for (const Case& one : cases) {
    INFO(one.what);
    BearerProgram program({one.answer, BearerOf(kFirstBearer)});
    BearerProgram other({BearerOf(kSecondBearer)});
    World world;
    AcceptAllBearers(&world);
    Client& client = world.Connect(ConfigWith(world, {program.Token(), Witness(&other)}));
    CHECK(world.Ask(Impatient())->token == "witness");
    const TokenStatus status = *StatusOf(client, kSourceName);
    CHECK(status.state == (one.failures ? TokenState::kResting : TokenState::kReady));
    world.SkipRest();
    CHECK(status.failures == (one.failures ? 1 : 0));
    CHECK(status.last_error != Code::kOk);
    CHECK_FALSE(status.last_error_message.empty());
    CHECK(world.Ask(Impatient())->token == kSourceName);
    CHECK(program.journal() == SourceJournal{"supply", "supply"});
    CHECK(StatusOf(client, kSourceName)->failures == 0);
  }
}

TEST_CASE("a source that fails again and again disables its token, and one that works again brings it back") {
  BearerProgram program({FailedSupply(Code::kUnauthorized), FailedSupply(Code::kUnauthorized), BearerOf(kFirstBearer)});
  // Only one that was supplied just now says something of supplies.
  BearerProgram other({BearerOf(kSecondBearer, 3s), BearerOf(kKey, 1h)});
  World world;
  AcceptAllBearers(&world);
  Config config = ConfigWith(world, {program.Token(), Witness(&other)});
  config.max_failures = 2;
  Client& client = world.Connect(std::move(config));
  for (int i = 0; i < 2; ++i) {
    if (i > 0) world.SkipRest();
    CHECK(world.Ask(Impatient())->token == "witness");
  }
  CHECK(StatusOf(client, kSourceName)->state == TokenState::kDisabled);
  CHECK(world.Ask(Impatient())->token == "witness");
  CHECK(program.Supplies() == 2);
  REQUIRE(client.Recover(kSourceName).ok());
  CHECK(world.Ask(Impatient())->token == kSourceName);
}

TEST_CASE("an active health check asks the program, and recovers what works again") {
  BearerProgram program({FailedSupply(Code::kUnauthorized), BearerOf(kFirstBearer)});
  BearerProgram other({BearerOf(kSecondBearer)});
  World world;
  AcceptAllBearers(&world);
  Config config = ConfigWith(world, {program.Token(), Witness(&other)});
  config.max_failures = 1;
  Client& client = world.Connect(std::move(config));
  REQUIRE(world.Ask(Impatient())->token == "witness");
  REQUIRE(StatusOf(client, kSourceName)->state == TokenState::kDisabled);
  const auto report = client.CheckHealth({.active = true});
  REQUIRE(report.ok());
  CHECK(report->Healthy() == 2);
  CHECK(StatusOf(client, kSourceName)->state == TokenState::kReady);
  CHECK(program.Supplies() == 2);
  REQUIRE(StatusOf(client, kSourceName)->quota);
}

TEST_CASE("a bearer in use serves on while the program has no other one") {
  BearerProgram program({BearerOf(kFirstBearer, 10s), FailedSupply(Code::kUnauthorized)});
  World world;
  AcceptAllBearers(&world);
  Client& client = world.Connect(ConfigWith(world, {program.Token()}));
  REQUIRE(world.Ask(Impatient()).ok());
  REQUIRE(Eventually([&] { return program.Supplies() == 2; }));  // ahead of its end
  CHECK(world.Ask(Impatient()).ok());
  CHECK(StatusOf(client, kSourceName)->total_failures == 0);
}

}  // namespace warppool
