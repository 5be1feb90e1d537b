// A token exchange that answers 500, or nothing at all: who goes on, and who is blamed.

#include <random>
#include <thread>

#include "fixture.h"

namespace warppool {
namespace {

// The first failure disables, so that none can be overlooked.
Config Strict(const World& world, const std::vector<std::string>& credentials) {
  Config config = ConfigFor(world.service, credentials);
  config.max_failures = 1;
  return config;
}

void CheckUntouched(World* world, std::size_t token, TokenState state = TokenState::kReady) {
  const TokenStatus status = world->StatusOf(token);
  CHECK(status.state == state);
  CHECK(status.failures == 0);
  CHECK(status.total_failures == 0);
  CHECK(status.in_flight == 0);
}

}  // namespace

TEST_CASE("an exchange that answers 500 is a failure when another token serves through an exchange of its own") {
  World world;
  world.service.On(kOne).Exchange(loopback::Status(500));
  world.service.Accept(kTwo);
  Client& client = world.Connect({kOne, kTwo});
  SECTION("a request") {
    const auto answer = world.Ask(Request("hello"));
    REQUIRE(answer.status().ToString() == "ok");
    CHECK(answer->token == client.Pool().tokens[1].name);
  }
  SECTION("a bearer") {
    const auto bearer = client.AccessToken();
    REQUIRE(world.Said(bearer.status()).ToString() == "ok");
    CHECK(bearer->token == client.Pool().tokens[1].name);
  }
  const TokenStatus one = world.StatusOf(0);
  CHECK(one.state == TokenState::kResting);
  CHECK(one.failures == 1);
  CHECK(one.total_failures == 1);
  CHECK(one.last_error == Code::kServerError);
  CheckUntouched(&world, 1);
  CHECK(world.service.Count("/proxy/token", kOne) == 1);
  CHECK(world.service.Count("/proxy/token", kTwo) == 1);
}

TEST_CASE("an exchange that answers 500 is no failure when who serves needed none: it proves nothing of exchanges") {
  World world;
  Config config = Strict(world, {kOne, kTwo});
  SECTION("an API key") {
    world.service.AcceptApiKey(kKey);
    config.tokens[1].credential = Secret(kKey);
    config.tokens[1].kind = CredentialKind::kApiKey;
    world.service.On(kOne).Exchange(loopback::Status(500));
    world.Connect(std::move(config));
  }
  SECTION("a token whose JWT is there") {
    world.service.Accept(kOne);
    world.service.Accept(kTwo);
    Client& client = world.Connect(std::move(config));
    auto first = client.AccessToken();
    const auto second = client.AccessToken();
    REQUIRE(world.Said(first.status()).ok());
    REQUIRE(world.Said(second.status()).ok());
    REQUIRE(second->token == client.Pool().tokens[1].name);
    client.DropAccessToken(*first);
    world.service.On(kOne).Exchange(loopback::Status(500));
  }
  const auto answer = world.Ask(Request("hello"));
  REQUIRE(answer.status().ToString() == "ok");
  CHECK(answer->token == world.client->Pool().tokens[1].name);
  CHECK(world.StatusOf(0).last_error == Code::kServerError);
  CheckUntouched(&world, 0, TokenState::kResting);
  CheckUntouched(&world, 1);
  world.SkipRest();
  CHECK(world.client->Explain()[0].reason.find("behind all others") != std::string::npos);
}

TEST_CASE("an only token has no failure for an exchange that answers 500, however often") {
  World world;
  world.service.On(kOne).Exchange(loopback::Status(500));
  Client& client = world.Connect(Strict(world, {kOne}));
  const int times = GENERATE(1, 3);
  SECTION("a request") {
    for (int i = 0; i < times; ++i) CHECK(world.Ask(Request("hello")).code() == Code::kServerError);
  }
  SECTION("a bearer") {
    for (int i = 0; i < times; ++i) CHECK(world.Said(client.AccessToken().status()).code() == Code::kServerError);
  }
  // Each time once, and as often as there is budget to wait.
  CHECK(world.service.Count("/proxy/token") == 4 * times);
  CheckUntouched(&world, 0);
}

TEST_CASE("a token has no failure for an error of its exchange that it has overcome itself") {
  World world;
  world.service.On(kOne).Exchange(loopback::Status(500).Times(2));
  Client& client = world.Connect(Strict(world, {kOne}));
  SECTION("a request") {
    CHECK(world.Ask(Request("hello")).status().ToString() == "ok");
  }
  SECTION("a bearer") {
    CHECK(world.Said(client.AccessToken().status()).ToString() == "ok");
  }
  CHECK(world.service.Count("/proxy/token") == 3);
  CheckUntouched(&world, 0);
}

// Between the error and the answer of the other token an active health check has exchanged this one.
TEST_CASE("an error of an exchange is forgotten when the exchange works before another token serves") {
  Gate gate;
  World world;
  world.service.On(kOne).Exchange(loopback::Status(500).Times(1));
  world.service.Accept(kTwo);
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint == loopback::Endpoint::kAgent) gate.Pass();
    return std::optional<loopback::Behaviour>();
  });
  Client& client = world.Connect(Strict(world, {kOne, kTwo}));
  gate.Close();
  Recorder recorder(&world);
  const auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(gate.WaitUntilInside(1));
  CHECK(client.CheckHealth({.active = true})->Healthy() == 2);
  gate.Open();
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().ToString() == "ok");
  CHECK(recorder.token() == client.Pool().tokens[1].name);
  CHECK(recorder.failures() == std::vector<std::pair<Code, NextStep>>{{Code::kServerError, NextStep::kNextToken}});
  CheckUntouched(&world, 0);
  CheckUntouched(&world, 1);
}

