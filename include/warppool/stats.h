// Numbers: what the tokens did, and how it went.
//
//   const warppool::Stats stats = client->Statistics();
//   std::cout << stats.ToPrometheus();        // or ToJson()
//
// Counters only grow. Those of a token go on where they were when it is renamed or moved, and after a restart if there
// is a store (state_store.h); those of a tier and the totals include tokens that were removed since the client was
// made.
//
// All of these are value types.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "warppool/config.h"
#include "warppool/outcome.h"
#include "warppool/status.h"
#include "warppool/token_pool.h"

namespace warppool {

// How many times something took how long.
struct Latency {
  // The buckets' upper bounds, in milliseconds; one more bucket takes what is longer.
  static constexpr std::array<std::int64_t, 10> kBoundsMs{50,    100,   250,    500,    1'000,
                                                          2'500, 5'000, 10'000, 30'000, 60'000};

  std::array<std::uint64_t, kBoundsMs.size() + 1> buckets{};  // each without those before it
  std::chrono::milliseconds sum{0};

  void Add(std::chrono::milliseconds time);
  std::uint64_t Count() const;
};

struct Counters {
  std::uint64_t requests = 0;                           // attempts that began; one request may make several
  std::array<std::uint64_t, kOutcomeCount> outcomes{};  // those that ended, by Outcome
  std::uint64_t failures = 0;                           // failures that the token was blamed for
  std::uint64_t refreshes = 0;                          // JWTs, or bearers of the program's, that were issued
  Latency first_event;                                  // from sending a request to the first event of its answer

  std::uint64_t Of(Outcome outcome) const { return outcomes[static_cast<std::size_t>(outcome)]; }
  std::uint64_t Successes() const { return Of(Outcome::kSuccess); }
  std::uint64_t FailedAttempts() const;  // see IsFailedAttempt()

  Counters& operator+=(const Counters& other);
  Counters& operator-=(const Counters& earlier);  // of the same: what happened since then
};

struct TokenStats {
  std::string name;
  Tier tier = Tier::kPersonal;
  CredentialKind kind = CredentialKind::kRefreshToken;
  TokenState state = TokenState::kReady;
  int in_flight = 0;  // requests that use it now
  Counters counters;

  std::optional<std::chrono::system_clock::time_point> last_used{};    // when a request got it
  std::optional<std::chrono::system_clock::time_point> jwt_expires{};  // there is a JWT, valid until then
  Code last_error = Code::kOk;  // of the last attempt that failed, whoever was to blame
  std::string last_error_message{};
  std::optional<Quota> quota{};  // of the account, if it was asked; of that moment
};

struct TierStats {
  Tier tier = Tier::kPersonal;
  int tokens = 0;
  int ready = 0;  // of them
  int in_flight = 0;
  Counters counters;
};

// What became of the requests themselves: Start() and Ask(). Not kept by a store.
struct RequestStats {
  std::uint64_t started = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t running = 0;
};

struct Stats {
  std::chrono::system_clock::time_point time{};  // of this snapshot
  RequestStats requests;
  Counters total;
  std::vector<TierStats> tiers;    // in tier order
  std::vector<TokenStats> tokens;  // as in PoolStatus

  // One JSON object, without line ends. N is an integer, S a number of seconds, TIME a text in RFC 3339 and UTC; what
  // can be absent is null. Members may be added, in any place.
  //
  //   {"time": TIME,
  //    "requests": {"started": N, "succeeded": N, "failed": N, "cancelled": N, "running": N},
  //    "total": {COUNTERS},
  //    "tiers": [{"tier": "PERSONAL", "tokens": N, "ready": N, "in_flight": N, COUNTERS}, ...],
  //    "tokens": [{"name": "PERSONAL_3fa9c1", "tier": "PERSONAL", "kind": KIND, "state": STATE, "in_flight": N,
  //    COUNTERS,
  //                "last_used": TIME or null, "jwt_expires": TIME or null,
  //                "last_error": {"code": "network", "message": "..."} or null,
  //                "quota": {"unlimited": BOOL, "limit": N, "used": N, "bonus": N, "remaining": N (null: unlimited),
  //                          "next_reset": TIME or null} or null}, ...]}
  //
  //   KIND      "refresh_token", "api_key" or "callback"
  //   STATE     "ready", "cooling", "disabled", "half_open" or "resting"
  //   COUNTERS  "requests": N, "successes": N, "failed_attempts": N,
  //             "outcomes": {"success": N, "accepted": N, ...},  all that there are, see OutcomeName()
  //             "failures": N, "refreshes": N,
  //             "first_event": {"count": N, "sum_seconds": S, "buckets": [{"le": 0.05, "count": N}, ...]}
  //
  // A bucket counts what took up to `le` seconds, the buckets before it included; the `count` beside them counts longer
  // ones, too. A code is one of CodeName().
  std::string ToJson() const;

  // The text format of Prometheus, version 0.0.4 (Content-Type: text/plain; version=0.0.4). An attempt is one try of a
  // request with one token.
  //
  //   warppool_requests_started_total                         of the program: Start() and Ask()
  //   warppool_requests_total {result}                        ended: succeeded, failed or cancelled
  //   warppool_requests_running
  //   warppool_tier_tokens {tier, state}                      ready or not_ready
  //   warppool_tier_in_flight {tier}
  //   warppool_token_in_flight {tier, token}
  //   warppool_token_state {tier, token, state}               1 for the state that it is in, 0 for the others
  //   warppool_token_last_used_timestamp_seconds {tier, token}
  //   warppool_token_jwt_expiry_timestamp_seconds {tier, token}
  //   warppool_token_last_error_info {tier, token, code}      1
  //   warppool_token_quota_limit, _remaining, _used, _bonus, _reset_timestamp_seconds {tier, token}
  //
  // and, with "token" and {tier, token}, or with "tier" and {tier}:
  //
  //   warppool_token_attempts_total
  //   warppool_token_attempt_outcomes_total {..., outcome}
  //   warppool_token_failures_total
  //   warppool_token_refreshes_total
  //   warppool_token_first_event_seconds                      histogram
  //
  // A tier's numbers are their own families since they include removed tokens: to alert on a rate, take these. Totals
  // are sums over the tiers. What is not known is left out, as limit and remaining are where the quota is unlimited.
  std::string ToPrometheus() const;
};

}  // namespace warppool
