// Names, numbers, NULL, and the header's manual: what holds without a client.
#include <warppool.h>

#include <fstream>
#include <sstream>
#include <string>

#include "catch.h"
#include "handles.h"
#include "refusals.h"

namespace {

std::string Read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("the library that runs is the one whose header was compiled") {
  CHECK(std::string(warppool_version()) == WARPPOOL_VERSION_STRING);
  CHECK(std::string(WARPPOOL_VERSION_STRING) == std::to_string(WARPPOOL_VERSION_MAJOR) + "." +
                                                    std::to_string(WARPPOOL_VERSION_MINOR) + "." +
                                                    std::to_string(WARPPOOL_VERSION_PATCH));
}

TEST_CASE("every enumeration with a name has one, and a number from elsewhere does no harm") {
  CHECK(warppool_code_name(WARPPOOL_OK) == std::string("ok"));
  CHECK(warppool_code_name(WARPPOOL_QUOTA_EXHAUSTED) == std::string("quota_exhausted"));
  CHECK(warppool_log_level_name(WARPPOOL_LOG_WARNING) == std::string("WARNING"));
  CHECK(warppool_tier_name(WARPPOOL_TIER_SHARED) == std::string("SHARED"));
  CHECK(warppool_strategy_name(WARPPOOL_STRATEGY_FILL_FIRST) == std::string("fill_first"));
  CHECK(warppool_pool_event_kind_name(WARPPOOL_POOL_EVENT_SAME_ACCOUNT) == std::string("same account"));
  CHECK(warppool_token_state_name(WARPPOOL_TOKEN_COOLING) == std::string("cooling"));
  CHECK(warppool_token_state_name(WARPPOOL_TOKEN_HALF_OPEN) == std::string("half open"));
  CHECK(warppool_token_state_name(WARPPOOL_TOKEN_RESTING) == std::string("resting"));
  for (const int number : {-1, 9999}) {
    CHECK(warppool_code_name(static_cast<warppool_code>(number)) != nullptr);
    CHECK(warppool_log_level_name(static_cast<warppool_log_level>(number)) != nullptr);
    CHECK(warppool_tier_name(static_cast<warppool_tier>(number)) != nullptr);
    CHECK(warppool_strategy_name(static_cast<warppool_strategy>(number)) != nullptr);
    CHECK(warppool_pool_event_kind_name(static_cast<warppool_pool_event_kind>(number)) != nullptr);
    CHECK(warppool_token_state_name(static_cast<warppool_token_state>(number)) != nullptr);
  }
}

TEST_CASE("the example in the header's manual is the program that the tests compile") {
  std::istringstream program(Read(MANUAL_EXAMPLE));
  std::string quoted;
  for (std::string line; std::getline(program, line);) quoted += line.empty() ? " *\n" : " *   " + line + "\n";
  REQUIRE(quoted.size() > 1000);
  CHECK(Read(C_HEADER).find(quoted) != std::string::npos);
}

TEST_CASE("a required pointer that is NULL is named") {
  ConfigHandle config;
  RequestHandle request;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_request_create("why", request.out(), nullptr) == WARPPOOL_OK);
  auto* client = Rubbish<warppool_client>();  // never looked at: the other parameter is refused first
  auto* stream = Rubbish<warppool_stream>();
  const warppool_stream_callbacks callbacks = WARPPOOL_STREAM_CALLBACKS_INIT;
  const warppool_tier tier = WARPPOOL_TIER_SHARED;
  const warppool_tool tool = WARPPOOL_TOOL_CALL_MCP_TOOL;
  warppool_usage usage = WARPPOOL_USAGE_INIT;
  warppool_token_info info = WARPPOOL_TOKEN_INFO_INIT;

