// Another credential for a token: what ran with the old one ends with it, and says nothing of the new one.

#include "membership_fixture.h"

namespace warppool {
namespace {

using loopback::Endpoint;

constexpr const char* kOld = "fake-token-old";
constexpr const char* kNew = "fake-token-new";
constexpr const char* kOther = "fake-token-other";

// A client of the old one, which is called "main", and another one called "other".
void ConnectOld(World* world, int max_failures = 1) {
  for (const char* token : {kOld, kNew, kOther}) world->service.Accept(token);
  Config config = ConfigFor(world->service, {});
  config.tokens = {TokenOf(kOld, Tier::kPersonal, "main"), TokenOf(kOther, Tier::kShared, "other")};
  config.max_failures = max_failures;
  world->Connect(std::move(config));
}

}  // namespace

TEST_CASE("with another credential a token is ready and untried, in its place, with its name and its numbers") {
  World world;
  ConnectOld(&world);
  world.service.On(kOld).Exchange(loopback::Dead("TOKEN_EXPIRED"));
  REQUIRE(world.Ask(Impatient())->token == "other");
  REQUIRE(StatusOf(*world.client, "main")->state == TokenState::kDisabled);
  const auto replaced = world.client->ReplaceCredential("main", TokenOf(kNew, Tier::kAnonymous, "not this name"));
  REQUIRE(replaced.status().ToString() == "ok");
  CHECK(*replaced == "main");
  CHECK(NamesIn(*world.client) == std::vector<std::string>{"main", "other"});
  const TokenStatus status = *StatusOf(*world.client, "main");
  CHECK(status.state == TokenState::kReady);
  CHECK(status.tier == Tier::kPersonal);
  CHECK(status.failures == 0);
  CHECK_FALSE(status.jwt_expires);
  CHECK(status.last_error == Code::kOk);
  CHECK(CountersOf(*world.client, "main").Of(Outcome::kAuthRevoked) == 1);
  CHECK(world.Ask(Impatient())->token == "main");
  CHECK(CountersOf(*world.client, "main").Successes() == 1);
  CHECK(world.service.Count(kExchange, kNew) == 1);
}

TEST_CASE("a credential may be replaced by one of another kind") {
  World world;
  ConnectOld(&world);
  world.service.AcceptApiKey(kKey);
  world.service.AcceptApiKey("fake-supplied");
  REQUIRE(world.client->ReplaceCredential("main", ApiKeyOf(kKey)).ok());
  CHECK(world.Ask(Impatient())->token == "main");
  CHECK(world.service.Count(kAgent, kKey) == 1);
  CHECK(StatusOf(*world.client, "main")->kind == CredentialKind::kApiKey);
  TokenConfig supplied;
  supplied.kind = CredentialKind::kCallback;
  supplied.bearer_source.supply = [](const std::string&) -> Result<SuppliedBearer> {
    return SuppliedBearer{Secret("fake-supplied")};
  };
  REQUIRE(world.client->ReplaceCredential("main", supplied).ok());
  CHECK(world.Ask(Impatient())->token == "main");
  CHECK(world.service.Count(kAgent, "fake-supplied") == 1);
  REQUIRE(world.client->ReplaceCredential("main", TokenOf(kNew)).ok());
  CHECK(world.Ask(Impatient())->token == "main");
  CHECK(world.service.Count(kAgent, kNew) == 1);
  CHECK(CountersOf(*world.client, "main").Successes() == 3);
}

TEST_CASE("what a request with the old credential meets is not held against the new one") {
  const auto ending = GENERATE(values<std::pair<int, const char*>>(
      {{401, "refused"}, {403, "refused"}, {429, "no quota left"}, {500, "an error of the account"}}));
  INFO(ending.first << ", " << ending.second);
  TokenGate gate(Endpoint::kAgent, kOld);
  World world;
  world.service.Decide(gate.Decision());
  ConnectOld(&world);
  world.service.On(kOld).Agent(ending.first == 429 ? loopback::Quota() : loopback::Status(ending.first));
  gate.Close();
  Pushed held(&world, Request("held"));
  REQUIRE(gate.WaitUntilInside(1));
  REQUIRE(world.client->ReplaceCredential("main", TokenOf(kNew)).ok());
  gate.Open();
  REQUIRE(held->WaitUntilDone());
  CHECK(held->status().ToString() == "ok");
  const TokenStatus status = *StatusOf(*world.client, "main");
  CHECK(status.state == TokenState::kReady);
  CHECK(status.failures == 0);
  CHECK(status.total_failures == 0);
  CHECK(status.in_flight == 0);
  CHECK(status.last_error == Code::kOk);
  CHECK(world.service.Count(kAgent, kOld) == 1);
  CHECK(world.events.Count(PoolEventKind::kDisabled) == 0);
  CHECK(world.events.Count(PoolEventKind::kCooling) == 0);
  // It was an attempt all the same.
  const Counters total = world.client->Statistics().total;
  CHECK(total.requests == 2);
  CHECK(total.FailedAttempts() == 1);
}

TEST_CASE("a request finishes with the credential that it was sent with") {
  TokenGate gate(Endpoint::kAgent, kOld);
  World world;
  world.service.Decide(gate.Decision());
  ConnectOld(&world);
  gate.Close();
  Pushed held(&world, Request("held"));
  REQUIRE(gate.WaitUntilInside(1));
  REQUIRE(world.client->ReplaceCredential("main", TokenOf(kNew)).ok());
  CHECK(world.Ask(Impatient())->token == "main");
  gate.Open();
  REQUIRE(held->WaitUntilDone());
  CHECK(held->status().ToString() == "ok");
  CHECK(held->text() == "Echo: held");
  CHECK(world.service.Count(kAgent, kOld) == 1);
  CHECK(world.service.Count(kAgent, kNew) == 1);
  CHECK(CountersOf(*world.client, Tier::kPersonal).Successes() == 2);
}

TEST_CASE("an exchange of the old credential that lands later does not touch the new one") {
  TokenGate gate(Endpoint::kExchange, kOld);
  World world;
  world.service.Decide(gate.Decision());
  ConnectOld(&world);
  const bool refused = GENERATE(false, true);
  world.service.On(kOld).Exchange(refused ? loopback::Dead("USER_NOT_FOUND")
                                          : loopback::Ok().RotateTo("fake-token-rotated"));
  gate.Close();
  Pushed held(&world, Request("held"));
  REQUIRE(gate.WaitUntilInside(1));
  REQUIRE(world.client->ReplaceCredential("main", TokenOf(kNew)).ok());
  gate.Open();
  REQUIRE(held->WaitUntilDone());
  CHECK(held->status().ToString() == "ok");

  TokenStatus status = *StatusOf(*world.client, "main");
  CHECK(status.state == TokenState::kReady);
  CHECK(world.events.Count(PoolEventKind::kDisabled) == 0);
  if (!refused) CHECK_FALSE(status.jwt_expires);
  CHECK(world.service.Count(kAgent, kOld) == (refused ? 0 : 1));
  CHECK(world.Ask(Impatient())->token == "main");
  world.service.ExpireJwts();
  CHECK(world.Ask(Impatient())->token == "main");
  CHECK(world.service.Count(kExchange, kNew) == 2);
  CHECK(world.service.Count(kExchange, "fake-token-rotated") == 0);
  CHECK(world.service.Count(kExchange, kOld) == 1);
}

TEST_CASE("a credential that comes back begins anew, and its old requests say nothing of it") {
  TokenGate gate(Endpoint::kAgent, kOld);
  World world;
  world.service.Decide(gate.Decision());
  ConnectOld(&world);
  world.service.On(kOld).Agent(loopback::Status(403).Times(1));
  gate.Close();
  Pushed held(&world, Request("held"));
  REQUIRE(gate.WaitUntilInside(1));
  REQUIRE(world.client->ReplaceCredential("main", TokenOf(kNew)).ok());
  REQUIRE(world.client->ReplaceCredential("main", TokenOf(kOld)).ok());
  gate.Open();
  REQUIRE(held->WaitUntilDone());
  CHECK(held->status().ToString() == "ok");
  CHECK(StatusOf(*world.client, "main")->state == TokenState::kReady);
  CHECK(StatusOf(*world.client, "main")->total_failures == 0);
}

TEST_CASE("an automatic name follows the credential") {
  World world;
  for (const char* token : {kOld, kNew}) world.service.Accept(token);
  Client& client = world.Connect({kOld});
  const std::string before = NamesIn(client)[0];
  const auto after = client.ReplaceCredential(before, TokenOf(kNew));
  REQUIRE(after.ok());
  CHECK(*after != before);
  CHECK(NamesIn(client) == std::vector<std::string>{*after});
  auto other = Client::Create(ConfigFor(world.service, {kNew}));
  REQUIRE(other.ok());
  CHECK(NamesIn(**other)[0] == *after);
  CHECK(world.Ask(Impatient())->token == *after);
}

}  // namespace warppool
