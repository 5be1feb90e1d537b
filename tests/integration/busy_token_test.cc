// Tokens that have their hands full, and requests that have failed elsewhere: who waits for them, and who must not.

#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "fixture.h"

namespace warppool {
namespace {

using Failures = std::vector<std::pair<Code, NextStep>>;

// Each serves one request at a time, and always the first one that can.
Config OneAtATime(const World& world, const std::vector<std::string>& credentials) {
  Config config = ConfigFor(world.service, credentials);
  config.max_in_flight = 1;
  config.strategy = Strategy::kFillFirst;
  config.max_token_wait = 10 * kPatience;  // whoever waits to its end is too late for the test
  return config;
}

// Holds back what `held` asks the agent.
void HoldAgent(World* world, Gate* gate, const std::string& held) {
  world->service.Decide([gate, held](loopback::Endpoint endpoint, const std::string& token) {
    if (endpoint == loopback::Endpoint::kAgent && token == held) gate->Pass();
    return std::optional<loopback::Behaviour>();
  });
}

struct PushedQuery {
  PushedQuery(World* world, const std::string& query) : recorder(world) {
    auto started = world->client->Start(Request(query), recorder.Callbacks());
    REQUIRE(started.ok());
    stream = *std::move(started);
  }
  bool Failed(std::size_t times) {
    return Eventually([&] { return recorder.failures().size() == times || recorder.dones() > 0; });
  }
  Recorder recorder;
  std::unique_ptr<Stream> stream;
};

}  // namespace

TEST_CASE("a request that may not spend a wait on a token that rests still waits for one that is busy") {
  Gate gate;
  World world;
  world.service.On(kOne).Agent(loopback::Quota().Header("Retry-After", "10").Times(1));
  world.service.Accept(kTwo);
  world.service.On(kThree).Agent(loopback::Status(403));
  HoldAgent(&world, &gate, kTwo);
  Config config = OneAtATime(world, {kOne, kTwo, kThree});
  config.retry_budget = 0;
  world.Connect(std::move(config));
  REQUIRE(world.Ask(Request("spends a quota")).ok());
  REQUIRE(world.StatusOf(0).state == TokenState::kCooling);
  gate.Close();
  PushedQuery busy(&world, "keeps one busy");
  REQUIRE(gate.WaitUntilInside(1));

  PushedQuery request(&world, "hello");
  REQUIRE(request.Failed(1));
  CHECK(request.recorder.failures() == Failures{{Code::kUnauthorized, NextStep::kWait}});
  CHECK(request.recorder.dones() == 0);
  gate.Open();
  REQUIRE(request.recorder.WaitUntilDone());
  CHECK(request.recorder.status().ToString() == "ok");
  CHECK(request.recorder.token() == world.StatusOf(1).name);
  REQUIRE(busy.recorder.WaitUntilDone());
  CHECK(world.service.Count("/ai/multi-agent", kOne) == 1);
  CHECK(world.service.Count("/ai/multi-agent", kTwo) == 3);
  CHECK(world.service.Count("/ai/multi-agent", kThree) == 1);
}

// Between its last attempt and what it decides, another thread takes the token: what it has tried is no hope for it.
TEST_CASE("a request whose budget is spent does not wait for the busy token that it has tried") {
  Gate gate;
  World world;
  world.service.On(kOne).Agent(loopback::Status(503));
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint == loopback::Endpoint::kExchange) gate.Pass();
    return std::optional<loopback::Behaviour>();
  });
  Config config = OneAtATime(world, {kOne});
  config.retry_budget = 1;
  std::promise<void> last_attempt;
  std::promise<void> taken;
  std::atomic<int> failed{0};
  std::atomic<bool> takes{false};
  const PoolEventSink sink = [&](const PoolEvent& event) {
    if (event.kind == PoolEventKind::kChosen && takes.exchange(false)) taken.set_value();
    if (event.kind != PoolEventKind::kAttemptFailed || ++failed != 2) return;
    takes = true;
    last_attempt.set_value();
    taken.get_future().wait_for(kPatience);
  };
  auto made = Client::Create(std::move(config), {world.log.Sink(), sink});
  REQUIRE(made.status().ToString() == "ok");
  world.client = *std::move(made);
  const auto bearer = world.client->AccessToken();
  REQUIRE(world.Said(bearer.status()).ok());

  gate.Close();
  std::thread other([&] {
    last_attempt.get_future().wait();
    world.client->DropAccessToken(*bearer);
    world.Said(world.client->AccessToken().status());
  });
  PushedQuery request(&world, "hello");
  CHECK(request.recorder.WaitUntilDone());
  CHECK(request.recorder.status().code() == Code::kOverloaded);
  CHECK(request.recorder.failures() ==
        Failures{{Code::kOverloaded, NextStep::kWait}, {Code::kOverloaded, NextStep::kGiveUp}});
  CHECK(world.StatusOf(0).in_flight == 1);
  gate.Open();
  other.join();
  CHECK(world.StatusOf(0).total_failures == 0);
}

