// Another configuration for a client that runs.

#include "membership_fixture.h"

namespace warppool {
namespace {

using loopback::Endpoint;

using Names = std::vector<std::string>;

Config ThreeTokens(const World& world) {
  Config config = ConfigFor(world.service, {});
  config.tokens = {TokenOf(kOne, Tier::kPersonal, "one"), TokenOf(kTwo, Tier::kPersonal, "two"),
                   TokenOf(kThree, Tier::kShared, "three")};
  return config;
}

void AcceptThree(World* world) {
  for (const char* token : {kOne, kTwo, kThree}) world->service.Accept(token);
}

}  // namespace

TEST_CASE("a reload with the same configuration changes nothing") {
  World world;
  AcceptThree(&world);
  Client& client = world.Connect(ThreeTokens(world));
  REQUIRE(NextServed(&world) == "one");
  const std::size_t told = world.events.All().size();
  const auto result = client.Reload(ThreeTokens(world));
  REQUIRE(result.status().ToString() == "ok");
  CHECK(result->kept == 3);
  CHECK(result->added.empty());
  CHECK(result->removed.empty());
  CHECK(result->changed.empty());
  CHECK(world.events.All().size() == told);
  CHECK(NextServed(&world) == "two");
  CHECK(NextServed(&world) == "one");
  CHECK(world.service.Count(kExchange) == 2);
}

TEST_CASE("a reload keeps health, numbers and JWTs of what stays, and puts it in the new order") {
  World world;
  AcceptThree(&world);
  world.service.Accept("fake-token-four");
  world.service.On(kTwo).Agent(loopback::Quota().Header("Retry-After", "3600").Times(1));
  Client& client = world.Connect(ThreeTokens(world));
  for (int i = 0; i < 3; ++i) REQUIRE(NextServed(&world) == "one");
  REQUIRE(StatusOf(client, "two")->state == TokenState::kCooling);
  const Counters before = client.Statistics().total;

  Config config = ThreeTokens(world);
  // two first, one renamed and moved, three gone, four new.
  config.tokens = {TokenOf(kTwo, Tier::kPersonal, "two"), TokenOf(kOne, Tier::kShared, "uno"),
                   TokenOf("fake-token-four", Tier::kPersonal, "four")};
  const auto result = client.Reload(config);
  REQUIRE(result.status().ToString() == "ok");
  CHECK(result->kept == 1);
  CHECK(result->added == Names{"four"});
  CHECK(result->removed == Names{"three"});
  CHECK(result->changed == Names{"uno"});
  CHECK(NamesIn(client) == Names{"two", "four", "uno"});
  CHECK(StatusOf(client, "two")->state == TokenState::kCooling);
  CHECK(CountersOf(client, "uno").Successes() == 3);
  CHECK(CountersOf(client, "two").Of(Outcome::kQuotaExhausted) == 1);
  CHECK(Parts(client.Statistics().total) == Parts(before));
  CHECK(CountersOf(client, Tier::kShared).requests == 0);
  CHECK(NextServed(&world) == "four");
  const int exchanges = world.service.Count(kExchange);
  REQUIRE(client.RemoveToken("four").ok());
  CHECK(NextServed(&world) == "uno");
  CHECK(world.service.Count(kExchange) == exchanges);
}

TEST_CASE("a reload takes another credential under the same name for a replacement") {
  World world;
  AcceptThree(&world);
  world.service.On(kOne).Exchange(loopback::Dead("USER_DISABLED"));
  world.service.Accept("fake-token-four");
  Client& client = world.Connect(ThreeTokens(world));
  REQUIRE(NextServed(&world) == "two");
  Config config = ThreeTokens(world);
  config.tokens[0].credential = Secret("fake-token-four");
  const auto result = client.Reload(config);
  REQUIRE(result.ok());
  CHECK(result->changed == Names{"one"});
  CHECK(result->kept == 2);
  CHECK(StatusOf(client, "one")->state == TokenState::kReady);
  CHECK(CountersOf(client, "one").Of(Outcome::kAuthRevoked) == 1);
  CHECK(NextServed(&world) == "one");
}

TEST_CASE("two tokens may exchange their names in a reload") {
  World world;
  AcceptThree(&world);
  Client& client = world.Connect(ThreeTokens(world));
  REQUIRE(NextServed(&world) == "one");
  Config config = ThreeTokens(world);
  std::swap(config.tokens[0].name, config.tokens[1].name);
  const auto result = client.Reload(config);
  REQUIRE(result.ok());
  CHECK(result->changed == Names{"two", "one"});
  CHECK(CountersOf(client, "two").Successes() == 1);
  CHECK(CountersOf(client, "one").requests == 0);
  CHECK(NextServed(&world) == "one");
  CHECK(world.service.Count(kExchange, kTwo) == 1);
  REQUIRE(client.RemoveToken("two").ok());
  CHECK(NextServed(&world) == "one");
}

TEST_CASE("a reload knows a token by the credential that the service gave it") {
  World world;
  AcceptThree(&world);
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo("fake-token-rotated").Times(1));
  Config config = ThreeTokens(world);
  for (TokenConfig& token : config.tokens) token.name.clear();
  Client& client = world.Connect(config);
  const std::string before = NextServed(&world);
  config.tokens[0].credential = Secret("fake-token-rotated");
  const auto result = client.Reload(config);
  REQUIRE(result.status().ToString() == "ok");
  CHECK(result->added.empty());
  CHECK(result->removed.empty());
  CHECK(client.Pool().tokens.size() == 3);
  CHECK(CountersOf(client, NamesIn(client)[0]).Successes() == 1);
  world.service.ExpireJwts();
  REQUIRE(client.RemoveToken(NamesIn(client)[1]).ok());
  CHECK(NextServed(&world) == NamesIn(client)[0]);
  CHECK(world.service.Count(kExchange, "fake-token-rotated") == 1);
}

