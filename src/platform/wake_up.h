// A descriptor that one thread makes readable and another one waits for, with a poller or with the program's own.
//
// Two implementations: an eventfd (Linux), and a pipe (everywhere but Windows).
#pragma once

#include <memory>

#include "warppool/status.h"

namespace warppool::internal {

// Any thread. The descriptor is closed when a program is started, and with the object.
class WakeUp {
 public:
  WakeUp() = default;
  virtual ~WakeUp() = default;
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  virtual int descriptor() const = 0;
  virtual void Signal() noexcept = 0;  // readable from now on; again is no harm, and never waits
  virtual void Clear() noexcept = 0;   // not readable, until the next signal
};

// The system's, or the pipe if the build has chosen poll(2). Fails with kInternal when the process has no descriptor
// left.
Result<std::unique_ptr<WakeUp>> OpenWakeUp();

// For tests of both.
Result<std::unique_ptr<WakeUp>> OpenEventfdWakeUp();  // Linux
Result<std::unique_ptr<WakeUp>> OpenPipeWakeUp();

}  // namespace warppool::internal
