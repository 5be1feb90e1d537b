// A service that has too much to do: who finds it out, who waits, and that nobody asks meanwhile.

#include <atomic>
#include <chrono>
#include <future>
#include <memory>

#include "fixture.h"

namespace warppool {
namespace {

// One endpoint answers 503 from its first call on, and says for how long. What comes too early is counted.
class Overload {
 public:
  Overload(World* world, loopback::Endpoint where) {
    world->service.Decide([this, where](loopback::Endpoint endpoint, const std::string& /*token*/) {
      if (!begins_ || endpoint != where) return std::optional<loopback::Behaviour>();
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto now = std::chrono::steady_clock::now();
      if (!until_) until_ = now + 1s;
      if (now >= *until_) return std::optional<loopback::Behaviour>();
      ++calls_;
      return std::optional(loopback::Status(503).Header("Retry-After", "1"));
    });
  }
  void Begin() { begins_ = true; }
  // While it lasted.
  int calls() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return calls_;
  }

 private:
  std::atomic<bool> begins_{false};
  mutable std::mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> until_;
  int calls_ = 0;
};

struct Asker {
  explicit Asker(World* world) : recorder(world) {
    auto started = world->client->Start(Request("hello"), recorder.Callbacks());
    REQUIRE(started.ok());
    stream = *std::move(started);
  }
  Recorder recorder;
  std::unique_ptr<Stream> stream;
};

using Askers = std::vector<std::unique_ptr<Asker>>;

Askers StartMany(World* world, int count) {
  Askers requests;
  for (int i = 0; i < count; ++i) requests.push_back(std::make_unique<Asker>(world));
  return requests;
}

void CheckAllServed(const Askers& requests) {
  for (const auto& request : requests) {
    REQUIRE(request->recorder.WaitUntilDone());
    CHECK(request->recorder.status().ToString() == "ok");
    CHECK(request->recorder.text() == "Echo: hello");
  }
}

}  // namespace

TEST_CASE("an overload that one request has found keeps all others waiting, and then all are served") {
  World world;
  world.service.Accept(kOne).Accept(kTwo);
  Overload overload(&world, loopback::Endpoint::kAgent);
  world.Connect({kOne, kTwo});
  for (int i = 0; i < 2; ++i) REQUIRE(world.Ask(Request("hello")).ok());
  overload.Begin();
  Asker first(&world);
  REQUIRE(Eventually([&] { return first.recorder.failures().size() == 2; }));
  const Askers others = StartMany(&world, 50);
  CheckAllServed(others);
  REQUIRE(first.recorder.WaitUntilDone());
  CHECK(first.recorder.status().ToString() == "ok");
  CHECK(overload.calls() == 2);
  CHECK(first.recorder.failures() == std::vector<std::pair<Code, NextStep>>{{Code::kOverloaded, NextStep::kNextToken},
                                                                            {Code::kOverloaded, NextStep::kWait}});
  for (const auto& request : others) {
    CHECK(request->recorder.failures().empty());
    CHECK(request->recorder.waits() == 1);
  }
  CHECK(world.service.Count(kAgent) == 2 + 2 + 51);
  for (const std::size_t token : {0U, 1U}) CHECK(world.StatusOf(token).total_failures == 0);
}

TEST_CASE("requests that meet an overload all at once ask twice each, and not again before it is over") {
  World world;
  world.service.Accept(kOne).Accept(kTwo);
  Overload overload(&world, loopback::Endpoint::kAgent);
  world.Connect({kOne, kTwo});
  for (int i = 0; i < 2; ++i) REQUIRE(world.Ask(Request("hello")).ok());
  overload.Begin();
  CheckAllServed(StartMany(&world, 50));
  CHECK(overload.calls() <= 100);
  CHECK(world.service.Count(kAgent) == 2 + overload.calls() + 50);
  for (const std::size_t token : {0U, 1U}) CHECK(world.StatusOf(token).total_failures == 0);
}

// The one that probes finds that it is not over.
TEST_CASE("while an overload goes on, one request at a time finds that out for all others") {
  constexpr int kRequests = 20;
  World world;
  world.service.On(kOne).Agent(loopback::Ok().Times(1)).Agent(loopback::Status(503).Times(4));
  world.Connect({kOne});
  REQUIRE(world.Ask(Request("hello")).ok());
  Asker first(&world);
  REQUIRE(Eventually([&] { return !first.recorder.failures().empty(); }));
  const Askers others = StartMany(&world, kRequests);
  CheckAllServed(others);
  CHECK(first.recorder.WaitUntilDone());
  CHECK(first.recorder.status().ToString() == "ok");
  // Whoever has the word asks once for each answer.
  CHECK(world.service.Count(kAgent) == 1 + 4 + kRequests + 1);
}

