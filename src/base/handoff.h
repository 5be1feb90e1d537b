// One value that a thread waits for and another one brings.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"

namespace warppool::internal {

// Any thread.
template <typename T>
class Handoff {
 public:
  // Once.
  void Bring(T value) EXCLUDES(mutex_) {
    {
      MutexLock lock(&mutex_);
      value_ = std::move(value);
    }
    brought_.NotifyAll();
  }

  // The value; nothing if it does not come within `timeout` (negative: no limit).
  std::optional<T> Wait(std::chrono::milliseconds timeout) EXCLUDES(mutex_) {
    MutexLock lock(&mutex_);
    const SteadyTime until = DeadlineIn(timeout);
    while (!value_) {
      if (timeout.count() < 0) {
        brought_.Wait(&mutex_);
      } else if (!brought_.WaitUntil(&mutex_, until)) {
        break;
      }
    }
    return value_;
  }

 private:
  Mutex mutex_;
  CondVar brought_;
  std::optional<T> value_ GUARDED_BY(mutex_);
};

}  // namespace warppool::internal
