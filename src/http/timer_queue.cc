#include "http/timer_queue.h"

#include <stdexcept>
#include <utility>

namespace warppool::internal {
namespace {

constexpr unsigned kPlaceBits = 22;
constexpr std::uint64_t kPlaces = std::uint64_t{1} << kPlaceBits;

// No timer's is 0: numbers begin with 1.
TimerId IdOf(std::uint32_t place, std::uint64_t number) {
  return number << kPlaceBits | place;
}

}  // namespace

TimerId TimerQueue::Add(SteadyTime when, std::function<void()> task) {
  if (free_.empty()) {
    if (timers_.size() == kPlaces) throw std::length_error("too many timers");
    if (heap_.capacity() == timers_.size()) heap_.reserve(2 * timers_.size() + 8);
    free_.reserve(heap_.capacity());
    timers_.emplace_back();
    free_.push_back(static_cast<Place>(timers_.size() - 1));
  }
  // From here on nothing fails.
  const Place place = free_.back();
  free_.pop_back();
  Timer& timer = timers_[place];
  timer.when = when;
  timer.number = ++last_number_;
  timer.task = std::move(task);
  heap_.push_back(place);
  Put(heap_.size() - 1, place);
  MoveUp(heap_.size() - 1);
  return IdOf(place, timer.number);
}

void TimerQueue::Cancel(TimerId id) noexcept {
  const auto place = static_cast<Place>(id & (kPlaces - 1));
  if (place >= timers_.size() || IdOf(place, timers_[place].number) != id || !timers_[place].task) return;
  Remove(place);
}

std::function<void()> TimerQueue::TakeFirst() noexcept {
  return Remove(heap_.front());
}

// The task lives on until the queue is as it should be: with it may go whatever it holds.
std::function<void()> TimerQueue::Remove(Place place) noexcept {
  Timer& timer = timers_[place];
  auto task = std::exchange(timer.task, nullptr);
  const std::size_t at = timer.at;
  const Place last = heap_.back();
  heap_.pop_back();
  if (last != place) {
    Put(at, last);
    MoveUp(at);
    MoveDown(timers_[last].at);
  }
  free_.push_back(place);
  return task;
}

bool TimerQueue::Precedes(Place a, Place b) const {
  const Timer& one = timers_[a];
  const Timer& other = timers_[b];
  return one.when != other.when ? one.when < other.when : one.number < other.number;
}

void TimerQueue::Put(std::size_t at, Place place) {
  heap_[at] = place;
  timers_[place].at = at;
}

void TimerQueue::MoveUp(std::size_t at) {
  const Place place = heap_[at];
  while (at > 0 && Precedes(place, heap_[(at - 1) / 2])) {
    Put(at, heap_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  Put(at, place);
}

void TimerQueue::MoveDown(std::size_t at) {
  const Place place = heap_[at];
  for (std::size_t below = 2 * at + 1; below < heap_.size(); below = 2 * at + 1) {
    if (below + 1 < heap_.size() && Precedes(heap_[below + 1], heap_[below])) ++below;
    if (!Precedes(heap_[below], place)) break;
    Put(at, heap_[below]);
    at = below;
  }
  Put(at, place);
}

}  // namespace warppool::internal
