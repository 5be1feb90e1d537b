// An answer out of its events, whole or as far as it came.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/event_sink.h"
#include "warppool/client.h"

namespace warppool::internal {

// Filled in the I/O thread; Take() after OnDone(), in any.
class AnswerCollector final : public EventSink {
 public:
  Flow OnEvent(const Event& event) override;
  void OnDone(const Status& status) override { answer_.status = status; }
  EventDetail detail() const override { return EventDetail::kText; }

  Answer Take();

 private:
  // The text of a message, which is a new one if there is none with that id.
  std::string* TextOf(std::string_view message_id);
  void Drop(std::string_view message_id);

  Answer answer_;
  std::vector<std::optional<std::string>> texts_;  // of the messages in the order in which they came; none: taken back
  using Places = std::unordered_map<std::string, std::size_t>;
  Places places_;  // of each message
  // The one that was asked for last: nearly always it is the next one, too. Null: none.
  const Places::value_type* last_ = nullptr;
};

}  // namespace warppool::internal
