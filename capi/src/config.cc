#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arguments.h"
#include "guard.h"
#include "token_config.h"

using warppool::Config;
using warppool::Status;
using warppool::Strategy;
using warppool::Tier;
using warppool::TokenConfig;
using warppool::capi::AtLeast;
using warppool::capi::Clear;
using warppool::capi::Destroy;
using warppool::capi::Guard;
using warppool::capi::Invalid;
using warppool::capi::NotNull;
using warppool::capi::ReadOr;
using warppool::capi::ReadStruct;
using warppool::capi::ToTier;
using warppool::capi::ZeroOrOne;

namespace {

std::optional<Strategy> ToStrategy(warppool_strategy strategy) {
  switch (strategy) {
    case WARPPOOL_STRATEGY_ROUND_ROBIN:
    case WARPPOOL_STRATEGY_FILL_FIRST:
    case WARPPOOL_STRATEGY_LEAST_IN_FLIGHT:
      return static_cast<Strategy>(strategy);
  }
  return std::nullopt;
}

// "NAME=value" strings up to a NULL. As with getenv(), the first of a name counts.
Status ToEnvironment(const char* const* entries, std::map<std::string, std::string>* environment) {
  for (; *entries != nullptr; ++entries) {
    const std::string_view entry(*entries);
    const size_t equals = entry.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Invalid("options.environment", "an entry is not of the form NAME=value");
    }
    environment->emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return {};
}

// Wipes the copy of an environment: it may hold tokens.
struct WipedEnvironment {
  std::optional<std::map<std::string, std::string>>& environment;
  ~WipedEnvironment() {
    if (!environment) return;
    for (auto& [name, value] : *environment) {
      // Volatile: a compiler may leave out writes to memory that nobody reads before it is freed.
      std::fill_n(static_cast<volatile char*>(value.data()), value.size(), '\0');
    }
  }
};

template <typename Field>
warppool_code SetText(warppool_config* config, Field Config::*field, const char* value, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{config, "config"}, {value, "value"}}); !status.ok()) return status;
    config->config.*field = Field(value);
    return Status();
  });
}

template <typename Field>
warppool_code SetLimit(warppool_config* config, Field Config::*field, Field value, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{config, "config"}}); !status.ok()) return status;
    config->config.*field = value;
    return Status();
  });
}

template <typename Field>
warppool_code SetNumber(warppool_config* config, Field Config::*field, int32_t value, int32_t minimum,
                        warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{config, "config"}}); !status.ok()) return status;
    if (Status status = AtLeast(minimum, value, "value"); !status.ok()) return status;
    config->config.*field = Field(value);
    return Status();
  });
}

}  // namespace

warppool_code warppool_config_create(warppool_config** config, warppool_error** error) {
  Clear(config);
  return Guard(error, [&] {
    if (Status status = NotNull({{config, "config"}}); !status.ok()) return status;
    *config = new warppool_config;
    return Status();
  });
}

warppool_code warppool_config_load(const warppool_config_load_options* options, warppool_config** config,
                                   warppool_error** error) {
  Clear(config);
  return Guard(error, [&] {
    if (Status status = NotNull({{config, "config"}}); !status.ok()) return status;
    warppool_config_load_options given = WARPPOOL_CONFIG_LOAD_OPTIONS_INIT;
    if (options != nullptr) {
      constexpr size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_config_load_options, log_user_data);
      if (Status status = ReadStruct(options, kFirst, "options", &given); !status.ok()) return status;
    }
    warppool::LoadOptions load;
    if (given.env_file != nullptr) load.env_file = given.env_file;
    const WipedEnvironment wiped{load.environment};
    load.log = warppool::capi::WrapLog(given.log, given.log_user_data);
    if (given.environment != nullptr) {
      if (Status status = ToEnvironment(given.environment, &load.environment.emplace()); !status.ok()) return status;
    }
    auto loaded = warppool::LoadConfig(load);
    if (!loaded.ok()) return loaded.status();
    *config = new warppool_config{*std::move(loaded)};
    return Status();
  });
}