  SECTION("config") {
    ConfigHandle copy;
    CheckNames("config", [&](auto** e) { return warppool_config_create(nullptr, e); });
    CheckNames("config", [&](auto** e) { return warppool_config_load(nullptr, nullptr, e); });
    CheckNames("config", [&](auto** e) { return warppool_config_copy(nullptr, copy.out(), e); });
    CheckNames("copy", [&](auto** e) { return warppool_config_copy(config, nullptr, e); });
    CheckNames("config", [&](auto** e) {
      return warppool_config_add_token(nullptr, tier, WARPPOOL_CREDENTIAL_API_KEY, "secret", nullptr, e);
    });
    CheckNames("credential", [&](auto** e) {
      return warppool_config_add_token(config, tier, WARPPOOL_CREDENTIAL_API_KEY, nullptr, nullptr, e);
    });
    CheckNames("config", [&](auto** e) { return warppool_config_set_tier_order(nullptr, &tier, 1, e); });
    CheckNames("tiers", [&](auto** e) { return warppool_config_set_tier_order(config, nullptr, 1, e); });
    CheckNames("config",
               [&](auto** e) { return warppool_config_set_strategy(nullptr, WARPPOOL_STRATEGY_FILL_FIRST, e); });
    CheckNames("config", [&](auto** e) { return warppool_config_set_max_event_bytes(nullptr, 1024, e); });
    CheckNames("config", [&](auto** e) { return warppool_config_validate(nullptr, e); });
    for (const auto set :
         {warppool_config_set_server_url, warppool_config_set_refresh_url, warppool_config_set_securetoken_url,
          warppool_config_set_firebase_api_key, warppool_config_set_client_version, warppool_config_set_ca_bundle,
          warppool_config_set_proxy, warppool_config_set_no_proxy, warppool_config_set_state_file}) {
      CheckNames("config", [&](auto** e) { return set(nullptr, "text", e); });
      CheckNames("value", [&](auto** e) { return set(config, nullptr, e); });
    }
    for (const auto set : {warppool_config_set_max_failures, warppool_config_set_connect_timeout_ms,
                           warppool_config_set_silence_timeout_ms, warppool_config_set_refresh_timeout_ms,
                           warppool_config_set_retry_budget, warppool_config_set_retry_base_delay_ms,
                           warppool_config_set_retry_max_delay_ms, warppool_config_set_retry_after_limit_ms,
                           warppool_config_set_quota_cooling_ms, warppool_config_set_recovery_delay_ms,
                           warppool_config_set_recovery_max_delay_ms, warppool_config_set_max_in_flight,
                           warppool_config_set_max_token_wait_ms, warppool_config_set_background_refresh,
                           warppool_config_set_state_save_interval_ms, warppool_config_set_store_timeout_ms}) {
      CheckNames("config", [&](auto** e) { return set(nullptr, 1, e); });
    }
  }
  SECTION("request") {
    RequestHandle other;
    CheckNames("query", [&](auto** e) { return warppool_request_create(nullptr, other.out(), e); });
    CheckNames("request", [&](auto** e) { return warppool_request_create("why", nullptr, e); });
    CheckNames("request", [&](auto** e) { return warppool_request_copy(nullptr, other.out(), e); });
    CheckNames("copy", [&](auto** e) { return warppool_request_copy(request, nullptr, e); });
    for (const auto set :
         {warppool_request_set_query, warppool_request_set_model, warppool_request_set_system_prompt}) {
      CheckNames("request", [&](auto** e) { return set(nullptr, "text", e); });
      CheckNames("value", [&](auto** e) { return set(request, nullptr, e); });
    }
    CheckNames("request", [&](auto** e) { return warppool_request_set_timeout_ms(nullptr, 1, e); });
    CheckNames("request", [&](auto** e) { return warppool_request_set_wait_for_token(nullptr, 1, e); });
    CheckNames("request", [&](auto** e) { return warppool_request_set_allowed_tools(nullptr, &tool, 1, e); });
    CheckNames("tools", [&](auto** e) { return warppool_request_set_allowed_tools(request, nullptr, 1, e); });
    CheckNames("request", [&](auto** e) { return warppool_request_set_logging(nullptr, "key", "value", e); });
    CheckNames("key", [&](auto** e) { return warppool_request_set_logging(request, nullptr, "value", e); });
  }
  SECTION("client") {
    auto* made = Rubbish<warppool_client>();
    CheckNames("config", [&](auto** e) { return warppool_client_create(nullptr, nullptr, &made, e); });
    CHECK(made == nullptr);
    CheckNames("client", [&](auto** e) { return warppool_client_create(config, nullptr, nullptr, e); });
    auto* answer = Rubbish<warppool_answer>();
    CheckNames("client", [&](auto** e) { return warppool_client_ask(nullptr, request, &answer, e); });
    CHECK(answer == nullptr);
    CheckNames("request", [&](auto** e) { return warppool_client_ask(client, nullptr, &answer, e); });
    CheckNames("answer", [&](auto** e) { return warppool_client_ask(client, request, nullptr, e); });
    auto* token = Rubbish<warppool_access_token>();
    CheckNames("client", [&](auto** e) { return warppool_client_access_token(nullptr, 0, &token, e); });
    CHECK(token == nullptr);
    CheckNames("access_token", [&](auto** e) { return warppool_client_access_token(client, 0, nullptr, e); });
    CheckNames("client", [&](auto** e) {
      return warppool_client_drop_access_token(nullptr, Rubbish<warppool_access_token>(), e);
    });
    CheckNames("refused", [&](auto** e) { return warppool_client_drop_access_token(client, nullptr, e); });
    auto* pool = Rubbish<warppool_pool_status>();
    CheckNames("client", [&](auto** e) { return warppool_client_pool(nullptr, &pool, e); });
    CHECK(pool == nullptr);
    CheckNames("status", [&](auto** e) { return warppool_client_pool(client, nullptr, e); });
    auto* explanation = Rubbish<warppool_explanation>();
    CheckNames("client", [&](auto** e) { return warppool_client_explain(nullptr, &explanation, e); });
    CHECK(explanation == nullptr);
    CheckNames("explanation", [&](auto** e) { return warppool_client_explain(client, nullptr, e); });
    CheckNames("client", [&](auto** e) { return warppool_client_recover(nullptr, "PERSONAL_1", e); });
    CheckNames("token", [&](auto** e) { return warppool_client_recover(client, nullptr, e); });
    size_t count = 7;
    CheckNames("client", [&](auto** e) { return warppool_client_recover_all(nullptr, &count, e); });
    CHECK(count == 0);
    CheckNames("client", [&](auto** e) { return warppool_client_recover_all(nullptr, nullptr, e); });
    auto* report = Rubbish<warppool_health_report>();
    CheckNames("client", [&](auto** e) { return warppool_client_check_health(nullptr, nullptr, &report, e); });
    CHECK(report == nullptr);
    CheckNames("report", [&](auto** e) { return warppool_client_check_health(client, nullptr, nullptr, e); });
    CheckNames("client", [&](auto** e) { return warppool_client_close(nullptr, 0, e); });
  }
  SECTION("stream") {
    auto* made = Rubbish<warppool_stream>();
    CheckNames("client", [&](auto** e) { return warppool_client_start(nullptr, request, &callbacks, &made, e); });
    CHECK(made == nullptr);
    CheckNames("request", [&](auto** e) { return warppool_client_start(client, nullptr, &callbacks, &made, e); });
    CheckNames("callbacks", [&](auto** e) { return warppool_client_start(client, request, nullptr, &made, e); });
    CheckNames("stream", [&](auto** e) { return warppool_client_start(client, request, &callbacks, nullptr, e); });
    made = Rubbish<warppool_stream>();
    CheckNames("client", [&](auto** e) { return warppool_client_start_pull(nullptr, request, &made, e); });
    CHECK(made == nullptr);
    CheckNames("request", [&](auto** e) { return warppool_client_start_pull(client, nullptr, &made, e); });
    CheckNames("stream", [&](auto** e) { return warppool_client_start_pull(client, request, nullptr, e); });

    const auto* event = Rubbish<const warppool_event>();
    CheckNames("stream", [&](auto** e) { return warppool_stream_next(nullptr, 0, &event, e); });
    CHECK(event == nullptr);
    CheckNames("event", [&](auto** e) { return warppool_stream_next(stream, 0, nullptr, e); });
    int descriptor = 7;
    CheckNames("stream", [&](auto** e) { return warppool_stream_descriptor(nullptr, &descriptor, e); });
    CHECK(descriptor == -1);
    CheckNames("descriptor", [&](auto** e) { return warppool_stream_descriptor(stream, nullptr, e); });
    CheckNames("stream", [&](auto** e) { return warppool_stream_cancel(nullptr, e); });
    CheckNames("stream", [&](auto** e) { return warppool_stream_resume(nullptr, e); });
  }
  SECTION("what is read") {
    CheckNames("answer", [&](auto** e) { return warppool_answer_usage(nullptr, &usage, e); });
    CheckNames("usage", [&](auto** e) { return warppool_answer_usage(Rubbish<warppool_answer>(), nullptr, e); });
    CheckNames("event", [&](auto** e) { return warppool_event_usage(nullptr, &usage, e); });
    CheckNames("usage", [&](auto** e) { return warppool_event_usage(Rubbish<warppool_event>(), nullptr, e); });
    CheckNames("status", [&](auto** e) { return warppool_pool_status_token(nullptr, 0, &info, e); });
    CheckNames("info",
               [&](auto** e) { return warppool_pool_status_token(Rubbish<warppool_pool_status>(), 0, nullptr, e); });
  }
}

