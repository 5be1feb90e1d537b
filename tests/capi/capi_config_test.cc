// Configurations, and the structs that carry their size.
#include <unistd.h>
#include <warppool.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "catch.h"
#include "handle.h"
#include "handles.h"
#include "refusals.h"

namespace {

using Lines = std::vector<std::string>;

void Collect(warppool_log_level level, const char* message, int64_t time_ms, void* user_data) {
  static_cast<Lines*>(user_data)->push_back(std::string(warppool_log_level_name(level)) + " " + message);
  if (time_ms < 1'600'000'000'000)
    static_cast<Lines*>(user_data)->push_back("ERROR a time that is not in milliseconds");
}

void Fill(ConfigHandle* config) {
  REQUIRE(warppool_config_create(config->out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_add_token(*config, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, "demo-token-1",
                                    nullptr, nullptr) == WARPPOOL_OK);
}

}  // namespace

TEST_CASE("each setter sets its own field") {
  ConfigHandle handle;
  Fill(&handle);
  const warppool::Config& config = static_cast<warppool_config*>(handle)->config;
  const std::array tiers = {WARPPOOL_TIER_ANONYMOUS, WARPPOOL_TIER_PERSONAL};

  CHECK(warppool_config_add_token(handle, WARPPOOL_TIER_SHARED, WARPPOOL_CREDENTIAL_API_KEY, "wk-1.0a", "team",
                                  nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_tier_order(handle, tiers.data(), tiers.size(), nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_server_url(handle, "http://127.0.0.1:1", nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_refresh_url(handle, "http://127.0.0.1:2/t", nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_securetoken_url(handle, "http://127.0.0.1:3/t", nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_firebase_api_key(handle, "key", nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_client_version(handle, "v1", nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_ca_bundle(handle, "ca.pem", nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_proxy(handle, "http://proxy:3128", nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_no_proxy(handle, ".example.com", nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_state_file(handle, "warppool.state", nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_max_failures(handle, 4, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_strategy(handle, WARPPOOL_STRATEGY_LEAST_IN_FLIGHT, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_recovery_delay_ms(handle, 18, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_recovery_max_delay_ms(handle, 19, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_max_in_flight(handle, 6, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_max_token_wait_ms(handle, 20, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_state_save_interval_ms(handle, 21, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_store_timeout_ms(handle, 22, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_background_refresh(handle, 0, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_connect_timeout_ms(handle, 11, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_silence_timeout_ms(handle, 12, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_refresh_timeout_ms(handle, 13, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_retry_budget(handle, 5, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_retry_base_delay_ms(handle, 14, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_retry_max_delay_ms(handle, 15, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_retry_after_limit_ms(handle, 16, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_quota_cooling_ms(handle, 17, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_max_event_bytes(handle, 2048, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_max_message_bytes(handle, 4096, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_max_event_memory(handle, 8192, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_max_event_messages(handle, 80, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_max_answer_bytes(handle, 16384, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_max_messages(handle, 81, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_max_stream_events(handle, 77, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_max_tasks(handle, 78, nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_set_max_nesting_depth(handle, 79, nullptr) == WARPPOOL_OK);

  CHECK(warppool_config_token_count(handle) == 2);
  CHECK(config.tokens[0].credential.Reveal() == "demo-token-1");
  CHECK(config.tokens[0].tier == warppool::Tier::kPersonal);
  CHECK(config.tokens[0].kind == warppool::CredentialKind::kRefreshToken);
  CHECK(config.tokens[0].name.empty());
  CHECK(config.tokens[1].credential.Reveal() == "wk-1.0a");
  CHECK(config.tokens[1].tier == warppool::Tier::kShared);
  CHECK(config.tokens[1].kind == warppool::CredentialKind::kApiKey);
  CHECK(config.tokens[1].name == "team");
  CHECK(config.tier_order == std::vector{warppool::Tier::kAnonymous, warppool::Tier::kPersonal});
  CHECK(warppool_config_server_url(handle) == std::string("http://127.0.0.1:1"));
  CHECK(config.refresh_url == "http://127.0.0.1:2/t");
  CHECK(config.securetoken_url == "http://127.0.0.1:3/t");
  CHECK(config.firebase_api_key.Reveal() == "key");
  CHECK(config.client_version == "v1");
  CHECK(config.ca_bundle == "ca.pem");
  CHECK(config.proxy.Reveal() == "http://proxy:3128");
  CHECK(config.no_proxy == ".example.com");
  CHECK(config.state_file == "warppool.state");
  CHECK(config.max_failures == 4);
  CHECK(config.strategy == warppool::Strategy::kLeastInFlight);
  CHECK(config.recovery_delay.count() == 18);
  CHECK(config.recovery_max_delay.count() == 19);
  CHECK(config.max_in_flight == 6);
  CHECK(config.max_token_wait.count() == 20);
  CHECK(config.state_save_interval.count() == 21);
  CHECK(config.store_timeout.count() == 22);
  CHECK_FALSE(config.background_refresh);
  CHECK(warppool_config_set_background_refresh(handle, 1, nullptr) == WARPPOOL_OK);
  CHECK(config.background_refresh);
  CHECK(config.connect_timeout.count() == 11);
  CHECK(config.silence_timeout.count() == 12);
  CHECK(config.refresh_timeout.count() == 13);
  CHECK(config.retry_budget == 5);
  CHECK(config.retry_base_delay.count() == 14);
  CHECK(config.retry_max_delay.count() == 15);
  CHECK(config.retry_after_limit.count() == 16);
  CHECK(config.quota_cooling.count() == 17);
  CHECK(config.max_event_bytes == 2048);
  CHECK(config.max_message_bytes == 4096);
  CHECK(config.max_event_memory == 8192);
  CHECK(config.max_event_messages == 80);
  CHECK(config.max_answer_bytes == 16384);
  CHECK(config.max_messages == 81);
  CHECK(config.max_stream_events == 77);
  CHECK(config.max_tasks == 78);
  CHECK(config.max_nesting_depth == 79);

  // Does not compile when C++ gets another field: give it a setter, and a line above.
  [[maybe_unused]] const auto& [tokens, tier_order, strategy, max_in_flight, max_failures, recovery, longest_recovery,
                                server_url, refresh_url, securetoken_url, api_key, client_version, ca_bundle, proxy,
                                no_proxy, connect, silence, refresh, budget, base, longest, after, cooling, token_wait,
                                background, state_file, save_interval, store_timeout, event_bytes, max_message_bytes,
                                max_event_memory, max_event_messages, max_answer_bytes, max_stream_events, max_tasks,
                                max_messages, max_nesting_depth] = config;
  [[maybe_unused]] const auto& [credential, tier, kind, name, bearer_source] = config.tokens[0];
}

TEST_CASE("a configuration with a token is valid, and a copy goes its own way") {
  ConfigHandle config;
  ConfigHandle copy;
  ErrorHandle error;
  Fill(&config);
  CHECK(warppool_config_validate(config, error.out()) == WARPPOOL_OK);
  REQUIRE(warppool_config_copy(config, copy.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_server_url(copy, "ftp://somewhere", nullptr) == WARPPOOL_OK);
  CHECK(warppool_config_validate(copy, error.out()) == WARPPOOL_INVALID_CONFIG);
  CHECK(std::string(warppool_error_message(error)).find("server_url") == 0);
  CHECK(warppool_config_validate(config, nullptr) == WARPPOOL_OK);
}

TEST_CASE("numbers that no enumeration has are refused") {
  ConfigHandle config;
  Fill(&config);
  for (const int number : {-1, 0, 4, 9999}) {
    const auto tier = static_cast<warppool_tier>(number);
    CHECK(Complaint([&](auto** e) {
            return warppool_config_add_token(config, tier, WARPPOOL_CREDENTIAL_API_KEY, "secret", "", e);
          }) == "tier: is none of warppool_tier");
    CHECK(Complaint([&](auto** e) { return warppool_config_set_tier_order(config, &tier, 1, e); }) ==
          "tiers: holds something that is none of warppool_tier");
    const auto kind = static_cast<warppool_credential_kind>(number);
    CHECK(Complaint([&](auto** e) {
            return warppool_config_add_token(config, WARPPOOL_TIER_SHARED, kind, "secret", "", e);
          }) == "kind: is none of warppool_credential_kind");
    const auto strategy = static_cast<warppool_strategy>(number);
    CHECK(Complaint([&](auto** e) { return warppool_config_set_strategy(config, strategy, e); }) ==
          "strategy: is none of warppool_strategy");
  }
  CHECK(warppool_config_token_count(config) == 1);
}

TEST_CASE("values out of their range are refused") {
  ConfigHandle config;
  Fill(&config);
  const warppool_tier tier = WARPPOOL_TIER_SHARED;
  CHECK(Complaint([&](auto** e) { return warppool_config_set_tier_order(config, &tier, 0, e); }) ==
        "count: must be 1 or more");
  CHECK(Complaint([&](auto** e) {
          return warppool_config_add_token(config, tier, WARPPOOL_CREDENTIAL_API_KEY, "", nullptr, e);
        }) == "credential: must not be empty");
  for (const auto set : {warppool_config_set_max_failures, warppool_config_set_connect_timeout_ms,
                         warppool_config_set_silence_timeout_ms, warppool_config_set_refresh_timeout_ms,
                         warppool_config_set_state_save_interval_ms, warppool_config_set_store_timeout_ms}) {
    CHECK(Complaint([&](auto** e) { return set(config, 0, e); }) == "value: must be 1 or more");
    CHECK(Complaint([&](auto** e) { return set(config, -1, e); }) == "value: must be 1 or more");
    CHECK(set(config, 1, nullptr) == WARPPOOL_OK);
  }
  for (const auto set : {warppool_config_set_retry_budget, warppool_config_set_retry_base_delay_ms,
                         warppool_config_set_retry_max_delay_ms, warppool_config_set_retry_after_limit_ms,
                         warppool_config_set_quota_cooling_ms, warppool_config_set_recovery_delay_ms,
                         warppool_config_set_recovery_max_delay_ms, warppool_config_set_max_in_flight,
                         warppool_config_set_max_token_wait_ms}) {
    CHECK(Complaint([&](auto** e) { return set(config, -1, e); }) == "value: must be 0 or more");
    CHECK(set(config, 0, nullptr) == WARPPOOL_OK);
  }
  for (const int32_t neither : {-1, 2}) {
    CHECK(Complaint([&](auto** e) { return warppool_config_set_background_refresh(config, neither, e); }) ==
          "value: must be 0 or 1");
  }
  CHECK(warppool_config_validate(config, nullptr) == WARPPOOL_OK);
}

TEST_CASE("a configuration is loaded from a given environment, and the log goes to the sink") {
  Lines lines;
  const char* const environment[] = {"WARP_PERSONAL_TOKENS=demo-token-1,demo-token-2",
                                     "WARP_SERVER_URL=http://127.0.0.1:8000", "WARP_SERVER_URL=http://127.0.0.1:9000",
                                     nullptr};
  warppool_config_load_options options = WARPPOOL_CONFIG_LOAD_OPTIONS_INIT;
  options.environment = environment;
  options.log = Collect;
  options.log_user_data = &lines;
  ConfigHandle config;
  ErrorHandle error;
  const warppool_code code = warppool_config_load(&options, config.out(), error.out());
  INFO(warppool_error_to_string(error));
  REQUIRE(code == WARPPOOL_OK);
  CHECK(warppool_config_token_count(config) >= 2);  // a packager may have built one in
  CHECK(warppool_config_server_url(config) == std::string("http://127.0.0.1:8000"));  // as getenv(): the first
  CHECK_FALSE(lines.empty());
  for (const std::string& line : lines) {
    INFO(line);
    CHECK(line.find("demo-token") == std::string::npos);
    CHECK(line.find("ERROR") != 0);
  }
}

TEST_CASE("a configuration is loaded from a file") {
  char path[] = "/tmp/warppool-capi-XXXXXX";
  const int file = mkstemp(path);
  REQUIRE(file >= 0);
  close(file);
  std::ofstream(path) << "WARP_REFRESH_TOKEN=demo-token-1\n";
  const char* const environment[] = {nullptr};
  warppool_config_load_options options = WARPPOOL_CONFIG_LOAD_OPTIONS_INIT;
  options.env_file = path;
  options.environment = environment;
  ConfigHandle config;
  CHECK(warppool_config_load(&options, config.out(), nullptr) == WARPPOOL_OK);
  unlink(path);

  ErrorHandle error;
  CHECK(warppool_config_load(&options, config.out(), error.out()) == WARPPOOL_INVALID_CONFIG);
  CHECK(static_cast<warppool_config*>(config) == nullptr);
  CHECK(std::string(warppool_error_message(error)).find(path) == 0);
}

TEST_CASE("an environment entry that is none is refused without being quoted") {
  warppool_config_load_options options = WARPPOOL_CONFIG_LOAD_OPTIONS_INIT;
  ConfigHandle config;
  for (const char* entry : {"no-equals-sign", "=no-name", ""}) {
    const char* const environment[] = {entry, nullptr};
    options.environment = environment;
    CHECK(Complaint([&](auto** e) { return warppool_config_load(&options, config.out(), e); }) ==
          "options.environment: an entry is not of the form NAME=value");
  }
}

TEST_CASE("a struct may be larger than the library knows, if the rest is zero") {
  struct {
    warppool_config_load_options known;
    std::array<unsigned char, 24> later;
  } options = {WARPPOOL_CONFIG_LOAD_OPTIONS_INIT, {}};
  const char* const environment[] = {"WARP_REFRESH_TOKEN=demo-token-1", nullptr};
  options.known.environment = environment;
  options.known.struct_size = sizeof options;
  ConfigHandle config;
  CHECK(warppool_config_load(&options.known, config.out(), nullptr) == WARPPOOL_OK);

  options.later[23] = 1;
  CHECK(Complaint([&](auto** e) { return warppool_config_load(&options.known, config.out(), e); }) ==
        "options: sets something that this version of the library does not know");
}

TEST_CASE("a struct whose size was not set is refused") {
  ConfigHandle config;
  Fill(&config);
  RequestHandle request;
  REQUIRE(warppool_request_create("why", request.out(), nullptr) == WARPPOOL_OK);
  ClientHandle client;
  REQUIRE(warppool_client_create(config, nullptr, client.out(), nullptr) == WARPPOOL_OK);
  const auto complaint = [](const std::string& name) {
    return name + ": struct_size is not set to the size of the struct";
  };
  for (const size_t size : {size_t{0}, size_t{7}, sizeof(void*), static_cast<size_t>(-1)}) {
    warppool_config_load_options load = WARPPOOL_CONFIG_LOAD_OPTIONS_INIT;
    load.struct_size = size;
    CHECK(Complaint([&](auto** e) { return warppool_config_load(&load, config.out(), e); }) == complaint("options"));

    Fill(&config);
    warppool_client_options options = WARPPOOL_CLIENT_OPTIONS_INIT;
    options.struct_size = size;
    ClientHandle none;
    CHECK(Complaint([&](auto** e) { return warppool_client_create(config, &options, none.out(), e); }) ==
          complaint("options"));

    warppool_stream_callbacks callbacks = WARPPOOL_STREAM_CALLBACKS_INIT;
    callbacks.struct_size = size;
    StreamHandle stream;
    CHECK(Complaint([&](auto** e) { return warppool_client_start(client, request, &callbacks, stream.out(), e); }) ==
          complaint("callbacks"));

    PoolStatusHandle status;
    REQUIRE(warppool_client_pool(client, status.out(), nullptr) == WARPPOOL_OK);
    warppool_token_info info = WARPPOOL_TOKEN_INFO_INIT;
    info.struct_size = size;
    CHECK(Complaint([&](auto** e) { return warppool_pool_status_token(status, 0, &info, e); }) == complaint("info"));

    warppool_health_check_options check = WARPPOOL_HEALTH_CHECK_OPTIONS_INIT;
    check.struct_size = size;
    HealthReportHandle report;
    CHECK(Complaint([&](auto** e) { return warppool_client_check_health(client, &check, report.out(), e); }) ==
          complaint("options"));

    const warppool_answer answer = {};
    warppool_usage usage = WARPPOOL_USAGE_INIT;
    usage.struct_size = size;
    CHECK(Complaint([&](auto** e) { return warppool_answer_usage(&answer, &usage, e); }) == complaint("usage"));
  }
}

TEST_CASE("a struct that is filled is filled to its size and no further") {
  struct {
    warppool_usage known;
    std::array<unsigned char, 16> later;
    std::array<unsigned char, 16> beyond;
  } filled;
  std::memset(&filled, 0x5a, sizeof filled);
  filled.known.struct_size = sizeof(warppool_usage) + sizeof filled.later;
  warppool_answer answer;
  answer.answer.usage.output_tokens = 12;
  answer.answer.usage.context_window_usage = 0.5;
  REQUIRE(warppool_answer_usage(&answer, &filled.known, nullptr) == WARPPOOL_OK);
  CHECK(filled.known.struct_size == sizeof(warppool_usage) + sizeof filled.later);
  CHECK(filled.known.input_tokens == 0);
  CHECK(filled.known.output_tokens == 12);
  CHECK(filled.known.context_window_usage == 0.5);
  for (const unsigned char byte : filled.later) CHECK(byte == 0);
  for (const unsigned char byte : filled.beyond) CHECK(byte == 0x5a);
}

TEST_CASE("waits below -1 are refused") {
  ConfigHandle config;
  Fill(&config);
  ClientHandle client;
  REQUIRE(warppool_client_create(config, nullptr, client.out(), nullptr) == WARPPOOL_OK);
  AccessTokenHandle token;
  CHECK(Complaint([&](auto** e) { return warppool_client_access_token(client, -2, token.out(), e); }) ==
        "timeout_ms: must be -1 or more");
  CHECK(Complaint([&](auto** e) { return warppool_client_close(client, -2, e); }) == "timeout_ms: must be -1 or more");
}
