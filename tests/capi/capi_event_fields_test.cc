// Each kind of event, and each function that reads one: what an event says, and that it says nothing else.
#include <warppool.h>

#include <chrono>
#include <map>
#include <string>

#include "catch.h"
#include "handle.h"

using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

using Fields = std::map<std::string, std::string>;

// All that the functions say about `event`, without what says nothing.
Fields Read(const warppool_event* event) {
  Fields fields;
  const auto text = [&](const char* name, const char* value) {
    if (value != ""s) fields[name] = value;
  };
  const auto number = [&](const char* name, auto value) {
    if (value != decltype(value){}) fields[name] = std::to_string(value);
  };
  size_t length = 7;
  const char* said = warppool_event_text(event, &length);
  CHECK(said[length] == '\0');
  if (length > 0) fields["text"] = std::string(said, length);
  text("message_id", warppool_event_message_id(event));
  text("task_id", warppool_event_task_id(event));
  number("message_kind", static_cast<int>(warppool_event_message_kind(event)));
  number("in_root", warppool_event_in_root(event));
  text("json", warppool_event_json(event));
  text("field", warppool_event_field(event));
  text("value", warppool_event_value(event));
  text("tool_call_id", warppool_event_tool_call_id(event));
  text("tool", warppool_event_tool(event));
  text("function", warppool_event_function(event));
  text("server_id", warppool_event_server_id(event));
  text("arguments", warppool_event_arguments(event));
  text("parent_id", warppool_event_parent_id(event));
  text("description", warppool_event_description(event));
  text("token", warppool_event_token(event));
  text("from_token", warppool_event_from_token(event));
  text("conversation_id", warppool_event_conversation_id(event));
  text("request_id", warppool_event_request_id(event));
  text("run_id", warppool_event_run_id(event));
  number("code", static_cast<int>(warppool_event_code(event)));
  text("message", warppool_event_message(event));
  number("next_step", static_cast<int>(warppool_event_next_step(event)));
  number("wait_ms", warppool_event_wait_ms(event));
  number("finish_reason", static_cast<int>(warppool_event_finish_reason(event)));
  number("refresh_models", warppool_event_refresh_models(event));
  text("kind", warppool_event_kind(event));
  length = 7;
  const uint8_t* bytes = warppool_event_bytes(event, &length);
  CHECK(bytes != nullptr);
  if (length > 0) fields["bytes"] = std::string(bytes, bytes + length);
  warppool_usage usage = WARPPOOL_USAGE_INIT;
  usage.credits = 9;
  if (event != nullptr) {
    CHECK(warppool_event_usage(event, &usage, nullptr) == WARPPOOL_OK);
    if (usage.credits != 0) fields["credits"] = std::to_string(static_cast<int>(usage.credits));
  }
  return fields;
}

}  // namespace

