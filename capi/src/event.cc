#include <array>
#include <string_view>
#include <type_traits>
#include <variant>

#include "guard.h"
#include "usage.h"

using namespace warppool;  // all of its events
using warppool::capi::ReadOr;

namespace {

using namespace std::literals::string_view_literals;

// What each event is called, and its texts, which C wants to end with NUL (bytes are none).
auto TextsOf(StreamStarted& e) {
  return std::array<std::string_view*, 4>{&e.token, &e.conversation_id, &e.request_id, &e.run_id};
}
auto TextsOf(TextDelta& e) {
  return std::array<std::string_view*, 2>{&e.message_id, &e.text};
}
auto TextsOf(TextReplaced& e) {
  return std::array<std::string_view*, 2>{&e.message_id, &e.text};
}
auto TextsOf(ReasoningDelta& e) {
  return std::array<std::string_view*, 2>{&e.message_id, &e.text};
}
auto TextsOf(ReasoningReplaced& e) {
  return std::array<std::string_view*, 2>{&e.message_id, &e.text};
}
auto TextsOf(MessageAdded& e) {
  return std::array<std::string_view*, 3>{&e.task_id, &e.message_id, &e.json};
}
auto TextsOf(MessageReplaced& e) {
  return std::array<std::string_view*, 3>{&e.task_id, &e.message_id, &e.json};
}
auto TextsOf(MessageAppended& e) {
  return std::array<std::string_view*, 4>{&e.task_id, &e.message_id, &e.field, &e.text};
}
auto TextsOf(MessageRetracted& e) {
  return std::array<std::string_view*, 2>{&e.task_id, &e.message_id};
}
auto TextsOf(ToolCall& e) {
  return std::array<std::string_view*, 7>{&e.task_id, &e.message_id, &e.id,       &e.tool,
                                          &e.name,    &e.server_id,  &e.arguments};
}
auto TextsOf(TodoList& e) {
  return std::array<std::string_view*, 2>{&e.task_id, &e.json};
}
auto TextsOf(TaskCreated& e) {
  return std::array<std::string_view*, 3>{&e.task_id, &e.parent_id, &e.description};
}
auto TextsOf(TaskChanged& e) {
  return std::array<std::string_view*, 3>{&e.task_id, &e.field, &e.value};
}
auto TextsOf(TaskRetracted& e) {
  return std::array<std::string_view*, 1>{&e.task_id};
}
auto TextsOf(Suggestions& e) {
  return std::array<std::string_view*, 1>{&e.json};
}
auto TextsOf(NewConversationSuggested& e) {
  return std::array<std::string_view*, 1>{&e.message_id};
}
auto TextsOf(AttemptFailed& e) {
  return std::array<std::string_view*, 2>{&e.token, &e.message};
}
auto TextsOf(Waiting& e) {
  return std::array<std::string_view*, 1>{&e.reason};
}
auto TextsOf(ConversationMoved& e) {
  return std::array<std::string_view*, 2>{&e.from_token, &e.to_token};
}
auto TextsOf(Finished& e) {
  return std::array<std::string_view*, 1>{&e.message};
}
auto TextsOf(RawEvent& /*event*/) {
  return std::array<std::string_view*, 0>{};
}
auto TextsOf(UnknownEvent& e) {
  return std::array<std::string_view*, 1>{&e.kind};
}

warppool_event_type TypeOf(const StreamStarted& /*event*/) {
  return WARPPOOL_EVENT_STREAM_STARTED;
}
warppool_event_type TypeOf(const TextDelta& /*event*/) {
  return WARPPOOL_EVENT_TEXT_DELTA;
}
warppool_event_type TypeOf(const TextReplaced& /*event*/) {
  return WARPPOOL_EVENT_TEXT_REPLACED;
}
warppool_event_type TypeOf(const ReasoningDelta& /*event*/) {
  return WARPPOOL_EVENT_REASONING_DELTA;
}
warppool_event_type TypeOf(const ReasoningReplaced& /*event*/) {
  return WARPPOOL_EVENT_REASONING_REPLACED;
}
warppool_event_type TypeOf(const MessageAdded& /*event*/) {
  return WARPPOOL_EVENT_MESSAGE_ADDED;
}
warppool_event_type TypeOf(const MessageReplaced& /*event*/) {
  return WARPPOOL_EVENT_MESSAGE_REPLACED;
}
warppool_event_type TypeOf(const MessageAppended& /*event*/) {
  return WARPPOOL_EVENT_MESSAGE_APPENDED;
}
warppool_event_type TypeOf(const MessageRetracted& /*event*/) {
  return WARPPOOL_EVENT_MESSAGE_RETRACTED;
}
warppool_event_type TypeOf(const ToolCall& /*event*/) {
  return WARPPOOL_EVENT_TOOL_CALL;
}
warppool_event_type TypeOf(const TodoList& /*event*/) {
  return WARPPOOL_EVENT_TODO_LIST;
}
warppool_event_type TypeOf(const TaskCreated& /*event*/) {
  return WARPPOOL_EVENT_TASK_CREATED;
}
warppool_event_type TypeOf(const TaskChanged& /*event*/) {
  return WARPPOOL_EVENT_TASK_CHANGED;
}
warppool_event_type TypeOf(const TaskRetracted& /*event*/) {
  return WARPPOOL_EVENT_TASK_RETRACTED;
}
warppool_event_type TypeOf(const Suggestions& /*event*/) {
  return WARPPOOL_EVENT_SUGGESTIONS;
}
warppool_event_type TypeOf(const NewConversationSuggested& /*event*/) {
  return WARPPOOL_EVENT_NEW_CONVERSATION_SUGGESTED;
}
warppool_event_type TypeOf(const AttemptFailed& /*event*/) {
  return WARPPOOL_EVENT_ATTEMPT_FAILED;
}
warppool_event_type TypeOf(const Waiting& /*event*/) {
  return WARPPOOL_EVENT_WAITING;
}
warppool_event_type TypeOf(const ConversationMoved& /*event*/) {
  return WARPPOOL_EVENT_CONVERSATION_MOVED;
}
warppool_event_type TypeOf(const Finished& /*event*/) {
  return WARPPOOL_EVENT_FINISHED;
}
warppool_event_type TypeOf(const RawEvent& /*event*/) {
  return WARPPOOL_EVENT_RAW;
}
warppool_event_type TypeOf(const UnknownEvent& /*event*/) {
  return WARPPOOL_EVENT_UNKNOWN;
}

// Null if the event is of another type, or none.
template <typename Type>
const Type* As(const warppool_event* event) noexcept {
  return event == nullptr ? nullptr : std::get_if<Type>(&event->event);
}

// What `field` reads from an event that has such a field; "" from any other.
template <typename Field>
std::string_view TextIn(const warppool_event* event, const Field& field) noexcept {
  std::string_view text = ""sv;  // unlike a default one, it points somewhere
  if (event == nullptr) return text;
  std::visit(
      [&](const auto& e) {
        if constexpr (std::is_invocable_v<Field, decltype(e)>) text = field(e);
      },
      event->event);
  return text;
}

// TextIn() of the field with this name.
#define TEXT_IN(event, name) TextIn(event, [](const auto& e) -> decltype(std::string_view(e.name)) { return e.name; })

}  // namespace

