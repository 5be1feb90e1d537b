#include "client/failover_policy.h"

namespace warppool::internal {

using std::chrono::milliseconds;

namespace {

// Blocked answers after which another token is tried, in one pass.
constexpr int kMostBlocked = 3;

// The service's or the network's: another token may do better, but need not.
bool IsNobodysFault(Outcome outcome) {
  return outcome == Outcome::kOverloaded || outcome == Outcome::kNetwork || outcome == Outcome::kStreamCut;
}

}  // namespace

bool FailoverPolicy::RulesOutToken(Outcome outcome) {
  return outcome == Outcome::kAuthRejected || outcome == Outcome::kAuthRevoked;
}

Decision FailoverPolicy::Next(Outcome outcome, bool another_ready, std::optional<milliseconds> retry_after,
                              double unit_random, std::optional<milliseconds> time_left) {
  Decision decision = Choose(outcome, another_ready, retry_after, unit_random);
  if (decision.step == Decision::Step::kWait && time_left && decision.wait >= *time_left) decision = {};
  const bool stays = keeps_token_ && outcome == Outcome::kStreamCut;
  // What goes on with one account moves rather than fails.
  const bool moves = keeps_token_ && outcome == Outcome::kBlocked;
  const bool may_go_on = another_ready && (IsNobodysFault(outcome) || moves) && !stays;
  if (decision.step == Decision::Step::kGiveUp && may_go_on) return {Decision::Step::kNextToken};
  return decision;
}

Decision FailoverPolicy::Choose(Outcome outcome, bool another_ready, std::optional<milliseconds> retry_after,
                                double unit_random) {
  switch (outcome) {
    case Outcome::kAuthStale:
      return {Decision::Step::kSameToken};

    case Outcome::kServerError:
      may_repeat_ = true;
      [[fallthrough]];
    case Outcome::kAuthRejected:
    case Outcome::kAuthRevoked:
    case Outcome::kQuotaExhausted:
      service_failed_ = false;
      if (another_ready) return {Decision::Step::kNextToken};
      // How long a spent quota takes is no word of the service to those that only met its faults.
      if (outcome == Outcome::kQuotaExhausted) retry_after.reset();
      return may_repeat_ ? Wait(true, true, retry_after, unit_random) : Decision{};

    case Outcome::kOverloaded:
    case Outcome::kNetwork: {
      may_repeat_ = true;
      const bool again = service_failed_;
      service_failed_ = true;
      if (keeps_token_) return Wait(true, false, retry_after, unit_random);
      if (another_ready && !again) return {Decision::Step::kNextToken};
      return Wait(!another_ready, !again, retry_after, unit_random);
    }

    case Outcome::kBlocked:  // whatever answers on the way may mind the token's account, but hardly that of each
      may_repeat_ = true;
      service_failed_ = false;
      ++blocked_;
      if (keeps_token_) return Wait(true, false, retry_after, unit_random);
      if (another_ready && blocked_ <= kMostBlocked) return {Decision::Step::kNextToken};
      return {};

    case Outcome::kStreamCut:  // the same request again, rather by another token
      may_repeat_ = true;
      return Wait(keeps_token_ || !another_ready, false, retry_after, unit_random);

    case Outcome::kSuccess:
    case Outcome::kAccepted:
    case Outcome::kRequestFault:
    case Outcome::kGarbled:
    case Outcome::kMisconfigured:
    case Outcome::kFinishedOtherwise:
    case Outcome::kCancelled:
      return {};
  }
  return {};
}

Decision FailoverPolicy::Wait(bool new_pass, bool cut_short, std::optional<milliseconds> retry_after,
                              double unit_random) {
  if (retry_after && *retry_after > options_.retry_after_limit) return {};
  const auto wait = backoff_.Next(unit_random, retry_after.value_or(milliseconds(0)));
  if (!wait) return {};
  blocked_ = 0;
  return {Decision::Step::kWait, *wait, new_pass, cut_short};
}

}  // namespace warppool::internal