TEST_CASE("what reads a property takes NULL for a handle") {
  size_t length = 7;
  CHECK(warppool_error_code(nullptr) == WARPPOOL_OK);
  CHECK(warppool_error_message(nullptr) == std::string());
  CHECK(warppool_error_token(nullptr) == std::string());
  CHECK(warppool_error_http_status(nullptr) == 0);
  CHECK(warppool_error_service_code(nullptr) == std::string());
  CHECK(warppool_error_user_message(nullptr) == std::string());
  CHECK(warppool_error_retryable(nullptr) == 0);
  CHECK(warppool_error_retry_after_ms(nullptr) == -1);
  CHECK(warppool_error_attempt_count(nullptr) == 0);
  CHECK(warppool_error_attempt_token(nullptr, 0) == std::string());
  CHECK(warppool_error_attempt_code(nullptr, 0) == WARPPOOL_OK);
  CHECK(warppool_error_attempt_message(nullptr, 0) == std::string());
  CHECK(warppool_error_to_string(nullptr) == std::string());
  CHECK(warppool_config_token_count(nullptr) == 0);
  CHECK(warppool_config_server_url(nullptr) == std::string());
  CHECK(warppool_answer_text(nullptr, &length) == std::string());
  CHECK(length == 0);
  CHECK(warppool_answer_text(nullptr, nullptr) == std::string());
  CHECK(warppool_answer_conversation_id(nullptr) == std::string());
  CHECK(warppool_answer_request_id(nullptr) == std::string());
  CHECK(warppool_answer_token(nullptr) == std::string());
  CHECK(warppool_answer_finish_reason(nullptr) == WARPPOOL_FINISH_NONE);
  CHECK(warppool_access_token_value(nullptr) == std::string());
  CHECK(warppool_access_token_token(nullptr) == std::string());
  CHECK(warppool_access_token_expires_ms(nullptr) == -1);
  CHECK(warppool_pool_status_count(nullptr) == 0);
  CHECK(warppool_pool_status_active(nullptr) == 0);
  CHECK(warppool_pool_status_summary(nullptr) == std::string());
  CHECK(warppool_pool_event_get_kind(nullptr) == WARPPOOL_POOL_EVENT_NONE);
  CHECK(warppool_pool_event_token(nullptr) == std::string());
  CHECK(static_cast<int>(warppool_pool_event_tier(nullptr)) == 0);
  CHECK(warppool_pool_event_code(nullptr) == WARPPOOL_OK);
  CHECK(warppool_pool_event_reason(nullptr) == std::string());
  CHECK(warppool_pool_event_failures(nullptr) == 0);
  CHECK(warppool_pool_event_until_ms(nullptr) == -1);
  CHECK(warppool_pool_event_time_ms(nullptr) == -1);
  CHECK(warppool_explanation_count(nullptr) == 0);
  CHECK(warppool_explanation_token(nullptr, 0) == std::string());
  CHECK(static_cast<int>(warppool_explanation_tier(nullptr, 0)) == 0);
  CHECK(warppool_explanation_turn(nullptr, 0) == 0);
  CHECK(warppool_explanation_reason(nullptr, 0) == std::string());
  CHECK(warppool_explanation_until_ms(nullptr, 0) == -1);
  CHECK(warppool_health_report_count(nullptr) == 0);
  CHECK(warppool_health_report_healthy_count(nullptr) == 0);
  CHECK(warppool_health_report_healthy(nullptr, 0) == 0);
  CHECK(warppool_health_report_problem(nullptr, 0) == nullptr);
  CHECK(warppool_health_report_quota_problem(nullptr, 0) == nullptr);
  CHECK(warppool_health_report_pool(nullptr) == nullptr);
  CHECK(warppool_health_report_to_string(nullptr) == std::string());
}

