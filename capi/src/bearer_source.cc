#include "bearer_source.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "arguments.h"
#include "failure.h"
#include "guard.h"

using warppool::Secret;
using warppool::Status;
using warppool::capi::AtLeast;
using warppool::capi::Guard;
using warppool::capi::Invalid;
using warppool::capi::NotNull;

namespace {

using SystemTime = std::chrono::system_clock::time_point;

// A date that the clock cannot hold is as good as the last one that it can.
SystemTime ToTime(std::int64_t unix_ms) {
  using std::chrono::milliseconds;
  constexpr auto kLast = std::chrono::floor<milliseconds>(SystemTime::max().time_since_epoch());
  return SystemTime(std::min(milliseconds(unix_ms), kLast));
}

}  // namespace

namespace warppool::capi {

BearerSource WrapBearerSource(const warppool_bearer_source& source) {
  BearerSource wrapped;
  wrapped.supply = [supply = source.supply,
                    user_data = source.user_data](const std::string& token) -> Result<SuppliedBearer> {
    warppool_supplied_bearer supplied;
    warppool_failure failure;
    warppool_code code = supply(token.c_str(), &supplied, &failure, user_data);
    // A request may end with this code, and to the reader of its stream a time-out means that it goes on.
    if (code == WARPPOOL_TIMEOUT) code = WARPPOOL_NETWORK;
    if (code != WARPPOOL_OK) return ToStatus(code, failure, "the program's supply callback");
    return std::move(supplied.bearer);
  };
  if (source.on_refused == nullptr) return wrapped;
  wrapped.on_refused = [on_refused = source.on_refused, user_data = source.user_data](
                           const std::string& token, const Secret& bearer, const Status& why) {
    const TerminatedSecret value(bearer);
    const ErrorPtr error = MakeError(why);
    on_refused(token.c_str(), value.c_str(), ToC(why.code()), error.get(), user_data);
  };
  return wrapped;
}

}  // namespace warppool::capi

warppool_code warppool_supplied_bearer_set(warppool_supplied_bearer* bearer, const char* value, int64_t expires_ms,
                                           warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{bearer, "bearer"}, {value, "value"}}); !status.ok()) return status;
    if (*value == '\0') return Invalid("value", "must not be empty");
    if (Status status = AtLeast(-1, expires_ms, "expires_ms"); !status.ok()) return status;
    bearer->bearer.value = Secret(value);
    bearer->bearer.expires.reset();
    if (expires_ms >= 0) bearer->bearer.expires = ToTime(expires_ms);
    return Status();
  });
}
