// JSON Web Tokens, as far as a client looks into them: when they end. No signature is verified; the service does that.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "warppool/secret.h"

namespace warppool::internal {

// The claims `iat` and `exp` (RFC 7519, section 4.1). Seconds since the epoch, by the issuer's clock.
struct JwtClaims {
  std::optional<std::chrono::seconds> issued_at;
  std::chrono::seconds expires_at;
};

// Nothing if `jwt` has no three parts, its payload is not base64url of a JSON object, or `exp` is not a positive
// number.
std::optional<JwtClaims> ReadJwtClaims(std::string_view jwt);

// A JWT in use. Immutable; shared by the requests that send it.
struct Jwt {
  Secret text;
  SteadyTime refresh_at;        // from then on a new one is fetched; this one serves if that fails
  SteadyTime expires_at;        // until then it serves
  WallTime expires_at_wall;     // its end, for people, and for who keeps it
  std::chrono::seconds life{};  // from its issue to its end
  bool end_is_known = true;     // false: nobody has said when it ends, so nobody is told
};

// How long one that was just issued is kept at least, even if this machine's clock, which may be wrong, says that it
// has ended.
inline constexpr std::chrono::seconds kKeptAnyway{30};

// What is longer is a mistake, and must not overflow a time point.
inline constexpr std::chrono::seconds kMaxJwtLife{366 * 24 * 3600};

// `life`: the exchange's expires_in. Without it the claims say how long the JWT lives (the difference of the two, so
// that the issuer's clock and this machine's need not agree); without `iat` it lives until `exp` by this machine's
// clock, and is kept for 30 s whatever that says; without both, Firebase's 3600 s are assumed. It is refreshed min(5
// minutes, a fifth of its life) before its end. `kept`: it is kept so long at least. `now` is of the clock that dates
// are kept by.
Jwt MakeJwt(Secret text, std::optional<std::chrono::seconds> life, SteadyTime now, WallTime wall_now,
            std::chrono::seconds kept = {});

}  // namespace warppool::internal
