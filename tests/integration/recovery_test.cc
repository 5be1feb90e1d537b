// How a token that was disabled comes back.

#include <atomic>

#include "fixture.h"

namespace warppool {
namespace {

// The first token is refused three times, and alone then.
void Disable(World* world) {
  world->BlameAndLeaveAlone(3);
  CHECK(world->StatusOf(0).failures == 3);
  CHECK(world->StatusOf(0).state == TokenState::kDisabled);
}

bool IsHalfOpen(World* world, std::size_t token = 0) {
  return world->StatusOf(token).state == TokenState::kHalfOpen;
}

}  // namespace

TEST_CASE("a disabled token is half open after its delay, and exactly one request tries it") {
  Gate gate;
  World world;
  world.service.On(kOne).Agent(loopback::Status(403).Times(3));
  world.service.Accept(kTwo);
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint == loopback::Endpoint::kAgent) gate.Pass();
    return std::optional<loopback::Behaviour>();
  });
  Client& client = world.Connect(FillFirst(world.service, {kOne, kTwo}));
  Disable(&world);
  world.Skip(59s);
  CHECK_FALSE(IsHalfOpen(&world));
  world.Skip(1s);
  REQUIRE(IsHalfOpen(&world));
  CHECK(world.StatusOf(0).reason.find("403") != std::string::npos);

  gate.Close();
  Recorder probe(&world);
  auto stream = client.Start(Request("probe"), probe.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(gate.WaitUntilInside(1));
  for (int i = 0; i < 3; ++i) {
    const auto refused = world.Ask(Impatient("meanwhile"));
    CHECK(refused.code() == Code::kNoTokenReady);
    REQUIRE(refused.status().attempts().size() == 1);
    CHECK(refused.status().attempts()[0].message.find("a request is trying it") != std::string::npos);
  }
  CHECK(IsHalfOpen(&world));
  gate.Open();
  REQUIRE(probe.WaitUntilDone());
  CHECK(world.service.Count("/ai/multi-agent", kOne) == 4);
  CHECK(probe.status().ToString() == "ok");
  CHECK(world.StatusOf(0).state == TokenState::kReady);
  CHECK(world.StatusOf(0).failures == 0);
  CHECK_FALSE(world.StatusOf(0).ready_at.has_value());
  CHECK(world.events.Count(PoolEventKind::kRecovered) == 1);
  CHECK(world.Ask(Request("after")).ok());
}

TEST_CASE("a request tries a half-open token, and those beside it go to tokens that are ready") {
  Gate gate;
  World world;
  world.service.On(kOne).Agent(loopback::Status(403).Times(3));
  world.service.Accept(kTwo);
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& token) {
    if (endpoint == loopback::Endpoint::kAgent && token == kOne) gate.Pass();
    return std::optional<loopback::Behaviour>();
  });
  Client& client = world.Connect(FillFirst(world.service, {kOne, kTwo}));
  world.Blame(3);
  world.Skip(60s);
  REQUIRE(IsHalfOpen(&world));

  gate.Close();
  Recorder probe(&world);
  auto stream = client.Start(Request("probe"), probe.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(gate.WaitUntilInside(1));
  for (int i = 0; i < 3; ++i) {
    const auto answer = world.Ask(Request("meanwhile"));
    REQUIRE(answer.status().ToString() == "ok");
    CHECK(answer->token == client.Pool().tokens[1].name);
  }
  gate.Open();
  REQUIRE(probe.WaitUntilDone());
  CHECK(world.service.Count("/ai/multi-agent", kOne) == 4);
  CHECK(probe.status().ok());
  CHECK(probe.token() == client.Pool().tokens[0].name);
  CHECK(world.StatusOf(0).state == TokenState::kReady);
}

