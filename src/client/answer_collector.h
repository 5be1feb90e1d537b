// A whole answer out of its events.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "client/event_sink.h"
#include "warppool/client.h"

namespace warppool {

// Filled in the I/O thread; Take() after OnDone(), in any.
class AnswerCollector final : public EventSink {
 public:
  Flow OnEvent(const Event& event) override;
  void OnDone(const Status& status) override { status_ = status; }

  Result<Answer> Take();

 private:
  std::string* TextOf(std::string_view message_id);
  void Drop(std::string_view message_id);

  Answer answer_;
  std::vector<std::pair<std::string, std::string>> texts_;  // message and text, in the order in which they came
  Status status_;
};

}  // namespace warppool