TEST_CASE("a conversation stays with its token while the service is overloaded") {
  World world;
  world.service.On(kOne).Agent(loopback::Ok().Times(1)).Agent(loopback::Status(503).Times(1));
  world.service.Accept(kTwo);
  Client& client = world.Connect({kOne, kTwo});
  Conversation conversation;
  const Answer first = client.Ask(Request("one"), conversation);
  REQUIRE(world.Said(first.status).ToString() == "ok");
  REQUIRE(first.token == client.Pool().tokens[0].name);

  Recorder recorder(&world);
  const auto stream = client.Start(Request("two"), conversation, recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().ToString() == "ok");
  CHECK(recorder.token() == first.token);
  CHECK(recorder.failures() == std::vector<std::pair<Code, NextStep>>{{Code::kOverloaded, NextStep::kWait}});
  CHECK(world.service.Count("", kTwo) == 0);
}

TEST_CASE("a bearer is waited for while the exchange is overloaded") {
  World world;
  world.service.Accept(kOne).Accept(kTwo);
  Overload overload(&world, loopback::Endpoint::kExchange);
  Config config = ConfigFor(world.service, {kOne, kTwo});
  SECTION("tokens that need it") {
    Client& client = world.Connect(std::move(config));
    overload.Begin();
    const auto bearer = client.AccessToken();
    REQUIRE(world.Said(bearer.status()).ToString() == "ok");
    CHECK(overload.calls() == 2);
    CHECK(world.service.Count(kExchange) == 3);
  }
  SECTION("but not by who gets an API key") {
    world.service.AcceptApiKey(kKey);
    config.tokens[1].credential = Secret(kKey);
    config.tokens[1].kind = CredentialKind::kApiKey;
    Client& client = world.Connect(std::move(config));
    overload.Begin();
    for (int i = 0; i < 5; ++i) {
      const auto bearer = client.AccessToken();
      REQUIRE(world.Said(bearer.status()).ToString() == "ok");
      CHECK(bearer->token == client.Pool().tokens[1].name);
    }
    CHECK(overload.calls() <= 5);
  }
  for (const std::size_t token : {0U, 1U}) {
    CHECK(world.StatusOf(token).total_failures == 0);
    CHECK(world.StatusOf(token).state == TokenState::kReady);
  }
}

TEST_CASE("an exchange that stays overloaded ends a call for a bearer after its waits, and blames nobody") {
  World world;
  world.service.OnAny().Exchange(loopback::Status(503));
  world.service.Accept(kOne).Accept(kTwo);
  Client& client = world.Connect({kOne, kTwo});
  const auto bearer = client.AccessToken();
  CHECK(world.Said(bearer.status()).code() == Code::kOverloaded);
  CHECK(bearer.status().retryable());
  for (const std::size_t token : {0U, 1U}) {
    CHECK(world.StatusOf(token).total_failures == 0);
    CHECK(world.StatusOf(token).state == TokenState::kReady);
  }
}

TEST_CASE("a program that pauses while its request is to find out whether the service is back holds up nobody else") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Status(503).Times(1));
  Config config = ConfigFor(world.service, {"fake-token-one"});
  config.retry_base_delay = 10ms;
  world.Connect(std::move(config));
  std::promise<void> paused;
  std::promise<Status> done;
  StreamCallbacks callbacks;
  callbacks.on_event = [&](const Event& event) {
    if (!std::holds_alternative<AttemptFailed>(event)) return Flow::kContinue;
    paused.set_value();
    return Flow::kPause;
  };
  callbacks.on_done = [&](const Status& status) { done.set_value(status); };
  auto stream = world.client->Start(Request("hello"), std::move(callbacks));
  REQUIRE(stream.ok());
  paused.get_future().wait();
  // Its second attempt is under way, and nobody reads what it brings.
  REQUIRE(Eventually([&] { return world.service.Count("/ai/multi-agent") == 2; }));
  CHECK(world.Ask(Request("hello")).status().ToString() == "ok");
  (*stream)->Resume();
  CHECK(done.get_future().get().ok());
}

}  // namespace warppool
