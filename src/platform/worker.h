// A thread that does one thing after the other: what takes its time, and must not take that of the I/O thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "base/mutex.h"

namespace warppool::internal {

// Any thread. The thread starts with the first task, so that who has nothing to do has none.
class Worker {
 public:
  Worker();
  ~Worker() { Close(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Runs `task` in the thread, in the order of the calls; what it throws is dropped. False after Close(). Throws when
  // there is no memory or no thread to be had.
  bool Post(std::function<void()> task) EXCLUDES(mutex_);

  // The same, when `delay` has passed; not any more once Close() was called.
  bool PostAfter(std::chrono::milliseconds delay, std::function<void()> task) EXCLUDES(mutex_);

  // What has not begun yet is not run.
  void DropRest() EXCLUDES(mutex_);
  // Has all that was posted run, and waits for the end of the thread. In the thread itself, it cannot wait: it then
  // ends by itself.
  void Close() EXCLUDES(mutex_);

  bool InThread() const;

 private:
  template <typename Change>
  bool Add(const Change& change) EXCLUDES(mutex_);

  struct Queue;  // outlives this object if it is destroyed in the thread

  const std::shared_ptr<Queue> queue_;
  Mutex mutex_;
  std::thread thread_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace warppool::internal
