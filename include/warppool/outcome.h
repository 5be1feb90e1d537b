// How attempts end.
#pragma once

#include <cstddef>
#include <cstdint>

namespace warppool {

// How one attempt with a token ended, as far as the token is concerned. The numbers are stable and the same in C
// (warppool_outcome); new ones come at the end.
enum class Outcome : std::uint8_t {
  kSuccess = 0,             // the agent is done: the failures of the token are cleared
  kAccepted = 1,            // the exchange issued a JWT, and that was all that was wanted
  kAuthStale = 2,           // a JWT that had served before was refused; the same token went on with a new one
  kAuthRejected = 3,        // refused although the JWT was new, or a refresh refused for no final reason: a failure
                            // only if another token of its kind then served
  kAuthRevoked = 4,         // the credential or its account is gone: disabled at once
  kQuotaExhausted = 5,      // cools until its quota is back
  kServerError = 6,         // 500 for this account: a failure only if another token then served
  kOverloaded = 7,          // the service has too much to do: no token's fault
  kNetwork = 8,             // no connection, lost, silent: no token's fault
  kStreamCut = 9,           // the answer broke off
  kRequestFault = 10,       // the request is at fault
  kGarbled = 11,            // the answer makes no sense
  kMisconfigured = 12,      // a setting is at fault
  kFinishedOtherwise = 13,  // the agent finished, but not with "done"
  kCancelled = 14,          // the program lost interest
  kBlocked = 15,            // something on the way answered in the service's place: no token's fault
  kHeld = 16,               // another process exchanges it just now: nobody's fault
};
inline constexpr std::size_t kOutcomeCount = 17;

// "success", "auth_stale", ... Never NULL. Any thread.
const char* OutcomeName(Outcome outcome) noexcept;

// Whether an attempt that ended so went wrong: all but kSuccess, kAccepted and kCancelled.
bool IsFailedAttempt(Outcome outcome) noexcept;

}  // namespace warppool
