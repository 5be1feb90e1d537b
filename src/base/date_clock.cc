#include "base/date_clock.h"

#include <algorithm>

namespace warppool::internal {
namespace {

// A clock that is slewed is followed in steps of this size, so that not every look writes.
constexpr std::chrono::nanoseconds kFollowed = std::chrono::milliseconds(100);
// Of all jumps together; it must not overflow a time point.
constexpr std::chrono::nanoseconds kMostJumped = std::chrono::hours(24 * 365 * 100);

}  // namespace

DateClock::DateClock(const Clock& clock)
    : clock_(clock), difference_(clock.WallMinusSteady().value_or(std::chrono::nanoseconds(0)).count()) {}

SteadyTime DateClock::Steady() const {
  Look();
  return clock_.Steady() + std::chrono::nanoseconds(jumped_.load(std::memory_order_relaxed));
}

void DateClock::Look() const {
  const auto difference = clock_.WallMinusSteady();
  if (!difference) return;
  std::int64_t before = difference_.load(std::memory_order_relaxed);
  const std::chrono::nanoseconds change = *difference - std::chrono::nanoseconds(before);
  if (change > -kFollowed && change < kFollowed) return;
  // Others see the same jump at the same time: one of them counts it.
  if (!difference_.compare_exchange_strong(before, difference->count(), std::memory_order_relaxed)) return;
  if (change <= kLeastJump) return;
  std::int64_t jumped = jumped_.load(std::memory_order_relaxed);
  while (!jumped_.compare_exchange_weak(jumped, std::min(jumped + change.count(), kMostJumped.count()),
                                        std::memory_order_relaxed)) {
  }
  jumps_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace warppool::internal
