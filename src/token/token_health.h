// One token's health: a pure state machine. Outcomes and times come in, its state and what changed go out.
//
// Blame stays exact however many requests share the token. A lease carries the stamp of the moment it began, and what
// it reports counts against the token only if nothing has been held against the token since, and in the same
// generation: a burst of requests that all run into the same fault is one failure.
//
//   ready --failures, or refused for good--> disabled --its delay is over--> half open --it serves--> ready
//                                              ^----- a probe's refusal becomes a failure: twice the delay --'
//
// A refusal is no failure by itself. The token rests for a few seconds, and then one request at a time tries it, until
// it serves; a failure it becomes by Confirm(), when somebody has shown that it was the token's own doing.
//
// Cooling and resting are other matters, and may lie over a disabled token, too: it is then half open only when all are
// over.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "warppool/outcome.h"
#include "warppool/status.h"
#include "warppool/token_pool.h"

namespace warppool::internal {

// When a lease began, in the token's own reckoning.
struct HealthStamp {
  std::uint64_t generation = 0;  // of the token: each recovery starts a new one
  std::uint64_t failure = 0;     // how many failures there had been
  bool is_probe = false;         // the one try of a disabled token
  bool is_trial = false;         // the one try at a time of a token that has rested, or of a disabled one
  std::uint64_t trial = 0;       // which one: the end of an earlier one is not this one's
};

// A refusal, or a server error, that waits for another token's success to become a failure.
struct DeferredVerdict {
  HealthStamp stamp;
  std::uint64_t successes = 0;  // how many there had been: a later one lets it lapse
};

// What a report did.
enum class HealthChange : std::uint8_t { kNone, kCleared, kFailure, kDisabled, kProbeFailed, kCooling, kRecovered };

struct HealthOptions {
  int max_failures = 3;                            // the failure that disables
  std::chrono::milliseconds quota_cooling{};       // when the service does not say how long
  std::chrono::milliseconds recovery_delay{};      // before a disabled token is half open; 0: only by hand
  std::chrono::milliseconds recovery_max_delay{};  // what the doubling ends at
};

// How long a token that was refused is left alone.
inline constexpr std::chrono::seconds kRest{5};
// A token that served within this time has served lately: what goes wrong now may well be the service's doing.
inline constexpr std::chrono::minutes kLately{10};
// How long a token is new: nobody could know yet that it serves.
inline constexpr std::chrono::minutes kFirstUse{1};
// How long one comes behind all others after a refusal that proved nothing; doubled each time, up to the second.
inline constexpr std::chrono::milliseconds kSetBack{std::chrono::minutes(1)};
inline constexpr std::chrono::milliseconds kLongestSetBack{std::chrono::hours(1)};

// Not thread-safe: the pool's mutex guards it.
class TokenHealth {
 public:
  // Cooling, resting and half open depend on the time.
  TokenState StateAt(SteadyTime now) const;
  // When its present state ends by itself, or the last one ended; nothing if it is ready, or recovers only by hand.
  std::optional<SteadyTime> TurnsAt() const;
  // Ready or half open, but somebody tries it just now, and that is enough.
  bool IsBeingTried(SteadyTime now) const { return trying_ && (StateAt(now) == TokenState::kHalfOpen || OnTrial()); }

  // A lease begins. Of a token that is not ready, or has rested, it is a trial; the caller sees to it that there is one
  // at a time. A check that begins while one is under way is no trial.
  HealthStamp Begin(SteadyTime now);

  // The first event of an answer is there: the token serves. No outcome, that comes later.
  HealthChange Serve(const HealthStamp& stamp, SteadyTime now);

  // The lease of `stamp` is over. `cool_for`: what the service said about a spent quota.
  HealthChange Report(Outcome outcome, const HealthStamp& stamp, SteadyTime now,
                      std::optional<std::chrono::milliseconds> cool_for, const HealthOptions& options);

