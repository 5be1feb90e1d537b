// Where a stream's events go: to the program's callbacks, into the queue that it pulls from, or into a whole answer.
#pragma once

#include "conversation/emit.h"
#include "warppool/event.h"
#include "warppool/status.h"
#include "warppool/stream.h"

namespace warppool::internal {

// Called in the I/O thread: events, then OnDone() exactly once.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual Flow OnEvent(const Event& event) = 0;
  virtual void OnDone(const Status& status) = 0;
  // How much of the events it reads, always the same: what it does not read need not be made.
  virtual EventDetail detail() const { return EventDetail::kAll; }
  // Whether its functions are the program's.
  virtual bool CallsProgram() const { return false; }
};

}  // namespace warppool::internal
