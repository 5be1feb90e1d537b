#include <algorithm>

#include "base/wall_time.h"
#include "stats/exposition.h"
#include "stats/notation.h"
#include "warppool/stats.h"

namespace warppool::internal {
namespace {

using Labels = Exposition::Labels;
using Type = Exposition::Type;

Labels LabelsOf(const TierStats& tier) {
  return {{"tier", TierName(tier.tier)}};
}

Labels LabelsOf(const TokenStats& token) {
  return {{"tier", TierName(token.tier)}, {"token", token.name}};
}

Labels With(Labels labels, std::string_view name, std::string_view value) {
  labels.emplace_back(name, value);
  return labels;
}

// Unix time, as Prometheus has it.
std::optional<double> Timestamp(const std::optional<std::chrono::system_clock::time_point>& time) {
  if (!time) return std::nullopt;
  return std::chrono::duration<double>(ToWallTime(*time).time_since_epoch()).count();
}

void WriteRequests(const RequestStats& requests, Exposition* out) {
  out->Family(Type::kCounter, "warppool_requests_started_total", "Requests that the program started.");
  out->Sample({}, requests.started);
  out->Family(Type::kCounter, "warppool_requests_total", "Requests of the program that ended, by result.");
  out->Sample({{"result", "succeeded"}}, requests.succeeded);
  out->Sample({{"result", "failed"}}, requests.failed);
  out->Sample({{"result", "cancelled"}}, requests.cancelled);
  out->Family(Type::kGauge, "warppool_requests_running", "Requests of the program that run now.");
  out->Sample({}, requests.running);
}

// The same families for tiers and for tokens, under names of their own: the numbers of a tier outlive its tokens, and
// whoever sums up a family must not count anything twice.
template <typename Row>
void WriteCounters(const std::vector<Row>& rows, const char* owner, const char* whom, Exposition* out) {
  const auto family = [&](Type type, const char* what, const char* help) {
    out->Family(type, fmt::format("warppool_{}_{}", owner, what), fmt::format(fmt::runtime(help), whom));
  };
  family(Type::kCounter, "attempts_total", "Attempts with {}; one request may make several.");
  for (const Row& row : rows) out->Sample(LabelsOf(row), row.counters.requests);

  family(Type::kCounter, "attempt_outcomes_total", "Attempts with {} that ended, by outcome.");
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kOutcomeCount; ++i) {
      out->Sample(With(LabelsOf(row), "outcome", OutcomeName(static_cast<Outcome>(i))), row.counters.outcomes[i]);
    }
  }

  family(Type::kCounter, "failures_total", "Failures that counted against {}.");
  for (const Row& row : rows) out->Sample(LabelsOf(row), row.counters.failures);

  family(Type::kCounter, "refreshes_total", "JWTs, or bearers of the program's, that were issued for {}.");
  for (const Row& row : rows) out->Sample(LabelsOf(row), row.counters.refreshes);

  family(Type::kHistogram, "first_event_seconds", "From sending a request with {} to the first event of its answer.");
  for (const Row& row : rows) out->Histogram(LabelsOf(row), row.counters.first_event);
}

void WriteTiers(const std::vector<TierStats>& tiers, Exposition* out) {
  out->Family(Type::kGauge, "warppool_tier_tokens", "Tokens of the tier, by whether they are ready.");
  for (const TierStats& tier : tiers) {
    out->Sample(With(LabelsOf(tier), "state", "ready"), tier.ready);
    out->Sample(With(LabelsOf(tier), "state", "not_ready"), tier.tokens - tier.ready);
  }
  out->Family(Type::kGauge, "warppool_tier_in_flight", "Requests that use a token of the tier now.");
  for (const TierStats& tier : tiers) out->Sample(LabelsOf(tier), tier.in_flight);
  WriteCounters(tiers, "tier", "tokens of the tier (removed ones included)", out);
}

