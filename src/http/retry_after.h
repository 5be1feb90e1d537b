// The Retry-After header.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace warppool::internal {

// RFC 9110, section 10.2.3: a number of seconds, or a date. A date in the past is zero. Nothing if it is neither.
std::optional<std::chrono::milliseconds> ReadRetryAfter(std::string_view value, WallTime now);

}  // namespace warppool::internal
