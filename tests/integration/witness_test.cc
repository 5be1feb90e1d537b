// A refusal is a failure of the token only if a witness shows that the service serves others.

#include <atomic>
#include <functional>
#include <thread>

#include "fixture.h"

namespace warppool {
namespace {

const std::vector<std::string> kFive = {kOne, kTwo, kThree, "fake-token-four", "fake-token-five"};

// The agent refuses everybody as long as it is closed.
class Login {
 public:
  explicit Login(World* world) {
    world->service.Decide([this](loopback::Endpoint endpoint, const std::string& /*token*/) {
      const bool refuses = down_ && endpoint == loopback::Endpoint::kAgent;
      return refuses ? std::optional(loopback::Status(401)) : std::nullopt;
    });
  }
  void Break() { down_ = true; }
  void Mend() { down_ = false; }

 private:
  std::atomic<bool> down_{false};
};

void CheckNoVerdict(World* world) {
  for (const TokenStatus& token : world->client->Pool().tokens) {
    CHECK(token.failures == 0);
    CHECK(token.total_failures == 0);
    CHECK(token.state != TokenState::kDisabled);
  }
  for (const auto kind : {PoolEventKind::kFailure, PoolEventKind::kDisabled, PoolEventKind::kTierExhausted,
                          PoolEventKind::kPoolExhausted}) {
    INFO(PoolEventKindName(kind));
    CHECK(world->events.Count(kind) == 0);
  }
}

}  // namespace

TEST_CASE("a token that gets 401 on each new JWT while another one serves is disabled by the third such request") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(401));
  world.service.Accept(kTwo);
  Client& client = world.Connect(FillFirst(world.service, {kOne, kTwo}));
  for (int failures = 1; failures <= 3; ++failures) {
    const auto answer = world.Ask(Request("hello"));
    REQUIRE(answer.status().ToString() == "ok");
    CHECK(answer->token == client.Pool().tokens[1].name);
    CHECK(world.StatusOf(0).failures == failures);
    CHECK(world.StatusOf(0).total_failures == static_cast<std::uint64_t>(failures));
    CHECK(world.StatusOf(0).state == (failures < 3 ? TokenState::kResting : TokenState::kDisabled));
    world.SkipRest();
  }
  CHECK(world.service.Count(kAgent, kOne) == 3);
  CHECK(world.service.Count(kExchange, kOne) == 3);  // each JWT that was refused was dropped
  CHECK(world.events.Count(PoolEventKind::kFailure) == 3);
  CHECK(world.events.Count(PoolEventKind::kDisabled) == 1);
  CHECK(world.StatusOf(1).total_failures == 0);
  // It is left alone from then on.
  CHECK(world.Ask(Request("hello")).ok());
  CHECK(world.service.Count(kAgent, kOne) == 3);
}

