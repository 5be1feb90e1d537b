// Dates as services write them: "2026-11-25T02:35:00Z". Neither the locale nor the time zone of the program matters.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace warppool::internal {

// RFC 3339's date-time, from 1970 on: a fraction of any length, "Z" or an offset, T and Z in lower case, a space for
// the T. A leap second is the second after it. A date later than a WallTime can be is the last one that it can, so add
// nothing to it unchecked. Nothing for all else.
std::optional<WallTime> ReadRfc3339(std::string_view text);

// In UTC and whole seconds, rounded down. RFC 3339 has the years 0 to 9999, and what is beyond them is their first or
// last second. The second of these functions reaches so far.
std::string WriteRfc3339(WallTime time);
std::string WriteRfc3339(std::chrono::sys_seconds seconds);

}  // namespace warppool::internal
