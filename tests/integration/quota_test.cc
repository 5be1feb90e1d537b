// A quota that is used up: how long a token cools, who shares it, and whether the service is asked.

#include "fixture.h"

namespace warppool {
namespace {

using WallClock = std::chrono::system_clock;

bool IsCooling(World* world, std::size_t token) {
  return world->StatusOf(token).state == TokenState::kCooling;
}

// When it is back, from now on; 0 if it does not cool.
std::chrono::milliseconds CoolsFor(World* world, std::size_t token) {
  const TokenStatus status = world->StatusOf(token);
  if (status.state != TokenState::kCooling || !status.ready_at) return 0ms;
  return std::chrono::duration_cast<std::chrono::milliseconds>(*status.ready_at - WallClock::now());
}

}  // namespace

TEST_CASE("a quota that does not say when it is back is asked for, once, and the token serves again then") {
  World world;
  const auto reset = WallClock::now() + 3s;
  world.service.On(kOne).Agent(loopback::Quota().Times(1));
  world.service.SetQuota(kOne, {.limit = 10, .used = 10, .next_refresh = reset});
  world.Connect({kOne});
  SECTION("a request waits for it") {
    Request request("hello");
    request.timeout = 25s;
    Recorder recorder(&world);
    auto stream = world.client->Start(request, recorder.Callbacks());
    REQUIRE(stream.ok());
    REQUIRE(recorder.WaitUntilDone());
    CHECK(recorder.status().ToString() == "ok");
    CHECK(recorder.failures() == std::vector<std::pair<Code, NextStep>>{{Code::kQuotaExhausted, NextStep::kWait}});
  }
  SECTION("the next request gets it") {
    CHECK(world.Ask(Impatient("hello")).code() == Code::kQuotaExhausted);
    // An hour is assumed until the answer comes.
    REQUIRE(Eventually([&] { return world.StatusOf(0).quota.has_value(); }));
    const TokenStatus status = world.StatusOf(0);
    CHECK(status.quota->limit == 10);
    CHECK(status.quota->Remaining() == 0);
    if (status.state == TokenState::kCooling) CHECK(*status.ready_at <= reset + 1s);
    REQUIRE(Eventually([&] { return world.StatusOf(0).state == TokenState::kReady; }));
    CHECK(world.Ask(Impatient("hello")).ok());
  }
  CHECK(WallClock::now() > reset - 2s);  // the service tells whole seconds
  CHECK(world.service.Count(kAccount) == 1);
  CHECK(world.service.Count(kAgent) == 2);
  CHECK(world.StatusOf(0).total_failures == 0);
}

TEST_CASE("a quota that says when it is back is not asked for") {
  World world;
  world.service.On(kOne).Agent(loopback::Quota().Header("Retry-After", "7200").Times(1));
  world.Connect({kOne});
  CHECK(world.Ask(Impatient("hello")).code() == Code::kQuotaExhausted);
  CHECK(CoolsFor(&world, 0) > 7100s);
  CHECK(CoolsFor(&world, 0) <= 7200s);
  world.client.reset();  // nothing is under way any more
  CHECK(world.service.Count(kAccount) == 0);
}

TEST_CASE("a quota is asked for after each way of saying that it is used up") {
  World world;
  SECTION("in the head") {
    world.service.On(kOne).Agent(loopback::Quota().Times(1));
  }
  SECTION("in the body") {
    world.service.On(kOne).Agent(loopback::QuotaInBody().Times(1));
  }
  SECTION("at the end of a stream") {
    world.service.On(kOne).Agent(loopback::QuotaFinish().Times(1));
  }
  SECTION("after text") {
    world.service.On(kOne).Agent(loopback::QuotaFinish().Text("abc").Times(1));
  }
  world.service.SetQuota(kOne, {.limit = 5, .used = 5, .next_refresh = WallClock::now() + 5h});
  world.Connect({kOne});
  CHECK(world.Ask(Impatient("hello")).code() == Code::kQuotaExhausted);
  REQUIRE(Eventually([&] { return CoolsFor(&world, 0) > 4h; }));
  CHECK(CoolsFor(&world, 0) <= 5h);
  CHECK(world.service.Count(kAccount) == 1);
  CHECK(world.StatusOf(0).total_failures == 0);
}

TEST_CASE("a service that tells no quotas leaves the assumed rest") {
  World world;
  world.service.On(kOne).Agent(loopback::Quota().Times(1));
  SECTION("there is no such query") {
    world.service.On(kOne).Account(loopback::Status(404));
  }
  SECTION("it fails") {
    world.service.On(kOne).Account(loopback::Status(500));
  }
  SECTION("it refuses") {
    world.service.On(kOne).Account(loopback::AccountRefused("not for you"));
  }
  SECTION("it answers nonsense") {
    world.service.On(kOne).Account(loopback::Raw("<html>"));
  }
  SECTION("its books are behind") {
    world.service.SetQuota(kOne, {.limit = 10, .used = 9, .next_refresh = WallClock::now() + 1s});
  }
  Config config = ConfigFor(world.service, {kOne});
  config.quota_cooling = 40min;
  world.Connect(std::move(config));
  Request request("hello");  // it may wait for what the service says
  const auto refused = world.Ask(request);
  CHECK(refused.code() == Code::kQuotaExhausted);
  CHECK(world.service.Count(kAccount) == 1);
  CHECK(CoolsFor(&world, 0) > 39min);
  CHECK(CoolsFor(&world, 0) <= 40min);
  CHECK(world.StatusOf(0).total_failures == 0);
  REQUIRE(refused.status().error().retry_after.has_value());
  CHECK(*refused.status().error().retry_after > 39min);
}

TEST_CASE("a reset that is further away than any clock goes breaks nothing") {
  World world;
  SECTION("in the refusal") {
    world.service.On(kTwo).Agent(loopback::Quota().Header("Retry-After", "99999999999999999").Times(1));
  }
  SECTION("in the answer to the query") {
    world.service.On(kTwo).Agent(loopback::Quota().Times(1));
    world.service.SetQuota(
        kTwo, {.limit = 1, .used = 1, .next_refresh = WallClock::time_point(std::chrono::hours(24 * 365 * 280))});
  }
  world.Connect({kTwo});
  CHECK(world.Ask(Request("hello")).code() == Code::kQuotaExhausted);
  CHECK(IsCooling(&world, 0));
  CHECK(CoolsFor(&world, 0) > 24h);
  CHECK(world.Ask(Request("hello")).code() == Code::kNoTokenReady);
}

TEST_CASE("an assumed rest ends by itself where the service tells no quotas") {
  World world;
  world.service.On(kOne).Agent(loopback::Quota().Times(1)).Account(loopback::Status(404));
  Config config = ConfigFor(world.service, {kOne});
  config.quota_cooling = 100ms;
  world.Connect(std::move(config));
  CHECK(world.Ask(Impatient("hello")).code() == Code::kQuotaExhausted);
  CHECK(world.Ask(Request("hello")).ok());
  CHECK(world.events.Of(PoolEventKind::kRecovered).size() == 1);
}

TEST_CASE("a request whose only token is spent for long fails with the time when it is back") {
  World world;
  world.service.On(kOne).Agent(loopback::Quota().Times(1));
  world.service.SetQuota(kOne, {.limit = 10, .used = 10, .next_refresh = WallClock::now() + 2h});
  world.Connect({kOne});
  const auto refused = world.Ask(Request("hello"));
  const Error error = refused.status().error();
  CHECK(error.code == Code::kQuotaExhausted);
  CHECK(error.retryable);
  CHECK_FALSE(error.user_message.empty());
  REQUIRE(error.retry_after.has_value());
  CHECK(*error.retry_after > 7100s);  // an hour was assumed
  CHECK(*error.retry_after <= 7200s);
  const auto next = world.Ask(Request("hello"));
  CHECK(next.code() == Code::kNoTokenReady);
  REQUIRE(next.status().error().retry_after.has_value());
  CHECK(*next.status().error().retry_after > 7100s);
  CHECK(world.service.Count(kAgent) == 1);
  CHECK(world.service.Count(kAccount) == 1);
}

TEST_CASE("two tokens of one account cool together, and the program is warned that they are one") {
  World world;
  world.service.AcceptAs(kOne, "someone").AcceptAs(kTwo, "someone").Accept("fake-token-other");
  Client& client = world.Connect({kOne, kTwo, "fake-token-other"});
  for (int i = 0; i < 3; ++i) CHECK(world.Ask(Impatient("hello")).ok());
  const auto tokens = client.Pool().tokens;
  const auto same = world.events.Of(PoolEventKind::kSameAccount);
  REQUIRE(same.size() == 1);
  CHECK(same[0].token == tokens[1].name);
  CHECK(same[0].reason.find(tokens[0].name) != std::string::npos);
  CHECK(world.log.Count("WARNING Token " + tokens[1].name + " belongs to the same account as " + tokens[0].name) == 1);
  CHECK(tokens[0].same_account.empty());
  CHECK(tokens[1].same_account == tokens[0].name);
  CHECK(tokens[2].same_account.empty());

  const std::size_t refused = GENERATE(0U, 1U);
  world.service.On(refused == 0 ? kOne : kTwo).Agent(loopback::Quota().Times(1));
  world.service.SetQuota(kOne, {.limit = 3, .used = 3, .next_refresh = WallClock::now() + 3h});
  // The turn is with the first one: the second one is asked in the next request.
  for (std::size_t i = 0; i <= refused; ++i) CHECK(world.Ask(Impatient("hello")).ok());
  for (const std::size_t i : {0U, 1U}) {
    CHECK(IsCooling(&world, i));
    CHECK(world.StatusOf(i).total_failures == 0);
  }
  CHECK(world.StatusOf(2).state == TokenState::kReady);
  // The other one was not sent into the same refusal.
  CHECK(world.service.Count(kAgent, refused == 0 ? kTwo : kOne) == (refused == 0 ? 1 : 2));
  // What is learnt of the reset is learnt for both.
  REQUIRE(Eventually([&] { return CoolsFor(&world, 0) > 2h && CoolsFor(&world, 1) > 2h; }));
  for (const std::size_t i : {0U, 1U}) CHECK(world.StatusOf(i).quota->limit == 3);
  CHECK_FALSE(world.StatusOf(2).quota.has_value());
  // For each of them what was assumed, then what the service said.
  REQUIRE(Eventually([&] { return world.events.Count(PoolEventKind::kCooling) >= 4; }));
  const auto cooling = world.events.Of(PoolEventKind::kCooling);
  CHECK(cooling.size() == 4);
  for (const PoolEntry& entry : cooling) CHECK(entry.code == Code::kQuotaExhausted);
  CHECK(*cooling.back().until > WallClock::now() + 2h);
  CHECK(world.service.Count(kAccount) == 1);
  CHECK(world.events.Count(PoolEventKind::kSameAccount) == 1);
  // So is that it is back.
  CHECK(client.Recover(tokens[1].name).ok());
  CHECK(client.Pool().Active() == 3);
}

TEST_CASE("an API key's quota is asked for with the key") {
  World world;
  world.service.On("wk-1.fakefake").Agent(loopback::Quota().Times(1));
  world.service.SetQuota("wk-1.fakefake", {.limit = 1, .used = 1, .next_refresh = WallClock::now() + 3h});
  Config config = ConfigFor(world.service, {"wk-1.fakefake"});
  config.tokens[0].kind = CredentialKind::kApiKey;
  world.Connect(std::move(config));
  CHECK(world.Ask(Impatient("hello")).code() == Code::kQuotaExhausted);
  REQUIRE(Eventually([&] { return CoolsFor(&world, 0) > 2h; }));
  CHECK(world.service.Count(kAccount, "wk-1.fakefake") == 1);
}

TEST_CASE("many requests that spend one quota ask for it once") {
  Gate agent;
  Gate account;
  World world;
  world.service.On(kOne).Agent(loopback::Quota());
  world.service.SetQuota(kOne, {.limit = 1, .used = 1, .next_refresh = WallClock::now() + 3h});
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint == loopback::Endpoint::kAgent) agent.Pass();
    if (endpoint == loopback::Endpoint::kAccount) account.Pass();
    return std::optional<loopback::Behaviour>();
  });
  Client& client = world.Connect({kOne});
  agent.Close();
  account.Close();
  std::vector<std::unique_ptr<Recorder>> recorders;
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 10; ++i) {
    recorders.push_back(std::make_unique<Recorder>(&world));
    auto stream = client.Start(Impatient("hello"), recorders.back()->Callbacks());
    REQUIRE(stream.ok());
    streams.push_back(*std::move(stream));
  }
  REQUIRE(agent.WaitUntilInside(10));
  agent.Open();
  for (const auto& recorder : recorders) {
    REQUIRE(recorder->WaitUntilDone());
    CHECK(recorder->status().code() == Code::kQuotaExhausted);
  }
  account.Open();
  REQUIRE(Eventually([&] { return CoolsFor(&world, 0) > 2h; }));
  REQUIRE(Eventually([&] { return world.events.Count(PoolEventKind::kCooling) >= 2; }));
  CHECK(world.events.Count(PoolEventKind::kCooling) == 2);  // assumed, then told
  CHECK(world.service.Count(kAccount) == 1);
}

}  // namespace warppool
