// Those who wait for a token, in the order in which they came.
#pragma once

#include <atomic>
#include <list>

namespace warppool {

// The I/O thread only, but for anybody_waits().
class WaitQueue {
 public:
  class Waiter {
   public:
    virtual ~Waiter() = default;
    // A token may be there now. It may leave the queue meanwhile, and may be destroyed; others stay.
    virtual void LookAgain() noexcept = 0;
  };
  using Place = std::list<Waiter*>::iterator;

  Place Join(Waiter* waiter);
  void Leave(Place place);

  // Has everybody look again, first come first served. Also before somebody new looks for a token: nobody overtakes.
  // Inside LookAgain() it has the round repeated.
  void Serve();

  bool anybody_waits() const { return waiting_.load(std::memory_order_relaxed) > 0; }  // any thread

 private:
  std::list<Waiter*> waiters_;
  std::list<Waiter*>::iterator next_ = waiters_.end();  // of Serve(), which somebody may leave
  bool serving_ = false;
  bool again_ = false;
  std::atomic<int> waiting_{0};
};

}  // namespace warppool