  // It was refused, or had a server error: it is left alone for a while. Nothing if it has recovered since `stamp`.
  void Rest(const HealthStamp& stamp, SteadyTime now);
  DeferredVerdict Defer(const HealthStamp& stamp) const { return {stamp, successes_}; }
  // Somebody has shown that it was the token's own fault.
  HealthChange Confirm(const DeferredVerdict& verdict, SteadyTime now, const HealthOptions& options);
  // Another token served, but that shows nothing about this one: the others come first for a while.
  void SetBack(const DeferredVerdict& verdict, SteadyTime now);
  bool IsSetBack(SteadyTime now) const { return now < set_back_until_; }
  SteadyTime set_back_until() const { return set_back_until_; }

  bool ServedLately(SteadyTime now) const { return served_at_ && now < *served_at_ + kLately; }
  bool IsNew(SteadyTime now) const { return used_at_ && now < *used_at_ + kFirstUse; }
  // Whether it was refused after `begin`: who has waited for it since then need not ask it once more.
  bool RefusedSince(SteadyTime begin) const { return OnTrial() && rests_until_ - kRest > begin; }

  // Its quota is used up until then, at least. Whether it was ready until now.
  bool CoolUntil(SteadyTime until, SteadyTime now);
  // The service was asked when the quota comes back: better known than what was assumed. Nothing if it does not cool.
  bool CorrectCooling(SteadyTime until, SteadyTime now);

  enum class Standing : std::uint8_t { kGood, kDisabled, kRevoked };
  // As it was when it was kept. Who was disabled is half open at once: a restart is the first thing that people try;
  // who is revoked comes behind all others then. False, and nothing happens, if it has a history of its own.
  bool Restore(Standing standing, int failures, std::chrono::milliseconds recovery_delay,
               std::optional<SteadyTime> cooling_until, SteadyTime now);

  // By hand: ready, with a clean slate. False if it was ready already; its failures are cleared all the same.
  bool Recover(SteadyTime now);

  int failures() const { return failures_; }
  std::uint64_t total_failures() const { return total_failures_; }
  std::uint64_t successes() const { return successes_; }
  std::uint64_t generation() const { return generation_; }
  SteadyTime cooling_until() const { return cooling_until_; }
  bool disabled() const { return standing_ != Standing::kGood; }
  bool revoked() const { return standing_ == Standing::kRevoked; }  // disabled for good
  std::chrono::milliseconds recovery_delay() const { return recovery_; }
  bool being_probed() const { return trying_ && disabled(); }

 private:
  bool Current(const HealthStamp& stamp) const {
    return stamp.generation == generation_ && stamp.failure == total_failures_;
  }
  // It has been refused, and has not served since.
  bool OnTrial() const { return rests_until_ != SteadyTime(); }
  HealthChange Clear();
  HealthChange AddFailure(SteadyTime now, const HealthOptions& options);
  void Disable(SteadyTime now, const HealthOptions& options);
  void StartGeneration();

  Standing standing_ = Standing::kGood;
  bool trying_ = false;               // a lease that is a trial is under way: the last one of `trials_`
  std::uint64_t trials_ = 0;          // only grows
  int failures_ = 0;                  // in a row
  std::uint64_t total_failures_ = 0;  // only grows; a lease from before the last one no longer counts
  std::uint64_t successes_ = 0;
  std::uint64_t generation_ = 0;
  SteadyTime cooling_until_{};
  SteadyTime rests_until_{};                  // or has rested until then, and is on trial; 0: neither
  std::chrono::milliseconds recovery_{};      // the last delay; the next is twice as long
  std::optional<SteadyTime> half_open_at_{};  // of a disabled token; nothing: never
  SteadyTime set_back_until_{};
  std::chrono::milliseconds set_back_{};  // the last time; the next is twice as long
  std::optional<SteadyTime> served_at_{};
  std::optional<SteadyTime> used_at_{};  // for the first time
};

}  // namespace warppool::internal