// The one token that was ready was told that the service has too much to do: the busy one is not asked in its place.
TEST_CASE("what Retry-After says to the only ready token holds for all requests, also when another token comes free") {
  Gate gate;
  World world;
  world.service.On(kOne).Agent(loopback::Status(503).Header("Retry-After", "60").Times(1));
  world.service.Accept(kTwo);
  HoldAgent(&world, &gate, kTwo);
  world.Connect(OneAtATime(world, {kTwo, kOne}));
  gate.Close();
  PushedQuery busy(&world, "keeps one busy");
  REQUIRE(gate.WaitUntilInside(1));
  PushedQuery request(&world, "hello");
  REQUIRE(request.Failed(1));
  CHECK(request.recorder.failures() == Failures{{Code::kOverloaded, NextStep::kWait}});
  PushedQuery other(&world, "hello");
  REQUIRE(other.recorder.WaitForWait());
  CHECK(other.recorder.dones() == 0);
  CHECK(world.service.Count(kAgent, kOne) == 1);

  SECTION("the answer of the busy one shows that the service serves") {
    gate.Open();
    REQUIRE(busy.recorder.WaitUntilDone());
    REQUIRE(other.recorder.WaitUntilDone());
  }
  SECTION("the time is over") {
    busy.stream.reset();
    gate.Open();
    world.Skip(60s);
    CHECK(world.Ask(Request("finds that it is over")).ok());
    REQUIRE(other.recorder.WaitUntilDone());
  }
  CHECK(other.recorder.status().ToString() == "ok");
  CHECK(other.recorder.failures().empty());
}

TEST_CASE("a request that waits after a refusal goes on at once when a token that it has not tried is there") {
  Gate gate;
  World world;
  world.service.On(kOne).Agent(loopback::Status(403));
  world.service.Accept(kTwo);
  HoldAgent(&world, &gate, kTwo);
  Config config = OneAtATime(world, {kTwo, kOne});
  config.retry_base_delay = 60s;
  config.retry_max_delay = 60s;
  world.Connect(std::move(config));
  gate.Close();
  PushedQuery busy(&world, "keeps one busy");
  REQUIRE(gate.WaitUntilInside(1));
  PushedQuery request(&world, "hello");
  REQUIRE(request.Failed(1));
  CHECK(request.recorder.failures() == Failures{{Code::kUnauthorized, NextStep::kWait}});
  CHECK(request.recorder.dones() == 0);
  gate.Open();
  REQUIRE(request.recorder.WaitUntilDone());
  CHECK(request.recorder.status().ToString() == "ok");
  REQUIRE(busy.recorder.WaitUntilDone());
  CHECK(world.service.Count(kAgent, kTwo) == 2);
}

TEST_CASE("a request that finds no exchange that works waits for a token that needs none, if it is only busy") {
  Gate gate;
  World world;
  world.service.AcceptApiKey(kKey);
  world.service.On(kTwo).Exchange(loopback::Status(404));
  HoldAgent(&world, &gate, kKey);
  Config config = OneAtATime(world, {kKey, kTwo});
  config.tokens[0].kind = CredentialKind::kApiKey;
  world.Connect(std::move(config));
  gate.Close();
  PushedQuery busy(&world, "keeps it busy");
  REQUIRE(gate.WaitUntilInside(1));
  PushedQuery request(&world, "hello");
  REQUIRE(request.Failed(1));
  CHECK(request.recorder.failures() == Failures{{Code::kMisconfigured, NextStep::kWait}});
  gate.Open();
  REQUIRE(request.recorder.WaitUntilDone());
  CHECK(request.recorder.status().ToString() == "ok");
  REQUIRE(busy.recorder.WaitUntilDone());
}

TEST_CASE("hundreds that wait for the only token are served one at a time, in the order in which they came") {
  constexpr int kRequests = 300;
  Gate gate;
  std::mutex mutex;
  std::vector<int> served;
  World world;
  world.service.AcceptApiKey(kKey);
  HoldAgent(&world, &gate, kKey);
  Config config = OneAtATime(world, {kKey});
  config.tokens[0].kind = CredentialKind::kApiKey;
  world.Connect(std::move(config));
  gate.Close();
  std::vector<std::unique_ptr<Recorder>> recorders;
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < kRequests; ++i) {
    recorders.push_back(std::make_unique<Recorder>(&world));
    StreamCallbacks callbacks = recorders.back()->Callbacks();
    callbacks.on_event = [&, i, record = callbacks.on_event](const Event& event) {
      if (std::holds_alternative<StreamStarted>(event)) {
        const std::lock_guard<std::mutex> lock(mutex);
        served.push_back(i);
      }
      return record(event);
    };
    auto started = world.client->Start(Request("hello"), std::move(callbacks));
    REQUIRE(started.ok());
    streams.push_back(*std::move(started));
  }
  REQUIRE(gate.WaitUntilInside(1));
  REQUIRE(recorders.back()->WaitForWait());
  const auto leaves = [](int i) { return i % 7 == 3; };
  for (int i = 0; i < kRequests; ++i) {
    if (leaves(i)) streams[static_cast<std::size_t>(i)]->Cancel();
  }
  gate.Open();

  std::vector<int> expected;
  for (int i = 0; i < kRequests; ++i) {
    const Recorder& recorder = *recorders[static_cast<std::size_t>(i)];
    INFO(i);
    REQUIRE(recorders[static_cast<std::size_t>(i)]->WaitUntilDone());
    CHECK(recorder.status().code() == (leaves(i) ? Code::kCancelled : Code::kOk));
    CHECK(recorder.waits() == (i == 0 ? 0 : 1));
    if (!leaves(i)) expected.push_back(i);
  }
  CHECK(served == expected);
  CHECK(gate.most() == 1);
  CHECK(world.StatusOf(0).in_flight == 0);
}

}  // namespace warppool
