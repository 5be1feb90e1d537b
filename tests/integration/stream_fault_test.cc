// Answers that break off or make no sense: each its own error, none a token's fault.

#include <future>
#include <numeric>

#include "answer_stream.h"
#include "fixture.h"

namespace warppool {
namespace {

// Asks once, without trying again.
Result<Answer> AskOnce(World* world, loopback::Behaviour behaviour) {
  world->service.On("fake-token-one").Agent(std::move(behaviour));
  Config config = ConfigFor(world->service, {"fake-token-one"});
  config.retry_budget = 0;
  config.max_event_bytes = 1U << 20U;
  world->Connect(std::move(config));
  const auto answer = world->Ask(Request("hello"));
  return answer;
}

}  // namespace

TEST_CASE("a fault of the answer has its own code, and is no token's fault") {
  struct Case {
    const char* what;
    loopback::Behaviour behaviour;
    Code code;
    const char* says;
  };
  using Cut = loopback::Behaviour::Cut;
  const std::string long_line = "data: " + std::string(100U << 20U, 'A');
  const Case cases[] = {
      {"ends before its first byte", loopback::EmptyBody(), Code::kEmptyAnswer, "before its first byte"},
      {"ends after init", loopback::Ok().CutAfter(1, Cut::kClean), Code::kTruncated, "without its last event"},
      {"ends after actions", loopback::Ok().CutAfter(4, Cut::kClean), Code::kTruncated, "event 4"},
      {"is reset after init", loopback::Ok().CutAfter(1, Cut::kReset), Code::kConnectionLost,
       "connection to the service was lost"},
      {"is reset after actions", loopback::Ok().CutAfter(4, Cut::kReset), Code::kConnectionLost, "event 4"},
      {"is reset before the head", loopback::Reset(), Code::kNetwork, "connection to the service was lost"},
      {"has an event that is not base64", loopback::UndecodableEvent(), Code::kUndecodableEvent, "event 2"},
      {"has an event that is no message", loopback::Raw("data: AAAA\n\n"), Code::kUndecodableEvent, "byte 0"},
      {"is HTML", loopback::Garbage(), Code::kBlocked, "text/html"},
      {"only keeps alive", loopback::Raw("data:\n\n"), Code::kTruncated, "without its last event"},
      {"has no events", loopback::Raw("<html>no stream</html>\n\n"), Code::kNotAStream, "without a single event"},
      {"is one line of 100 MB", loopback::Raw(long_line), Code::kLimitExceeded, "max_event_bytes"},
  };
  for (const Case& c : cases) {
    INFO("the answer " << c.what);
    World world;
    const auto answer = AskOnce(&world, c.behaviour);
    CHECK(CodeName(answer.code()) == std::string(CodeName(c.code)));
    CHECK(answer.status().ToString().find(c.says) != std::string::npos);
    CHECK(world.StatusOf(0).total_failures == 0);
    CHECK(world.StatusOf(0).state == TokenState::kReady);
    CHECK(world.StatusOf(0).in_flight == 0);
  }
}

TEST_CASE("each finish reason other than done has its own code, and the text before it is delivered") {
  const std::pair<const char*, Code> cases[] = {
      {"max_token_limit", Code::kMaxTokenLimit},    {"context_window_exceeded", Code::kContextWindowExceeded},
      {"llm_unavailable", Code::kModelUnavailable}, {"internal_error", Code::kAgentError},
      {"invalid_api_key", Code::kInvalidModelKey},  {"other", Code::kFinishedOther},
      {"unknown", Code::kFinishedUnknown},          {"none", Code::kOk}};
  for (const auto& [reason, code] : cases) {
    INFO("finished: " << reason);
    World world;
    world.service.On("fake-token-one").Agent(loopback::Finish(reason));
    Client& client = world.Connect({"fake-token-one"});
    Recorder recorder(&world);
    auto stream = client.Start(Request("hello"), recorder.Callbacks());
    REQUIRE(stream.ok());
    REQUIRE(recorder.WaitUntilDone());
    CHECK(CodeName(recorder.status().code()) == std::string(CodeName(code)));
    CHECK(recorder.text() == "Echo: hello");
    CHECK(recorder.finishes() == 1);
    CHECK(world.StatusOf(0).total_failures == 0);
  }
}

TEST_CASE("an internal error is told as what its text says: model busy, request at fault, or error of the agent") {
  struct Case {
    const char* text;
    Code code;
    bool retryable;
    std::optional<std::chrono::milliseconds> retry_after{};
  };
  const Case cases[] = {
      {"429 rate_limit_exceeded ... try again in 9.53s", Code::kModelUnavailable, true, 9530ms},
      {"overloaded", Code::kModelUnavailable, true},
      {"input token count exceeds the limit", Code::kContextWindowExceeded, false},
      {"Could not process image", Code::kRequestRejected, false},
      {"1429 things went wrong", Code::kAgentError, false},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    World world;
    world.service.On(kOne).Agent(loopback::Finish("internal_error").FinishSaying(c.text));
    world.Connect({kOne});
    const auto answer = world.Ask(Request("hello"));
    CHECK(CodeName(answer.code()) == std::string(CodeName(c.code)));
    CHECK(answer.status().retryable() == c.retryable);
    CHECK(answer.status().error().retry_after == c.retry_after);
    CHECK(answer.status().message().find(c.text) != std::string::npos);
    CHECK(world.service.Count(kAgent) == 1);
    CHECK(world.StatusOf(0).total_failures == 0);
    CHECK(world.StatusOf(0).state == TokenState::kReady);
  }
}

TEST_CASE("a stream that is cut before its first action is asked for again") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Ok().CutAfter(1, loopback::Behaviour::Cut::kReset).Times(2));
  Client& client = world.Connect({"fake-token-one"});
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().ToString() == "ok");
  CHECK(recorder.text() == "Echo: hello");
  CHECK(recorder.starts() == 1);
  CHECK(recorder.failures().size() == 2);
}

