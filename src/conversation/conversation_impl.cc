#include "conversation/conversation_impl.h"

#include <google/protobuf/io/coded_stream.h>

#include <limits>
#include <unordered_set>
#include <utility>

#include "base/guarded.h"
#include "conversation/saved_conversation.h"
#include "protocol/schema.h"

namespace warppool::internal {
namespace {

MessageInfo ReadMessage(const wire::Message& message) {
  MessageInfo info{message.id(), static_cast<MessageKind>(message.message_case()), {}, ContentJson(message)};
  if (message.has_user_query()) info.text = message.user_query().query();
  if (message.has_agent_output()) info.text = message.agent_output().text();
  if (message.has_agent_reasoning()) info.text = message.agent_reasoning().reasoning();
  return info;
}

Status Broken() {
  return {Code::kInternal,
          "the conversation ran out of memory in the middle of a change; restore it from what was saved"};
}

TaskInfo ReadTask(const wire::Task& task) {
  return {task.id(), task.dependencies().parent_task_id(), task.description(), task.summary(),
          static_cast<std::size_t>(task.messages_size())};
}

// Of bytes that a task has been serialized to: nothing is wrong with them, however deep it is.
wire::Task ParseTask(const std::string& bytes) {
  wire::Task task;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  in.SetRecursionLimit(std::numeric_limits<int>::max());
  static_cast<void>(task.ParseFromCodedStream(&in));
  return task;
}

}  // namespace

ConversationImpl::ConversationImpl() {
  LoadSchema();
}

Result<std::shared_ptr<ConversationImpl>> ConversationImpl::Restore(std::string_view bytes) {
  auto impl = std::make_shared<ConversationImpl>();
  auto saved = ReadSaved(bytes);
  if (!saved) return saved.status();
  MutexLock lock(&impl->mutex_);
  impl->tree_ = TaskTree(std::move(saved->tasks));
  impl->id_ = std::move(saved->id);
  impl->owner_ = {std::move(saved->owner_key), std::move(saved->token)};
  impl->usage_ = saved->usage;
  return impl;
}

Result<std::string> ConversationImpl::Save() const {
  if (Forked()) return Status(Code::kMisuse, "a request of the process that was forked works on the conversation");
  SavedConversation saved;
  {
    MutexLock lock(&mutex_);
    if (broken_) return Broken();
    saved = {tree_.Committed(), id_, owner_.token, owner_.key, usage_};
  }
  return WriteSaved(std::move(saved));
}

Status ConversationImpl::state() const {
  MutexLock lock(&mutex_);
  return broken_ ? Broken() : Status();
}

bool ConversationImpl::Forked() const {
  const ProcessId process = claimed_by_.load();
  return process != 0 && process != CurrentProcess();
}

std::string ConversationImpl::id() const {
  if (Forked()) return {};
  MutexLock lock(&mutex_);
  return id_;
}

bool ConversationImpl::busy() const {
  return claimed_by_.load() != 0;
}

Usage ConversationImpl::usage() const {
  if (Forked()) return {};
  MutexLock lock(&mutex_);
  return usage_;
}

std::vector<TaskInfo> ConversationImpl::Tasks() const {
  if (Forked()) return {};
  MutexLock lock(&mutex_);
  std::vector<TaskInfo> tasks;
  if (broken_) return tasks;
  const auto root = tree_.store().root();
  if (root) tasks.push_back(ReadTask(tree_.store().task(*root)));
  for (int i = 0; i < tree_.store().size(); ++i) {
    if (root != i) tasks.push_back(ReadTask(tree_.store().task(i)));
  }
  return tasks;
}

const wire::Task* ConversationImpl::FindTask(const std::string& id) const {
  if (broken_) return nullptr;
  const TaskStore& store = tree_.store();
  const auto at = id.empty() ? store.root() : store.FindTask(id);
  return at ? &store.task(*at) : nullptr;
}

std::vector<MessageInfo> ConversationImpl::Messages(const std::string& task_id) const {
  if (Forked()) return {};
  wire::Task task;
  std::string bytes;
  {
    // JSON takes its time, and a request may want to go on. Not a copy: protobuf's frees twice what unknown fields hold
    // if memory runs out in the middle of it.
    MutexLock lock(&mutex_);
    const wire::Task* const found = FindTask(task_id);
    // More than 2 GiB can only be copied.
    if (found != nullptr && !found->SerializeToString(&bytes)) task = *found;
  }
  if (!bytes.empty()) task = ParseTask(bytes);
  std::vector<MessageInfo> messages;
  for (const wire::Message& message : task.messages()) messages.push_back(ReadMessage(message));
  return messages;
}

std::vector<TodoInfo> ConversationImpl::Todos(const std::string& task_id) const {
  if (Forked()) return {};
  MutexLock lock(&mutex_);
  const wire::Task* task = FindTask(task_id);
  return task == nullptr ? std::vector<TodoInfo>() : ReadTodos(*task);
}

std::vector<PendingToolCall> ConversationImpl::PendingToolCalls() const {
  if (Forked()) return {};
  MutexLock lock(&mutex_);
  if (broken_) return {};
  std::unordered_set<std::string> answered;
  const auto& tasks = tree_.context().tasks();
  for (const wire::Task& task : tasks) {
    for (const wire::Message& message : task.messages()) {
      if (message.has_tool_call_result()) answered.insert(message.tool_call_result().tool_call_id());
    }
  }
  std::vector<PendingToolCall> calls;
  for (const wire::Task& task : tasks) {
    for (const wire::Message& message : task.messages()) {
      if (!message.has_tool_call() || answered.count(message.tool_call().tool_call_id()) != 0) continue;
      calls.push_back(ReadToolCall(task, message));
    }
  }
  return calls;
}

bool ConversationImpl::Claim(const TreeLimits& limits) {
  ProcessId nobody = 0;
  if (!claimed_by_.compare_exchange_strong(nobody, CurrentProcess())) return false;
  MutexLock lock(&mutex_);
  tree_.set_limits(limits);
  return true;
}

void ConversationImpl::Release() noexcept {
  if (Forked()) return;
  Guarded([&] {
    MutexLock lock(&mutex_);
    if (broken_) return;
    broken_ = true;  // until it is complete
    tree_.RollBack(nullptr);
    broken_ = false;
  });
  claimed_by_.store(0);
}

ConversationOwner ConversationImpl::owner() const {
  if (Forked()) return {};
  MutexLock lock(&mutex_);
  return owner_;
}

void ConversationImpl::Look(const Use& use) const {
  MutexLock lock(&mutex_);
  use(tree_.context(), id_);
}

void ConversationImpl::Begin(std::string id, ConversationOwner owner) {
  MutexLock lock(&mutex_);
  id_ = std::move(id);
  owner_ = std::move(owner);
}

// Of several changes of one to-do list the last one tells it: it would be the same list each time, and it may be long.
void ConversationImpl::TellTodosOnce() {
  std::unordered_set<const wire::Task*> told;
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    const bool of_list = change->kind == Change::Kind::kTodosChanged ||
                         (change->message != nullptr && change->message->has_update_todos());
    if (of_list) change->todos_follow = !told.insert(change->task).second;
  }
}

