// The time of day and year inside the library, and what becomes of the program's.
//
// The clock of the C++ library counts nanoseconds (libstdc++), microseconds (libc++) or tenths of microseconds (MSVC),
// so that its dates end in the years 2262, 294247 or 31197. Public types have its dates; in here all count nanoseconds,
// so that no sum or difference overflows on one system and not on another, and nothing read loses its last digits.
// The compiler refuses to make a coarser date of a WallTime, but not the reverse, which may overflow: use ToWallTime().
#pragma once

#include <chrono>
#include <optional>

namespace warppool::internal {

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

// What is beyond the first or last WallTime becomes that.
template <typename Duration>
constexpr WallTime ToWallTime(std::chrono::time_point<std::chrono::system_clock, Duration> time) {
  // In the unit of `time`, for in the other one the comparison itself would overflow.
  constexpr auto kFirst = std::chrono::ceil<Duration>(WallTime::min());
  constexpr auto kLast = std::chrono::floor<Duration>(WallTime::max());
  if (time < kFirst) return WallTime::min();
  if (time > kLast) return WallTime::max();
  return time;
}

inline std::optional<WallTime> ToWallTime(const std::optional<std::chrono::system_clock::time_point>& time) {
  if (!time) return std::nullopt;
  return ToWallTime(*time);
}

// What the clock does not count is dropped: never later than `time`.
constexpr std::chrono::system_clock::time_point ToSystemTime(WallTime time) {
  return std::chrono::floor<std::chrono::system_clock::duration>(time);
}

inline std::optional<std::chrono::system_clock::time_point> ToSystemTime(const std::optional<WallTime>& time) {
  if (!time) return std::nullopt;
  return ToSystemTime(*time);
}

}  // namespace warppool::internal
