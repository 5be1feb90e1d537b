// The C API against the loopback service: pausing, cancelling, destroying, from everywhere.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "capi_client.h"
#include "catch.h"

using namespace std::chrono_literals;

namespace {

// A client of a service that answers in 100 small parts, one every 10 ms.
struct SlowAnswer {
  SlowAnswer() {
    service.On("demo-token-1").Agent(loopback::Ok().Text(std::string(100, 'x')).Chunks(100).Gap(10ms));
    MakeClient(service, {"demo-token-1"}, &client);
    MakeRequest("why", &request);
  }

  void Start(Recorder* recorder) {
    const warppool_stream_callbacks callbacks = recorder->Callbacks();
    REQUIRE(warppool_client_start(client, request, &callbacks, stream.out(), nullptr) == WARPPOOL_OK);
  }

  CheckedService service;
  ClientHandle client;
  RequestHandle request;
  StreamHandle stream;
};

}  // namespace

TEST_CASE("a paused stream stands still until it is resumed, and loses nothing") {
  SlowAnswer slow;
  Recorder recorder(&slow.service);
  recorder.on_event = [paused = false](const Record& record) mutable {
    if (paused || record.type != WARPPOOL_EVENT_TEXT_DELTA) return WARPPOOL_FLOW_CONTINUE;
    paused = true;
    return WARPPOOL_FLOW_PAUSE;
  };
  slow.Start(&recorder);
  REQUIRE(recorder.WaitForText());
  const std::size_t before = recorder.Records().size();
  std::this_thread::sleep_for(150ms);
  CHECK(recorder.Records().size() == before);
  CHECK(recorder.DoneCount() == 0);
  CHECK(warppool_stream_resume(slow.stream, nullptr) == WARPPOOL_OK);
  REQUIRE(recorder.WaitForDone());
  CHECK(recorder.Code() == WARPPOOL_OK);
  CHECK(TextOf(recorder.Records()) == std::string(100, 'x'));
}

TEST_CASE("a callback cancels its stream by what it returns") {
  SlowAnswer slow;
  Recorder recorder(&slow.service);
  recorder.on_event = [](const Record& record) {
    return record.type == WARPPOOL_EVENT_TEXT_DELTA ? WARPPOOL_FLOW_CANCEL : WARPPOOL_FLOW_CONTINUE;
  };
  slow.Start(&recorder);
  REQUIRE(recorder.WaitForDone());
  CHECK(recorder.Code() == WARPPOOL_CANCELLED);
  CHECK(TextOf(recorder.Records()).size() == 1);
  CHECK(recorder.Records().back().type == WARPPOOL_EVENT_TEXT_DELTA);
}

TEST_CASE("a callback cancels its stream by its handle") {
  SlowAnswer slow;
  std::atomic<warppool_stream*> stream = nullptr;  // set once the start has returned
  std::atomic<warppool_code> cancelled = WARPPOOL_INTERNAL;
  Recorder recorder(&slow.service);
  recorder.on_event = [&](const Record& /*record*/) {
    if (stream != nullptr) cancelled = warppool_stream_cancel(stream, nullptr);
    return WARPPOOL_FLOW_CONTINUE;
  };
  slow.Start(&recorder);
  stream = slow.stream;
  REQUIRE(recorder.WaitForDone());
  CHECK(cancelled == WARPPOOL_OK);
  CHECK(recorder.Code() == WARPPOOL_CANCELLED);
  CHECK(warppool_stream_cancel(slow.stream, nullptr) == WARPPOOL_OK);  // nothing left to cancel
}

