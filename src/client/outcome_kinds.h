// What outcomes have in common for a request that goes on after them.
#pragma once

#include "warppool/outcome.h"

namespace warppool::internal {

// Whether it is the end of all tokens, not just of this request.
inline bool IsPoolFailure(Outcome outcome) {
  switch (outcome) {
    case Outcome::kRequestFault:
    case Outcome::kGarbled:
    case Outcome::kMisconfigured:
    case Outcome::kFinishedOtherwise:
    case Outcome::kCancelled:
    case Outcome::kSuccess:
    case Outcome::kAccepted:
      return false;
    default:
      return true;
  }
}

// Whether an answer to the one that probes an overloaded endpoint shows that it is not overloaded any more.
inline bool IsAnswer(Outcome outcome) {
  return outcome != Outcome::kOverloaded && outcome != Outcome::kNetwork && outcome != Outcome::kBlocked &&
         outcome != Outcome::kHeld && outcome != Outcome::kCancelled;
}

// Whether it leaves it open what another token would meet: one that is busy, say, is worth a wait then.
inline bool LeavesHope(Outcome outcome) {
  return outcome == Outcome::kBlocked || outcome == Outcome::kAuthRejected || outcome == Outcome::kAuthRevoked ||
         outcome == Outcome::kServerError || outcome == Outcome::kQuotaExhausted || outcome == Outcome::kHeld;
}

// No token can be exchanged as long as it lasts.
inline bool BreaksEveryExchange(Outcome outcome) {
  return outcome == Outcome::kMisconfigured || outcome == Outcome::kGarbled;
}

}  // namespace warppool::internal
