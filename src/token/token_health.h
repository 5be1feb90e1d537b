// One token's health: a pure state machine. Outcomes and times come in, its state and what changed go out.
//
// Blame stays exact however many requests share the token. A lease carries the stamp of the moment it began, and its
// report counts against the token only if nothing has been held against the token since, and in the same generation: a
// burst of requests that all run into the same fault is one failure.
//
//   ready --failures, or refused for good--> disabled --its rest is over--> half open --a probe succeeds--> ready
//                                              ^------------- the probe fails: twice the rest -----'
//
// Cooling is another matter, and may lie over a disabled token, too: it is then half open only when both are over.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "warppool/stats.h"
#include "warppool/status.h"
#include "warppool/token_pool.h"

namespace warppool::internal {

// When a lease began, in the token's own reckoning.
struct HealthStamp {
  std::uint64_t generation = 0;  // of the token: each recovery starts a new one
  std::uint64_t failure = 0;     // how many failures there had been
  bool is_probe = false;         // the one try of a disabled token
};

// A server error that waits for another token's success to become a failure.
struct PendingCharge {
  HealthStamp stamp;
  std::uint64_t successes = 0;  // how many there had been: a later one lets the charge lapse
};

// What a report did.
enum class HealthChange : std::uint8_t { kNone, kCleared, kFailure, kDisabled, kProbeFailed, kCooling, kRecovered };

struct HealthOptions {
  int max_failures = 3;                            // the failure that disables
  std::chrono::milliseconds quota_cooling{};       // when the service does not say how long
  std::chrono::milliseconds recovery_delay{};      // a disabled token's first rest; 0: it does not come back by itself
  std::chrono::milliseconds recovery_max_delay{};  // what the doubling ends at
};

// Not thread-safe: the pool's mutex guards it.
class TokenHealth {
 public:
  // Cooling, resting and half open depend on the time.
  TokenState StateAt(SteadyTime now) const;
  // When its present state ends by itself, or the last one ended; nothing if it is ready, or recovers only by hand.
  std::optional<SteadyTime> TurnsAt() const;
  // Half open, and nobody has the probe.
  bool MayProbeAt(SteadyTime now) const { return StateAt(now) == TokenState::kHalfOpen && !probing_; }

  // A lease begins. Of a token that is not ready it is a probe; the caller sees to it that there is one at a time.
  HealthStamp Begin(SteadyTime now);

  // The lease of `stamp` is over. `cool_for`: what the service said about a spent quota.
  HealthChange Report(Outcome outcome, HealthStamp stamp, SteadyTime now,
                      std::optional<std::chrono::milliseconds> cool_for, const HealthOptions& options);

  // Another token served the request that this one answered with a server error.
  HealthChange Confirm(const PendingCharge& charge, SteadyTime now, const HealthOptions& options);
  PendingCharge Charge(HealthStamp stamp) const { return {stamp, successes_}; }

  // Its quota is used up until then, at least. Whether it was ready until now.
  bool CoolUntil(SteadyTime until, SteadyTime now);
  // The service was asked when the quota comes back: better known than what was assumed. Nothing if it does not cool.
  bool CorrectCooling(SteadyTime until, SteadyTime now);

  // As it was when it was kept. Who was disabled is half open at once: a restart is the first thing that people try.
  // False, and nothing happens, if it has a history of its own.
  bool Restore(int failures, bool disabled, std::optional<SteadyTime> cooling_until, SteadyTime now);

  // By hand: ready, with a clean slate. False if it was ready already; its failures are cleared all the same.
  bool Recover(SteadyTime now);

  int failures() const { return failures_; }
  std::uint64_t total_failures() const { return total_failures_; }
  std::uint64_t successes() const { return successes_; }
  std::uint64_t generation() const { return generation_; }
  SteadyTime cooling_until() const { return cooling_until_; }
  bool probing() const { return probing_; }
  bool disabled() const { return standing_ != Standing::kGood; }
  bool dead() const { return standing_ == Standing::kDead; }  // disabled for good

 private:
  enum class Standing : std::uint8_t { kGood, kDisabled, kDead };

  bool Current(HealthStamp stamp) const { return stamp.generation == generation_ && stamp.failure == total_failures_; }
  HealthChange AddFailure(SteadyTime now, const HealthOptions& options);
  void Rest(SteadyTime now, const HealthOptions& options);
  void StartGeneration();

  Standing standing_ = Standing::kGood;
  bool probing_ = false;
  int failures_ = 0;                  // in a row
  std::uint64_t total_failures_ = 0;  // only grows; a lease from before the last one no longer counts
  std::uint64_t successes_ = 0;
  std::uint64_t generation_ = 0;
  SteadyTime cooling_until_{};
  std::chrono::milliseconds rest_{};         // the last one; the next is twice as long
  std::optional<SteadyTime> rests_until_{};  // of a disabled token; nothing: for ever
};

}  // namespace warppool::internal
