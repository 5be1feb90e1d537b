// One thread that runs functions, one after the other: the client's I/O thread, or a test's own.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "base/clock.h"

namespace warppool::internal {

using TimerId = std::uint64_t;  // 0: no timer

class Executor {
 public:
  virtual ~Executor() = default;

  // Runs `task` in the thread, soon, in the order of the calls. Any thread. False when the executor has stopped; the
  // task is then dropped.
  virtual bool Post(std::function<void()> task) = 0;

  // Runs `task` in the thread when `delay` has passed. In the thread only.
  virtual TimerId After(std::chrono::milliseconds delay, std::function<void()> task) = 0;
  // Nothing happens if the timer has fired, or is 0. In the thread only.
  virtual void CancelTimer(TimerId id) = 0;

  virtual bool InThread() const = 0;  // any thread
};

}  // namespace warppool::internal
