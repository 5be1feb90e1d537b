#include "token/token_health.h"

#include <algorithm>

namespace warppool {

const char* TokenStateName(TokenState state) noexcept {
  switch (state) {
    case TokenState::kReady:
      return "ready";
    case TokenState::kCooling:
      return "cooling";
    case TokenState::kDisabled:
      return "disabled";
  }
  return "unknown";
}

TokenState TokenHealth::StateAt(SteadyTime now) const {
  if (disabled_) return TokenState::kDisabled;
  return now < cooling_until_ ? TokenState::kCooling : TokenState::kReady;
}

HealthChange TokenHealth::Report(Outcome outcome, HealthStamp stamp, SteadyTime now,
                                 std::optional<std::chrono::milliseconds> cool_for, const HealthOptions& options) {
  switch (outcome) {
    case Outcome::kSuccess:
      ++successes_;
      // A late success of an earlier lease does not bring a disabled token back: recovery does, and stays possible.
      if (disabled_ || strikes_ == 0) return HealthChange::kNone;
      strikes_ = 0;
      return HealthChange::kCleared;

    case Outcome::kAuthRejected:
      return Current(stamp) ? Strike(options) : HealthChange::kNone;

    case Outcome::kAuthDead:
      // A verdict on the credential itself: only another credential makes it obsolete.
      if (disabled_ || stamp.generation != generation_) return HealthChange::kNone;
      disabled_ = true;
      return HealthChange::kDisabled;

    case Outcome::kQuotaExhausted:
      if (disabled_ || stamp.generation != generation_) return HealthChange::kNone;
      cooling_until_ = std::max(cooling_until_, now + cool_for.value_or(options.quota_cooling));
      return HealthChange::kCooling;

    case Outcome::kAuthStale:
    case Outcome::kServerError:  // see Confirm()
    case Outcome::kOverloaded:
    case Outcome::kNetwork:
    case Outcome::kStreamCut:
    case Outcome::kRequestFault:
    case Outcome::kGarbled:
    case Outcome::kMisconfigured:
    case Outcome::kFinishedOtherwise:
    case Outcome::kCancelled:
      return HealthChange::kNone;
  }
  return HealthChange::kNone;
}

HealthChange TokenHealth::Confirm(const PendingCharge& charge, const HealthOptions& options) {
  if (!Current(charge.stamp) || charge.successes != successes_) return HealthChange::kNone;
  return Strike(options);
}

HealthChange TokenHealth::Strike(const HealthOptions& options) {
  if (disabled_) return HealthChange::kNone;
  ++strikes_;
  ++total_strikes_;
  disabled_ = strikes_ >= options.max_strikes;
  return disabled_ ? HealthChange::kDisabled : HealthChange::kStrike;
}

}  // namespace warppool
