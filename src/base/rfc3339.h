// Dates as services write them: "2026-11-25T02:35:00Z". Neither the locale nor the time zone of the program matters.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace warppool {

// RFC 3339's date-time, from 1970 on: a fraction of any length, "Z" or an offset, T and Z in lower case, a space for
// the T. A leap second is the second after it. A date later than the clock can hold is the last one that it can, so add
// nothing to it unchecked. Nothing for all else.
std::optional<WallTime> ReadRfc3339(std::string_view text);

// In UTC and whole seconds, rounded down. The second reaches further than the clock: the years 0 to 9999.
std::string WriteRfc3339(WallTime time);
std::string WriteRfc3339(std::chrono::sys_seconds seconds);

}  // namespace warppool
