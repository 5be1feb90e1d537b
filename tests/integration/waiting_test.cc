// What a request does when no token is ready.

#include <atomic>
#include <future>
#include <thread>

#include "fixture.h"

namespace warppool {
namespace {

loopback::Behaviour QuotaFor(const std::string& seconds) {
  return loopback::Quota().Header("Retry-After", seconds).Times(1);
}

// A request that is pushed, with all that belongs to it.
struct PushedRequest {
  PushedRequest(World* world, const Request& request) : recorder(world) {
    auto started = world->client->Start(request, recorder.Callbacks());
    REQUIRE(started.ok());
    stream = *std::move(started);
  }
  Recorder recorder;
  std::unique_ptr<Stream> stream;
};

// Holds back what comes to the agent.
void HoldAgent(World* world, Gate* gate) {
  world->service.Decide([gate](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint == loopback::Endpoint::kAgent) gate->Pass(5ms);
    return std::optional<loopback::Behaviour>();
  });
}

}  // namespace

TEST_CASE("a request that spends the last quota waits for it to come back, and is served") {
  World world;
  world.service.On(kOne).Agent(QuotaFor("1"));
  world.Connect({kOne});
  PushedRequest request(&world, WithTimeout("hello", 20s));
  REQUIRE(request.recorder.WaitUntilDone());
  CHECK(request.recorder.status().ToString() == "ok");
  CHECK(request.recorder.failures() ==
        std::vector<std::pair<Code, NextStep>>{{Code::kQuotaExhausted, NextStep::kWait}});
  CHECK(request.recorder.waits() == 0);
  CHECK(world.service.Count("/ai/multi-agent") == 2);
}

TEST_CASE("a request that comes while all tokens cool waits, and is served") {
  World world;
  world.service.On(kOne).Agent(QuotaFor("1"));
  world.service.On(kTwo).Agent(QuotaFor("100"));
  world.Connect({kOne, kTwo});
  CHECK(world.Ask(Impatient("spends both")).code() == Code::kQuotaExhausted);
  Request asked("hello");
  SECTION("with a time-out that is long enough") {
    asked.timeout = 20s;
  }
  SECTION("with none") {}
  PushedRequest request(&world, asked);
  REQUIRE(request.recorder.WaitUntilDone());
  CHECK(request.recorder.status().ToString() == "ok");
  CHECK(request.recorder.waits() == 1);
  CHECK(request.recorder.token() == world.client->Pool().tokens[0].name);
  CHECK(request.recorder.failures().empty());
  CHECK(world.service.Count("/ai/multi-agent", kTwo) == 1);
}

TEST_CASE("a request that cannot get a token in time fails at once, and says when and why") {
  World world;
  world.service.On(kOne).Agent(QuotaFor("3600"));
  world.service.On(kTwo).Agent(QuotaFor("1800"));
  world.service.On("fake-token-three").Exchange(loopback::Dead("USER_DISABLED"));
  Config config = ConfigFor(world.service, {kOne, kTwo, "fake-token-three"});
  config.max_token_wait = 100ms;
  world.Connect(std::move(config));
  CHECK(world.Ask(Impatient("spends both")).code() == Code::kAllTokensFailed);
  Request asked("hello");
  SECTION("its own time-out") {
    asked.timeout = 25s;
  }
  SECTION("the configured one") {}
  SECTION("it does not want to wait") {
    asked.wait_for_token = false;
  }
  PushedRequest request(&world, asked);
  REQUIRE(request.recorder.WaitUntilDone());
  const Error error = request.recorder.status().error();
  CHECK(error.code == Code::kNoTokenReady);
  CHECK(request.recorder.waits() == 0);
  CHECK(error.retryable);
  REQUIRE(error.retry_after.has_value());
  CHECK(*error.retry_after <= 1800s);
  CHECK(*error.retry_after > 1700s);
  REQUIRE(error.attempts.size() == 3);
  const char* words[] = {"cooling: ", "cooling: ", "disabled: "};
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(error.attempts[i].token == world.client->Pool().tokens[i].name);
    CHECK(error.attempts[i].code == Code::kNoTokenReady);
    CHECK(error.attempts[i].message.find(words[i]) == 0);
  }
  CHECK(error.attempts[2].message.find("USER_DISABLED") != std::string::npos);
  CHECK(world.service.Count("/ai/multi-agent") == 2);
}

