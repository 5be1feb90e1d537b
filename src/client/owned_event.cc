#include <array>
#include <cstring>

#include "warppool/event.h"

namespace warppool::internal {
namespace {

// The views of each event.
auto ViewsOf(StreamStarted& e) {
  return std::array{&e.token, &e.conversation_id, &e.request_id, &e.run_id};
}
auto ViewsOf(TextDelta& e) {
  return std::array{&e.message_id, &e.text};
}
auto ViewsOf(TextReplaced& e) {
  return std::array{&e.message_id, &e.text};
}
auto ViewsOf(ReasoningDelta& e) {
  return std::array{&e.message_id, &e.text};
}
auto ViewsOf(ReasoningReplaced& e) {
  return std::array{&e.message_id, &e.text};
}
auto ViewsOf(MessageAdded& e) {
  return std::array{&e.task_id, &e.message_id, &e.json};
}
auto ViewsOf(MessageReplaced& e) {
  return std::array{&e.task_id, &e.message_id, &e.json};
}
auto ViewsOf(MessageAppended& e) {
  return std::array{&e.task_id, &e.message_id, &e.field, &e.text};
}
auto ViewsOf(MessageRetracted& e) {
  return std::array{&e.task_id, &e.message_id};
}
auto ViewsOf(ToolCall& e) {
  return std::array{&e.task_id, &e.message_id, &e.id, &e.tool, &e.name, &e.server_id, &e.arguments, &e.bytes};
}
auto ViewsOf(TodoList& e) {
  return std::array{&e.task_id, &e.json};
}
auto ViewsOf(TaskCreated& e) {
  return std::array{&e.task_id, &e.parent_id, &e.description};
}
auto ViewsOf(TaskChanged& e) {
  return std::array{&e.task_id, &e.field, &e.value};
}
auto ViewsOf(TaskRetracted& e) {
  return std::array{&e.task_id};
}
auto ViewsOf(Suggestions& e) {
  return std::array{&e.json};
}
auto ViewsOf(NewConversationSuggested& e) {
  return std::array{&e.message_id};
}
auto ViewsOf(AttemptFailed& e) {
  return std::array{&e.token, &e.message};
}
auto ViewsOf(Waiting& e) {
  return std::array{&e.reason};
}
auto ViewsOf(ConversationMoved& e) {
  return std::array{&e.from_token, &e.to_token};
}
auto ViewsOf(Finished& e) {
  return std::array{&e.message};
}
auto ViewsOf(RawEvent& e) {
  return std::array{&e.bytes};
}
auto ViewsOf(UnknownEvent& e) {
  return std::array{&e.kind, &e.bytes};
}

// Calls `visit` with each view of `event`.
template <typename Visit>
void ForEachView(Event* event, const Visit& visit) {
  std::visit(
      [&](auto& e) {
        for (std::string_view* const view : ViewsOf(e)) visit(view);
      },
      *event);
}

}  // namespace
}  // namespace warppool::internal

namespace warppool {

OwnedEvent::OwnedEvent(const Event& event) : event_(event) {
  internal::ForEachView(&event_, [&](const std::string_view* view) { size_ += view->size(); });
  texts_.reset(new char[size_]);
  char* place = texts_.get();
  internal::ForEachView(&event_, [&](std::string_view* view) {
    const std::size_t size = view->size();
    if (size > 0) std::memcpy(place, view->data(), size);
    *view = {place, size};
    place += size;
  });
}

}  // namespace warppool
