// Events, and what else the service says, as C sees it.
#include <warppool.h>

#include <chrono>
#include <string>
#include <string_view>

#include "catch.h"
#include "handle.h"

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

std::string Text(const warppool_event& event) {
  size_t length = 0;
  const char* text = warppool_event_text(&event, &length);
  CHECK(text[length] == '\0');
  CHECK(warppool_event_text(&event, nullptr) == text);
  return {text, length};
}

// Everything that `event` has nothing to say about, but for what the sections below look at.
void CheckSilent(const warppool_event* event) {
  size_t length = 7;
  CHECK(warppool_event_text(event, &length) == ""sv);
  CHECK(length == 0);
  CHECK(warppool_event_message_id(event) == ""sv);
  CHECK(warppool_event_token(event) == ""sv);
  CHECK(warppool_event_conversation_id(event) == ""sv);
  CHECK(warppool_event_request_id(event) == ""sv);
  CHECK(warppool_event_run_id(event) == ""sv);
  CHECK(warppool_event_code(event) == WARPPOOL_OK);
  CHECK(warppool_event_message(event) == ""sv);
  CHECK(warppool_event_next_step(event) == WARPPOOL_NEXT_NONE);
  CHECK(warppool_event_wait_ms(event) == 0);
  CHECK(warppool_event_finish_reason(event) == WARPPOOL_FINISH_NONE);
}

}  // namespace

TEST_CASE("the start names who serves") {
  warppool_event event;
  event.Assign(warppool::StreamStarted{"PERSONAL_1", "conversation", "request", "run"});
  CHECK(warppool_event_get_type(&event) == WARPPOOL_EVENT_STREAM_STARTED);
  CHECK(warppool_event_token(&event) == "PERSONAL_1"sv);
  CHECK(warppool_event_conversation_id(&event) == "conversation"sv);
  CHECK(warppool_event_request_id(&event) == "request"sv);
  CHECK(warppool_event_run_id(&event) == "run"sv);
  CHECK(Text(event).empty());
}

TEST_CASE("a copy of an event outlives it, bytes included") {
  warppool_event* copy = nullptr;
  {
    const std::string bytes = "kind|raw\0bytes"s;
    warppool_event event;
    event.Assign(warppool::UnknownEvent{std::string_view(bytes).substr(0, 4), std::string_view(bytes).substr(5)});
    REQUIRE(warppool_event_copy(&event, &copy, nullptr) == WARPPOOL_OK);
  }
  REQUIRE(copy != nullptr);
  CHECK(warppool_event_get_type(copy) == WARPPOOL_EVENT_UNKNOWN);
  size_t length = 0;
  const void* const raw = warppool_event_bytes(copy, &length);
  CHECK(std::string_view(static_cast<const char*>(raw), length) == "raw\0bytes"sv);
  warppool_event* again = nullptr;
  CHECK(warppool_event_copy(copy, &again, nullptr) == WARPPOOL_OK);
  warppool_event_destroy(&copy);
  CHECK(copy == nullptr);
  CHECK(warppool_event_get_type(again) == WARPPOOL_EVENT_UNKNOWN);
  warppool_event_destroy(&again);
  warppool_event_destroy(&again);
  warppool_event_destroy(nullptr);
}

TEST_CASE("copying an event wants both of its arguments") {
  warppool_event event;
  warppool_event* copy = &event;
  CHECK(warppool_event_copy(nullptr, &copy, nullptr) == WARPPOOL_INVALID_ARGUMENT);
  CHECK(copy == nullptr);
  CHECK(warppool_event_copy(&event, nullptr, nullptr) == WARPPOOL_INVALID_ARGUMENT);
}

TEST_CASE("texts end with NUL even where the service's bytes do not, and may hold one") {
  const std::string bytes = "message|Hello\0world|rest"s;
  warppool_event event;
  event.Assign(warppool::TextDelta{std::string_view(bytes).substr(0, 7), std::string_view(bytes).substr(8, 11)});
  CHECK(warppool_event_get_type(&event) == WARPPOOL_EVENT_TEXT_DELTA);
  CHECK(Text(event) == "Hello\0world"sv);
  CHECK(warppool_event_message_id(&event) == "message"sv);

  event.Assign(warppool::TextReplaced{"message", "Hello"});
  CHECK(warppool_event_get_type(&event) == WARPPOOL_EVENT_TEXT_REPLACED);
  CHECK(Text(event) == "Hello");
  CHECK(warppool_event_message_id(&event) == "message"sv);
  CHECK(warppool_event_token(&event) == ""sv);
}

