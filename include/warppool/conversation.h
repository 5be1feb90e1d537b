// A conversation of many turns: what was said and done in it, as the service told it, and what the next request takes
// back to the service.
//
//   warppool::Conversation conversation;
//   client->Ask(warppool::Request("What is in main.c?"), conversation);
//   for (const auto& call : conversation.PendingToolCalls()) ...                  // the agent wants something
//   client->Ask(warppool::Request("And who calls it?"), conversation);
//   WriteFile("chat.warppool", *conversation.Save());                             // goes on another day
//
// A conversation has one request at a time; a second one fails with kMisuse. Many conversations can be busy at once, on
// one client or several. All functions may be called from any thread at any time, in callbacks too; while a request
// runs they tell how far it is. Destroying a conversation does not end its request. One that was moved from can only be
// assigned or destroyed. What returns a value as it is may run out of memory, as any std::string. After a fork, one
// that a client of the parent works on is empty in the child.
//
// What an answer did stays in the conversation, however the answer ends: failed, cancelled or timed out. But a
// transaction that the service has not committed by then is undone.
//
// It keeps to the token that began it while that token is ready (one that has its hands full is not), since accounts
// own conversations at the service. A fault of the service's or the network's is waited out there, and so is a first
// refusal or server error; when no wait is left, it moves rather than fails. When it has to go elsewhere
// (also because a request's `tiers` or `tokens` exclude its token), the client starts a new one there with the whole
// history, and says so (ConversationMoved). Every request brings that history along: in a conversation that is private,
// each one must say who may serve it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "warppool/event.h"
#include "warppool/status.h"

namespace warppool {

namespace internal {
class ConversationImpl;
}  // namespace internal

struct TaskInfo {
  std::string id;
  std::string parent_id;  // empty: none, as the root task
  std::string description;
  std::string summary;
  std::size_t messages = 0;
};

struct MessageInfo {
  std::string id;
  MessageKind kind = MessageKind::kOther;
  std::string text;  // of kUserQuery, kAgentOutput and kReasoning; else empty
  std::string json;  // what it says, in protobuf's JSON mapping; empty with kOther
};

struct TodoInfo {
  std::string id;
  std::string title;
  std::string description;
  bool done = false;
};

// A call that the agent waits for; see ToolCall.
struct PendingToolCall {
  std::string task_id;
  std::string message_id;
  std::string id;
  std::string tool;
  std::string name;
  std::string server_id;
  std::string arguments;
  std::string bytes;
};

class Conversation {
 public:
  Conversation();  // an empty one; throws only std::bad_alloc
  Conversation(Conversation&& other) noexcept;
  Conversation& operator=(Conversation&& other) noexcept;
  ~Conversation();

  // What Save() gave. kInvalidArgument: it is damaged, or of a later version.
  static Result<Conversation> Restore(std::string_view bytes);

  // All of it, as bytes to be kept; not for reading. No token or key is in it, but what was said is, in the clear.
  // While a request runs: as far as it is, without what the service has not committed. kLimitExceeded: it would have
  // more than 2 GiB; kMisuse: a request of the parent process works on it.
  Result<std::string> Save() const;

  std::string id() const;     // the service's; empty: nothing was answered yet
  std::string token() const;  // the name of the token that it keeps to; empty as above
  bool busy() const;          // a request runs
  Usage usage() const;        // of all answers together; context_window_usage: of the last one

  std::vector<TaskInfo> Tasks() const;  // the root task first, the others as they were created
  // Oldest first. `task_id` empty: the root task's. Empty if there is no such task.
  std::vector<MessageInfo> Messages(const std::string& task_id = {}) const;
  std::vector<TodoInfo> Todos(const std::string& task_id = {}) const;

  // Calls of the agent's, in any task, that no message answers. To be looked at between two requests.
  std::vector<PendingToolCall> PendingToolCalls() const;

 private:
  friend class Client;
  explicit Conversation(std::shared_ptr<internal::ConversationImpl> impl);
  std::shared_ptr<internal::ConversationImpl> impl_;
};

}  // namespace warppool
