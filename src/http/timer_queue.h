// Timers, the one that is due first in front. Setting and cancelling one takes no memory of the queue's own once as
// many have been set at the same time: each request sets several, and hardly one of them ever fires.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"

namespace warppool::internal {

// A binary heap of places in a table. An id is the place and the timer's number, so that the id of a timer that is over
// is not another one's (numbers come again after 4 * 10^12 timers). Not thread-safe.
class TimerQueue {
 public:
  // Throws when there is no memory, or no place: there are four million.
  TimerId Add(SteadyTime when, std::function<void()> task);
  // Nothing happens if it is over, or 0.
  void Cancel(TimerId id) noexcept;

  // When the first one is due; nothing may be asked of an empty queue. Of two with one time the one that was set first
  // comes first.
  bool empty() const { return heap_.empty(); }
  SteadyTime first_due() const { return First().when; }
  // Counts the timers that were set: a later one has a higher number.
  std::uint64_t first_number() const { return First().number; }
  std::uint64_t last_number() const { return last_number_; }
  std::function<void()> TakeFirst() noexcept;

 private:
  using Place = std::uint32_t;
  struct Timer {
    SteadyTime when{};
    std::uint64_t number = 0;
    std::function<void()> task{};
    std::size_t at = 0;  // in the heap
  };

  const Timer& First() const { return timers_[heap_.front()]; }
  bool Precedes(Place a, Place b) const;
  void Put(std::size_t at, Place place);
  void MoveUp(std::size_t at);
  void MoveDown(std::size_t at);
  std::function<void()> Remove(Place place) noexcept;

  std::vector<Timer> timers_;
  std::vector<Place> heap_;  // has room for all, as the next one
  std::vector<Place> free_;
  std::uint64_t last_number_ = 0;
};

}  // namespace warppool::internal
