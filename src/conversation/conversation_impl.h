// What a Conversation holds on to, and a request works on: tasks, ids, and whose it is.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "conversation/change_events.h"
#include "conversation/task_tree.h"
#include "platform/process.h"
#include "warppool/conversation.h"

namespace warppool::internal {

// Whose token serves a conversation. The service's ids belong to the account behind it.
struct ConversationOwner {
  std::string key;    // a fingerprint of the credential, the same at every start; empty: nobody yet
  std::string token;  // the token's name, for the program
};

// Any thread. Between Claim() and Release() one request works on it; the program looks on.
class ConversationImpl {
 public:
  ConversationImpl();
  ConversationImpl(const ConversationImpl&) = delete;
  ConversationImpl& operator=(const ConversationImpl&) = delete;

  // ---- The program's side, as in Conversation.
  static Result<std::shared_ptr<ConversationImpl>> Restore(std::string_view bytes);
  Result<std::string> Save() const EXCLUDES(mutex_);
  std::string id() const EXCLUDES(mutex_);
  bool busy() const EXCLUDES(mutex_);
  Usage usage() const EXCLUDES(mutex_);
  std::vector<TaskInfo> Tasks() const EXCLUDES(mutex_);
  std::vector<MessageInfo> Messages(const std::string& task_id) const EXCLUDES(mutex_);
  std::vector<TodoInfo> Todos(const std::string& task_id) const EXCLUDES(mutex_);
  std::vector<PendingToolCall> PendingToolCalls() const EXCLUDES(mutex_);

  // ---- The request's side: one thread at a time. Events are emitted without a lock.
  bool Claim(const TreeLimits& limits) EXCLUDES(mutex_);  // false: it is busy
  void Release() noexcept EXCLUDES(mutex_);               // what was not committed is undone, silently

  // Not OK: an exception broke off a change, and what the tasks hold is not to be trusted. Nothing changes them any
  // more.
  Status state() const EXCLUDES(mutex_);
  ConversationOwner owner() const EXCLUDES(mutex_);
  // Calls `use` with the tasks and the id, which do not change meanwhile.
  using Use = std::function<void(const wire::Request::TaskContext& tasks, const std::string& id)>;
  void Look(const Use& use) const EXCLUDES(mutex_);
  // An answer begins: the service calls the conversation `id`, and it is this owner's.
  void Begin(std::string id, ConversationOwner owner) EXCLUDES(mutex_);
  // Tasks and messages are taken out of `action`. `ignored`: why it did nothing, if that is worth a warning.
  Status Apply(wire::ClientAction* action, const Emit& emit, const char** ignored) EXCLUDES(mutex_);
  // False: it is not so simple; Apply() is for it.
  Result<bool> Append(const TextAppend& append, const Emit& emit) EXCLUDES(mutex_);
  void RollBack(const Emit& emit) EXCLUDES(mutex_);
  void AddUsage(const Usage& usage) EXCLUDES(mutex_);

 private:
  // A child of the process whose client works on it: the lock may be held by a thread that is not here.
  bool Forked() const;
  const wire::Task* FindTask(const std::string& id) const REQUIRES(mutex_);
  void EmitChanges(const Emit& emit);
  void TellTodosOnce();

  std::atomic<ProcessId> claimed_by_{0};  // the process; 0: nobody
  Changes changes_;                       // the request's; used again for its memory

  mutable Mutex mutex_;
  TaskTree tree_ GUARDED_BY(mutex_);
  bool broken_ GUARDED_BY(mutex_) = false;
  std::string id_ GUARDED_BY(mutex_);
  ConversationOwner owner_ GUARDED_BY(mutex_);
  Usage usage_ GUARDED_BY(mutex_);
};

// The right to work on a conversation, as long as this lives or until Release().
class ConversationClaim {
 public:
  ConversationClaim() = default;  // on none
  // Nothing: it is busy. `conversation` not null.
  static std::optional<ConversationClaim> Make(std::shared_ptr<ConversationImpl> conversation,
                                               const TreeLimits& limits);
  ConversationClaim(ConversationClaim&& other) noexcept : conversation_(std::move(other.conversation_)) {}
  ConversationClaim& operator=(ConversationClaim&&) = delete;
  ~ConversationClaim() { Release(); }

  explicit operator bool() const { return conversation_ != nullptr; }
  ConversationImpl* operator->() const { return conversation_.get(); }
  const std::shared_ptr<ConversationImpl>& share() const { return conversation_; }
  void Release() noexcept;

 private:
  explicit ConversationClaim(std::shared_ptr<ConversationImpl> conversation) : conversation_(std::move(conversation)) {}

  std::shared_ptr<ConversationImpl> conversation_;  // null: on none, or not any more
};

}  // namespace warppool::internal