TEST_CASE("while the login is down nobody is blamed, and a request is served when it is back within its waits") {
  const bool alone = GENERATE(true, false);
  INFO("alone: " << alone);
  const std::vector<std::string> tokens = alone ? std::vector<std::string>{kOne} : kFive;
  World world;
  for (const std::string& token : tokens) world.service.Accept(token);
  Login login(&world);
  Config config = ConfigFor(world.service, tokens);
  config.max_failures = 1;
  // How many waits it takes, and how long they are, depends on whose turn it is when the clock is set.
  config.retry_budget = 100;
  config.max_token_wait = std::chrono::hours(24);
  Client& client = world.Connect(std::move(config));
  for (std::size_t i = 0; i < tokens.size(); ++i) REQUIRE(world.Ask(Request("hello")).ok());

  login.Break();
  Recorder recorder(&world);
  const auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  const auto waits = [&] {
    const auto failures = recorder.failures();
    return std::count_if(failures.begin(), failures.end(), [](const auto& f) { return f.second == NextStep::kWait; });
  };
  REQUIRE(Eventually([&] { return waits() == 1; }));
  // A request that does not wait has the client look at the clock. Those that wait come first, once they do.
  const auto rest_is_over = [&] {
    world.SkipRest();
    static_cast<void>(world.Ask(Impatient()));
  };
  // As often as it takes: some of the time it may still be under way. All together it is far less than the 10 minutes
  // after which a token has not served lately any more.
  const auto rests_until = [&](const std::function<bool()>& done) {
    for (int i = 0; i < 50 && !done(); ++i) {
      rest_is_over();
      const auto end = std::chrono::steady_clock::now() + 100ms;
      while (!done() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
    }
    return done();
  };
  // Once more in vain.
  REQUIRE(rests_until([&] { return waits() >= 2; }));
  CHECK(recorder.dones() == 0);

  login.Mend();
  REQUIRE(rests_until([&] { return recorder.dones() > 0; }));
  CHECK(recorder.status().ToString() == "ok");
  CHECK(recorder.text() == "Echo: hello");
  CheckNoVerdict(&world);
  world.SkipRest();
  CHECK(client.Pool().Active() == static_cast<int>(tokens.size()));
}

TEST_CASE("a request that outlives its waits while the login is down says that it was refused, and blames nobody") {
  World world;
  for (const std::string& token : kFive) world.service.Accept(token);
  Login login(&world);
  Config config = ConfigFor(world.service, kFive);
  config.max_failures = 1;
  Client& client = world.Connect(std::move(config));
  for (std::size_t i = 0; i < kFive.size(); ++i) REQUIRE(world.Ask(Request("hello")).ok());
  login.Break();
  for (int i = 0; i < 3; ++i) {
    CHECK(world.Ask(Impatient()).code() == Code::kUnauthorized);
    world.SkipRest();
  }
  CheckNoVerdict(&world);
  login.Mend();
  for (std::size_t i = 0; i < kFive.size(); ++i) CHECK(world.Ask(Impatient()).status().ToString() == "ok");
  CheckNoVerdict(&world);
  CHECK(client.Pool().Active() == 5);
}

TEST_CASE("a token that is refused for all requests has no failure while nobody else serves any") {
  World world;
  world.service.OnAny().Agent(loopback::Status(403));
  world.service.Accept(kOne).Accept(kTwo);
  Config config = ConfigFor(world.service, {kOne, kTwo});
  config.max_failures = 1;
  world.Connect(std::move(config));
  for (int i = 0; i < 3; ++i) {
    CHECK(world.Ask(Request("hello")).code() == Code::kUnauthorized);
    for (const std::size_t token : {0U, 1U}) {
      CHECK(world.StatusOf(token).state == TokenState::kResting);
      CHECK(world.StatusOf(token).total_failures == 0);
    }
    world.SkipRest();
  }
  CHECK(world.events.Count(PoolEventKind::kDisabled) == 0);
  CHECK(world.events.Count(PoolEventKind::kPoolExhausted) == 0);
}

// An API key and a refresh token are refused for different reasons.
TEST_CASE("a refused token that one of another kind served for has no failure, and comes behind all others") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(403));
  world.service.AcceptApiKey(kKey);
  Config config = FillFirst(world.service, {kOne, kKey});
  config.tokens[1].kind = CredentialKind::kApiKey;
  config.max_failures = 1;
  Client& client = world.Connect(std::move(config));
  CHECK(world.Ask(Request("hello")).ok());
  CHECK(world.StatusOf(0).state == TokenState::kResting);
  CHECK(world.StatusOf(0).total_failures == 0);
  world.SkipRest();
  CHECK(world.StatusOf(0).state == TokenState::kReady);
  CHECK(client.Explain()[0].reason.find("behind all others") != std::string::npos);
  CHECK(world.Ask(Request("hello")).ok());
  CHECK(world.service.Count(kAgent, kOne) == 1);
  // A minute after the refusal it is in its place again.
  world.Skip(60s);
  CHECK(world.Ask(Request("hello")).ok());
  CHECK(world.service.Count(kAgent, kOne) == 2);
  CHECK(world.StatusOf(0).total_failures == 0);
}

// What two that served both meet within a minute is the service's mood.
TEST_CASE("a refusal is no failure when another token that served lately met the same just before") {
  World world;
  std::atomic<bool> refused{false};
  world.service.Accept(kOne).Accept(kTwo).Accept(kThree);
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& token) {
    const bool now = refused && endpoint == loopback::Endpoint::kAgent && token != kThree;
    return now ? std::optional(loopback::Status(403)) : std::nullopt;
  });
  Config config = ConfigFor(world.service, kAll);
  config.max_failures = 1;
  world.Connect(std::move(config));
  for (int i = 0; i < 3; ++i) REQUIRE(world.Ask(Request("hello")).ok());
  refused = true;
  CHECK(world.Ask(Request("hello")).ok());
  CHECK(world.service.Count(kAgent, kOne) == 2);
  CHECK(world.service.Count(kAgent, kTwo) == 2);
  for (const std::size_t token : {0U, 1U}) {
    CHECK(world.StatusOf(token).state == TokenState::kResting);
    CHECK(world.StatusOf(token).total_failures == 0);
  }
}

}  // namespace warppool