TEST_CASE("a probe that is a failure doubles the delay, up to its limit") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(403).Times(6));
  world.service.Accept(kTwo);
  Config config = FillFirst(world.service, {kOne, kTwo});
  config.recovery_delay = 20s;
  config.recovery_max_delay = 50s;
  world.Connect(std::move(config));
  world.Blame(2);
  world.SkipRest();
  for (const auto delay : {20s, 40s, 50s, 50s}) {
    INFO(delay.count());
    const auto before = SkippingClock::Get().Wall();
    CHECK(world.Ask(Impatient("again")).ok());
    const TokenStatus status = world.StatusOf(0);
    const auto after = SkippingClock::Get().Wall();
    CHECK(status.state == TokenState::kDisabled);
    REQUIRE(status.ready_at.has_value());
    CHECK(*status.ready_at >= before + delay - 1ms);
    CHECK(*status.ready_at <= after + delay + 1ms);
    const auto told = world.events.Of(PoolEventKind::kDisabled).back();
    REQUIRE(told.until.has_value());
    CHECK(*told.until >= before + delay - 1ms);
    CHECK(*told.until <= after + delay + 1ms);
    world.Skip(delay);
    REQUIRE(IsHalfOpen(&world));
  }
  CHECK(world.StatusOf(0).failures == 3);
  CHECK(world.StatusOf(0).total_failures == 6);
  CHECK(world.Ask(Impatient("at last")).ok());
  CHECK(world.StatusOf(0).state == TokenState::kReady);
  CHECK(world.StatusOf(0).served == 1);
  CHECK(world.events.Count(PoolEventKind::kDisabled) == 4);
}

// Nobody has shown that the service serves anybody.
TEST_CASE("a probe that is refused while no other token serves does not double the delay: the token rests") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(403).Times(4));
  world.service.Accept(kTwo);
  world.Connect(FillFirst(world.service, {kOne, kTwo}));
  Disable(&world);
  world.Skip(60s);
  REQUIRE(IsHalfOpen(&world));
  CHECK(world.Ask(Impatient("probe")).code() == Code::kUnauthorized);
  CHECK(world.StatusOf(0).total_failures == 3);
  CHECK(world.events.Count(PoolEventKind::kDisabled) == 1);
  CHECK(world.StatusOf(0).state == TokenState::kDisabled);
  world.SkipRest();
  REQUIRE(IsHalfOpen(&world));
  CHECK(world.Ask(Impatient("probe")).ok());
  CHECK(world.StatusOf(0).state == TokenState::kReady);
}

TEST_CASE("a probe that met nobody's fault, or was cancelled, leaves the token half open for the next one") {
  Gate gate;
  World world;
  world.service.On(kOne).Agent(loopback::Status(403).Times(3)).Agent(loopback::Status(503).Times(1));
  world.service.Accept(kTwo);
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint == loopback::Endpoint::kAgent) gate.Pass();
    return std::optional<loopback::Behaviour>();
  });
  Config config = FillFirst(world.service, {kOne, kTwo});
  config.retry_budget = 0;
  Client& client = world.Connect(std::move(config));
  Disable(&world);
  world.Skip(60s);
  REQUIRE(IsHalfOpen(&world));
  CHECK(world.Ask(Impatient("overloaded")).code() == Code::kOverloaded);
  CHECK(IsHalfOpen(&world));

  gate.Close();
  Recorder cancelled(&world);
  auto stream = client.Start(Impatient("cancelled"), cancelled.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(gate.WaitUntilInside(1));
  (*stream)->Cancel();
  REQUIRE(cancelled.WaitUntilDone());
  CHECK(cancelled.status().code() == Code::kCancelled);
  CHECK(IsHalfOpen(&world));
  gate.Open();
  CHECK(world.StatusOf(0).total_failures == 3);
  CHECK(world.Ask(Impatient("served")).ok());
  CHECK(world.StatusOf(0).state == TokenState::kReady);
}

TEST_CASE("a request whose probe met nobody's fault goes on with that token after its pause") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(403).Times(1)).Agent(loopback::Status(503).Times(1));
  world.service.Accept(kTwo);
  Config config = FillFirst(world.service, {kOne, kTwo});
  config.max_failures = 1;
  world.Connect(std::move(config));
  world.BlameAndLeaveAlone(1);
  world.Skip(60s);
  REQUIRE(IsHalfOpen(&world));
  CHECK(world.Ask(Request("hello")).status().ToString() == "ok");
  CHECK(world.service.Count("/ai/multi-agent", kOne) == 3);
}

