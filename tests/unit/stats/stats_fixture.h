// Statistics for the outputs' tests.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "warppool/stats.h"

namespace warppool {

// 2026-11-25T02:35:00Z
inline constexpr std::chrono::system_clock::time_point kMoment{std::chrono::seconds{1'795'574'100}};

// No two numbers are the same: one in another's place shows.
inline Counters CountersFrom(std::uint64_t first) {
  Counters counters;
  counters.requests = first;
  counters.failures = first + 1;
  counters.refreshes = first + 2;
  for (std::size_t i = 0; i < kOutcomeCount; ++i) counters.outcomes[i] = first + 10 + i;
  for (std::size_t i = 0; i < counters.first_event.buckets.size(); ++i) {
    counters.first_event.buckets[i] = first + 30 + i;
  }
  counters.first_event.sum = std::chrono::milliseconds(1000 * static_cast<std::int64_t>(first) + 250);
  return counters;
}

// Everything of it is known.
inline TokenStats KnownToken() {
  TokenStats token;
  token.name = "PERSONAL_3fa9c1";
  token.tier = Tier::kPersonal;
  token.kind = CredentialKind::kRefreshToken;
  token.state = TokenState::kCooling;
  token.in_flight = 3;
  token.counters = CountersFrom(1000);
  token.last_used = kMoment + std::chrono::seconds(1);
  token.jwt_expires = kMoment + std::chrono::seconds(2);
  token.last_error = Code::kQuotaExhausted;
  token.last_error_message = "the quota is \"used up\"";
  token.quota = Quota{};
  token.quota->limit = 150;
  token.quota->used = 140;
  token.quota->bonus = 7;
  token.quota->next_reset = kMoment + std::chrono::seconds(3);
  return token;
}

// Nothing of it is known.
inline TokenStats UnknownToken(std::string_view name) {
  TokenStats token;
  token.name = name;
  token.tier = Tier::kShared;
  token.kind = CredentialKind::kCallback;
  token.state = TokenState::kHalfOpen;
  return token;
}

inline TokenStats UnlimitedToken() {
  TokenStats token;
  token.name = "unlimited";
  token.tier = Tier::kShared;
  token.kind = CredentialKind::kApiKey;
  token.counters = CountersFrom(2000);
  token.quota = Quota{};
  token.quota->unlimited = true;
  token.quota->used = 5;
  return token;
}

inline Stats FullStats() {
  Stats stats;
  stats.time = kMoment;
  stats.requests = {101, 102, 103, 104, 105};
  stats.tiers.push_back({Tier::kPersonal, 5, 2, 6, CountersFrom(3000)});
  stats.tiers.push_back({Tier::kShared, 7, 7, 0, CountersFrom(4000)});
  stats.total = CountersFrom(7000);
  stats.tokens = {KnownToken(), UnknownToken("nothing known"), UnlimitedToken()};
  return stats;
}

// What a name may bring along.
inline constexpr std::string_view kHostileNames[] = {"",
                                                     "\"",
                                                     "\\",
                                                     "\\\"",
                                                     "a\\nb",
                                                     "{token=\"x\"} 1",
                                                     "two\nlines",
                                                     "\r\t",
                                                     "caf\xC3\xA9",
                                                     "\xE4\xBB\xA4\xE7\x89\x8C",
                                                     "\xF0\x9F\x98\x80",
                                                     "\xFF broken",
                                                     "cut \xE2\x82",
                                                     "# HELP x y",
                                                     "back\\"};

}  // namespace warppool
