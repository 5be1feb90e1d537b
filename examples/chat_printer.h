// Shows an answer while it comes: what the agent says on one stream, how the request fares on the other. What is on a
// terminal cannot be taken back, so a message that the service rewrites or retracts gets a line that says so.
#pragma once

#include <warppool/event.h>

#include <map>
#include <ostream>
#include <string>
#include <string_view>

namespace chat {

class Printer {
 public:
  // `on_terminal`: reasoning is shown, dimmed, and control characters are not.
  Printer(std::ostream* answer, std::ostream* remarks, bool on_terminal)
      : answer_(*answer), remarks_(*remarks), on_terminal_(on_terminal) {}

  void Show(const warppool::Event& event);
  void Finish();  // the answer has ended: the cursor goes to a line of its own

 private:
  // What the last characters on the screen belong to.
  enum class Place { kLineStart, kAnswer, kReasoning };

  void On(const warppool::TextDelta& event);
  void On(const warppool::TextReplaced& event);
  void On(const warppool::ReasoningDelta& event);
  void On(const warppool::ReasoningReplaced& event);
  void On(const warppool::MessageRetracted& event);
  void On(const warppool::ToolCall& event);
  void On(const warppool::AttemptFailed& event);
  void On(const warppool::Waiting& event);
  void On(const warppool::ConversationMoved& event);
  void On(const warppool::UnknownEvent& event);
  template <typename Other>
  void On(const Other& /*event*/) {}  // nothing that a chat shows

  void Go(Place place, std::string_view message_id);  // where `message_id` continues, or a new line
  void Mark(std::string_view words);                  // a line about the answer, among it
  void Remark(const std::string& words);              // a line about the request
  std::string Printable(std::string_view text) const;

  std::ostream& answer_;
  std::ostream& remarks_;
  const bool on_terminal_;
  Place place_ = Place::kLineStart;
  std::string message_id_;                    // that `place_` is in
  std::map<std::string, std::string> shown_;  // the answer's messages, as they stand
};

}  // namespace chat