TEST_CASE("each event says in C what it says in C++, and nothing else") {
  using namespace warppool;
  const auto kQuery = MessageKind::kUserQuery;
  struct Case {
    Event event;
    warppool_event_type type;
    Fields fields;
  };
  const Case cases[] = {
      {StreamStarted{"T", "C", "R", "U"},
       WARPPOOL_EVENT_STREAM_STARTED,
       {{"token", "T"}, {"conversation_id", "C"}, {"request_id", "R"}, {"run_id", "U"}}},
      {TextDelta{"M", "x"}, WARPPOOL_EVENT_TEXT_DELTA, {{"message_id", "M"}, {"text", "x"}}},
      {TextReplaced{"M", "x"}, WARPPOOL_EVENT_TEXT_REPLACED, {{"message_id", "M"}, {"text", "x"}}},
      {ReasoningDelta{"M", "x"}, WARPPOOL_EVENT_REASONING_DELTA, {{"message_id", "M"}, {"text", "x"}}},
      {ReasoningReplaced{"M", "x"}, WARPPOOL_EVENT_REASONING_REPLACED, {{"message_id", "M"}, {"text", "x"}}},
      {MessageAdded{"K", "M", kQuery, true, "{}"},
       WARPPOOL_EVENT_MESSAGE_ADDED,
       {{"task_id", "K"}, {"message_id", "M"}, {"message_kind", "2"}, {"in_root", "1"}, {"json", "{}"}}},
      {MessageAdded{"K", "M", MessageKind::kOther, false, ""},
       WARPPOOL_EVENT_MESSAGE_ADDED,
       {{"task_id", "K"}, {"message_id", "M"}}},
      {MessageReplaced{"K", "M", kQuery, true, "{}"},
       WARPPOOL_EVENT_MESSAGE_REPLACED,
       {{"task_id", "K"}, {"message_id", "M"}, {"message_kind", "2"}, {"in_root", "1"}, {"json", "{}"}}},
      {MessageAppended{"K", "M", "F", "x"},
       WARPPOOL_EVENT_MESSAGE_APPENDED,
       {{"task_id", "K"}, {"message_id", "M"}, {"field", "F"}, {"text", "x"}}},
      {MessageRetracted{"K", "M", true},
       WARPPOOL_EVENT_MESSAGE_RETRACTED,
       {{"task_id", "K"}, {"message_id", "M"}, {"in_root", "1"}}},
      {ToolCall{"K", "M", "I", "call_mcp_tool", "N", "S", "{}", "B"},
       WARPPOOL_EVENT_TOOL_CALL,
       {{"task_id", "K"},
        {"message_id", "M"},
        {"tool_call_id", "I"},
        {"tool", "call_mcp_tool"},
        {"function", "N"},
        {"server_id", "S"},
        {"arguments", "{}"},
        {"bytes", "B"}}},
      {TodoList{"K", "[]"}, WARPPOOL_EVENT_TODO_LIST, {{"task_id", "K"}, {"json", "[]"}}},
      {TaskCreated{"K", "P", "D", true},
       WARPPOOL_EVENT_TASK_CREATED,
       {{"task_id", "K"}, {"parent_id", "P"}, {"description", "D"}, {"in_root", "1"}}},
      {TaskChanged{"K", "summary", "V"},
       WARPPOOL_EVENT_TASK_CHANGED,
       {{"task_id", "K"}, {"field", "summary"}, {"value", "V"}}},
      {TaskRetracted{"K"}, WARPPOOL_EVENT_TASK_RETRACTED, {{"task_id", "K"}}},
      {Suggestions{"{}"}, WARPPOOL_EVENT_SUGGESTIONS, {{"json", "{}"}}},
      {NewConversationSuggested{"M"}, WARPPOOL_EVENT_NEW_CONVERSATION_SUGGESTED, {{"message_id", "M"}}},
      {AttemptFailed{"T", Code::kTruncated, "why", NextStep::kResume, 250ms},
       WARPPOOL_EVENT_ATTEMPT_FAILED,
       {{"token", "T"},
        {"code", std::to_string(WARPPOOL_TRUNCATED)},
        {"message", "why"},
        {"next_step", "5"},
        {"wait_ms", "250"}}},
      {Waiting{7ms, "why"}, WARPPOOL_EVENT_WAITING, {{"wait_ms", "7"}, {"message", "why"}}},
      {ConversationMoved{"A", "B"}, WARPPOOL_EVENT_CONVERSATION_MOVED, {{"from_token", "A"}, {"token", "B"}}},
      {Finished{FinishReason::kInternalError, "why", {1, 2, 3, 4, 5, 6, 0.5}, true},
       WARPPOOL_EVENT_FINISHED,
       {{"finish_reason", "6"}, {"message", "why"}, {"refresh_models", "1"}, {"credits", "6"}}},
      {RawEvent{"bytes"}, WARPPOOL_EVENT_RAW, {{"bytes", "bytes"}}},
      {UnknownEvent{"what", "bytes"}, WARPPOOL_EVENT_UNKNOWN, {{"kind", "what"}, {"bytes", "bytes"}}},
  };
  std::map<std::size_t, int> kinds;
  warppool_event event;
  for (const Case& c : cases) {
    INFO("event type " << c.type);
    event.Assign(c.event);
    CHECK(warppool_event_get_type(&event) == c.type);
    CHECK(Read(&event) == c.fields);
    ++kinds[c.event.index()];
  }
  CHECK(kinds.size() == std::variant_size_v<Event>);
  CHECK(Read(nullptr).empty());
}