// A gauge of each token for which `value` has one.
template <typename Value>
void WriteGauge(const std::vector<TokenStats>& tokens, const char* name, const char* help, const Value& value,
                Exposition* out) {
  out->Family(Type::kGauge, name, help);
  for (const TokenStats& token : tokens) {
    if (const auto number = value(token)) out->Sample(LabelsOf(token), *number);
  }
}

void WriteStates(const std::vector<TokenStats>& tokens, Exposition* out) {
  out->Family(Type::kGauge, "warppool_token_state", "1 for the state that the token is in, 0 for the others.");
  for (const TokenStats& token : tokens) {
    for (const TokenState state : kTokenStates) {
      out->Sample(With(LabelsOf(token), "state", TokenStateLabel(state)), token.state == state ? 1 : 0);
    }
  }
}

// The code only: a message as a label would make a new series each time.
void WriteLastErrors(const std::vector<TokenStats>& tokens, Exposition* out) {
  out->Family(Type::kGauge, "warppool_token_last_error_info",
              "1, with the code of the last attempt with the token that failed; absent if none did.");
  for (const TokenStats& token : tokens) {
    if (token.last_error == Code::kOk) continue;
    out->Sample(With(LabelsOf(token), "code", CodeName(token.last_error)), 1);
  }
}

void WriteQuotas(const std::vector<TokenStats>& tokens, Exposition* out) {
  // An unlimited account has no number here: no alert on a low one goes off.
  const auto limited = [](std::int64_t (*of)(const Quota&)) {
    return [of](const TokenStats& token) {
      return token.quota && !token.quota->unlimited ? std::optional(of(*token.quota)) : std::nullopt;
    };
  };
  WriteGauge(tokens, "warppool_token_quota_limit",
             "Requests in a period of the token's account, which tokens may share; absent if unlimited or not known.",
             limited([](const Quota& quota) { return quota.limit; }), out);
  WriteGauge(tokens, "warppool_token_quota_remaining",
             "Requests that the token's account has left, bonus included; absent if unlimited or not known.",
             limited([](const Quota& quota) { return quota.Remaining(); }), out);

  const auto known = [](std::int64_t Quota::*member) {
    return [member](const TokenStats& token) {
      return token.quota ? std::optional(token.quota.value().*member) : std::nullopt;
    };
  };
  WriteGauge(tokens, "warppool_token_quota_used",
             "Requests that the token's account has made in this period; absent if not known.", known(&Quota::used),
             out);
  WriteGauge(tokens, "warppool_token_quota_bonus",
             "What the token's account has left of credits beside its limit; absent if not known.",
             known(&Quota::bonus), out);
  WriteGauge(
      tokens, "warppool_token_quota_reset_timestamp_seconds",
      "When the quota of the token's account comes back, in Unix time; absent if not known.",
      [](const TokenStats& token) { return Timestamp(token.quota ? token.quota->next_reset : std::nullopt); }, out);
}

void WriteTokens(const std::vector<TokenStats>& tokens, Exposition* out) {
  WriteStates(tokens, out);
  WriteGauge(
      tokens, "warppool_token_in_flight", "Requests that use the token now.",
      [](const TokenStats& token) { return std::optional(token.in_flight); }, out);
  WriteCounters(tokens, "token", "the token", out);
  WriteGauge(
      tokens, "warppool_token_last_used_timestamp_seconds",
      "When a request last got the token, in Unix time; absent if none did.",
      [](const TokenStats& token) { return Timestamp(token.last_used); }, out);
  WriteGauge(
      tokens, "warppool_token_jwt_expiry_timestamp_seconds",
      "When the token's JWT expires, in Unix time; absent if there is none.",
      [](const TokenStats& token) { return Timestamp(token.jwt_expires); }, out);
  WriteLastErrors(tokens, out);
  WriteQuotas(tokens, out);
}

}  // namespace
}  // namespace warppool::internal

namespace warppool {

std::string Stats::ToPrometheus() const {
  internal::Exposition out;
  internal::WriteRequests(requests, &out);
  internal::WriteTiers(tiers, &out);
  internal::WriteTokens(tokens, &out);
  return std::move(out).Take();
}

}  // namespace warppool
