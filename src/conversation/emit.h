// Where the events of a conversation's changes go.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "warppool/event.h"

namespace warppool::internal {

// How much whoever gets the events reads of them.
enum class EventDetail : std::uint8_t {
  kAll,
  kText,  // of a message whose text does not come as deltas only that it is there: its JSON is not made, nor are tool
          // calls, to-do lists and suggestions told of
};

// Gets the events; their views are valid during the call. False: it is over, and what is told of may be somebody else's
// from now on.
class Emit {
 public:
  // From anything that can be called so, as std::function is.
  template <typename Function>
  Emit(Function function, EventDetail detail = EventDetail::kAll)  // NOLINT(google-explicit-constructor)
      : function_(std::move(function)), detail_(detail) {}

  bool operator()(const Event& event) const { return function_(event); }
  EventDetail detail() const { return detail_; }

 private:
  std::function<bool(const Event&)> function_;
  EventDetail detail_;
};

}  // namespace warppool::internal