TEST_CASE("an exchange that cannot be reached for one token leaves that token alone, and another one serves") {
  World world;
  Config config = Strict(world, {kOne, kTwo});
  SECTION("it is reset") {
    world.service.On(kOne).Exchange(loopback::Reset());
  }
  SECTION("it is silent") {
    config.refresh_timeout = 100ms;
    world.service.On(kOne).Exchange(loopback::Ok().Delay(60s));
    // The other one must not need an exchange that is as quick as that.
    world.service.AcceptApiKey(kKey);
    config.tokens[1].credential = Secret(kKey);
    config.tokens[1].kind = CredentialKind::kApiKey;
  }
  world.service.Accept(kTwo);
  Client& client = world.Connect(std::move(config));
  Recorder recorder(&world);
  const auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().ToString() == "ok");
  CHECK(recorder.token() == client.Pool().tokens[1].name);
  CHECK(recorder.failures() == std::vector<std::pair<Code, NextStep>>{{Code::kNetwork, NextStep::kNextToken}});
  CHECK(world.StatusOf(0).last_error == Code::kNetwork);
  CheckUntouched(&world, 0);
  CheckUntouched(&world, 1);
}

// Whoever is alone is compared with nobody: what it meets is the service's, be it at the exchange or at the agent.
TEST_CASE("a single token never has a failure for the service's errors, however requests and bearers mix") {
  const std::uint32_t seed = GENERATE(1U, 2U, 3U);
  INFO("seed " << seed);
  std::mutex mutex;
  std::mt19937 random(seed);
  World world;
  world.service.Accept(kOne);
  // Bad times, in which everything fails, and good ones, so that requests fail as well as get over it.
  int left = 0;
  bool bad = false;
  std::map<loopback::Endpoint, int> errors;
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (left-- == 0) {
      bad = random() % 2 == 0;
      left = static_cast<int>(random() % 6);
    }
    if (!bad && random() % 4 != 0) return std::optional<loopback::Behaviour>();
    ++errors[endpoint];
    return std::optional(loopback::Status(500));
  });
  Client& client = world.Connect(Strict(world, {kOne}));
  std::map<Code, int> ends;
  const auto ask = [&](std::uint32_t own_seed) {
    std::mt19937 own(own_seed);
    for (int i = 0; i < 60; ++i) {
      Code code = Code::kOk;
      if (own() % 2 == 0) {
        code = world.Ask(Request("hello")).code();
      } else {
        const auto bearer = client.AccessToken();
        code = world.Said(bearer.status()).code();
        if (bearer.ok()) client.DropAccessToken(*bearer);
      }
      const std::lock_guard<std::mutex> lock(mutex);
      ++ends[code];
    }
  };
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < 3; ++i) threads.emplace_back(ask, seed * 100 + i);
  for (std::thread& thread : threads) thread.join();
  CheckUntouched(&world, 0);
  CHECK(world.events.Count(PoolEventKind::kFailure) == 0);
  CHECK(errors[loopback::Endpoint::kExchange] > 10);
  CHECK(errors[loopback::Endpoint::kAgent] > 10);
  CHECK(ends.size() == 2);
  CHECK(ends[Code::kOk] > 10);
  CHECK(ends[Code::kServerError] > 10);
}

}  // namespace warppool