void warppool_event::Assign(const Event& source) {
  Event copy = source;
  std::visit(
      [this](auto& e) {
        const auto all = TextsOf(e);
        size_t total = 0;
        for (const std::string_view* text : all) total += text->size() + 1;
        texts.clear();
        texts.reserve(total);  // nothing moves from here on
        for (std::string_view* text : all) {
          const size_t start = texts.size();
          texts.append(*text).push_back('\0');
          *text = std::string_view(texts).substr(start, text->size());
        }
      },
      copy);
  event = copy;
}

warppool_code warppool_event_copy(const warppool_event* event, warppool_event** copy, warppool_error** error) {
  Clear(copy);
  return Guard(error, [&] {
    if (Status status = NotNull({{event, "event"}, {copy, "copy"}}); !status.ok()) return status;
    auto owned = std::make_unique<warppool_event>();
    owned->source.emplace(event->event);
    owned->Assign(owned->source->get());
    *copy = owned.release();
    return Status();
  });
}

void warppool_event_destroy(warppool_event** event) {
  if (event != nullptr) delete std::exchange(*event, nullptr);
}

const char* warppool_message_kind_name(warppool_message_kind kind) {
  return MessageKindName(static_cast<MessageKind>(kind));
}

warppool_event_type warppool_event_get_type(const warppool_event* event) {
  return ReadOr(event, WARPPOOL_EVENT_NONE,
                [](const auto& e) { return std::visit([](const auto& is) { return TypeOf(is); }, e.event); });
}

const char* warppool_event_text(const warppool_event* event, size_t* length) {
  const std::string_view text = TEXT_IN(event, text);
  if (length != nullptr) *length = text.size();
  return text.data();
}

const char* warppool_event_message_id(const warppool_event* event) {
  return TEXT_IN(event, message_id).data();
}

const char* warppool_event_task_id(const warppool_event* event) {
  return TEXT_IN(event, task_id).data();
}