TEST_CASE("destroying nothing does nothing") {
  warppool_error_destroy(nullptr);
  warppool_config_destroy(nullptr);
  warppool_request_destroy(nullptr);
  warppool_stream_destroy(nullptr);
  warppool_answer_destroy(nullptr);
  warppool_access_token_destroy(nullptr);
  warppool_pool_status_destroy(nullptr);
  warppool_explanation_destroy(nullptr);
  warppool_health_report_destroy(nullptr);
  CHECK(warppool_client_destroy(nullptr) == WARPPOOL_OK);
  warppool_client* client = nullptr;
  CHECK(warppool_client_destroy(&client) == WARPPOOL_OK);
}

TEST_CASE("destroying sets the variable to NULL, so that a second time does nothing") {
  warppool_config* config = nullptr;
  REQUIRE(warppool_config_create(&config, nullptr) == WARPPOOL_OK);
  REQUIRE(config != nullptr);
  warppool_config_destroy(&config);
  CHECK(config == nullptr);
  warppool_config_destroy(&config);

  warppool_error* error = nullptr;
  REQUIRE(warppool_config_validate(nullptr, &error) == WARPPOOL_INVALID_ARGUMENT);
  REQUIRE(error != nullptr);
  warppool_error_destroy(&error);
  CHECK(error == nullptr);
  warppool_error_destroy(&error);
}

