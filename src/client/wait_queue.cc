#include "client/wait_queue.h"

#include <utility>

namespace warppool {

WaitQueue::Place WaitQueue::Join(Waiter* waiter) {
  const Place place = waiters_.insert(waiters_.end(), waiter);
  waiting_.fetch_add(1, std::memory_order_relaxed);
  return place;
}

void WaitQueue::Leave(Place place) {
  if (place == next_) ++next_;
  waiters_.erase(place);
  waiting_.fetch_sub(1, std::memory_order_relaxed);
}

void WaitQueue::Serve() {
  again_ = true;
  if (serving_) return;
  serving_ = true;
  while (std::exchange(again_, false)) {
    next_ = waiters_.begin();
    while (next_ != waiters_.end()) {
      Waiter* const waiter = *next_;
      ++next_;
      waiter->LookAgain();
    }
  }
  serving_ = false;
}

}  // namespace warppool