warppool_code warppool_config_copy(const warppool_config* config, warppool_config** copy, warppool_error** error) {
  Clear(copy);
  return Guard(error, [&] {
    if (Status status = NotNull({{config, "config"}, {copy, "copy"}}); !status.ok()) return status;
    *copy = new warppool_config(*config);
    return Status();
  });
}

warppool_code warppool_config_add_token(warppool_config* config, warppool_tier tier, warppool_credential_kind kind,
                                        const char* credential, const char* name, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{config, "config"}}); !status.ok()) return status;
    TokenConfig token;
    Status status = warppool::capi::ReadCredentialToken(tier, kind, credential, name, &token);
    if (status.ok()) config->config.tokens.push_back(std::move(token));
    return status;
  });
}

warppool_code warppool_config_add_bearer_source(warppool_config* config, warppool_tier tier, const char* name,
                                                const warppool_bearer_source* source, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{config, "config"}}); !status.ok()) return status;
    TokenConfig token;
    Status status = warppool::capi::ReadBearerToken(tier, name, source, &token);
    if (status.ok()) config->config.tokens.push_back(std::move(token));
    return status;
  });
}

warppool_code warppool_config_set_tier_order(warppool_config* config, const warppool_tier* tiers, size_t count,
                                             warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{config, "config"}, {tiers, "tiers"}}); !status.ok()) return status;
    if (count == 0) return Invalid("count", "must be 1 or more");
    std::vector<Tier> order;
    for (size_t i = 0; i < count; ++i) {
      const auto tier = ToTier(tiers[i]);
      if (!tier) return Invalid("tiers", "holds something that is none of warppool_tier");
      order.push_back(*tier);
    }
    config->config.tier_order = std::move(order);
    return Status();
  });
}

warppool_code warppool_config_set_strategy(warppool_config* config, warppool_strategy strategy,
                                           warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{config, "config"}}); !status.ok()) return status;
    const auto known = ToStrategy(strategy);
    if (!known) return Invalid("strategy", "is none of warppool_strategy");
    config->config.strategy = *known;
    return Status();
  });
}

warppool_code warppool_config_set_server_url(warppool_config* config, const char* value, warppool_error** error) {
  return SetText(config, &Config::server_url, value, error);
}

warppool_code warppool_config_set_refresh_url(warppool_config* config, const char* value, warppool_error** error) {
  return SetText(config, &Config::refresh_url, value, error);
}

warppool_code warppool_config_set_securetoken_url(warppool_config* config, const char* value, warppool_error** error) {
  return SetText(config, &Config::securetoken_url, value, error);
}

warppool_code warppool_config_set_firebase_api_key(warppool_config* config, const char* value, warppool_error** error) {
  return SetText(config, &Config::firebase_api_key, value, error);
}

warppool_code warppool_config_set_client_version(warppool_config* config, const char* value, warppool_error** error) {
  return SetText(config, &Config::client_version, value, error);
}

warppool_code warppool_config_set_ca_bundle(warppool_config* config, const char* value, warppool_error** error) {
  return SetText(config, &Config::ca_bundle, value, error);
}

warppool_code warppool_config_set_proxy(warppool_config* config, const char* value, warppool_error** error) {
  return SetText(config, &Config::proxy, value, error);
}

warppool_code warppool_config_set_no_proxy(warppool_config* config, const char* value, warppool_error** error) {
  return SetText(config, &Config::no_proxy, value, error);
}

warppool_code warppool_config_set_state_file(warppool_config* config, const char* value, warppool_error** error) {
  return SetText(config, &Config::state_file, value, error);
}

warppool_code warppool_config_set_max_failures(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::max_failures, value, 1, error);
}

warppool_code warppool_config_set_recovery_delay_ms(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::recovery_delay, value, 0, error);
}