TEST_CASE("a reload changes the strategy and the order of the tiers") {
  World world;
  AcceptThree(&world);
  Client& client = world.Connect(ThreeTokens(world));
  Config config = ThreeTokens(world);
  config.strategy = Strategy::kFillFirst;
  REQUIRE(client.Reload(config)->kept == 3);
  for (int i = 0; i < 3; ++i) CHECK(NextServed(&world) == "one");
  config.tier_order = {Tier::kShared, Tier::kPersonal};
  REQUIRE(client.Reload(config)->kept == 3);
  CHECK(NextServed(&world) == "three");
  CHECK(NamesIn(client) == Names{"three", "one", "two"});
  // A tier that is left out is not used, and its numbers stay in the total.
  config.tier_order = {Tier::kPersonal};
  const auto result = client.Reload(config);
  REQUIRE(result.ok());
  CHECK(result->removed == Names{"three"});
  CHECK(NamesIn(client) == Names{"one", "two"});
  CHECK(client.Statistics().total.Successes() == 4);
  CHECK(NextServed(&world) == "one");
  config.tier_order = {Tier::kShared};
  CHECK(client.Reload(config)->removed == Names{"one", "two"});
  CHECK(NextServed(&world) == "three");
  CHECK(client.Statistics().total.Successes() == 6);
}

TEST_CASE("a reload changes what a failure costs") {
  World world;
  AcceptThree(&world);
  world.service.On(kOne).Agent(loopback::Status(403));
  Config config = ThreeTokens(world);
  config.strategy = Strategy::kFillFirst;
  config.max_failures = 1000;
  Client& client = world.Connect(config);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(NextServed(&world) == "two");
    world.SkipRest();
  }
  CHECK(StatusOf(client, "one")->failures == 2);
  config.max_failures = 3;
  config.recovery_delay = 0ms;
  REQUIRE(client.Reload(config).ok());
  CHECK(StatusOf(client, "one")->state == TokenState::kReady);
  REQUIRE(NextServed(&world) == "two");
  CHECK(StatusOf(client, "one")->state == TokenState::kDisabled);
  CHECK_FALSE(StatusOf(client, "one")->ready_at);
}

TEST_CASE("a reload refuses what takes a new client, and what is no configuration, and changes nothing") {
  World world;
  AcceptThree(&world);
  Client& client = world.Connect(ThreeTokens(world));
  const auto names = NamesIn(client);
  const std::size_t told = world.events.All().size();
  const auto refused = [&](const Config& config, Code code, const std::string& about) {
    const Status status = world.Said(client.Reload(config).status());
    INFO(status.ToString());
    CHECK(status.code() == code);
    CHECK(status.message().find(about) != std::string::npos);
  };
  const Config same = ThreeTokens(world);
  const auto with = [&](const auto& change) {
    Config config = same;
    config.tokens.pop_back();
    change(config);
    return config;
  };
  refused(with([](Config& c) { c.server_url = "http://127.0.0.1:1"; }), Code::kInvalidConfig, "server_url");
  refused(with([](Config& c) { c.firebase_api_key = Secret("fake-key"); }), Code::kInvalidConfig, "firebase_api_key");
  refused(with([](Config& c) { c.state_file = "/tmp/never"; }), Code::kInvalidConfig, "state_file");
  refused(with([](Config& c) { c.retry_budget = 77; }), Code::kInvalidConfig, "retry_budget");
  refused(with([](Config& c) { c.background_refresh = false; }), Code::kInvalidConfig, "background_refresh");
  refused(with([](Config& c) { c.max_event_bytes = 4096; }), Code::kInvalidConfig, "max_event_bytes");
  refused(with([](Config& c) { c.max_failures = 0; }), Code::kInvalidConfig, "max_failures");
  refused(with([](Config& c) { c.tokens.clear(); }), Code::kNoTokens, "");
  refused(with([](Config& c) { c.tokens.push_back(c.tokens[0]); }), Code::kInvalidConfig, "");
  refused(with([](Config& c) { c.tokens[0].name = "two"; }), Code::kInvalidConfig, "name");
  refused(with([](Config& c) { c.tier_order = {Tier::kAnonymous}; }), Code::kNoTokens, "");
  CHECK(NamesIn(client) == names);
  CHECK(world.events.All().size() == told);
  CHECK(NextServed(&world) == "one");
}

TEST_CASE("requests that run with a token that a reload removes, or changes, finish with it") {
  TokenGate gate(Endpoint::kAgent, kOne);
  World world;
  world.service.Decide(gate.Decision());
  AcceptThree(&world);
  Client& client = world.Connect(ThreeTokens(world));
  gate.Close();
  Pushed held(&world, Request("held"));
  REQUIRE(gate.WaitUntilInside(1));
  Config config = ThreeTokens(world);
  SECTION("removed") {
    config.tokens.erase(config.tokens.begin());
  }
  SECTION("another credential") {
    config.tokens[0].credential = Secret("fake-token-four");
  }
  SECTION("moved") {
    config.tokens[0].tier = Tier::kAnonymous;
  }
  REQUIRE(client.Reload(config).ok());
  gate.Open();
  REQUIRE(held->WaitUntilDone());
  CHECK(held->status().ToString() == "ok");
  CHECK(held->token() == "one");
  CHECK(client.Statistics().total.Successes() == 1);
  for (const TokenStatus& token : client.Pool().tokens) CHECK(token.in_flight == 0);
}

}  // namespace warppool