TEST_CASE("an error says what, and its copy lives on") {
  ConfigHandle config;
  ErrorHandle error;
  REQUIRE(warppool_config_create(config.out(), error.out()) == WARPPOOL_OK);
  CHECK(static_cast<warppool_error*>(error) == nullptr);
  REQUIRE(warppool_config_validate(config, error.out()) == WARPPOOL_NO_TOKENS);
  CHECK(warppool_error_code(error) == WARPPOOL_NO_TOKENS);
  CHECK(warppool_error_message(error) != std::string());
  CHECK(warppool_error_token(error) == std::string());
  CHECK(warppool_error_http_status(error) == 0);
  CHECK(warppool_error_retryable(error) == 0);
  CHECK(warppool_error_retry_after_ms(error) == -1);
  CHECK(warppool_error_attempt_count(error) == 0);
  CHECK(warppool_error_attempt_token(error, 0) == std::string());
  const std::string text = warppool_error_to_string(error);
  CHECK(text.find("no_tokens: ") == 0);

  ErrorHandle copy;
  REQUIRE(warppool_error_copy(error, copy.out()) == WARPPOOL_OK);
  warppool_error_destroy(error.out());
  CHECK(warppool_error_to_string(copy) == text);

  auto* cleared = Rubbish<warppool_error>();
  CHECK(warppool_error_copy(nullptr, &cleared) == WARPPOOL_INVALID_ARGUMENT);
  CHECK(cleared == nullptr);
  CHECK(warppool_error_copy(copy, nullptr) == WARPPOOL_INVALID_ARGUMENT);
}

TEST_CASE("an error variable is overwritten, also with success") {
  auto* error = Rubbish<warppool_error>();
  ConfigHandle config;
  CHECK(warppool_config_create(config.out(), &error) == WARPPOOL_OK);
  CHECK(error == nullptr);
}