TEST_CASE("a request that does not want to wait fails although a token comes soon") {
  World world;
  world.service.On(kOne).Agent(QuotaFor("5"));
  world.Connect({kOne});
  CHECK(world.Ask(Impatient("spends it")).code() == Code::kQuotaExhausted);
  const auto refused = world.Ask(Impatient("hello"));
  CHECK(refused.code() == Code::kNoTokenReady);
  CHECK(world.service.Count("/ai/multi-agent") == 1);
}

TEST_CASE("a recovery by hand wakes those who wait") {
  World world;
  world.service.On(kOne).Agent(QuotaFor("1000"));
  world.Connect({kOne});
  CHECK(world.Ask(Impatient("spends it")).code() == Code::kQuotaExhausted);
  PushedRequest first(&world, WithTimeout("hello", 2000s));
  PushedRequest second(&world, WithTimeout("hello", 2000s));
  REQUIRE(first.recorder.WaitForWait());
  REQUIRE(second.recorder.WaitForWait());
  CHECK(first.recorder.dones() == 0);
  SECTION("of this one") {
    CHECK(world.client->Recover(world.client->Pool().tokens[0].name).ok());
  }
  SECTION("of all") {
    CHECK(*world.client->RecoverAll() == 1);
  }
  for (PushedRequest* request : {&first, &second}) {
    REQUIRE(request->recorder.WaitUntilDone());
    CHECK(request->recorder.status().ToString() == "ok");
  }
}

TEST_CASE("a health check that finds a quota back wakes those who wait") {
  World world;
  world.service.On(kOne).Agent(QuotaFor("1000"));
  world.Connect({kOne});
  CHECK(world.Ask(Impatient("spends it")).code() == Code::kQuotaExhausted);
  PushedRequest request(&world, WithTimeout("hello", 2000s));
  REQUIRE(request.recorder.WaitForWait());
  CHECK(request.recorder.dones() == 0);
  CHECK(world.client->CheckHealth({.active = true})->Healthy() == 1);
  REQUIRE(request.recorder.WaitUntilDone());
  CHECK(request.recorder.status().ToString() == "ok");
}

TEST_CASE("the event that a request waits can cancel it, destroy it, or pause it") {
  std::promise<void> waits;  // these outlive the client, whose callback may still be on its way out at the end
  std::promise<void> stored;
  std::promise<Status> done;
  std::string text;
  Flow flow = Flow::kContinue;
  bool destroys = false;
  World world;
  world.service.On(kOne).Agent(QuotaFor("1000"));
  world.Connect({kOne});
  CHECK(world.Ask(Impatient("spends it")).code() == Code::kQuotaExhausted);
  Code code = Code::kCancelled;
  SECTION("cancel") {
    flow = Flow::kCancel;
  }
  SECTION("destroy") {
    destroys = true;
  }
  SECTION("pause") {
    flow = Flow::kPause;
    code = Code::kOk;
  }
  std::unique_ptr<Stream> stream;
  auto started =
      world.client->Start(WithTimeout("hello", 2000s), {[&](const Event& event) {
                                                          if (const auto* delta = std::get_if<TextDelta>(&event))
                                                            text += delta->text;
                                                          if (!std::holds_alternative<Waiting>(event))
                                                            return Flow::kContinue;
                                                          stored.get_future().wait();
                                                          if (destroys) stream.reset();
                                                          waits.set_value();
                                                          return flow;
                                                        },
                                                        [&](const Status& status) { done.set_value(status); }});
  REQUIRE(started.ok());
  stream = *std::move(started);
  stored.set_value();
  waits.get_future().wait();
  auto over = done.get_future();
  if (flow == Flow::kPause) {
    CHECK(*world.client->RecoverAll() == 1);
    REQUIRE(Eventually([&] { return world.service.Count("/ai/multi-agent") == 2; }));
    CHECK(over.wait_for(0s) == std::future_status::timeout);
    stream->Resume();
  }
  REQUIRE(over.wait_for(kPatience) == std::future_status::ready);
  CHECK(over.get().code() == code);
  CHECK(text == (code == Code::kOk ? "Echo: hello" : ""));
}

