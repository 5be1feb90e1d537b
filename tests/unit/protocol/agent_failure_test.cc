#include "protocol/agent_failure.h"

#include <string>

#include "catch.h"
#include "protocol/finish_status.h"

namespace warppool::internal {
namespace {

using FailureKind = AgentFailureKind;
using std::chrono::milliseconds;

struct FailureRow {
  const char* text;
  FailureKind kind;
  std::int64_t retry_after_ms = -1;  // -1: not told
};

constexpr std::int64_t kDayMs = 24 * 3600 * 1000;

void CheckFailure(const FailureRow& row) {
  INFO(row.text);
  const AgentFailure failure = ReadAgentFailure(row.text);
  CHECK(static_cast<int>(failure.kind) == static_cast<int>(row.kind));
  CHECK((failure.retry_after ? failure.retry_after->count() : -1) == row.retry_after_ms);
}

}  // namespace

TEST_CASE("a provider's rate limit or overload is told from an error of the agent") {
  CheckFailure(GENERATE(values<FailureRow>({
      {"429 ... try again in 9.53s", FailureKind::kModelBusy, 9530},
      {"429", FailureKind::kModelBusy},
      {"429 Too Many Requests", FailureKind::kModelBusy},
      {"POST \"https://api.invalid/v1/chat\": 429 Too Many Requests {}", FailureKind::kModelBusy},
      {"error, status code: 429, message: slow down", FailureKind::kModelBusy},
      {"googleapi: Error 429: Resource has been exhausted", FailureKind::kModelBusy},
      {"{\"error\": {\"code\": 429, \"status\": \"RESOURCE_EXHAUSTED\"}}", FailureKind::kModelBusy},
      {"provider error (429)", FailureKind::kModelBusy},
      {"HTTP/1.1 429", FailureKind::kModelBusy},
      {"rpc error: code = RESOURCE_EXHAUSTED", FailureKind::kModelBusy},
      {"rate_limit_exceeded: Rate limit reached on tokens per min. Please try again in 300ms.", FailureKind::kModelBusy,
       300},
      {"rate_limit_exceeded ... try again in 9.53s", FailureKind::kModelBusy, 9530},
      {"Rate limit reached. Please try again in 2s.", FailureKind::kModelBusy, 2000},
      {"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
       FailureKind::kModelBusy},
      {"The model is overloaded. Please try again later.", FailureKind::kModelBusy},
      {"status 529", FailureKind::kModelBusy},
      {"Error 503, Status: UNAVAILABLE", FailureKind::kModelBusy},
      {"Overloaded", FailureKind::kModelBusy},
      {"queue in high demand region not found", FailureKind::kUnknown},
      {"an operator that is not a member was overloaded in a header", FailureKind::kUnknown},
      {"This model is currently experiencing high demand.", FailureKind::kModelBusy},
  })));
}

TEST_CASE("the time that a provider asks for is read in all its spellings") {
  CheckFailure(GENERATE(values<FailureRow>({
      {"429: retry in 2m3s", FailureKind::kModelBusy, 123'000},
      {"429: Please retry in 34.074824224s.", FailureKind::kModelBusy, 34'075},
      {"429: try again in 1h 2m 3.5s", FailureKind::kModelBusy, 3'723'500},
      {"429: try again in 6m0s", FailureKind::kModelBusy, 360'000},
      {"429: retry after 20 seconds", FailureKind::kModelBusy, 20'000},
      {"429: try again in 1 minute and then", FailureKind::kModelBusy, 60'000},
      {"429: TRY AGAIN IN 5S", FailureKind::kModelBusy, 5000},
      {"429: try again in a moment, that is, try again in 5s", FailureKind::kModelBusy, 5000},
      {"RESOURCE_EXHAUSTED {\"retryDelay\": \"34s\"}", FailureKind::kModelBusy, 34'000},
      {"RESOURCE_EXHAUSTED {\"retryDelay\":\"0.5s\"}", FailureKind::kModelBusy, 500},
      {"429: try again in 1ms", FailureKind::kModelBusy, 1},
      {"429: try again in 0.2ms", FailureKind::kModelBusy, 1},  // never sooner
      {"429: try again in 1 day", FailureKind::kModelBusy, kDayMs},
  })));
}

TEST_CASE("a time that makes no sense is not told, and none is longer than a day") {
  CheckFailure(GENERATE(values<FailureRow>({
      {"429: try again in 0s", FailureKind::kModelBusy},
      {"429: try again in -5s", FailureKind::kModelBusy},
      {"429: try again in 20", FailureKind::kModelBusy},
      {"429: try again in 20 parsecs", FailureKind::kModelBusy},
      {"429: try again in s", FailureKind::kModelBusy},
      {"429: try again in 1.2.3s", FailureKind::kModelBusy},
      {"429: try again in .s", FailureKind::kModelBusy},
      {"429: try again in nans", FailureKind::kModelBusy},
      {"429: try again in", FailureKind::kModelBusy},
      {"429: try again in 5", FailureKind::kModelBusy},
      {"429: try again in 3 days", FailureKind::kModelBusy, kDayMs},
      {"429: try again in 99999999999999999999s", FailureKind::kModelBusy, kDayMs},
      {"429: try again in 9999999999999999h", FailureKind::kModelBusy, kDayMs},
  })));
}

TEST_CASE("a request's own fault is told from what may pass") {
  CheckFailure(GENERATE(values<FailureRow>({
      {"input token count exceeds the maximum", FailureKind::kTooLong},
      {"The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
       FailureKind::kTooLong},
      {"prompt is too long: 214429 tokens > 200000 maximum", FailureKind::kTooLong},
      {"input length and `max_tokens` exceed context limit: 199429 + 8192 > 200000", FailureKind::kTooLong},
      {"This model's maximum context length is 128000 tokens.", FailureKind::kTooLong},
      {"context_length_exceeded", FailureKind::kTooLong},
      {"429 Request too large on tokens per min: Limit 30000, Requested 42900. rate_limit_exceeded",
       FailureKind::kTooLong},
      {"413 request_too_large", FailureKind::kTooLong},
      {"Could not process image", FailureKind::kRequestRefused},
      {"messages.3.content.1: image dimensions exceed max allowed size: 8000 pixels", FailureKind::kRequestRefused},
      {"messages.429.content: image exceeds 5 MB maximum", FailureKind::kRequestRefused},
      {"Unable to process input image. Please retry or report", FailureKind::kRequestRefused},
  })));
}

TEST_CASE("what is not told apart stays an error of the agent") {
  CheckFailure(GENERATE(values<FailureRow>({
      {"", FailureKind::kUnknown},
      {"The agent stumbled.", FailureKind::kUnknown},
      {"used 1429 tokens", FailureKind::kUnknown},
      {"used 429 tokens", FailureKind::kUnknown},
      {"429,000 tokens", FailureKind::kUnknown},
      {"status 4290", FailureKind::kUnknown},
      {"error 0.429", FailureKind::kUnknown},
      {"code 429.5", FailureKind::kUnknown},
      {"error 429a", FailureKind::kUnknown},
      {"code x-1-429-2", FailureKind::kUnknown},
      {"status 500", FailureKind::kUnknown},
      {"please try again in 5s", FailureKind::kUnknown},
      {"your rate limit settings are wrong", FailureKind::kUnknown},
      {"\xff\xfe 429\xff", FailureKind::kUnknown},
  })));
}

TEST_CASE("any text is read, however long and whatever it repeats") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "try again in 4294 ";
  CHECK(static_cast<int>(ReadAgentFailure(text).kind) == static_cast<int>(FailureKind::kUnknown));
  CHECK(static_cast<int>(ReadAgentFailure(std::string(1'000'000, '9')).kind) ==
        static_cast<int>(FailureKind::kUnknown));
}

TEST_CASE("an internal error's status says whether and when trying again may help, with the text") {
  const auto status_of = [](std::string_view text) {
    return StatusOf(Finished{FinishReason::kInternalError, text, {}, false});
  };
  const Status busy = status_of("429 rate_limit_exceeded: try again in 9.53s");
  CHECK(busy.code() == Code::kModelUnavailable);
  CHECK(busy.retryable());
  CHECK(busy.error().retry_after == milliseconds(9530));
  CHECK(busy.message() == "the model is busy: 429 rate_limit_exceeded: try again in 9.53s");

  const Status too_long = status_of("prompt is too long");
  CHECK(too_long.code() == Code::kContextWindowExceeded);
  CHECK_FALSE(too_long.retryable());

  const Status refused = status_of("Could not process image");
  CHECK(refused.code() == Code::kRequestRejected);
  CHECK_FALSE(refused.retryable());
  CHECK(refused.message() == "the model refuses what the request brought: Could not process image");

  const Status unknown = status_of("it broke");
  CHECK(unknown.code() == Code::kAgentError);
  CHECK_FALSE(unknown.retryable());
  CHECK_FALSE(unknown.error().retry_after);
  CHECK(unknown.message() == "the agent failed: it broke");
}

}  // namespace warppool::internal