TEST_CASE("a request tries one half-open token, and no second one") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(403));
  world.service.On(kTwo).Agent(loopback::Status(403));
  world.service.Accept(kThree);
  Config config = FillFirst(world.service, {kOne, kTwo, kThree});
  config.max_failures = 1;
  Client& client = world.Connect(std::move(config));
  CHECK(world.Ask(Impatient("1")).ok());
  REQUIRE(world.service.Count("/ai/multi-agent") == 3);
  REQUIRE(client.RemoveToken(client.Pool().tokens[2].name).ok());
  world.Skip(60s);
  REQUIRE(IsHalfOpen(&world, 0));
  REQUIRE(IsHalfOpen(&world, 1));
  CHECK(world.Ask(Impatient("2")).code() == Code::kUnauthorized);
  CHECK(world.service.Count("/ai/multi-agent") == 4);
}

TEST_CASE("without a recovery delay a disabled token comes back by hand only") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(403).Times(3));
  world.service.Accept(kTwo);
  Config config = FillFirst(world.service, {kOne, kTwo});
  config.recovery_delay = 0ms;
  Client& client = world.Connect(std::move(config));
  Disable(&world);
  world.Skip(24h);
  CHECK(world.StatusOf(0).state == TokenState::kDisabled);
  CHECK_FALSE(world.StatusOf(0).ready_at.has_value());
  CHECK_FALSE(world.events.Of(PoolEventKind::kDisabled).back().until.has_value());
  // It may wait, but there is nothing to wait for.
  const auto refused = world.Ask(Request("hello"));
  CHECK(refused.code() == Code::kNoTokenReady);
  CHECK_FALSE(refused.status().error().retry_after.has_value());

  const Status unknown = world.Said(client.Recover("PERSONAL_nobody"));
  CHECK(unknown.code() == Code::kInvalidArgument);
  CHECK(unknown.message().find("PERSONAL_nobody") != std::string::npos);
  CHECK(world.StatusOf(0).state == TokenState::kDisabled);

  const std::string name = client.Pool().tokens[0].name;
  CHECK(client.Recover(name).ToString() == "ok");
  CHECK(world.StatusOf(0).state == TokenState::kReady);
  CHECK(world.StatusOf(0).failures == 0);
  CHECK(world.Ask(Impatient("hello")).ok());
  CHECK(client.Recover(name).ToString() == "ok");
  CHECK(world.events.Count(PoolEventKind::kRecovered) == 1);
}

TEST_CASE("all tokens are recovered together, and those that needed it are counted") {
  World world;
  world.service.On(kOne).Exchange(loopback::Dead("USER_NOT_FOUND").Times(1));
  world.service.On(kTwo).Agent(loopback::Quota().Header("Retry-After", "3600").Times(1));
  world.service.Accept("fake-token-three");
  Client& client = world.Connect({kOne, kTwo, "fake-token-three"});
  CHECK(world.Ask(Request("hello")).ok());
  CHECK(client.Pool().Active() == 1);
  const auto recovered = client.RecoverAll();
  REQUIRE(recovered.ok());
  CHECK(*recovered == 2);
  CHECK(client.Pool().Active() == 3);
  CHECK(*client.RecoverAll() == 0);
  for (int i = 0; i < 3; ++i) CHECK(world.Ask(Impatient("hello")).ok());
  for (const std::size_t i : {0U, 1U}) CHECK(world.StatusOf(i).served == 1);
}

TEST_CASE("a token that was refused for good is tried again by hand or by an active health check, and not by itself") {
  World world;
  world.service.On(kOne).Exchange(loopback::Dead("USER_DISABLED").Times(1));
  world.service.On(kTwo).Agent(loopback::Status(403).Times(1));
  world.service.Accept(kThree);
  Config config = FillFirst(world.service, {kOne, kTwo, kThree});
  config.max_failures = 1;
  Client& client = world.Connect(std::move(config));
  CHECK(world.Ask(Impatient("hello")).ok());
  REQUIRE(client.RemoveToken(client.Pool().tokens[2].name).ok());
  // The other one has the same delay.
  world.Skip(60s);
  REQUIRE(IsHalfOpen(&world, 1));
  CHECK(world.StatusOf(0).state == TokenState::kDisabled);
  CHECK_FALSE(world.StatusOf(0).ready_at.has_value());
  for (int i = 0; i < 3; ++i) CHECK(world.Ask(Impatient("hello")).ok());
  CHECK(world.service.Count("/proxy/token", kOne) == 1);
  SECTION("by hand") {
    CHECK(client.Recover(client.Pool().tokens[0].name).ok());
  }
  SECTION("by a health check") {
    const auto report = client.CheckHealth({.active = true});
    REQUIRE(report.ok());
    CHECK(report->Healthy() == 2);
  }
  CHECK(world.StatusOf(0).state == TokenState::kReady);
  CHECK(world.Ask(Impatient("hello")).ok());
  CHECK(world.service.Count("/ai/multi-agent", kOne) == 1);
}