TEST_CASE("a failed attempt says why and what comes next") {
  warppool_event event;
  event.Assign(
      warppool::AttemptFailed{"SHARED_2", warppool::Code::kOverloaded, "busy", warppool::NextStep::kWait, 250ms});
  CHECK(warppool_event_get_type(&event) == WARPPOOL_EVENT_ATTEMPT_FAILED);
  CHECK(warppool_event_token(&event) == "SHARED_2"sv);
  CHECK(warppool_event_code(&event) == WARPPOOL_OVERLOADED);
  CHECK(warppool_event_message(&event) == "busy"sv);
  CHECK(warppool_event_next_step(&event) == WARPPOOL_NEXT_WAIT);
  CHECK(warppool_event_wait_ms(&event) == 250);
}

TEST_CASE("who waits for a token is told why and for how long") {
  const std::string reason = "PERSONAL_1: cooling|rest";
  warppool_event event;
  event.Assign(warppool::Waiting{1500ms, std::string_view(reason).substr(0, 19)});
  CHECK(warppool_event_get_type(&event) == WARPPOOL_EVENT_WAITING);
  CHECK(warppool_event_message(&event) == "PERSONAL_1: cooling"sv);
  CHECK(warppool_event_wait_ms(&event) == 1500);
  CHECK(warppool_event_token(&event) == ""sv);
  CHECK(warppool_event_code(&event) == WARPPOOL_OK);
  CHECK(warppool_event_next_step(&event) == WARPPOOL_NEXT_NONE);
}

TEST_CASE("the end says why and what it cost") {
  warppool_event event;
  event.Assign(warppool::Finished{warppool::FinishReason::kInternalError, "sorry", {1, 2, 3, 4, 5.5, 6.5, 0.25}});
  CHECK(warppool_event_get_type(&event) == WARPPOOL_EVENT_FINISHED);
  CHECK(warppool_event_finish_reason(&event) == WARPPOOL_FINISH_INTERNAL_ERROR);
  CHECK(warppool_event_message(&event) == "sorry"sv);
  warppool_usage usage = WARPPOOL_USAGE_INIT;
  REQUIRE(warppool_event_usage(&event, &usage, nullptr) == WARPPOOL_OK);
  CHECK(usage.input_tokens == 1);
  CHECK(usage.output_tokens == 2);
  CHECK(usage.cache_read_tokens == 3);
  CHECK(usage.cache_write_tokens == 4);
  CHECK(usage.cost_in_cents == 5.5);
  CHECK(usage.credits == 6.5);
  CHECK(usage.context_window_usage == 0.25);
}

TEST_CASE("what has no event of its own comes as bytes") {
  const std::string bytes = "\x0a\0\x02hi"s;
  warppool_event event;
  event.Assign(warppool::UnknownEvent{"create_task", bytes});
  CHECK(warppool_event_get_type(&event) == WARPPOOL_EVENT_UNKNOWN);
  CHECK(warppool_event_kind(&event) == "create_task"sv);
  size_t length = 0;
  const uint8_t* got = warppool_event_bytes(&event, &length);
  CHECK(std::string(got, got + length) == bytes);
  CHECK(warppool_event_bytes(&event, nullptr) == got);

  warppool_usage usage = WARPPOOL_USAGE_INIT;
  usage.credits = 9;
  REQUIRE(warppool_event_usage(&event, &usage, nullptr) == WARPPOOL_OK);
  CHECK(usage.credits == 0);
  CheckSilent(&event);

  event.Assign(warppool::UnknownEvent{});
  CHECK(warppool_event_kind(&event) == ""sv);
  CHECK(warppool_event_bytes(&event, &length) != nullptr);
  CHECK(length == 0);
}

TEST_CASE("no event has nothing to say") {
  CHECK(warppool_event_get_type(nullptr) == WARPPOOL_EVENT_NONE);
  CHECK(warppool_event_kind(nullptr) == ""sv);
  size_t length = 7;
  CHECK(warppool_event_bytes(nullptr, &length) != nullptr);
  CHECK(length == 0);
  CheckSilent(nullptr);
}

