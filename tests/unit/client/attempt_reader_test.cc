#include "client/attempt_reader.h"

#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "http/fetch.h"
#include "unit/fakes.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using ReadEvents = std::vector<std::string>;

const std::vector<std::pair<std::string, std::string>> kStreamHeaders = {{"content-type", "text/event-stream"}};

// An attempt that was sent, and what its owner was told.
struct Reading final : AttemptReader::Owner {
  explicit Reading(AttemptLimits limits = {1000, 100}) {
    reader = std::make_shared<AttemptReader>(&transport, &clock, limits, std::vector<Secret>{Secret("hunter2-prompt")});
    HttpRequest request;
    request.target = std::make_shared<HttpTarget>(HttpTarget{.url = "https://agent.example/", .headers = {}});
    request.bearer = Secret("hunter2-bearer");
    reader->Send(std::move(request), this);
    REQUIRE(transport.started() == 1);
  }

  void OnStreamEvent(std::string_view data) override {
    events.emplace_back(data);
    if (on_event) on_event();
  }
  void OnAttemptEnd(Refusal refusal) override {
    REQUIRE_FALSE(end);
    end = std::move(refusal);
    if (on_end) on_end();
  }
  void OnAnswerOver() override { ++answers_over; }
  void OnFailure(const Status& failure) noexcept override { failures.push_back(failure); }

  // A stream begins, and brings this.
  void Stream(std::string_view bytes) {
    transport.Head(0, 200, kStreamHeaders);
    transport.Body(0, bytes);
  }
  const Status& status() const {
    REQUIRE(end);
    return end->status;
  }
  bool IsToldNothing() const { return events.empty() && !end && answers_over == 0 && failures.empty(); }

  FakeClock clock;
  FakeExecutor executor{&clock};
  FakeTransport transport{&executor};
  std::shared_ptr<AttemptReader> reader;
  ReadEvents events;
  std::optional<Refusal> end;
  int answers_over = 0;
  std::vector<Status> failures;
  std::function<void()> on_event;
  std::function<void()> on_end;
};

// ---------------------------------------------------------------------------------------------------------- Streams --

TEST_CASE("an attempt is sent as it is, and the data of its events are told, however the bytes are cut") {
  Reading r;
  CHECK(r.transport.request(0).target->url == "https://agent.example/");
  CHECK(r.transport.request(0).bearer == Secret("hunter2-bearer"));
  r.Stream("data: one\n\nda");
  r.transport.Body(0, "ta: two\n");
  CHECK(r.events == ReadEvents{"one"});
  r.transport.Body(0, "\ndata: three\n\n");
  CHECK(r.events == ReadEvents{"one", "two", "three"});
  CHECK_FALSE(r.end);
}

TEST_CASE("what only keeps the connection is not told") {
  Reading r;
  r.Stream(": still here\n\nevent: ping\ndata: {}\n\ndata: one\n\ndata\n\n");
  CHECK(r.events == ReadEvents{"one"});
}

TEST_CASE("an answer whose last event was read is over when all of it has come, and nothing of that is told") {
  Reading r;
  r.on_event = [&] { r.reader->ExpectEnd(); };
  r.Stream("data: last\n\ndata: more\n\n");
  r.transport.Body(0, "data: and more\n\n");
  CHECK(r.events == ReadEvents{"last"});
  CHECK(r.answers_over == 0);
  // Whether it ends well is of no interest.
  r.transport.Done(0, GENERATE(TransferError::kNone, TransferError::kConnectionLost));
  CHECK(r.answers_over == 1);
  CHECK_FALSE(r.end);
}

TEST_CASE("a stream that ends without its last event is cut, and the place is told") {
  Reading r;
  r.Stream("data: one\n\ndata: two\n\ndata: cut");
  SECTION("by its end") {
    r.transport.Done(0);
    CHECK(r.status().code() == Code::kTruncated);
  }
  SECTION("by a lost connection") {
    r.transport.Done(0, TransferError::kConnectionLost, "reset");
    CHECK(r.status().code() == Code::kConnectionLost);
  }
  CHECK(r.end->outcome == Outcome::kStreamCut);
  CHECK(r.status().retryable());
  CHECK_THAT(r.status().message(), ContainsSubstring("(event 2, byte 11 of the stream)"));
  CHECK(r.events == ReadEvents{"one", "two"});
}

TEST_CASE("an answer that ends before its first byte is cut as well") {
  Reading r;
  r.Stream("");
  r.transport.Done(0);
  CHECK(r.end->outcome == Outcome::kStreamCut);
  CHECK(r.status().code() == Code::kEmptyAnswer);
  CHECK(r.status().retryable());
}

TEST_CASE("a stream without a single event is none, but one that keeps the connection is cut") {
  Reading r;
  SECTION("none") {
    r.Stream("what is this?\n\n");
    r.transport.Done(0);
    CHECK(r.end->outcome == Outcome::kGarbled);
    CHECK(r.status().code() == Code::kNotAStream);
  }
  SECTION("kept") {
    r.Stream(": still here\n\n");
    r.transport.Done(0);
    CHECK(r.end->outcome == Outcome::kStreamCut);
  }
}

