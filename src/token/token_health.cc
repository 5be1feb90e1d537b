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
  }
  return "unknown";
}

}  // namespace warppool

namespace warppool::internal {

TokenState TokenHealth::StateAt(SteadyTime now) const {
  if (standing_ == Standing::kGood) return now < cooling_until_ ? TokenState::kCooling : TokenState::kReady;
  const auto half_open_at = TurnsAt();
  return half_open_at && *half_open_at <= now ? TokenState::kHalfOpen : TokenState::kDisabled;
}

std::optional<SteadyTime> TokenHealth::TurnsAt() const {
  if (standing_ != Standing::kGood) {
    return rests_until_ ? std::optional(std::max(*rests_until_, cooling_until_)) : std::nullopt;
  }
  return cooling_until_ == SteadyTime() ? std::nullopt : std::optional(cooling_until_);
}

HealthStamp TokenHealth::Begin(SteadyTime now) {
  const bool is_probe = standing_ != Standing::kGood;
  if (is_probe) {
    probing_ = true;
  } else if (cooling_until_ <= now) {
    cooling_until_ = {};  // over
  }
  return {generation_, total_failures_, is_probe};
}

HealthChange TokenHealth::Report(Outcome outcome, HealthStamp stamp, SteadyTime now,
                                 std::optional<std::chrono::milliseconds> cool_for, const HealthOptions& options) {
  // Whatever the probe met, the next one may come. Only a refusal makes the rest longer.
  if (stamp.is_probe && stamp.generation == generation_) probing_ = false;

  switch (outcome) {
    case Outcome::kSuccess:
      ++successes_;
      [[fallthrough]];
    case Outcome::kAccepted:
      if (standing_ != Standing::kGood) {
        // A late success of a lease from before does not bring it back: the probe does.
        if (!stamp.is_probe || stamp.generation != generation_) return HealthChange::kNone;
        StartGeneration();
        return HealthChange::kRecovered;
      }
      return std::exchange(failures_, 0) == 0 ? HealthChange::kNone : HealthChange::kCleared;

    case Outcome::kAuthRejected:
      return Current(stamp) ? AddFailure(now, options) : HealthChange::kNone;

    case Outcome::kAuthRevoked: {
      // A verdict on the credential itself: only another credential, or a recovery, makes it obsolete.
      if (standing_ == Standing::kDead || stamp.generation != generation_) return HealthChange::kNone;
      standing_ = Standing::kDead;
      rests_until_.reset();
      return HealthChange::kDisabled;
    }

    case Outcome::kQuotaExhausted:
      if (stamp.generation != generation_) return HealthChange::kNone;
      return CoolUntil(now + cool_for.value_or(options.quota_cooling), now) ? HealthChange::kCooling
                                                                            : HealthChange::kNone;

    case Outcome::kAuthStale:
    case Outcome::kServerError:  // see Confirm()
    case Outcome::kOverloaded:
    case Outcome::kNetwork:
    case Outcome::kStreamCut:
    case Outcome::kRequestFault:
    case Outcome::kGarbled:
    case Outcome::kMisconfigured:
    case Outcome::kBlocked:
    case Outcome::kFinishedOtherwise:
    case Outcome::kCancelled:
      return HealthChange::kNone;
  }
  return HealthChange::kNone;
}

HealthChange TokenHealth::Confirm(const PendingCharge& charge, SteadyTime now, const HealthOptions& options) {
  if (!Current(charge.stamp) || charge.successes != successes_) return HealthChange::kNone;
  // The next probe is under way: what the one before met is for it to find out.
  if (charge.stamp.is_probe && probing_) return HealthChange::kNone;
  return AddFailure(now, options);
}

HealthChange TokenHealth::AddFailure(SteadyTime now, const HealthOptions& options) {
  if (standing_ == Standing::kDead) return HealthChange::kNone;
  ++total_failures_;
  if (standing_ == Standing::kDisabled) {
    Rest(now, options);
    return HealthChange::kProbeFailed;
  }
  if (++failures_ < options.max_failures) return HealthChange::kFailure;
  standing_ = Standing::kDisabled;
  Rest(now, options);
  return HealthChange::kDisabled;
}

void TokenHealth::Rest(SteadyTime now, const HealthOptions& options) {
  if (options.recovery_delay.count() == 0) {
    rests_until_.reset();  // one that came back half open has had its try
    return;
  }
  const auto doubled = std::min(rest_ * 2, options.recovery_max_delay);
  rest_ = std::max(doubled, options.recovery_delay);
  rests_until_ = now + rest_;
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

bool TokenHealth::Restore(int failures, bool disabled, std::optional<SteadyTime> cooling_until, SteadyTime now) {
  const bool untouched = standing_ == Standing::kGood && cooling_until_ == SteadyTime() && total_failures_ == 0 &&
                         successes_ == 0 && generation_ == 0;
  if (!untouched) return false;
  failures_ = failures;
  if (cooling_until) cooling_until_ = *cooling_until;
  if (disabled) {
    standing_ = Standing::kDisabled;
    rests_until_ = now;
  }
  return true;
}

bool TokenHealth::Recover(SteadyTime now) {
  const bool was_ready = StateAt(now) == TokenState::kReady;
  cooling_until_ = {};
  StartGeneration();
  return !was_ready;
}

void TokenHealth::StartGeneration() {
  ++generation_;
  standing_ = Standing::kGood;
  probing_ = false;
  failures_ = 0;
  rest_ = {};
  rests_until_.reset();
}

}  // namespace warppool::internal