TEST_CASE("an access token's value ends with NUL, and its end is a date") {
  const std::chrono::system_clock::time_point end(1'700'000'000'123ms);
  const warppool_access_token token({warppool::Secret("bearer"), "PERSONAL_1", end});
  CHECK(warppool_access_token_value(&token) == "bearer"sv);
  CHECK(warppool_access_token_token(&token) == "PERSONAL_1"sv);
  CHECK(warppool_access_token_expires_ms(&token) == 1'700'000'000'123);
  CHECK(warppool_access_token_expires_ms(nullptr) == -1);

  const warppool_access_token key({warppool::Secret(), "API", std::nullopt});
  CHECK(warppool_access_token_value(&key) == ""sv);
  CHECK(warppool_access_token_expires_ms(&key) == -1);
}

TEST_CASE("an error shows everything that C++ knows of it") {
  warppool::Error details{warppool::Code::kAllTokensFailed, "no token worked"};
  details.token = "SHARED_2";
  details.http_status = 429;
  details.service_code = "OUT_OF_CREDITS";
  details.user_message = "Come back tomorrow.";
  details.retryable = true;
  details.retry_after = 1500ms;
  details.attempts = {{"PERSONAL_1", warppool::Code::kUnauthorized, "refused"},
                      {"SHARED_2", warppool::Code::kQuotaExhausted, "used up"}};
  const warppool_error error{details, "text"};
  CHECK(warppool_error_code(&error) == WARPPOOL_ALL_TOKENS_FAILED);
  CHECK(warppool_error_message(&error) == "no token worked"sv);
  CHECK(warppool_error_token(&error) == "SHARED_2"sv);
  CHECK(warppool_error_http_status(&error) == 429);
  CHECK(warppool_error_service_code(&error) == "OUT_OF_CREDITS"sv);
  CHECK(warppool_error_user_message(&error) == "Come back tomorrow."sv);
  CHECK(warppool_error_retryable(&error) == 1);
  CHECK(warppool_error_retry_after_ms(&error) == 1500);
  REQUIRE(warppool_error_attempt_count(&error) == 2);
  CHECK(warppool_error_attempt_token(&error, 0) == "PERSONAL_1"sv);
  CHECK(warppool_error_attempt_code(&error, 1) == WARPPOOL_QUOTA_EXHAUSTED);
  CHECK(warppool_error_attempt_message(&error, 1) == "used up"sv);
  CHECK(warppool_error_attempt_message(&error, 2) == ""sv);
  CHECK(warppool_error_attempt_code(&error, 2) == WARPPOOL_OK);
}

