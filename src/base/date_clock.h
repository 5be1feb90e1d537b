// The monotonic time by which dates are kept: it leaps when the machine has slept, or its wall clock was set forward.
//
// While a machine sleeps, its monotonic clock stands on most systems. What ends at a date (a JWT, a quota's cooling)
// ends in the meantime, and the wall clock tells: it has jumped away from the monotonic one. So this clock adds each
// jump forward to the monotonic time, and all dates that are kept by it come earlier. A jump back changes nothing: a
// date is over when either clock says so. Who waits for a certain time, and not for a date, waits by the monotonic
// clock alone.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace warppool::internal {

// Any thread. Each look at the time sees a jump; it is noticed once, by whoever comes first.
class DateClock final : public Clock {
 public:
  // What is less is the clocks' own unsteadiness, or somebody who keeps them right.
  static constexpr std::chrono::seconds kLeastJump{2};

  // `clock` must outlive it.
  explicit DateClock(const Clock& clock);

  SteadyTime Steady() const override;
  WallTime Wall() const override { return clock_.Wall(); }

  // Notices a jump, without reading the time for anybody.
  void Look() const;
  // How many jumps forward there were so far.
  int jumps() const { return jumps_.load(std::memory_order_relaxed); }

 private:
  const Clock& clock_;
  // Of the clock, its WallMinusSteady() as it was last.
  mutable std::atomic<std::int64_t> difference_;
  mutable std::atomic<std::int64_t> jumped_{0};
  mutable std::atomic<int> jumps_{0};
};

}  // namespace warppool::internal