TEST_CASE("the late success of an old request leaves a disabled token as recoverable as it was") {
  Gate gate;
  std::atomic<int> requests{0};
  World world;
  world.service.Accept(kOne).Accept(kTwo);
  world.service.Decide(
      [&](loopback::Endpoint endpoint, const std::string& token) -> std::optional<loopback::Behaviour> {
        if (endpoint != loopback::Endpoint::kAgent || token == kTwo) return std::nullopt;
        const int number = requests++;
        if (number == 0) gate.Pass();
        return number > 0 && number <= 3 ? loopback::Status(403) : loopback::Ok();
      });
  Config config = FillFirst(world.service, {kOne, kTwo});
  gate.Close();
  SECTION("by itself") {}
  SECTION("by hand") {
    config.recovery_delay = 0ms;
  }
  const bool by_hand = config.recovery_delay == 0ms;
  Client& client = world.Connect(std::move(config));
  Recorder old(&world);
  auto stream = client.Start(Request("old"), old.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(gate.WaitUntilInside(1));
  Disable(&world);
  gate.Open();
  REQUIRE(old.WaitUntilDone());
  CHECK(old.status().ToString() == "ok");
  CHECK(world.StatusOf(0).state != TokenState::kReady);
  if (by_hand) {
    CHECK(world.StatusOf(0).state == TokenState::kDisabled);
    CHECK(client.Recover(client.Pool().tokens[0].name).ok());
  } else {
    world.Skip(60s);
    REQUIRE(IsHalfOpen(&world));
  }
  CHECK(world.Ask(Impatient("new")).ok());
  CHECK(world.StatusOf(0).state == TokenState::kReady);
  CHECK(world.StatusOf(0).failures == 0);
}

TEST_CASE("what requests from before a recovery still report does not count") {
  Gate gate;
  World world;
  std::atomic<int> outcome{0};
  world.service.Accept(kOne).Accept(kTwo);
  world.service.Decide(
      [&](loopback::Endpoint endpoint, const std::string& token) -> std::optional<loopback::Behaviour> {
        if (endpoint != loopback::Endpoint::kAgent || token == kTwo) return std::nullopt;
        gate.Pass();
        if (outcome == 1) return loopback::Status(403);
        if (outcome == 2) return loopback::Quota().Header("Retry-After", "3600");
        return loopback::Ok();
      });
  Config config = FillFirst(world.service, {kOne, kTwo});
  config.max_failures = 1;
  Client& client = world.Connect(std::move(config));
  SECTION("a refusal") {
    outcome = 1;
  }
  SECTION("a quota") {
    outcome = 2;
  }
  gate.Close();
  std::vector<std::unique_ptr<Recorder>> recorders;
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 3; ++i) {
    recorders.push_back(std::make_unique<Recorder>(&world));
    auto stream = client.Start(Impatient("old"), recorders.back()->Callbacks());
    REQUIRE(stream.ok());
    streams.push_back(*std::move(stream));
  }
  REQUIRE(gate.WaitUntilInside(3));
  CHECK(client.Recover(client.Pool().tokens[0].name).ok());
  gate.Open();
  for (const auto& recorder : recorders) {
    REQUIRE(recorder->WaitUntilDone());
    CHECK(recorder->status().ok());
    CHECK(recorder->token() == client.Pool().tokens[1].name);
  }
  CHECK(world.StatusOf(0).state == TokenState::kReady);
  CHECK(world.StatusOf(0).total_failures == 0);
  // One of now does.
  CHECK(world.Ask(Impatient("new")).ok());
  CHECK(world.StatusOf(0).state == (outcome == 1 ? TokenState::kDisabled : TokenState::kCooling));
}

}  // namespace warppool
