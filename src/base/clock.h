// The time, as an object, so that tests can set it.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/wall_time.h"

namespace warppool::internal {

using SteadyTime = std::chrono::steady_clock::time_point;

// Monotonic time for waiting and expiry, wall time for dates that people and services write. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime Steady() const = 0;
  virtual WallTime Wall() const = 0;
  // How far apart the two are, to some 20 ms; cheap. Nothing: they could not be read in one go.
  virtual std::optional<std::chrono::nanoseconds> WallMinusSteady() const {
    return std::chrono::nanoseconds(Wall().time_since_epoch()) -
           std::chrono::duration_cast<std::chrono::nanoseconds>(Steady().time_since_epoch());
  }
};

// The moment until which one who waits from `now` for `timeout` waits. A year stands for all that is longer, and now
// for all that is negative: it cannot overflow.
inline SteadyTime DeadlineIn(std::chrono::milliseconds timeout, SteadyTime now = std::chrono::steady_clock::now()) {
  constexpr std::chrono::hours kForever{24 * 365};
  return now + std::clamp<std::chrono::milliseconds>(timeout, {}, kForever);
}

// The machine's. Never destroyed.
const Clock& RealClock();

}  // namespace warppool::internal
