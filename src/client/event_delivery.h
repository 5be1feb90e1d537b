// Gives events to their sink, and holds them back while the program has paused.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "client/event_queue.h"
#include "client/event_sink.h"

namespace warppool::internal {

// The I/O thread only.
class EventDelivery {
 public:
  enum class Result : std::uint8_t {
    kDone,       // or held back
    kPaused,     // the program wants no more for now
    kCancelled,  // nor at all
    kThrew,      // the program's callback did
    kNoMemory,   // it, or the queue, had none
  };

  explicit EventDelivery(std::shared_ptr<EventSink> sink) : sink_(std::move(sink)), detail_(sink_->detail()) {}

  EventDetail detail() const { return detail_; }  // that the sink reads

  // The program may end the stream from within; the sink lives on until it returns.
  Result Deliver(const Event& event);

  bool paused() const { return paused_; }
  void Resume() { paused_ = false; }
  // Delivers the first of what was held back. Nothing: that was all.
  std::optional<Result> DeliverHeld();

  // With the sink go what the program's callbacks hold.
  std::shared_ptr<EventSink> TakeSink() { return std::exchange(sink_, nullptr); }

 private:
  std::shared_ptr<EventSink> sink_;
  const EventDetail detail_;
  bool paused_ = false;
  std::list<OwnedEvent> held_;
};

}  // namespace warppool::internal