TEST_CASE("an answer beyond a limit ends there, and is not read on") {
  Reading r({20, 2});
  SECTION("an event that is too large") {
    r.Stream("data: one\n\ndata: " + std::string(30, 'x'));
    CHECK_THAT(r.status().message(), ContainsSubstring("max_event_bytes (20)"));
    CHECK(r.events == ReadEvents{"one"});
  }
  SECTION("an event too many") {
    r.Stream("data: one\n\ndata: two\n\ndata: three\n\ndata: four\n\n");
    CHECK_THAT(r.status().message(), ContainsSubstring("max_stream_events (2)"));
    CHECK(r.events == ReadEvents{"one", "two"});
  }
  CHECK(r.end->outcome == Outcome::kGarbled);
  CHECK(r.status().code() == Code::kLimitExceeded);
  CHECK(r.transport.cancelled(0));
}

TEST_CASE("an answer whose events are too large together ends there, named with the place") {
  Reading r({20, 100, 30});
  r.Stream("data: one\n\ndata: two\n\n");
  CHECK(r.events == ReadEvents{"one", "two"});
  CHECK_FALSE(r.end);
  r.Stream("data: three\n\n");
  CHECK(r.events == ReadEvents{"one", "two"});
  REQUIRE(r.end);
  CHECK(r.end->outcome == Outcome::kGarbled);
  CHECK(r.status().code() == Code::kLimitExceeded);
  CHECK_THAT(r.status().message(), ContainsSubstring("max_answer_bytes (30)"));
  CHECK_THAT(r.status().message(), ContainsSubstring("byte 22 of the stream"));
}

TEST_CASE("comments without end count for the bytes of an answer") {
  Reading r({20, 100, 30});
  r.Stream(": 1234567890\n: 1234567890\n: 1234567890\n");
  REQUIRE(r.end);
  CHECK(r.status().code() == Code::kLimitExceeded);
}

TEST_CASE("an event that says what went wrong ends the attempt, without the secrets that it quotes") {
  Reading r;
  r.Stream(
      "data: one\n\nevent: error\ndata: {\"message\": \"no to hunter2-bearer and hunter2-prompt\"}\n\ndata: two\n\n");
  CHECK(r.events == ReadEvents{"one"});
  CHECK_THAT(r.status().ToString() + r.status().error().user_message,
             ContainsSubstring("no to ") && !ContainsSubstring("hunter2"));
  CHECK_THAT(r.status().message(), ContainsSubstring("event 2"));
  CHECK(r.transport.cancelled(0));
}

// --------------------------------------------------------------------------------------------------------- Refusals --

TEST_CASE("an answer that is no stream is read as a refusal, without the secrets that it quotes") {
  Reading r;
  r.transport.Answer(0, 403, R"({"error": "hunter2-bearer is blocked", "message": "hunter2-prompt"})",
                     {{"x-warp-error-code", "hunter2-bearer"}});
  CHECK(r.end->outcome == Outcome::kAuthRejected);
  CHECK(r.status().error().http_status == 403);
  CHECK_THAT(r.status().ToString() + r.status().error().service_code + r.status().error().user_message,
             !ContainsSubstring("hunter2"));
  CHECK(r.events.empty());
}

TEST_CASE("a connection that is lost before any answer is a lost network") {
  Reading r;
  r.transport.Done(0, TransferError::kNoConnection, "nobody there");
  CHECK(r.end->outcome == Outcome::kNetwork);
  CHECK(r.status().retryable());
}

TEST_CASE("a refusal whose body breaks off, stalls or has no end is read by what came") {
  Reading r;
  r.transport.Head(0, 403, {{"content-type", "application/json"}, {"x-warp-id", "1"}});
  SECTION("broken off") {
    r.transport.Body(0, R"({"error": "no)");
    r.transport.Done(0, TransferError::kConnectionLost, "reset");
  }
  SECTION("stalled") {
    r.transport.Body(0, R"({"error": "no)");
    r.executor.Advance(kMaxRefusalTime - 1ms);
    CHECK_FALSE(r.end);
    r.executor.Advance(1ms);
    CHECK(r.transport.cancelled(0));
  }
  SECTION("without an end") {
    r.transport.Body(0, std::string(kMaxRefusalBytes - 1, '.'));
    CHECK_FALSE(r.end);
    r.transport.Body(0, "..");
    CHECK(r.transport.cancelled(0));
  }
  REQUIRE(r.end);
  CHECK(r.end->outcome == Outcome::kAuthRejected);
  CHECK(r.status().error().http_status == 403);
  CHECK(r.executor.timers() == 0);
}

TEST_CASE("while the program has paused a refusal may take its time") {
  Reading r;
  r.transport.Head(0, 403);
  r.reader->Pause();
  r.executor.Advance(10 * kMaxRefusalTime);
  CHECK(r.IsToldNothing());
  r.reader->Resume();
  r.executor.Advance(kMaxRefusalTime - 1ms);
  CHECK(r.IsToldNothing());
  r.executor.Advance(1ms);
  CHECK(r.end);
}

// ------------------------------------------------------------------------------------- Pausing, and losing interest --