TEST_CASE("a request waits for the delay of a disabled token, and is its probe") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(403).Times(3));
  world.service.Accept(kTwo);
  world.Connect(FillFirst(world.service, {kOne, kTwo}));
  world.BlameAndLeaveAlone(3);
  REQUIRE(world.StatusOf(0).state == TokenState::kDisabled);
  world.Skip(59'500ms);
  PushedRequest request(&world, WithTimeout("hello", 20s));
  REQUIRE(request.recorder.WaitUntilDone());
  CHECK(request.recorder.status().ToString() == "ok");
  CHECK(request.recorder.waits() == 1);
  CHECK(world.StatusOf(0).state == TokenState::kReady);
}

TEST_CASE("those who wait can be cancelled, and their client destroyed") {
  World world;
  world.service.On(kOne).Agent(QuotaFor("1000"));
  world.Connect({kOne});
  CHECK(world.Ask(Impatient("spends it")).code() == Code::kQuotaExhausted);
  std::vector<std::unique_ptr<PushedRequest>> requests;
  for (int i = 0; i < 5; ++i) {
    requests.push_back(std::make_unique<PushedRequest>(&world, WithTimeout("hello", 2000s)));
    REQUIRE(requests.back()->recorder.WaitForWait());
  }
  requests[2]->stream->Cancel();
  REQUIRE(requests[2]->recorder.WaitUntilDone());
  requests[3]->stream.reset();
  CHECK(requests[3]->recorder.dones() == 1);
  CHECK(requests[0]->recorder.dones() == 0);
  SECTION("while they wait") {
    world.client.reset();
  }
  SECTION("after Close()") {
    CHECK(world.client->Close(10ms).ok());
  }
  for (const auto& request : requests) {
    CHECK(request->recorder.dones() == 1);
    CHECK(request->recorder.status().code() == Code::kCancelled);
    CHECK(request->recorder.events_after_done() == 0);
  }
  CHECK(world.service.Count("/ai/multi-agent") == 1);
}

TEST_CASE("a bearer is waited for as well") {
  World world;
  world.service.On(kOne).Agent(QuotaFor("1"));
  Client& client = world.Connect({kOne});
  CHECK(world.Ask(Impatient("spends it")).code() == Code::kQuotaExhausted);
  const auto refused = client.AccessToken(20ms);
  CHECK(world.Said(refused.status()).code() == Code::kNoTokenReady);
  CHECK(refused.status().error().retry_after.has_value());
  const auto bearer = client.AccessToken(20s);
  REQUIRE(world.Said(bearer.status()).ToString() == "ok");
  CHECK(bearer->token == client.Pool().tokens[0].name);
}

