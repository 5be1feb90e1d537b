// What a stream delivers, in the order in which it happened.
//
//   if (const auto* delta = std::get_if<warppool::TextDelta>(&event)) std::cout << delta->text << std::flush;
//
// The answer is the agent output of the root task, message by message in the order in which MessageAdded tells of them:
// TextDelta and TextReplaced bring it, MessageRetracted takes a part of it back. Whoever shows more than that
// (reasoning, tool calls, tasks of other agents) finds each message announced by MessageAdded.
//
// The views are borrowed: from a push callback they are valid until it returns, from Stream::Next() until the next call
// on that stream or its destruction. Copy what must last, or keep all of it in an OwnedEvent.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <variant>

#include "warppool/status.h"
#include "warppool/tool.h"
#include "warppool/usage.h"

namespace warppool {

// The service accepted the request and the answer begins. Once, before any text; again when an answer that broke off
// goes on.
struct StreamStarted {
  std::string_view token;  // the name of the token that serves it
  std::string_view conversation_id;
  std::string_view request_id;
  std::string_view run_id;
};

// ---- What the agent says.

// More of the answer's text: append it to what came before of this message.
struct TextDelta {
  std::string_view message_id;
  std::string_view text;
};

// The service rewrote a message of the answer that was shown already, or took a part of it back: this is its whole text
// now.
struct TextReplaced {
  std::string_view message_id;
  std::string_view text;
};

// More of what the agent of the root task thinks.
struct ReasoningDelta {
  std::string_view message_id;
  std::string_view text;
};

struct ReasoningReplaced {
  std::string_view message_id;
  std::string_view text;
};

// The kinds of messages. The numbers are the service's field numbers (Message in proto/), and the same in C
// (warppool_message_kind).
enum class MessageKind : int {
  kUserQuery = 2,
  kAgentOutput = 3,
  kToolCall = 4,
  kToolCallResult = 5,
  kServerEvent = 6,
  kSystemQuery = 9,
  kTodos = 10,
  kReasoning = 15,
  kSummarization = 16,
  kWebSearch = 19,
  kWebFetch = 20,
  kDebugOutput = 21,
  kModelUsed = 25,
  kOther = 0,  // not in this version's schema
};

// "agent_output": the field's name in the schema; "other". Never NULL. Any thread.
const char* MessageKindName(MessageKind kind) noexcept;

// A task has a new message. Text and reasoning of the root task follow as deltas, tool calls and to-do lists as events
// of their own.
struct MessageAdded {
  std::string_view task_id;
  std::string_view message_id;
  MessageKind kind;
  bool in_root;           // the task is the root task
  std::string_view json;  // what it says, in protobuf's JSON mapping; empty: what follows as deltas, and kOther
};

// The service changed a message whose text is not told by deltas: this is what it says now.
struct MessageReplaced {
  std::string_view task_id;
  std::string_view message_id;
  MessageKind kind;
  bool in_root;
  std::string_view json;  // empty with kOther
};

// More of a text in a message that is neither the answer's nor the root's reasoning.
struct MessageAppended {
  std::string_view task_id;
  std::string_view message_id;
  std::string_view field;  // which text of the message: its path in the schema ("agent_output.text")
  std::string_view text;
};

// The message is gone from this task: taken back by a rollback, or moved to another task, whose MessageAdded follows.
// If it was shown, it should not be any more.
struct MessageRetracted {
  std::string_view task_id;
  std::string_view message_id;
  bool in_root;
};

// ---- What the agent wants, and plans.

// The agent calls a tool. Act when the answer has ended: until then the call may change (it is told again, with the
// same id) or be retracted. Conversation::PendingToolCalls() lists what is to be answered.
struct ToolCall {
  std::string_view task_id;
  std::string_view message_id;
  std::string_view id;         // for ToolResult::call_id
  std::string_view tool;       // as in ToolName(); empty: not in this version's schema
  std::string_view name;       // call_mcp_tool: the function; else empty
  std::string_view server_id;  // call_mcp_tool and read_mcp_resource: McpServer::id; else empty
  // JSON: the function's arguments, or the tool's in protobuf's mapping. Empty: JSON cannot hold them
  // (a number that is none), or the tool is not in this version's schema. `bytes` hold them then.
  std::string_view arguments;
  std::string_view bytes;  // the serialized Message.ToolCall
};

// The agent's to-do list as it stands now: a JSON array of {"id", "title", "description", "done"}.
struct TodoList {
  std::string_view task_id;
  std::string_view json;
};

struct TaskCreated {
  std::string_view task_id;
  std::string_view parent_id;  // empty: none
  std::string_view description;
  bool is_root;  // from now on its agent output is the answer
};

// A task was named, summed up, or given what the service wants back.
struct TaskChanged {
  std::string_view task_id;
  std::string_view field;  // "description", "summary" or "server_data"
  std::string_view value;
};

// The task was created in a transaction that is rolled back. What it held is gone, too.
struct TaskRetracted {
  std::string_view task_id;
};

// Things that the user might want: {"rules":[{"name","content","logging_id"}], "workflows":[{"name","prompt",
// "logging_id"}]}.
struct Suggestions {
  std::string_view json;
};

// The agent thinks that a new conversation should go on from this message.
struct NewConversationSuggested {
  std::string_view message_id;
};

// ---- How the request fares.

// The numbers are stable and the same in C (warppool_next_step).
enum class NextStep : int {
  kSameToken = 1,  // again with a new JWT of the same token
  kNextToken = 2,  // at once with another token
  kWait = 3,       // after a pause
  kGiveUp = 4,     // no further attempt; the final status follows
  kResume = 5,     // after a pause, the answer goes on where it broke off
};

// One attempt failed. What was delivered so far stands, but for what a transaction takes back.
struct AttemptFailed {
  std::string_view token;
  Code code;
  std::string_view message;
  NextStep next;
  std::chrono::milliseconds wait;  // with NextStep::kWait and kResume; else 0
};

// No token is ready, or the service is overloaded, as other requests found out. Nothing has been sent: the request
// waits. After a failed attempt, AttemptFailed says so instead.
struct Waiting {
  std::chrono::milliseconds wait;  // at most; what is not known in advance may come sooner
  std::string_view reason;         // one sentence
};

// The conversation goes on at another account, as a new one of the service's: the old one belongs to an account whose
// token cannot serve now. The history was sent along. StreamStarted follows, with the new id.
struct ConversationMoved {
  std::string_view from_token;  // the name
  std::string_view to_token;
};

// The numbers are stable and the same in C (warppool_finish_reason).
enum class FinishReason : int {
  kDone = 1,
  kQuotaLimit = 2,
  kMaxTokenLimit = 3,
  kContextWindowExceeded = 4,
  kModelUnavailable = 5,
  kInternalError = 6,
  kInvalidModelKey = 7,
  kOther = 8,
  kUnknown = 9,  // not in this version's schema
};

// The service's last word. The stream's final status follows: OK with kDone, else the code for the reason.
struct Finished {
  FinishReason reason;
  std::string_view message;  // with kInternalError and kInvalidModelKey; else empty
  Usage usage;
  bool refresh_models = false;  // the list of models has changed
};

// ---- The rest.

// One event of the stream as it came, if the request asked for it (Request::raw, raw_events): a serialized
// ResponseEvent. What it means follows, unless the request is a raw one.
struct RawEvent {
  std::string_view bytes;
};

// Something that this version has no event for: nothing is swallowed.
struct UnknownEvent {
  std::string_view kind;   // a field name of the schema; empty: not in the schema
  std::string_view bytes;  // the serialized ClientAction, or ResponseEvent if `kind` is empty
};

using Event = std::variant<StreamStarted, TextDelta, TextReplaced, ReasoningDelta, ReasoningReplaced, MessageAdded,
                           MessageReplaced, MessageAppended, MessageRetracted, ToolCall, TodoList, TaskCreated,
                           TaskChanged, TaskRetracted, Suggestions, NewConversationSuggested, AttemptFailed, Waiting,
                           ConversationMoved, Finished, RawEvent, UnknownEvent>;

// An event that may be kept, passed on to another thread, or both: it owns what its views look at. One that was moved
// from may be assigned to and destroyed, nothing else. Running out of memory throws std::bad_alloc.
class OwnedEvent {
 public:
  explicit OwnedEvent(const Event& event);
  OwnedEvent(const OwnedEvent& other) : OwnedEvent(other.event_) {}
  OwnedEvent(OwnedEvent&& other) noexcept = default;
  OwnedEvent& operator=(const OwnedEvent& other) { return *this = OwnedEvent(other); }
  OwnedEvent& operator=(OwnedEvent&& other) noexcept = default;
  ~OwnedEvent() = default;

  const Event& get() const noexcept { return event_; }
  std::size_t bytes() const noexcept { return sizeof *this + size_; }  // that it takes in memory

 private:
  Event event_;
  std::unique_ptr<char[]> texts_;
  std::size_t size_ = 0;  // of them
};

}  // namespace warppool
