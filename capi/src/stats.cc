#include "warppool/stats.h"

#include "arguments.h"
#include "guard.h"
#include "quota.h"

using warppool::Latency;
using warppool::Outcome;
using warppool::Status;
using warppool::TokenStats;
using warppool::capi::Guard;
using warppool::capi::Invalid;
using warppool::capi::NotNull;
using warppool::capi::ReadOr;
using warppool::capi::ToUnixMs;
using warppool::capi::WriteStruct;

namespace {

bool IsOutcome(warppool_outcome outcome) noexcept {
  return static_cast<int>(outcome) >= 0 && static_cast<size_t>(outcome) < warppool::kOutcomeCount;
}

}  // namespace

warppool_stats::warppool_stats(warppool::Stats from)
    : stats(std::move(from)), json(stats.ToJson()), prometheus(stats.ToPrometheus()), total{stats.total} {
  for (const warppool::TierStats& tier : stats.tiers) tiers.push_back({tier.counters});
  for (const TokenStats& token : stats.tokens) tokens.push_back({token.counters});
}

size_t warppool_outcome_count(void) {
  return warppool::kOutcomeCount;
}

const char* warppool_outcome_name(warppool_outcome outcome) {
  return IsOutcome(outcome) ? warppool::OutcomeName(static_cast<Outcome>(outcome)) : "unknown";
}

int32_t warppool_outcome_is_failed_attempt(warppool_outcome outcome) {
  return IsOutcome(outcome) && warppool::IsFailedAttempt(static_cast<Outcome>(outcome)) ? 1 : 0;
}

uint64_t warppool_counters_requests(const warppool_counters* counters) {
  return ReadOr(counters, uint64_t{0}, [](const auto& c) { return c.counters.requests; });
}

uint64_t warppool_counters_outcome(const warppool_counters* counters, warppool_outcome outcome) {
  if (!IsOutcome(outcome)) return 0;
  return ReadOr(counters, uint64_t{0}, [&](const auto& c) { return c.counters.Of(static_cast<Outcome>(outcome)); });
}

uint64_t warppool_counters_successes(const warppool_counters* counters) {
  return ReadOr(counters, uint64_t{0}, [](const auto& c) { return c.counters.Successes(); });
}

uint64_t warppool_counters_failed_attempts(const warppool_counters* counters) {
  return ReadOr(counters, uint64_t{0}, [](const auto& c) { return c.counters.FailedAttempts(); });
}

uint64_t warppool_counters_failures(const warppool_counters* counters) {
  return ReadOr(counters, uint64_t{0}, [](const auto& c) { return c.counters.failures; });
}

uint64_t warppool_counters_refreshes(const warppool_counters* counters) {
  return ReadOr(counters, uint64_t{0}, [](const auto& c) { return c.counters.refreshes; });
}

uint64_t warppool_counters_first_event_count(const warppool_counters* counters) {
  return ReadOr(counters, uint64_t{0}, [](const auto& c) { return c.counters.first_event.Count(); });
}

int64_t warppool_counters_first_event_sum_ms(const warppool_counters* counters) {
  return ReadOr(counters, int64_t{0}, [](const auto& c) { return c.counters.first_event.sum.count(); });
}

uint64_t warppool_counters_first_event_bucket(const warppool_counters* counters, size_t index) {
  if (index >= warppool_latency_bucket_count()) return 0;
  return ReadOr(counters, uint64_t{0}, [index](const auto& c) { return c.counters.first_event.buckets[index]; });
}

size_t warppool_latency_bucket_count(void) {
  return Latency::kBoundsMs.size() + 1;
}

int64_t warppool_latency_bound_ms(size_t index) {
  return index < Latency::kBoundsMs.size() ? Latency::kBoundsMs[index] : -1;
}

int64_t warppool_stats_time_ms(const warppool_stats* stats) {
  return ReadOr(stats, int64_t{-1}, [](const auto& s) { return ToUnixMs(s.stats.time); });
}

warppool_code warppool_stats_requests(const warppool_stats* stats, warppool_request_stats* requests,
                                      warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{stats, "stats"}, {requests, "requests"}}); !status.ok()) return status;
    const auto& [started, succeeded, failed, cancelled, running] = stats->stats.requests;
    const warppool_request_stats filled = {
        sizeof(warppool_request_stats), started, succeeded, failed, cancelled, running};
    constexpr size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_request_stats, running);
    return WriteStruct(filled, kFirst, "requests", requests);
  });
}

const warppool_counters* warppool_stats_total(const warppool_stats* stats) {
  return stats == nullptr ? nullptr : &stats->total;
}

size_t warppool_stats_tier_count(const warppool_stats* stats) {
  return ReadOr(stats, size_t{0}, [](const auto& s) { return s.tiers.size(); });
}

warppool_code warppool_stats_tier(const warppool_stats* stats, size_t index, warppool_tier_stats* tier,
                                  warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{stats, "stats"}, {tier, "tier"}}); !status.ok()) return status;
    if (index >= stats->tiers.size()) return Invalid("index", "must be less than the number of tiers");
    const warppool::TierStats& from = stats->stats.tiers[index];
    const warppool_tier_stats filled = {
        sizeof(warppool_tier_stats), static_cast<warppool_tier>(from.tier), from.tokens, from.ready, from.in_flight,
        &stats->tiers[index]};
    // NOLINTNEXTLINE(bugprone-sizeof-expression): the pointer itself
    constexpr size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_tier_stats, counters);
    return WriteStruct(filled, kFirst, "tier", tier);
  });
}

size_t warppool_stats_token_count(const warppool_stats* stats) {
  return ReadOr(stats, size_t{0}, [](const auto& s) { return s.tokens.size(); });
}

warppool_code warppool_stats_token(const warppool_stats* stats, size_t index, warppool_token_stats* token,
                                   warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{stats, "stats"}, {token, "token"}}); !status.ok()) return status;
    if (index >= stats->tokens.size()) return Invalid("index", "must be less than the number of tokens");
    const TokenStats& from = stats->stats.tokens[index];
    warppool_token_stats filled = WARPPOOL_TOKEN_STATS_INIT;
    filled.name = from.name.c_str();
    filled.tier = static_cast<warppool_tier>(from.tier);
    filled.kind = static_cast<warppool_credential_kind>(from.kind);
    filled.state = static_cast<warppool_token_state>(from.state);
    filled.in_flight = from.in_flight;
    filled.counters = &stats->tokens[index];
    filled.last_used_ms = ToUnixMs(from.last_used);
    filled.jwt_expires_ms = ToUnixMs(from.jwt_expires);
    filled.last_error_message = from.last_error_message.c_str();
    filled.last_error = warppool::capi::ToC(from.last_error);
    warppool::capi::FillQuota(from.quota, &filled);
    constexpr size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_token_stats, quota_next_reset_ms);
    return WriteStruct(filled, kFirst, "token", token);
  });
}

const char* warppool_stats_json(const warppool_stats* stats) {
  return ReadOr(stats, "", [](const auto& s) { return s.json.c_str(); });
}

const char* warppool_stats_prometheus(const warppool_stats* stats) {
  return ReadOr(stats, "", [](const auto& s) { return s.prometheus.c_str(); });
}

void warppool_stats_destroy(warppool_stats** stats) {
  warppool::capi::Destroy(stats);
}