TEST_CASE("a token serves one request at a time where that is the limit, and those who wait in their order") {
  Gate gate;
  World world;
  world.service.Accept(kOne);
  HoldAgent(&world, &gate);
  Config config = ConfigFor(world.service, {kOne});
  config.max_in_flight = 1;
  world.Connect(std::move(config));
  gate.Close();
  std::vector<std::unique_ptr<PushedRequest>> requests;
  constexpr int kRequests = 8;
  for (int i = 0; i < kRequests; ++i) {
    requests.push_back(std::make_unique<PushedRequest>(&world, WithTimeout("query-" + std::to_string(i), 60s)));
    if (i == 0) REQUIRE(gate.WaitUntilInside(1));
    if (i > 0) REQUIRE(requests.back()->recorder.WaitForWait());
  }
  CHECK(world.StatusOf(0).in_flight == 1);
  const auto refused = world.Ask(Impatient("hello"));
  CHECK(refused.code() == Code::kNoTokenReady);
  REQUIRE(refused.status().attempts().size() == 1);
  CHECK(refused.status().attempts()[0].message.find("busy") != std::string::npos);
  gate.Open();
  for (const auto& request : requests) {
    REQUIRE(request->recorder.WaitUntilDone());
    CHECK(request->recorder.status().ToString() == "ok");
  }
  CHECK(gate.most() == 1);
  const auto seen = world.service.Requests("/ai/multi-agent");
  REQUIRE(seen.size() == kRequests);
  for (int i = 0; i < kRequests; ++i) {
    CHECK(seen[static_cast<std::size_t>(i)].body.find("query-" + std::to_string(i)) != std::string::npos);
  }
  CHECK(world.StatusOf(0).in_flight == 0);
}

TEST_CASE("many threads share a token that serves one at a time") {
  Gate gate;
  World world;
  world.service.Accept(kOne);
  HoldAgent(&world, &gate);
  Config config = ConfigFor(world.service, {kOne});
  config.max_in_flight = 1;
  world.Connect(std::move(config));
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&] { answered += world.Ask(Request("hello")).ok() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(answered == 20);
  CHECK(gate.most() == 1);
}

TEST_CASE("the limit sends requests on to other tokens, whatever the strategy") {
  Gate gate;
  World world;
  const std::vector<std::string> tokens = {kOne, kTwo, "fake-token-three"};
  for (const std::string& token : tokens) world.service.Accept(token);
  HoldAgent(&world, &gate);
  Config config = ConfigFor(world.service, tokens);
  config.max_in_flight = 2;
  config.strategy = GENERATE(Strategy::kRoundRobin, Strategy::kFillFirst, Strategy::kLeastInFlight);
  world.Connect(std::move(config));
  gate.Close();
  std::vector<std::unique_ptr<PushedRequest>> requests;
  for (int i = 0; i < 7; ++i) requests.push_back(std::make_unique<PushedRequest>(&world, Request("hello")));
  REQUIRE(gate.WaitUntilInside(6));
  REQUIRE(requests.back()->recorder.WaitForWait());
  for (const std::size_t i : {0U, 1U, 2U}) CHECK(world.StatusOf(i).in_flight == 2);
  gate.Open();
  for (const auto& request : requests) {
    REQUIRE(request->recorder.WaitUntilDone());
    CHECK(request->recorder.status().ToString() == "ok");
  }
  CHECK(gate.most() == 6);
}

TEST_CASE("a request's time-out passes while it waits for a token that has its hands full") {
  Gate gate;
  World world;
  world.service.Accept(kOne);
  HoldAgent(&world, &gate);
  Config config = ConfigFor(world.service, {kOne});
  config.max_in_flight = 1;
  world.Connect(std::move(config));
  gate.Close();
  PushedRequest first(&world, Request("first"));
  REQUIRE(gate.WaitUntilInside(1));
  PushedRequest second(&world, WithTimeout("second", 100ms));
  REQUIRE(second.recorder.WaitUntilDone());
  CHECK(second.recorder.waits() == 1);
  CHECK(second.recorder.status().code() == Code::kDeadlineExceeded);
  gate.Open();
  REQUIRE(first.recorder.WaitUntilDone());
  CHECK(first.recorder.status().ok());
}