TEST_CASE("a callback may destroy its own stream") {
  SlowAnswer slow;
  std::atomic<warppool_stream*> stream = nullptr;
  Recorder recorder(&slow.service);
  recorder.on_event = [&](const Record& /*record*/) {
    warppool_stream* mine = stream.exchange(nullptr);
    warppool_stream_destroy(&mine);
    return WARPPOOL_FLOW_CONTINUE;
  };
  const warppool_stream_callbacks callbacks = recorder.Callbacks();
  warppool_stream* made = nullptr;
  REQUIRE(warppool_client_start(slow.client, slow.request, &callbacks, &made, nullptr) == WARPPOOL_OK);
  stream = made;
  REQUIRE(recorder.WaitForDone());
  CHECK(recorder.Code() == WARPPOOL_CANCELLED);
  const std::size_t events = recorder.Records().size();
  CHECK(warppool_client_close(slow.client, 0, nullptr) == WARPPOOL_OK);
  CHECK(recorder.Records().size() == events);
  CHECK(recorder.DoneCount() == 1);
}

TEST_CASE("destroying a stream ends it before it returns") {
  SlowAnswer slow;
  Recorder recorder(&slow.service);
  slow.Start(&recorder);
  REQUIRE(recorder.WaitForRecords(1));
  warppool_stream_destroy(slow.stream.out());
  CHECK(recorder.DoneCount() == 1);
  CHECK(recorder.Code() == WARPPOOL_CANCELLED);
}

TEST_CASE("the last callback finds the variable empty, and cannot destroy the stream twice") {
  SlowAnswer slow;
  Recorder recorder(&slow.service);
  warppool_stream* stream = nullptr;
  bool was_empty = false;
  recorder.on_done = [&] {
    was_empty = stream == nullptr;
    warppool_stream_destroy(&stream);
  };
  const warppool_stream_callbacks callbacks = recorder.Callbacks();
  REQUIRE(warppool_client_start(slow.client, slow.request, &callbacks, &stream, nullptr) == WARPPOOL_OK);
  warppool_stream_destroy(&stream);
  CHECK(recorder.DoneCount() == 1);
  CHECK(was_empty);
}

TEST_CASE("the last callback may destroy its stream") {
  CheckedService service;
  service.Accept("demo-token-1");
  ClientHandle client;
  RequestHandle request;
  MakeClient(service, {"demo-token-1"}, &client);
  MakeRequest("why", &request);
  std::atomic<warppool_stream*> stream = nullptr;
  Recorder recorder(&service);
  recorder.on_done = [&] {
    while (stream == nullptr) std::this_thread::yield();  // the start is about to return
    warppool_stream* mine = stream;
    warppool_stream_destroy(&mine);
  };
  const warppool_stream_callbacks callbacks = recorder.Callbacks();
  warppool_stream* made = nullptr;
  REQUIRE(warppool_client_start(client, request, &callbacks, &made, nullptr) == WARPPOOL_OK);
  stream = made;
  REQUIRE(recorder.WaitForDone());
  CHECK(warppool_client_destroy(client.out()) == WARPPOOL_OK);
  CHECK(recorder.DoneCount() == 1);
  CHECK(recorder.Code() == WARPPOOL_OK);
  CHECK(TextOf(recorder.Records()) == "Echo: why");
}