TEST_CASE("between Pause() and Resume() nothing is told, and all of it after") {
  Reading r;
  r.reader->Pause();
  r.Stream("data: one\n\ndata: two\n\n");
  r.transport.Body(0, "data: three\n\n");
  r.transport.Done(0);
  CHECK(r.IsToldNothing());
  r.reader->Resume();
  CHECK(r.events == ReadEvents{"one", "two", "three"});
  CHECK(r.status().code() == Code::kTruncated);
  r.reader->Resume();
  CHECK(r.events.size() == 3);
}

TEST_CASE("whoever pauses at an event is told the next one when it goes on") {
  Reading r;
  r.on_event = [&] { r.reader->Pause(); };
  r.Stream("data: one\n\ndata: two\n\ndata: three\n\n");
  r.transport.Done(0, TransferError::kConnectionLost, "reset");
  CHECK(r.events == ReadEvents{"one"});
  r.reader->Resume();
  CHECK(r.events == ReadEvents{"one", "two"});
  r.reader->Resume();
  CHECK(r.events == ReadEvents{"one", "two", "three"});
  CHECK_FALSE(r.end);
  r.reader->Resume();
  CHECK(r.end);
}

TEST_CASE("who has cancelled is not called any more, and the transfer is broken off") {
  Reading r;
  SECTION("from outside") {
    r.Stream("data: one\n\n");
    r.reader->Cancel();
    CHECK(r.transport.cancelled(0));
  }
  SECTION("at an event") {
    r.on_event = [&] { r.reader->Cancel(); };
    r.Stream("data: one\n\ndata: two\n\n");
    CHECK(r.transport.cancelled(0));
  }
  SECTION("while it is paused, with what was held back") {
    r.Stream("data: one\n\n");
    r.reader->Pause();
    r.transport.Body(0, "data: two\n\n");
    r.transport.Done(0);
    r.reader->Cancel();
    r.reader->Resume();
  }
  SECTION("while a refusal is waited for") {
    r.events.emplace_back("one");
    r.transport.Head(0, 403);
    r.reader->Cancel();
    CHECK(r.executor.timers() == 0);
  }
  CHECK(r.events == ReadEvents{"one"});
  CHECK_FALSE(r.end);
}

TEST_CASE("an owner may forget its reader in whatever it is told") {
  Reading r;
  const std::weak_ptr<AttemptReader> watched = r.reader;
  SECTION("an event") {
    r.on_event = [&] {
      r.reader->Cancel();
      r.reader.reset();
    };
    r.Stream("data: one\n\ndata: two\n\n");
    CHECK(r.events == ReadEvents{"one"});
  }
  SECTION("the end") {
    r.on_end = [&] { r.reader.reset(); };
    r.transport.Answer(0, 403, "");
    CHECK(r.end);
  }
  CHECK(watched.expired());
}

TEST_CASE("the rest of an answer that nobody waits for is read for two seconds, and keeps its reader alive") {
  Reading r;
  const std::weak_ptr<AttemptReader> watched = r.reader;
  r.Stream("data: one\n\n");
  r.reader->Drain();
  r.reader->Cancel();
  r.reader.reset();
  r.transport.Body(0, "data: two\n\n");
  CHECK_FALSE(r.transport.cancelled(0));
  CHECK_FALSE(watched.expired());
  SECTION("until it has come") {
    r.transport.Done(0);
    CHECK(watched.expired());
    r.executor.Advance(10s);
    CHECK_FALSE(r.transport.cancelled(0));
  }
  SECTION("but not for ever") {
    r.executor.Advance(2s - 1ms);
    CHECK_FALSE(r.transport.cancelled(0));
    r.executor.Advance(1ms);
    CHECK(r.transport.cancelled(0));
    CHECK(watched.expired());
  }
  CHECK(r.events == ReadEvents{"one"});
  CHECK_FALSE(r.end);
}

TEST_CASE("there is nothing to drain of an attempt that is over") {
  Reading r;
  r.transport.Answer(0, 403, "");
  REQUIRE(r.end);
  r.reader->Drain();
  CHECK(r.executor.timers() == 0);
  CHECK(r.reader.use_count() == 1);
}

TEST_CASE("what the owner throws it is told as a failure") {
  Reading r;
  Code code{};
  SECTION("no memory") {
    r.on_event = [] { throw std::bad_alloc(); };
    code = Code::kOutOfMemory;
  }
  SECTION("anything else") {
    r.on_event = [] { throw std::runtime_error("what?"); };
    code = Code::kInternal;
  }
  r.Stream("data: one\n\n");
  REQUIRE(r.failures.size() == 1);
  CHECK(r.failures[0].code() == code);
}

TEST_CASE("an error of the owner's can say at which place of the stream it was met") {
  Reading r;
  r.Stream("data: one\n\ndata: two\n\n");
  const Status status = r.reader->At(Code::kUndecodableEvent, "no event");
  CHECK(status.code() == Code::kUndecodableEvent);
  CHECK(status.message() == "no event (event 2, byte 11 of the stream)");
}

}  // namespace
}  // namespace warppool::internal