warppool_message_kind warppool_event_message_kind(const warppool_event* event) {
  if (const auto* replaced = As<MessageReplaced>(event)) return static_cast<warppool_message_kind>(replaced->kind);
  return ReadOr(As<MessageAdded>(event), WARPPOOL_MESSAGE_OTHER, [](const auto& e) { return e.kind; });
}

int32_t warppool_event_in_root(const warppool_event* event) {
  if (const auto* replaced = As<MessageReplaced>(event)) return replaced->in_root ? 1 : 0;
  if (const auto* retracted = As<MessageRetracted>(event)) return retracted->in_root ? 1 : 0;
  if (const auto* created = As<TaskCreated>(event)) return created->is_root ? 1 : 0;
  return ReadOr(As<MessageAdded>(event), int32_t{0}, [](const auto& e) { return e.in_root ? 1 : 0; });
}

const char* warppool_event_json(const warppool_event* event) {
  return TEXT_IN(event, json).data();
}

const char* warppool_event_field(const warppool_event* event) {
  return TEXT_IN(event, field).data();
}

const char* warppool_event_value(const warppool_event* event) {
  return TEXT_IN(event, value).data();
}

const char* warppool_event_tool_call_id(const warppool_event* event) {
  return TEXT_IN(event, id).data();
}

const char* warppool_event_tool(const warppool_event* event) {
  return TEXT_IN(event, tool).data();
}

const char* warppool_event_function(const warppool_event* event) {
  return TEXT_IN(event, name).data();
}

const char* warppool_event_server_id(const warppool_event* event) {
  return TEXT_IN(event, server_id).data();
}

const char* warppool_event_arguments(const warppool_event* event) {
  return TEXT_IN(event, arguments).data();
}

const char* warppool_event_parent_id(const warppool_event* event) {
  return TEXT_IN(event, parent_id).data();
}

const char* warppool_event_description(const warppool_event* event) {
  return TEXT_IN(event, description).data();
}

const char* warppool_event_token(const warppool_event* event) {
  if (const auto* moved = As<ConversationMoved>(event)) return moved->to_token.data();
  return TEXT_IN(event, token).data();
}

const char* warppool_event_from_token(const warppool_event* event) {
  return TEXT_IN(event, from_token).data();
}

const char* warppool_event_conversation_id(const warppool_event* event) {
  return TEXT_IN(event, conversation_id).data();
}

const char* warppool_event_request_id(const warppool_event* event) {
  return TEXT_IN(event, request_id).data();
}

const char* warppool_event_run_id(const warppool_event* event) {
  return TEXT_IN(event, run_id).data();
}

warppool_code warppool_event_code(const warppool_event* event) {
  return ReadOr(As<AttemptFailed>(event), WARPPOOL_OK, [](const auto& e) { return e.code; });
}

const char* warppool_event_message(const warppool_event* event) {
  if (const auto* waiting = As<Waiting>(event)) return waiting->reason.data();
  return TEXT_IN(event, message).data();
}

warppool_next_step warppool_event_next_step(const warppool_event* event) {
  return ReadOr(As<AttemptFailed>(event), WARPPOOL_NEXT_NONE, [](const auto& e) { return e.next; });
}

int64_t warppool_event_wait_ms(const warppool_event* event) {
  if (const auto* waiting = As<Waiting>(event)) return waiting->wait.count();
  return ReadOr(As<AttemptFailed>(event), int64_t{0}, [](const auto& e) { return e.wait.count(); });
}

warppool_finish_reason warppool_event_finish_reason(const warppool_event* event) {
  return ReadOr(As<Finished>(event), WARPPOOL_FINISH_NONE, [](const auto& e) { return e.reason; });
}

warppool_code warppool_event_usage(const warppool_event* event, warppool_usage* usage, warppool_error** error) {
  return warppool::capi::Guard(error, [&] {
    auto status = warppool::capi::NotNull({{event, "event"}, {usage, "usage"}});
    if (!status.ok()) return status;
    const auto* finished = As<Finished>(event);
    return warppool::capi::FillUsage(finished == nullptr ? warppool::Usage() : finished->usage, usage);
  });
}

int32_t warppool_event_refresh_models(const warppool_event* event) {
  return ReadOr(As<Finished>(event), int32_t{0}, [](const auto& e) { return e.refresh_models ? 1 : 0; });
}

const char* warppool_event_kind(const warppool_event* event) {
  return As<UnknownEvent>(event) == nullptr ? "" : As<UnknownEvent>(event)->kind.data();
}

const uint8_t* warppool_event_bytes(const warppool_event* event, size_t* length) {
  const std::string_view bytes = TEXT_IN(event, bytes);
  if (length != nullptr) *length = bytes.size();
  return reinterpret_cast<const uint8_t*>(bytes.empty() ? "" : bytes.data());
}