TEST_CASE("what waits for its own client is refused inside a callback") {
  SlowAnswer slow;
  StreamHandle pulled;
  REQUIRE(warppool_client_start_pull(slow.client, slow.request, pulled.out(), nullptr) == WARPPOOL_OK);
  std::vector<warppool_code> codes;
  bool kept = true;
  warppool_client* const client = slow.client;
  Recorder recorder(&slow.service);
  recorder.on_event = [&](const Record& /*record*/) {
    warppool_client* variable = client;
    AnswerHandle answer;
    AccessTokenHandle token;
    const warppool_event* event = nullptr;
    warppool_health_check_options active = WARPPOOL_HEALTH_CHECK_OPTIONS_INIT;
    active.active = 1;
    HealthReportHandle report;
    codes = {warppool_client_destroy(&variable),
             warppool_client_close(client, 0, nullptr),
             warppool_client_check_health(client, &active, report.out(), nullptr),
             warppool_client_ask(client, slow.request, answer.out(), nullptr),
             warppool_client_access_token(client, 0, token.out(), nullptr),
             warppool_stream_next(pulled, 0, &event, nullptr)};
    kept = variable == client;
    return WARPPOOL_FLOW_CANCEL;
  };
  slow.Start(&recorder);
  REQUIRE(recorder.WaitForDone());
  CHECK(codes == std::vector<warppool_code>(6, WARPPOOL_MISUSE));
  CHECK(kept);

  // The client is as it was.
  const warppool_event* event = nullptr;
  CHECK(warppool_stream_next(pulled, 30'000, &event, nullptr) == WARPPOOL_OK);
}

TEST_CASE("what does not wait is allowed inside a callback") {
  SlowAnswer slow;
  std::vector<warppool_code> codes;
  std::string turn;
  size_t recovered = 7;
  warppool_client* const client = slow.client;
  Recorder recorder(&slow.service);
  recorder.on_event = [&](const Record& record) {
    if (record.type != WARPPOOL_EVENT_STREAM_STARTED) return WARPPOOL_FLOW_CANCEL;
    PoolStatusHandle pool;
    ExplanationHandle explanation;
    HealthReportHandle report;
    codes = {warppool_client_pool(client, pool.out(), nullptr),
             warppool_client_explain(client, explanation.out(), nullptr),
             warppool_client_recover(client, record.token.c_str(), nullptr),
             warppool_client_recover_all(client, &recovered, nullptr),
             warppool_client_check_health(client, nullptr, report.out(), nullptr)};
    turn = warppool_explanation_token(explanation, 0);
    return WARPPOOL_FLOW_CONTINUE;
  };
  slow.Start(&recorder);
  REQUIRE(recorder.WaitForDone());
  CHECK(codes == std::vector<warppool_code>(5, WARPPOOL_OK));
  CHECK(turn == recorder.Records().front().token);
  CHECK(recovered == 0);
}

TEST_CASE("an event callback that returns nonsense ends its stream, and no other") {
  SlowAnswer slow;
  StreamHandle pulled;
  REQUIRE(warppool_client_start_pull(slow.client, slow.request, pulled.out(), nullptr) == WARPPOOL_OK);
  Recorder recorder(&slow.service);
  recorder.on_event = [](const Record& /*record*/) { return static_cast<warppool_flow>(77); };
  slow.Start(&recorder);
  REQUIRE(recorder.WaitForDone());
  CHECK(recorder.Code() == WARPPOOL_INTERNAL);
  CHECK(recorder.Error() != "NULL");
  CHECK(recorder.Records().size() == 1);
  const warppool_event* event = nullptr;
  CHECK(warppool_stream_next(pulled, 30'000, &event, nullptr) == WARPPOOL_OK);
}

TEST_CASE("a closed client refuses requests but can be looked at and closed again") {
  SlowAnswer slow;
  Recorder recorder(&slow.service);
  slow.Start(&recorder);
  REQUIRE(recorder.WaitForRecords(1));
  CHECK(warppool_client_close(slow.client, 0, nullptr) == WARPPOOL_OK);
  CHECK(recorder.DoneCount() == 1);
  CHECK(recorder.Code() == WARPPOOL_CANCELLED);
  AnswerHandle answer;
  ErrorHandle error;
  CHECK(warppool_client_ask(slow.client, slow.request, answer.out(), error.out()) == WARPPOOL_MISUSE);
  CHECK(warppool_error_message(error) != std::string());
  PoolStatusHandle pool;
  CHECK(warppool_client_pool(slow.client, pool.out(), nullptr) == WARPPOOL_OK);
  ExplanationHandle explanation;
  CHECK(warppool_client_explain(slow.client, explanation.out(), nullptr) == WARPPOOL_OK);
  CHECK(warppool_explanation_count(explanation) == 1);
  HealthReportHandle report;
  CHECK(warppool_client_check_health(slow.client, nullptr, report.out(), nullptr) == WARPPOOL_MISUSE);
  CHECK(warppool_client_recover(slow.client, "PERSONAL_1", nullptr) == WARPPOOL_MISUSE);
  CHECK(warppool_client_recover_all(slow.client, nullptr, nullptr) == WARPPOOL_MISUSE);
  CHECK(warppool_client_close(slow.client, -1, nullptr) == WARPPOOL_OK);
  CHECK(warppool_client_destroy(slow.client.out()) == WARPPOOL_OK);
}

TEST_CASE("closing lets running requests finish") {
  SlowAnswer slow;
  Recorder recorder(&slow.service);
  slow.Start(&recorder);
  CHECK(warppool_client_close(slow.client, -1, nullptr) == WARPPOOL_OK);
  CHECK(recorder.DoneCount() == 1);
  CHECK(recorder.Code() == WARPPOOL_OK);
  CHECK(TextOf(recorder.Records()) == std::string(100, 'x'));
}

TEST_CASE("a stream outlives its client and says that it was cancelled") {
  SlowAnswer slow;
  StreamHandle pulled;
  REQUIRE(warppool_client_start_pull(slow.client, slow.request, pulled.out(), nullptr) == WARPPOOL_OK);
  const warppool_event* event = nullptr;
  REQUIRE(warppool_stream_next(pulled, 30'000, &event, nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_client_destroy(slow.client.out()) == WARPPOOL_OK);
  warppool_code code = WARPPOOL_OK;
  while (code == WARPPOOL_OK) code = warppool_stream_next(pulled, 0, &event, nullptr);
  CHECK(code == WARPPOOL_CANCELLED);
}

TEST_CASE("after a fork the child can only destroy, and the parent goes on") {
  SlowAnswer slow;
  REQUIRE(warppool_client_start_pull(slow.client, slow.request, slow.stream.out(), nullptr) == WARPPOOL_OK);
  const pid_t child = fork();
  if (child == 0) {
    warppool_client* client = slow.client;
    warppool_stream* stream = slow.stream;
    warppool_stream* other = nullptr;
    const warppool_event* event = nullptr;
    int wrong = 0;
    if (warppool_stream_next(stream, 0, &event, nullptr) != WARPPOOL_MISUSE) wrong |= 1;
    if (warppool_client_start_pull(client, slow.request, &other, nullptr) != WARPPOOL_MISUSE) wrong |= 2;
    if (warppool_client_close(client, 0, nullptr) != WARPPOOL_MISUSE) wrong |= 4;
    if (warppool_stream_cancel(stream, nullptr) != WARPPOOL_OK) wrong |= 8;
    if (warppool_client_recover(client, "PERSONAL_1", nullptr) != WARPPOOL_MISUSE) wrong |= 32;
    HealthReportHandle report;
    if (warppool_client_check_health(client, nullptr, report.out(), nullptr) != WARPPOOL_MISUSE) wrong |= 64;
    ExplanationHandle explanation;
    PoolStatusHandle pool;
    StatsHandle stats;
    if (warppool_client_explain(client, explanation.out(), nullptr) != WARPPOOL_OK ||
        warppool_client_pool(client, pool.out(), nullptr) != WARPPOOL_OK ||
        warppool_client_statistics(client, stats.out(), nullptr) != WARPPOOL_OK ||
        warppool_explanation_count(explanation) + warppool_pool_status_count(pool) + warppool_stats_token_count(stats) +
                warppool_counters_requests(warppool_stats_total(stats)) !=
            0) {
      wrong |= 128;
    }
    if (warppool_client_add_token(client, WARPPOOL_TIER_SHARED, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, "demo-token-2",
                                  nullptr, nullptr, nullptr) != WARPPOOL_MISUSE ||
        warppool_client_remove_token(client, "PERSONAL_1", nullptr) != WARPPOOL_MISUSE) {
      wrong |= 256;
    }
    warppool_stream_destroy(&stream);
    if (warppool_client_destroy(&client) != WARPPOOL_OK || client != nullptr) wrong |= 16;
    _exit((wrong & 255) | (wrong >> 8));
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  const warppool_event* event = nullptr;
  warppool_code code = WARPPOOL_OK;
  std::string text;
  while ((code = warppool_stream_next(slow.stream, 30'000, &event, nullptr)) == WARPPOOL_OK) {
    text += warppool_event_text(event, nullptr);
  }
  CHECK(code == WARPPOOL_END);
  CHECK(text == std::string(100, 'x'));
}
