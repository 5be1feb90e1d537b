// What a request did with a token, as far as the token is concerned. Every lease reports exactly one.
#pragma once

#include <cstdint>

namespace warppool {

enum class Outcome : std::uint8_t {
  kSuccess,
  kAccepted,           // the exchange issued a JWT; the agent was not asked
  kAuthStale,          // a cached JWT was refused: dropped, the same token goes on with a new one
  kAuthRejected,       // refused although the JWT was new, or a refresh refused for no final reason: a strike
  kAuthDead,           // the credential or its account is gone: disabled at once
  kQuotaExhausted,     // cools until its quota is back
  kServerError,        // 500 for this account: a charge, which becomes a strike only if another token serves
  kOverloaded,         // the service has too much to do: no token's fault
  kNetwork,            // no connection, lost, silent: no token's fault
  kStreamCut,          // the answer broke off
  kRequestFault,       // the request is at fault
  kGarbled,            // the answer makes no sense
  kMisconfigured,      // a setting is at fault
  kFinishedOtherwise,  // the agent finished, but not with "done"
  kCancelled,          // the program lost interest
};

}  // namespace warppool
