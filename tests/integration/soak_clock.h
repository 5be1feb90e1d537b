// The client's clock in the soak test, which is set forward now and then.
#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.h"

namespace warppool::soak {

// Whether the library ends dates when the machine slept and only the wall clock tells.
inline constexpr bool kWallClockEndsDates = true;

// The machine's, and what was added. Any thread.
class StormClock final : public internal::Clock {
 public:
  internal::SteadyTime Steady() const override {
    return internal::RealClock().Steady() + std::chrono::milliseconds(steady_ms_);
  }
  internal::WallTime Wall() const override {
    return internal::RealClock().Wall() + std::chrono::milliseconds(wall_ms_);
  }
  // By this one dates end at the earliest: a date is over when either clock says so.
  internal::SteadyTime Dates() const { return internal::RealClock().Steady() + std::chrono::milliseconds(wall_ms_); }

  // The machine slept, and its monotonic clock has counted that, or has not.
  void Sleep(std::chrono::milliseconds time, bool counted) {
    if (counted) steady_ms_ += time.count();
    wall_ms_ += time.count();
  }

 private:
  std::atomic<std::chrono::milliseconds::rep> steady_ms_{0};
  std::atomic<std::chrono::milliseconds::rep> wall_ms_{0};
};

}  // namespace warppool::soak
