#include "client/event_delivery.h"

#include <new>
#include <utility>

namespace warppool::internal {

EventDelivery::Result EventDelivery::Deliver(const Event& event) {
  if (paused_) {
    held_.emplace_back(event);
    return Result::kDone;
  }
  const auto sink = sink_;
  Flow flow = Flow::kContinue;
  try {
    flow = sink->OnEvent(event);
  } catch (const std::bad_alloc&) {
    return Result::kNoMemory;
  } catch (...) {
    return Result::kThrew;
  }
  if (flow == Flow::kCancel) return Result::kCancelled;
  if (flow != Flow::kPause) return Result::kDone;
  paused_ = true;
  return Result::kPaused;
}

std::optional<EventDelivery::Result> EventDelivery::DeliverHeld() {
  if (held_.empty()) return std::nullopt;
  std::list<OwnedEvent> first;
  first.splice(first.begin(), held_, held_.begin());
  return Deliver(first.front().get());
}

}  // namespace warppool::internal
