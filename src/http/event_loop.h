// A thread's loop: descriptors, timers, and functions that other threads hand in.
//
// Run() makes the calling thread the loop's.
//
// A timer often stands for a time-out, and the answer may be in the socket by then: the thread may have been stopped,
// or held up by a callback. So before a timer fires, the descriptors are polled once without waiting, after it has
// fallen due, and each that is ready is read once. Then it fires, whatever else there is to read: a service that
// trickles cannot hold it off.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/executor.h"
#include "base/mutex.h"
#include "http/timer_queue.h"
#include "platform/poller.h"
#include "platform/wake_up.h"
#include "warppool/status.h"

namespace warppool::internal {

class EventLoop final : public Executor {
 public:
  EventLoop() = default;
  ~EventLoop() override = default;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Opens the descriptors. Once, before anything else. kInternal when the process has none left.
  Status Open();

  // Runs until Stop(). Functions that were posted before Stop() are still run, later ones are refused. What a function
  // throws is dropped: tasks see to their own errors.
  void Run();
  // After Run(), when the thread is about to end: its id may be another thread's soon.
  void LeaveThread() { thread_.store(std::thread::id(), std::memory_order_relaxed); }
  void Stop() EXCLUDES(mutex_);  // any thread

  bool Post(std::function<void()> task) override EXCLUDES(mutex_);

  // The same with a task for which there is memory already, for what must not fail. It is taken out of `task`; an empty
  // one is nothing to do. Several threads may post the same.
  using Reserved = std::list<std::function<void()>>;
  bool Post(Reserved* task) noexcept EXCLUDES(mutex_);

  TimerId After(std::chrono::milliseconds delay, std::function<void()> task) override;
  void CancelTimer(TimerId id) override { timers_.Cancel(id); }
  bool InThread() const override { return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

  // Called in each round, and between the posting of a task and its run; what it throws is dropped. Before Run().
  void SetOnRound(std::function<void()> on_round) { on_round_ = std::move(on_round); }

  // Called in each round after the tasks, so that what they have asked for is done before the loop waits: a second
  // round for it would be one more look at the descriptors. If it throws, the loop does not wait long, and calls it
  // again. In the loop's thread, or before Run().
  void SetBeforeWait(std::function<void()> before_wait) { before_wait_ = std::move(before_wait); }

  // Who hears of descriptors: called with the descriptor, and whether it can be read, written, or has failed. In the
  // loop's thread only, as the two functions below. `interest` of kReadable and kWritable; 0 forgets the descriptor.
  using IoHandler = Poller::Report;
  void SetIoHandler(IoHandler handler) { io_handler_ = std::move(handler); }
  void Watch(int fd, Readiness interest);

 private:
  bool RunPosted() EXCLUDES(mutex_);  // false: stopped, and nothing is left
  bool HasPosted() EXCLUDES(mutex_);  // or was stopped: the loop must not wait
  void RunTimers(SteadyTime now);     // those that were due by then
  int WaitMilliseconds(SteadyTime now, std::chrono::milliseconds longest) const;

  std::unique_ptr<Poller> poller_;
  std::unique_ptr<WakeUp> wake_;
  std::atomic<std::thread::id> thread_{};

  // The loop's thread only.
  IoHandler io_handler_;
  std::function<void()> on_round_;
  std::function<void()> before_wait_;
  TimerQueue timers_;

  Mutex mutex_;
  Reserved posted_ GUARDED_BY(mutex_);         // by other threads
  Reserved posted_inside_ GUARDED_BY(mutex_);  // by the loop's own
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace warppool::internal
