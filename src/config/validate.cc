#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <string_view>

#include "base/guarded.h"
#include "config/checks.h"
#include "warppool/config.h"

namespace warppool::internal {
namespace {

using std::chrono::milliseconds;

// Fits in 32 bits, which is all that some systems give to a time-out.
constexpr milliseconds kLongest = std::chrono::hours(24 * 24);
constexpr int kLargestBudget = 1000;
constexpr int kMostInFlight = 1'000'000;
constexpr std::size_t kSmallestByteLimit = 1024;
constexpr std::size_t kLargestByteLimit = 1U << 30U;  // protobuf counts a message's bytes in an int
constexpr int kMostTasks = 1'000'000;
constexpr int kMostMessages = 10'000'000;
constexpr std::size_t kSmallestEventMemory = 1U << 20U;
constexpr int kLeastDepth = 10;
constexpr int kMostDepth = 1000;  // on the stack of a thread

Status Invalid(std::string_view field, std::string_view what) {
  return {Code::kInvalidConfig, fmt::format("{}: {}", field, what)};
}

Status Check(std::string_view field, const Fault& fault) {
  return fault ? Invalid(field, *fault) : Status();
}

bool IsTier(Tier tier) {
  return tier == Tier::kPersonal || tier == Tier::kShared || tier == Tier::kAnonymous;
}

bool IsStrategy(Strategy strategy) {
  return strategy == Strategy::kRoundRobin || strategy == Strategy::kFillFirst || strategy == Strategy::kLeastInFlight;
}

bool IsKind(CredentialKind kind) {
  return kind == CredentialKind::kRefreshToken || kind == CredentialKind::kApiKey || kind == CredentialKind::kCallback;
}

Status CheckCallbackToken(const TokenConfig& token) {
  if (!token.credential.empty()) return Invalid("credential", "is given, though the program supplies the bearer");
  if (!token.bearer_source.supply) return Invalid("bearer_source.supply", "is empty");
  if (token.name.empty()) return Invalid("name", "is empty, and there is no credential that it could be made from");
  return Check("name", LineFault(token.name));
}

}  // namespace

Status CheckToken(const TokenConfig& token) {
  if (!IsTier(token.tier)) return Invalid("tier", "unknown");
  if (!IsKind(token.kind)) return Invalid("kind", "unknown");
  if (token.kind == CredentialKind::kCallback) return CheckCallbackToken(token);
  if (token.bearer_source.supply) return Invalid("bearer_source", "is given, though there is a credential");
  if (Fault fault = CredentialFault(token.credential.Reveal())) return Invalid("credential", *fault);
  if (token.name == token.credential.Reveal()) return Invalid("name", "is the credential, and would show it in logs");
  return Check("name", LineFault(token.name));
}

namespace {

Status CheckTokens(const Config& config) {
  if (config.tokens.empty()) {
    return {Code::kNoTokens,
            "tokens: there is none; add one, or set WARP_REFRESH_TOKEN or another token variable and use LoadConfig"};
  }
  std::set<std::string_view> names;
  std::set<std::string_view> credentials;
  for (std::size_t i = 0; i < config.tokens.size(); ++i) {
    const TokenConfig& token = config.tokens[i];
    Status status = CheckToken(token);
    if (status.ok() && !token.name.empty() && !names.insert(token.name).second) {
      status = Invalid("name", "another token has the same");
    }
    const bool has_credential = token.kind != CredentialKind::kCallback;
    if (status.ok() && has_credential && !credentials.insert(token.credential.Reveal()).second) {
      status = Invalid("credential", "another token has the same");
    }
    if (!status.ok()) return {status.code(), fmt::format("tokens[{}].{}", i, status.message())};
  }
  return {};
}

Status CheckTierOrder(const Config& config) {
  const auto& order = config.tier_order;
  if (order.empty()) return Invalid("tier_order", "is empty");
  for (auto tier = order.begin(); tier != order.end(); ++tier) {
    if (!IsTier(*tier)) return Invalid("tier_order", "holds an unknown tier");
    if (std::find(order.begin(), tier, *tier) != tier) return Invalid("tier_order", "holds a tier twice");
  }
  const bool any_used = std::any_of(config.tokens.begin(), config.tokens.end(),
                                    [&](const TokenConfig& token) { return IsUsed(token.tier, order); });
  return any_used ? Status() : Status(Code::kNoTokens, "tier_order: none of its tiers has a token");
}

Status CheckPlaces(const Config& config) {
  struct Place {
    const char* field;
    const std::string& value;
    Fault (*fault)(const std::string& value);
    bool may_be_empty;
  };
  for (const Place& place :
       {Place{"server_url", config.server_url, ServiceUrlFault, false},
        Place{"refresh_url", config.refresh_url, ServiceUrlFault, true},
        Place{"securetoken_url", config.securetoken_url, ServiceUrlFault, true},
        Place{"client_version", config.client_version, HeaderFault, true},
        Place{"ca_bundle", config.ca_bundle, FileFault, true}, Place{"no_proxy", config.no_proxy, LineFault, true},
        Place{"state_file", config.state_file, LineFault, true}}) {
    if (place.value.empty() && place.may_be_empty) continue;
    if (Status status = Check(place.field, place.fault(place.value)); !status.ok()) return status;
  }
  if (Status status = Check("proxy", ProxyFault(config.proxy.Reveal())); !status.ok()) return status;
  if (config.firebase_api_key.empty()) return {};
  return Check("firebase_api_key", CredentialFault(config.firebase_api_key.Reveal()));
}

Status CheckLimits(const Config& config) {
  struct Duration {
    const char* field;
    milliseconds value;
    milliseconds shortest;
  };
  for (const Duration& duration : {Duration{"connect_timeout", config.connect_timeout, milliseconds(1)},
                                   Duration{"silence_timeout", config.silence_timeout, milliseconds(1)},
                                   Duration{"refresh_timeout", config.refresh_timeout, milliseconds(1)},
                                   Duration{"state_save_interval", config.state_save_interval, milliseconds(1)},
                                   Duration{"store_timeout", config.store_timeout, milliseconds(1)},
                                   Duration{"retry_base_delay", config.retry_base_delay, milliseconds(0)},
                                   Duration{"retry_max_delay", config.retry_max_delay, milliseconds(0)},
                                   Duration{"retry_after_limit", config.retry_after_limit, milliseconds(0)},
                                   Duration{"recovery_delay", config.recovery_delay, milliseconds(0)},
                                   Duration{"recovery_max_delay", config.recovery_max_delay, milliseconds(0)},
                                   Duration{"max_token_wait", config.max_token_wait, milliseconds(0)},
                                   Duration{"quota_cooling", config.quota_cooling, milliseconds(0)}}) {
    if (duration.value < duration.shortest || duration.value > kLongest) {
      return Invalid(duration.field, fmt::format("must be from {} ms to 24 days", duration.shortest.count()));
    }
  }
  if (!IsStrategy(config.strategy)) return Invalid("strategy", "unknown");
  if (config.max_in_flight < 0 || config.max_in_flight > kMostInFlight) {
    return Invalid("max_in_flight", fmt::format("must be from 0 to {}", kMostInFlight));
  }
  if (config.max_failures < 1) return Invalid("max_failures", "must be 1 or more");
  if (config.retry_budget < 0 || config.retry_budget > kLargestBudget) {
    return Invalid("retry_budget", fmt::format("must be from 0 to {}", kLargestBudget));
  }
  for (const auto& [field, value] : {std::pair("max_event_bytes", config.max_event_bytes),
                                     std::pair("max_message_bytes", config.max_message_bytes)}) {
    if (value < kSmallestByteLimit || value > kLargestByteLimit) {
      return Invalid(field, fmt::format("must be from {} to {}", kSmallestByteLimit, kLargestByteLimit));
    }
  }
  if (config.max_event_memory < kSmallestEventMemory || config.max_event_memory > kLargestByteLimit) {
    return Invalid("max_event_memory", fmt::format("must be from {} to {}", kSmallestEventMemory, kLargestByteLimit));
  }
  for (const auto& [field, value] :
       {std::pair("max_event_messages", config.max_event_messages), std::pair("max_messages", config.max_messages)}) {
    if (value < 1 || value > kMostMessages) return Invalid(field, fmt::format("must be from 1 to {}", kMostMessages));
  }
  if (config.max_answer_bytes < kSmallestByteLimit) {
    return Invalid("max_answer_bytes", fmt::format("must be {} or more", kSmallestByteLimit));
  }
  if (config.max_stream_events < 1) return Invalid("max_stream_events", "must be 1 or more");
  if (config.max_tasks < 1 || config.max_tasks > kMostTasks) {
    return Invalid("max_tasks", fmt::format("must be from 1 to {}", kMostTasks));
  }
  if (config.max_nesting_depth < kLeastDepth || config.max_nesting_depth > kMostDepth) {
    return Invalid("max_nesting_depth", fmt::format("must be from {} to {}", kLeastDepth, kMostDepth));
  }
  return {};
}

}  // namespace
}  // namespace warppool::internal

namespace warppool {

Status Validate(const Config& config) {
  return internal::Guarded([&] {
    for (const auto check :
         {internal::CheckTokens, internal::CheckTierOrder, internal::CheckPlaces, internal::CheckLimits}) {
      if (Status status = check(config); !status.ok()) return status;
    }
    return Status();
  });
}

}  // namespace warppool