TEST_CASE("a time-out that is longer than any clock is none") {
  World world;
  world.service.On(kOne).Agent(QuotaFor("1"));
  Client& client = world.Connect({kOne});
  CHECK(world.Ask(Impatient("spends it")).code() == Code::kQuotaExhausted);
  CHECK(world.Ask(WithTimeout("hello", std::chrono::milliseconds::max())).status().ToString() == "ok");
  CHECK(client.AccessToken(std::chrono::milliseconds::max()).ok());
  HealthCheckOptions options;
  options.active = true;
  options.timeout = std::chrono::milliseconds::max();
  CHECK(client.CheckHealth(options)->Healthy() == 1);
}

// What those who wait for a busy token believed changes when that token cools or is disabled.
TEST_CASE("those who wait for a busy token go on when it cools instead") {
  Gate gate;
  World world;
  std::string seconds = "1";
  std::chrono::milliseconds timeout = 100s;
  Code code = Code::kOk;
  SECTION("for a short time: they are served then") {}
  SECTION("for longer than they have: they fail at once") {
    seconds = "3600";
    timeout = 100s;
    code = Code::kNoTokenReady;
  }
  world.service.On(kOne).Agent(QuotaFor(seconds));
  HoldAgent(&world, &gate);
  Config config = ConfigFor(world.service, {kOne});
  config.max_in_flight = 1;
  world.Connect(std::move(config));
  gate.Close();
  PushedRequest first(&world, Impatient("first"));
  REQUIRE(gate.WaitUntilInside(1));
  PushedRequest second(&world, WithTimeout("second", timeout));
  REQUIRE(second.recorder.WaitForWait());
  gate.Open();
  REQUIRE(first.recorder.WaitUntilDone());
  CHECK(first.recorder.status().code() == Code::kQuotaExhausted);
  REQUIRE(second.recorder.WaitUntilDone());
  CHECK(second.recorder.status().code() == code);
}

// Nobody asks a token once more that was refused while he waited for it, unless it may be the service's mood.
TEST_CASE("those who wait behind a probe that is refused share the refusal, unless the token served lately") {
  Gate gate;
  World world;
  bool served_lately = false;
  SECTION("it was refused from the beginning") {
    world.service.On(kOne).Agent(loopback::Status(403).Times(2));
  }
  SECTION("it served lately") {
    served_lately = true;
    world.service.On(kOne).Agent(loopback::Ok().Times(1)).Agent(loopback::Status(403).Times(2));
  }
  SECTION("it is refused for good") {
    world.service.On(kOne).Agent(loopback::Status(403).Times(1));
    world.service.On(kOne).Exchange(loopback::Ok().Times(1)).Exchange(loopback::Dead("USER_DISABLED").Delay(50ms));
  }
  world.service.Accept(kTwo);
  HoldAgent(&world, &gate);
  Config config = FillFirst(world.service, {kOne, kTwo});
  config.max_failures = 1;
  world.Connect(std::move(config));
  if (served_lately) REQUIRE(world.Ask(Request("serves")).ok());
  world.BlameAndLeaveAlone(1);
  REQUIRE(world.StatusOf(0).state == TokenState::kDisabled);
  world.Skip(59'500ms);
  PushedRequest first(&world, WithTimeout("first", 100s));
  PushedRequest second(&world, WithTimeout("second", 100s));
  REQUIRE(second.recorder.WaitForWait());
  if (served_lately) {
    REQUIRE(Eventually([&] { return !first.recorder.failures().empty(); }));
    world.SkipRest();
    static_cast<void>(world.Ask(Impatient("has the client look at the clock")));
  }
  const Code code = served_lately ? Code::kOk : Code::kUnauthorized;
  REQUIRE(first.recorder.WaitUntilDone());
  CHECK(first.recorder.status().code() == code);
  REQUIRE(second.recorder.WaitUntilDone());
  CHECK(second.recorder.status().code() == (served_lately ? Code::kOk : Code::kNoTokenReady));
  CHECK(second.recorder.failures().empty());
}

}  // namespace warppool