void ConversationImpl::EmitChanges(const Emit& emit) {
  if (changes_.size() > 1) TellTodosOnce();
  // When it is over, somebody else may use this already.
  for (const Change& change : changes_) {
    if (!Tell(change, emit)) return;
  }
}

Status ConversationImpl::Apply(wire::ClientAction* action, const Emit& emit, const char** ignored) {
  if (!TaskTree::Concerns(*action)) {
    Tell(*action, emit);
    return {};
  }
  changes_.clear();
  Status status;
  {
    MutexLock lock(&mutex_);
    if (broken_) return Broken();
    broken_ = true;  // until it is complete
    status = tree_.Apply(action, &changes_, ignored);
    broken_ = false;
  }
  EmitChanges(emit);
  return status;
}

Result<bool> ConversationImpl::Append(const TextAppend& append, const Emit& emit) {
  changes_.clear();
  Result<bool> done = false;
  {
    MutexLock lock(&mutex_);
    if (broken_) return Broken();
    broken_ = true;  // until it is complete
    done = tree_.Append(append, &changes_);
    broken_ = false;
  }
  EmitChanges(emit);
  return done;
}

void ConversationImpl::RollBack(const Emit& emit) {
  changes_.clear();
  {
    MutexLock lock(&mutex_);
    if (broken_) return;
    broken_ = true;  // until it is complete
    tree_.RollBack(&changes_);
    broken_ = false;
  }
  EmitChanges(emit);
}

void ConversationImpl::AddUsage(const Usage& usage) {
  MutexLock lock(&mutex_);
  usage_.input_tokens += usage.input_tokens;
  usage_.output_tokens += usage.output_tokens;
  usage_.cache_read_tokens += usage.cache_read_tokens;
  usage_.cache_write_tokens += usage.cache_write_tokens;
  usage_.cost_in_cents += usage.cost_in_cents;
  usage_.credits += usage.credits;
  usage_.context_window_usage = usage.context_window_usage;
}

std::optional<ConversationClaim> ConversationClaim::Make(std::shared_ptr<ConversationImpl> conversation,
                                                         const TreeLimits& limits) {
  if (!conversation->Claim(limits)) return std::nullopt;
  return ConversationClaim(std::move(conversation));
}

void ConversationClaim::Release() noexcept {
  if (const auto conversation = std::exchange(conversation_, nullptr)) conversation->Release();
}

}  // namespace warppool::internal