warppool_code warppool_config_set_recovery_max_delay_ms(warppool_config* config, int32_t value,
                                                        warppool_error** error) {
  return SetNumber(config, &Config::recovery_max_delay, value, 0, error);
}

warppool_code warppool_config_set_max_in_flight(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::max_in_flight, value, 0, error);
}

warppool_code warppool_config_set_state_save_interval_ms(warppool_config* config, int32_t value,
                                                         warppool_error** error) {
  return SetNumber(config, &Config::state_save_interval, value, 1, error);
}

warppool_code warppool_config_set_store_timeout_ms(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::store_timeout, value, 1, error);
}

warppool_code warppool_config_set_max_token_wait_ms(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::max_token_wait, value, 0, error);
}

warppool_code warppool_config_set_background_refresh(warppool_config* config, int32_t value, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{config, "config"}}); !status.ok()) return status;
    if (Status status = ZeroOrOne(value, "value"); !status.ok()) return status;
    config->config.background_refresh = value == 1;
    return Status();
  });
}

warppool_code warppool_config_set_connect_timeout_ms(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::connect_timeout, value, 1, error);
}

warppool_code warppool_config_set_silence_timeout_ms(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::silence_timeout, value, 1, error);
}

warppool_code warppool_config_set_refresh_timeout_ms(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::refresh_timeout, value, 1, error);
}

warppool_code warppool_config_set_retry_budget(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::retry_budget, value, 0, error);
}

warppool_code warppool_config_set_retry_base_delay_ms(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::retry_base_delay, value, 0, error);
}

warppool_code warppool_config_set_retry_max_delay_ms(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::retry_max_delay, value, 0, error);
}

warppool_code warppool_config_set_retry_after_limit_ms(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::retry_after_limit, value, 0, error);
}

warppool_code warppool_config_set_quota_cooling_ms(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::quota_cooling, value, 0, error);
}

warppool_code warppool_config_set_max_event_bytes(warppool_config* config, size_t value, warppool_error** error) {
  return SetLimit(config, &Config::max_event_bytes, value, error);
}

warppool_code warppool_config_set_max_message_bytes(warppool_config* config, size_t value, warppool_error** error) {
  return SetLimit(config, &Config::max_message_bytes, value, error);
}

warppool_code warppool_config_set_max_event_memory(warppool_config* config, size_t value, warppool_error** error) {
  return SetLimit(config, &Config::max_event_memory, value, error);
}

warppool_code warppool_config_set_max_event_messages(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::max_event_messages, value, 1, error);
}

warppool_code warppool_config_set_max_answer_bytes(warppool_config* config, size_t value, warppool_error** error) {
  return SetLimit(config, &Config::max_answer_bytes, value, error);
}

warppool_code warppool_config_set_max_stream_events(warppool_config* config, uint64_t value, warppool_error** error) {
  return SetLimit(config, &Config::max_stream_events, value, error);
}

warppool_code warppool_config_set_max_tasks(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::max_tasks, value, 1, error);
}

warppool_code warppool_config_set_max_messages(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::max_messages, value, 1, error);
}

warppool_code warppool_config_set_max_nesting_depth(warppool_config* config, int32_t value, warppool_error** error) {
  return SetNumber(config, &Config::max_nesting_depth, value, 1, error);
}

size_t warppool_config_token_count(const warppool_config* config) {
  return ReadOr(config, size_t{0}, [](const auto& c) { return c.config.tokens.size(); });
}

const char* warppool_config_server_url(const warppool_config* config) {
  return ReadOr(config, "", [](const auto& c) { return c.config.server_url.c_str(); });
}

warppool_code warppool_config_validate(const warppool_config* config, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{config, "config"}}); !status.ok()) return status;
    return warppool::Validate(config->config);
  });
}

void warppool_config_destroy(warppool_config** config) {
  Destroy(config);
}
