// One token's health: a pure state machine. Outcomes and times come in, its state and what changed go out.
//
// Blame stays exact however many requests share the token. A lease carries the stamp of the moment it began, and its
// report counts against the token only if nothing has been held against the token since: a burst of requests that all
// run into the same fault is one strike.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "token/outcome.h"
#include "warppool/status.h"
#include "warppool/token_pool.h"

namespace warppool {

// When a lease began, in the token's own reckoning.
struct HealthStamp {
  std::uint64_t generation = 0;  // of the credential
  std::uint64_t strike = 0;      // how many strikes there had been
};

// A server error that waits for another token's success to become a strike.
struct PendingCharge {
  HealthStamp stamp;
  std::uint64_t successes = 0;  // how many there had been: a later one lets the charge lapse
};

// What a report did.
enum class HealthChange : std::uint8_t { kNone, kCleared, kStrike, kDisabled, kCooling };

struct HealthOptions {
  int max_strikes = 3;                        // the strike that disables
  std::chrono::milliseconds quota_cooling{};  // when the service does not say how long
};

// Not thread-safe: the pool's mutex guards it.
class TokenHealth {
 public:
  // `now` decides whether cooling is over.
  TokenState StateAt(SteadyTime now) const;

  HealthStamp Stamp() const { return {generation_, total_strikes_}; }
  PendingCharge Charge(HealthStamp stamp) const { return {stamp, successes_}; }

  // `cool_for`: what the service said about a spent quota.
  HealthChange Report(Outcome outcome, HealthStamp stamp, SteadyTime now,
                      std::optional<std::chrono::milliseconds> cool_for, const HealthOptions& options);

  // Another token served the request that this one answered with a server error.
  HealthChange Confirm(const PendingCharge& charge, const HealthOptions& options);

  int strikes() const { return strikes_; }
  std::uint64_t total_strikes() const { return total_strikes_; }
  std::uint64_t successes() const { return successes_; }
  SteadyTime cooling_until() const { return cooling_until_; }

 private:
  bool Current(HealthStamp stamp) const { return stamp.generation == generation_ && stamp.strike == total_strikes_; }
  HealthChange Strike(const HealthOptions& options);

  int strikes_ = 0;                  // in a row
  std::uint64_t total_strikes_ = 0;  // only grows; a lease from before the last one no longer counts
  std::uint64_t successes_ = 0;
  std::uint64_t generation_ = 0;
  bool disabled_ = false;
  SteadyTime cooling_until_{};
};

}  // namespace warppool