TEST_CASE("a pool status shows everything that C++ knows of a token") {
  warppool_pool_status status;
  warppool::TokenStatus token;
  token.name = "SHARED_2";
  token.tier = warppool::Tier::kShared;
  token.kind = warppool::CredentialKind::kApiKey;
  token.state = warppool::TokenState::kCooling;
  token.failures = 1;
  token.in_flight = 2;
  token.served = 3;
  token.total_failures = 4;
  token.refreshes = 5;
  token.last_error = warppool::Code::kQuotaExhausted;
  token.last_error_message = "used up";
  token.reason = "no credits left";
  token.same_account = "PERSONAL_1";
  token.quota = warppool::Quota{false, 100, 98, 7, std::chrono::system_clock::time_point(1'700'000'001'000ms)};
  token.ready_at = std::chrono::system_clock::time_point(1'700'000'000'000ms);
  warppool::TokenStatus unlimited;
  unlimited.state = warppool::TokenState::kHalfOpen;
  unlimited.quota = warppool::Quota{true};
  status.status.tokens = {token, {}, unlimited};  // the second one: a personal token that is ready
  status.summary = status.status.Summary();

  CHECK(warppool_pool_status_count(&status) == 3);
  CHECK(warppool_pool_status_active(&status) == 1);
  CHECK(warppool_pool_status_summary(&status) == "1/3 active (SHARED: 0/1, PERSONAL: 1/2)"sv);
  warppool_token_info info = WARPPOOL_TOKEN_INFO_INIT;
  REQUIRE(warppool_pool_status_token(&status, 0, &info, nullptr) == WARPPOOL_OK);
  CHECK(info.name == "SHARED_2"sv);
  CHECK(info.tier == WARPPOOL_TIER_SHARED);
  CHECK(info.kind == WARPPOOL_CREDENTIAL_API_KEY);
  CHECK(info.state == WARPPOOL_TOKEN_COOLING);
  CHECK(info.failures == 1);
  CHECK(info.in_flight == 2);
  CHECK(info.served == 3);
  CHECK(info.total_failures == 4);
  CHECK(info.refreshes == 5);
  CHECK(info.last_error == WARPPOOL_QUOTA_EXHAUSTED);
  CHECK(info.last_error_message == "used up"sv);
  CHECK(info.ready_at_ms == 1'700'000'000'000);
  CHECK(info.jwt_expires_ms == -1);
  CHECK(info.reason == "no credits left"sv);
  CHECK(info.same_account == "PERSONAL_1"sv);
  CHECK(info.has_quota == 1);
  CHECK(info.quota_unlimited == 0);
  CHECK(info.quota_limit == 100);
  CHECK(info.quota_used == 98);
  CHECK(info.quota_bonus == 7);
  CHECK(info.quota_remaining == 9);
  CHECK(info.quota_next_reset_ms == 1'700'000'001'000);
  REQUIRE(warppool_pool_status_token(&status, 1, &info, nullptr) == WARPPOOL_OK);
  CHECK(info.last_error == WARPPOOL_OK);
  CHECK(info.ready_at_ms == -1);
  CHECK(info.reason == ""sv);
  CHECK(info.same_account == ""sv);
  CHECK(info.has_quota == 0);
  CHECK(info.quota_limit == 0);
  CHECK(info.quota_next_reset_ms == -1);
  REQUIRE(warppool_pool_status_token(&status, 2, &info, nullptr) == WARPPOOL_OK);
  CHECK(info.state == WARPPOOL_TOKEN_HALF_OPEN);
  CHECK(info.has_quota == 1);
  CHECK(info.quota_unlimited == 1);
  CHECK(info.quota_next_reset_ms == -1);
  CHECK(warppool_pool_status_token(&status, 3, &info, nullptr) == WARPPOOL_INVALID_ARGUMENT);

  // Does not compile when C++ gets another field: give it a member, and a line above.
  [[maybe_unused]] const auto& [name, tier, kind, state, failures, in_flight, served, blamed, refreshes, last_error,
                                last_error_message, reason, same_account, quota, ready_at, jwt_expires] = token;
  [[maybe_unused]] const auto& [is_unlimited, limit, used, bonus, next_reset] = *token.quota;
}

TEST_CASE("a pool event shows everything that C++ knows of it") {
  const std::string texts = "SHARED_2|refused|rest";
  warppool::PoolEvent source{warppool::PoolEventKind::kDisabled, warppool::Tier::kShared};
  source.token = std::string_view(texts).substr(0, 8);
  source.code = warppool::Code::kUnauthorized;
  source.reason = std::string_view(texts).substr(9, 7);
  source.failures = 3;
  source.until = std::chrono::system_clock::time_point(1'700'000'060'000ms);
  source.time = std::chrono::system_clock::time_point(1'700'000'000'000ms);
  const warppool_pool_event event(source);
  CHECK(warppool_pool_event_get_kind(&event) == WARPPOOL_POOL_EVENT_DISABLED);
  CHECK(warppool_pool_event_token(&event) == "SHARED_2"sv);
  CHECK(warppool_pool_event_tier(&event) == WARPPOOL_TIER_SHARED);
  CHECK(warppool_pool_event_code(&event) == WARPPOOL_UNAUTHORIZED);
  CHECK(warppool_pool_event_reason(&event) == "refused"sv);
  CHECK(warppool_pool_event_failures(&event) == 3);
  CHECK(warppool_pool_event_until_ms(&event) == 1'700'000'060'000);
  CHECK(warppool_pool_event_time_ms(&event) == 1'700'000'000'000);
  // Does not compile when C++ gets another field: give it a function, and a line above.
  [[maybe_unused]] const auto& [kind, tier, token, code, reason, failures, until, time] = source;

  CHECK(warppool_pool_event_token(nullptr) == ""sv);
  CHECK(static_cast<int>(warppool_pool_event_tier(nullptr)) == 0);
  CHECK(warppool_pool_event_until_ms(nullptr) == -1);
}

