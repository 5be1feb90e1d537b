#include "token/token_health.h"

#include <algorithm>
#include <utility>

namespace warppool {

const char* TokenStateName(TokenState state) noexcept {
  switch (state) {
    case TokenState::kReady:
      return "ready";
    case TokenState::kCooling:
      return "cooling";
    case TokenState::kDisabled:
      return "disabled";
    case TokenState::kHalfOpen:
      return "half open";
    case TokenState::kResting:
      return "resting";
  }
  return "unknown";
}

}  // namespace warppool

namespace warppool::internal {

TokenState TokenHealth::StateAt(SteadyTime now) const {
  if (standing_ == Standing::kGood) {
    if (now < cooling_until_) return TokenState::kCooling;
    return now < rests_until_ ? TokenState::kResting : TokenState::kReady;
  }
  const auto half_open_at = TurnsAt();
  return half_open_at && *half_open_at <= now ? TokenState::kHalfOpen : TokenState::kDisabled;
}

std::optional<SteadyTime> TokenHealth::TurnsAt() const {
  const SteadyTime rested = std::max(cooling_until_, rests_until_);
  if (standing_ != Standing::kGood) {
    return half_open_at_ ? std::optional(std::max(*half_open_at_, rested)) : std::nullopt;
  }
  return rested == SteadyTime() ? std::nullopt : std::optional(rested);
}

HealthStamp TokenHealth::Begin(SteadyTime now) {
  const bool is_probe = standing_ != Standing::kGood;
  const bool is_trial = is_probe || (OnTrial() && !trying_);
  if (is_trial) {
    trying_ = true;
    ++trials_;
  }
  if (!is_probe && cooling_until_ <= now) cooling_until_ = {};  // over
  if (!used_at_) used_at_ = now;
  return {generation_, total_failures_, is_probe, is_trial, is_trial ? trials_ : 0};
}

HealthChange TokenHealth::Serve(const HealthStamp& stamp, SteadyTime now) {
  ++successes_;
  served_at_ = now;
  // A late success of a lease from before does not bring a disabled token back: the probe does.
  if (standing_ != Standing::kGood && (!stamp.is_probe || stamp.generation != generation_)) return HealthChange::kNone;
  return Clear();
}

HealthChange TokenHealth::Clear() {
  rests_until_ = {};
  trying_ = false;
  set_back_until_ = {};
  set_back_ = {};
  if (standing_ != Standing::kGood) {
    StartGeneration();
    return HealthChange::kRecovered;
  }
  return std::exchange(failures_, 0) == 0 ? HealthChange::kNone : HealthChange::kCleared;
}

HealthChange TokenHealth::Report(Outcome outcome, const HealthStamp& stamp, SteadyTime now,
                                 std::optional<std::chrono::milliseconds> cool_for, const HealthOptions& options) {
  // Whatever the trial met, the next one may come.
  if (stamp.is_trial && stamp.trial == trials_) trying_ = false;

  switch (outcome) {
    case Outcome::kAccepted:
      if (standing_ != Standing::kGood && (!stamp.is_probe || stamp.generation != generation_)) break;
      return Clear();

    case Outcome::kAuthRevoked: {
      // A verdict on the credential itself: only another credential, or a recovery, makes it obsolete.
      const bool was_final = standing_ == Standing::kRevoked && !half_open_at_;
      if (was_final || stamp.generation != generation_) return HealthChange::kNone;
      standing_ = Standing::kRevoked;
      half_open_at_.reset();
      return HealthChange::kDisabled;
    }

    case Outcome::kQuotaExhausted:
      if (stamp.generation != generation_) return HealthChange::kNone;
      return CoolUntil(now + cool_for.value_or(options.quota_cooling), now) ? HealthChange::kCooling
                                                                            : HealthChange::kNone;

    case Outcome::kSuccess:       // see Serve()
    case Outcome::kAuthRejected:  // see Rest() and Confirm()
    case Outcome::kServerError:   // the same
    case Outcome::kAuthStale:
    case Outcome::kOverloaded:
    case Outcome::kNetwork:
    case Outcome::kStreamCut:
    case Outcome::kRequestFault:
    case Outcome::kGarbled:
    case Outcome::kMisconfigured:
    case Outcome::kBlocked:
    case Outcome::kHeld:
    case Outcome::kFinishedOtherwise:
    case Outcome::kCancelled:
      return HealthChange::kNone;
  }
  return HealthChange::kNone;
}

void TokenHealth::Rest(const HealthStamp& stamp, SteadyTime now) {
  const bool is_final = standing_ == Standing::kRevoked && !half_open_at_;
  if (stamp.generation == generation_ && !is_final) rests_until_ = std::max(rests_until_, now + kRest);
}

HealthChange TokenHealth::Confirm(const DeferredVerdict& verdict, SteadyTime now, const HealthOptions& options) {
  if (!Current(verdict.stamp) || verdict.successes != successes_) return HealthChange::kNone;
  // The next probe is under way: what the one before met is for it to find out.
  if (verdict.stamp.is_probe && trying_) return HealthChange::kNone;
  return AddFailure(now, options);
}

void TokenHealth::SetBack(const DeferredVerdict& verdict, SteadyTime now) {
  if (!Current(verdict.stamp) || verdict.successes != successes_ || IsSetBack(now)) return;
  set_back_ = std::clamp(set_back_ * 2, kSetBack, kLongestSetBack);
  set_back_until_ = now + set_back_;
}

HealthChange TokenHealth::AddFailure(SteadyTime now, const HealthOptions& options) {
  if (standing_ == Standing::kRevoked) {
    if (!half_open_at_) return HealthChange::kNone;
    half_open_at_.reset();  // it came back from a store, and has had its try
    ++total_failures_;
    return HealthChange::kProbeFailed;
  }
  ++total_failures_;
  if (standing_ == Standing::kDisabled) {
    Disable(now, options);
    return HealthChange::kProbeFailed;
  }
  if (++failures_ < options.max_failures) return HealthChange::kFailure;
  standing_ = Standing::kDisabled;
  Disable(now, options);
  return HealthChange::kDisabled;
}

void TokenHealth::Disable(SteadyTime now, const HealthOptions& options) {
  if (options.recovery_delay.count() == 0) {
    half_open_at_.reset();  // one that came back half open has had its try
    return;
  }
  const auto doubled = std::min(recovery_ * 2, options.recovery_max_delay);
  recovery_ = std::max(doubled, options.recovery_delay);
  half_open_at_ = now + recovery_;
}

bool TokenHealth::CoolUntil(SteadyTime until, SteadyTime now) {
  const bool was_ready = StateAt(now) == TokenState::kReady;
  cooling_until_ = std::max(cooling_until_, until);
  return was_ready && StateAt(now) == TokenState::kCooling;
}

bool TokenHealth::CorrectCooling(SteadyTime until, SteadyTime now) {
  if (cooling_until_ <= now || cooling_until_ == until) return false;
  cooling_until_ = until;
  return true;
}

bool TokenHealth::Restore(Standing standing, int failures, std::chrono::milliseconds recovery_delay,
                          std::optional<SteadyTime> cooling_until, SteadyTime now) {
  const bool untouched = standing_ == Standing::kGood && cooling_until_ == SteadyTime() && total_failures_ == 0 &&
                         successes_ == 0 && generation_ == 0;
  if (!untouched) return false;
  failures_ = failures;
  recovery_ = recovery_delay;
  standing_ = standing;
  if (cooling_until) cooling_until_ = *cooling_until;
  if (standing != Standing::kGood) half_open_at_ = now;
  if (standing == Standing::kRevoked) set_back_until_ = now + kLongestSetBack;
  return true;
}

bool TokenHealth::Recover(SteadyTime now) {
  const bool was_ready = StateAt(now) == TokenState::kReady;
  cooling_until_ = {};
  rests_until_ = {};
  set_back_until_ = {};
  set_back_ = {};
  StartGeneration();
  return !was_ready;
}

void TokenHealth::StartGeneration() {
  ++generation_;
  standing_ = Standing::kGood;
  trying_ = false;
  failures_ = 0;
  recovery_ = {};
  half_open_at_.reset();
}

}  // namespace warppool::internal