// Another attempt brings its own: what came before the first action counts for nothing.
TEST_CASE("an event of an unknown kind before the first action follows the start of the answer that is delivered") {
  const auto how = GENERATE(loopback::Behaviour::Cut::kClean, loopback::Behaviour::Cut::kReset);
  const std::string unknown = "data: mgYA\n\n";  // a field that no schema knows
  const auto answer_as = [&](const char* request_id) {
    loopback::Answer answer;
    answer.request_id = request_id;
    answer.steps = {loopback::Say("hello")};
    auto frames = loopback::AnswerFrames(answer).all;
    frames.at(0) += unknown;  // behind `init`
    return loopback::Raw(std::accumulate(frames.begin(), frames.end(), std::string())).Times(1);
  };
  World world;
  world.service.On("fake-token-one").Agent(answer_as("request-1").CutAfter(2, how)).Agent(answer_as("request-2"));
  Client& client = world.Connect({"fake-token-one"});
  std::vector<std::string> events;
  std::promise<Status> done;
  const auto on_event = [&](const Event& event) {
    world.Said(event);
    if (const auto* started = std::get_if<StreamStarted>(&event)) {
      events.push_back("started " + std::string(started->request_id));
    }
    if (const auto* other = std::get_if<UnknownEvent>(&event)) {
      events.push_back(other->kind.empty() ? "unknown " + std::string(other->bytes) : std::string(other->kind));
    }
    if (std::holds_alternative<TaskCreated>(event)) events.emplace_back("task");
    if (const auto* delta = std::get_if<TextDelta>(&event)) events.push_back("text " + std::string(delta->text));
    if (std::holds_alternative<AttemptFailed>(event)) events.emplace_back("attempt failed");
    if (std::holds_alternative<Finished>(event)) events.emplace_back("finished");
    return Flow::kContinue;
  };
  auto stream = client.Start(Request("hello"), {on_event, [&](const Status& status) { done.set_value(status); }});
  REQUIRE(stream.ok());
  auto over = done.get_future();
  REQUIRE(over.wait_for(kPatience) == std::future_status::ready);
  CHECK(world.Said(over.get()).ToString() == "ok");
  CHECK(events == std::vector<std::string>{"attempt failed", "started request-2", std::string("unknown \x9A\x06\0", 11),
                                           "task", "text hello", "finished"});
}

TEST_CASE("one byte per chunk makes the same answer") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Ok().ByteByByte());
  world.Connect({"fake-token-one"});
  const auto answer = world.Ask(Request("h\xC3\xA9llo"));
  REQUIRE(answer.status().ToString() == "ok");
  CHECK(answer->text == "Echo: h\xC3\xA9llo");
}

TEST_CASE("silence ends a stream") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Ok().CutAfter(3, loopback::Behaviour::Cut::kStall));
  Config config = ConfigFor(world.service, {"fake-token-one"});
  config.silence_timeout = 100ms;
  world.Connect(std::move(config));
  const auto answer = world.Ask(Request("hello"));
  CHECK(answer.status().code() == Code::kNetwork);
  CHECK(answer.status().message().find("silent") != std::string::npos);
}

TEST_CASE("a request's time-out ends it, whatever it waits for") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Ok().CutAfter(3, loopback::Behaviour::Cut::kStall));
  world.service.On("fake-token-two").Exchange(loopback::Ok().Delay(60s));
  for (const char* token : {"fake-token-one", "fake-token-two"}) {
    world.Connect({token});
    Request request("hello");
    request.timeout = 100ms;
    CHECK(world.Ask(request).code() == Code::kDeadlineExceeded);
    CHECK(world.StatusOf(0).in_flight == 0);
  }
}

TEST_CASE("TLS: a certificate that is not trusted is a matter of configuration, not of the token") {
  World world({.tls = true});
  world.service.Accept("fake-token-one");
  SECTION("the right authority") {
    world.Connect({"fake-token-one"});
    const auto answer = world.Ask(Request("hello"));
    CHECK(answer.status().ToString() == "ok");
  }
  SECTION("another authority") {
    const loopback::Service other({.tls = true});
    Config config = ConfigFor(world.service, {"fake-token-one"});
    config.ca_bundle = other.ca_file();
    world.Connect(std::move(config));
    const auto answer = world.Ask(Request("hello"));
    CHECK(answer.status().code() == Code::kMisconfigured);
    CHECK(answer.status().message().find("WARP_CA_BUNDLE") != std::string::npos);
    CHECK(world.StatusOf(0).total_failures == 0);
  }
  SECTION("the machine's authorities") {
    Config config = ConfigFor(world.service, {"fake-token-one"});
    config.ca_bundle.clear();
    world.Connect(std::move(config));
    CHECK(world.Ask(Request("hello")).code() == Code::kMisconfigured);
  }
}

TEST_CASE("requests of one client share their connections") {
  World world;
  world.service.Accept("fake-token-one");
  world.Connect({"fake-token-one"});
  for (int i = 0; i < 5; ++i) REQUIRE(world.Ask(Request("hello")).ok());
  const auto requests = world.service.Requests("/ai/multi-agent");
  REQUIRE(requests.size() == 5);
  for (const auto& request : requests) CHECK(request.connection == requests[0].connection);
}

}  // namespace warppool