TEST_CASE("an explanation shows everything that C++ knows of it") {
  const std::chrono::system_clock::time_point until(1'700'000'000'000ms);
  const warppool::TokenExplanation cooling{"SHARED_2", warppool::Tier::kShared, 0, "cooling", until};
  const warppool_explanation explanation{{{"PERSONAL_1", warppool::Tier::kPersonal, 1, "ready", {}}, cooling}};
  CHECK(warppool_explanation_count(&explanation) == 2);
  CHECK(warppool_explanation_token(&explanation, 0) == "PERSONAL_1"sv);
  CHECK(warppool_explanation_tier(&explanation, 0) == WARPPOOL_TIER_PERSONAL);
  CHECK(warppool_explanation_turn(&explanation, 0) == 1);
  CHECK(warppool_explanation_reason(&explanation, 0) == "ready"sv);
  CHECK(warppool_explanation_until_ms(&explanation, 0) == -1);
  CHECK(warppool_explanation_token(&explanation, 1) == "SHARED_2"sv);
  CHECK(warppool_explanation_tier(&explanation, 1) == WARPPOOL_TIER_SHARED);
  CHECK(warppool_explanation_turn(&explanation, 1) == 0);
  CHECK(warppool_explanation_reason(&explanation, 1) == "cooling"sv);
  CHECK(warppool_explanation_until_ms(&explanation, 1) == 1'700'000'000'000);
  CHECK(warppool_explanation_token(&explanation, 2) == ""sv);
  CHECK(static_cast<int>(warppool_explanation_tier(&explanation, 2)) == 0);
  CHECK(warppool_explanation_turn(&explanation, 2) == 0);
  CHECK(warppool_explanation_reason(&explanation, 2) == ""sv);
  CHECK(warppool_explanation_until_ms(&explanation, 2) == -1);
  // Does not compile when C++ gets another field: give it a function, and a line above.
  [[maybe_unused]] const auto& [name, tier, turn, reason, end] = cooling;
}

TEST_CASE("a health report shows everything that C++ knows of it") {
  warppool::Error refused{warppool::Code::kUnauthorized, "refused"};
  refused.token = "SHARED_2";
  refused.http_status = 403;
  warppool::TokenHealthResult ill;
  ill.token.name = "SHARED_2";
  ill.token.tier = warppool::Tier::kShared;
  ill.token.state = warppool::TokenState::kDisabled;
  ill.problem = warppool::Status(refused);
  warppool::TokenHealthResult well;
  well.healthy = true;
  well.token.name = "PERSONAL_1";
  well.quota_problem = warppool::Status(warppool::Code::kOverloaded, "busy");
  const warppool_health_report report(warppool::HealthReport{{well, ill}});

  CHECK(warppool_health_report_count(&report) == 2);
  CHECK(warppool_health_report_healthy_count(&report) == 1);
  CHECK(warppool_health_report_healthy(&report, 0) == 1);
  CHECK(warppool_health_report_problem(&report, 0) == nullptr);
  CHECK(warppool_error_code(warppool_health_report_quota_problem(&report, 0)) == WARPPOOL_OVERLOADED);
  CHECK(warppool_health_report_healthy(&report, 1) == 0);
  const warppool_error* problem = warppool_health_report_problem(&report, 1);
  CHECK(warppool_error_code(problem) == WARPPOOL_UNAUTHORIZED);
  CHECK(warppool_error_message(problem) == "refused"sv);
  CHECK(warppool_error_http_status(problem) == 403);
  CHECK(warppool_error_to_string(problem) == warppool::Status(refused).ToString());
  CHECK(warppool_health_report_quota_problem(&report, 1) == nullptr);
  CHECK(warppool_health_report_healthy(&report, 2) == 0);
  CHECK(warppool_health_report_problem(&report, 2) == nullptr);
  CHECK(warppool_health_report_quota_problem(&report, 2) == nullptr);
  CHECK(warppool_health_report_to_string(&report) == warppool::HealthReport{{well, ill}}.ToString());

  const warppool_pool_status* pool = warppool_health_report_pool(&report);
  REQUIRE(warppool_pool_status_count(pool) == 2);
  CHECK(warppool_pool_status_active(pool) == 1);
  CHECK(warppool_pool_status_summary(pool) == "1/2 active (PERSONAL: 1, SHARED: 0/1)"sv);
  warppool_token_info info = WARPPOOL_TOKEN_INFO_INIT;
  REQUIRE(warppool_pool_status_token(pool, 1, &info, nullptr) == WARPPOOL_OK);
  CHECK(info.name == "SHARED_2"sv);
  CHECK(info.state == WARPPOOL_TOKEN_DISABLED);
  // Does not compile when C++ gets another field: give it a function, and a line above.
  [[maybe_unused]] const auto& [healthy, token, why, quota_why] = ill;
}
