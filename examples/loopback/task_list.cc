#include "task_list.h"

#include <algorithm>
#include <utility>

#include "field_mask.h"

namespace loopback {
namespace {

using warppool::wire::ClientAction;
using warppool::wire::Message;
using warppool::wire::Task;

std::string Quoted(const std::string& id) {
  return "\"" + id + "\"";
}

std::string NoTask(const std::string& id) {
  return "there is no task " + Quoted(id);
}

Task* Mutable(const std::string& id, Tasks* tasks) {
  for (Task& task : *tasks->mutable_tasks()) {
    if (task.id() == id) return &task;
  }
  return nullptr;
}

// From the end: what changes is mostly new.
Message* Mutable(const std::string& id, Task* task) {
  auto& messages = *task->mutable_messages();
  for (int i = messages.size() - 1; i >= 0; --i) {
    if (messages[i].id() == id) return &messages[i];
  }
  return nullptr;
}

int IndexOf(const Task& task, const std::string& id) {
  const auto& all = task.messages();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Message& message) { return message.id() == id; });
  return found == all.end() ? -1 : static_cast<int>(found - all.begin());
}

// What is wrong with `messages` as new ones of that task.
template <typename Messages>
std::string CheckNew(const Messages& messages, const std::string& task_id, const Tasks& tasks) {
  for (const Message& message : messages) {
    if (message.id().empty()) return "a message has no id";
    if (message.task_id() != task_id) return "message " + Quoted(message.id()) + " names another task";
    for (const Task& task : tasks.tasks()) {
      if (FindMessage(task, message.id()) != nullptr) return "there is a message " + Quoted(message.id()) + " already";
    }
  }
  return "";
}

bool IsAgentText(const ClientAction::AppendToMessageContent& append, const Message& message) {
  return append.mask().paths_size() == 1 && append.mask().paths(0) == "agent_output.text" && message.has_agent_output();
}

}  // namespace

const Task* FindTask(const Tasks& tasks, const std::string& id) {
  const auto& all = tasks.tasks();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Task& task) { return task.id() == id; });
  return found == all.end() ? nullptr : &*found;
}

const Task* FindRoot(const Tasks& tasks) {
  const auto& all = tasks.tasks();
  const auto is_root = [](const Task& task) { return task.dependencies().parent_task_id().empty(); };
  const auto found = std::find_if(all.begin(), all.end(), is_root);
  return found == all.end() ? nullptr : &*found;
}

const Message* FindMessage(const Task& task, const std::string& id) {
  const int index = IndexOf(task, id);
  return index < 0 ? nullptr : &task.messages(index);
}

std::string TaskList::Apply(const ClientAction& action) {
  const auto set = [this](const auto& update, auto change) {
    Task* task = Mutable(update.task_id(), &now_);
    if (task == nullptr) return NoTask(update.task_id());
    change(task);
    return std::string();
  };
  switch (action.action_case()) {
    case ClientAction::kCreateTask:
      return CreateTask(action.create_task().task());
    case ClientAction::kUpdateTaskDescription: {
      const auto& update = action.update_task_description();
      return set(update, [&](Task* task) { task->set_description(update.description()); });
    }
    case ClientAction::kUpdateTaskSummary: {
      const auto& update = action.update_task_summary();
      return set(update, [&](Task* task) { task->set_summary(update.summary()); });
    }
    case ClientAction::kUpdateTaskServerData: {
      const auto& update = action.update_task_server_data();
      return set(update, [&](Task* task) { task->set_server_data(update.server_data()); });
    }
    case ClientAction::kAddMessagesToTask:
      return AddMessages(action.add_messages_to_task());
    case ClientAction::kUpdateTaskMessage:
      return UpdateMessage(action.update_task_message());
    case ClientAction::kAppendToMessageContent:
      return AppendToMessage(action.append_to_message_content());
    case ClientAction::kMoveMessagesToNewTask:
      return MoveMessages(action.move_messages_to_new_task());
    case ClientAction::kBeginTransaction:
    case ClientAction::kCommitTransaction:
    case ClientAction::kRollbackTransaction:
      return Transact(action);
    default:
      return "";
  }
}

std::string TaskList::CreateTask(const Task& task) {
  const std::string& parent = task.dependencies().parent_task_id();
  if (task.id().empty()) return "a task has no id";
  if (FindTask(now_, task.id()) != nullptr) return "there is a task " + Quoted(task.id()) + " already";
  if (parent.empty() && FindRoot(now_) != nullptr) return "task " + Quoted(task.id()) + " would be a second root";
  if (!parent.empty() && FindTask(now_, parent) == nullptr) return NoTask(parent) + " to be a parent";
  if (std::string problem = CheckNew(task.messages(), task.id(), now_); !problem.empty()) return problem;
  *now_.add_tasks() = task;
  return "";
}

std::string TaskList::AddMessages(const ClientAction::AddMessagesToTask& add) {
  Task* task = Mutable(add.task_id(), &now_);
  if (task == nullptr) return NoTask(add.task_id());
  if (std::string problem = CheckNew(add.messages(), add.task_id(), now_); !problem.empty()) return problem;
  task->mutable_messages()->MergeFrom(add.messages());
  return "";
}

std::string TaskList::UpdateMessage(const ClientAction::UpdateTaskMessage& update) {
  Task* task = Mutable(update.task_id(), &now_);
  if (task == nullptr) return NoTask(update.task_id());
  Message* message = Mutable(update.message().id(), task);
  if (message != nullptr) {
    Message changed = *message;
    std::string problem = ReplaceFields(update.mask(), update.message(), &changed);
    if (problem.empty()) *message = std::move(changed);
    return problem;
  }
  const google::protobuf::RepeatedPtrField<Message> one(&update.message(), &update.message() + 1);
  if (std::string problem = CheckNew(one, update.task_id(), now_); !problem.empty()) return problem;
  *task->add_messages() = update.message();
  return "";
}

std::string TaskList::AppendToMessage(const ClientAction::AppendToMessageContent& append) {
  Task* task = Mutable(append.task_id(), &now_);
  if (task == nullptr) return NoTask(append.task_id());
  Message* message = Mutable(append.message().id(), task);
  if (message == nullptr) return "there is no message " + Quoted(append.message().id());
  // Most appends by far; by reflection each would copy the whole text.
  if (IsAgentText(append, *message)) {
    message->mutable_agent_output()->mutable_text()->append(append.message().agent_output().text());
    return "";
  }
  Message changed = *message;
  std::string problem = AppendFields(append.mask(), append.message(), &changed);
  if (problem.empty()) *message = std::move(changed);
  return problem;
}

std::string TaskList::MoveMessages(const ClientAction::MoveMessagesToNewTask& move) {
  Task* source = Mutable(move.source_task_id(), &now_);
  if (source == nullptr) return NoTask(move.source_task_id());
  const int first = IndexOf(*source, move.first_message_id());
  const int last = IndexOf(*source, move.last_message_id());
  if (first < 0 || last < first) return "there is nothing to move from the one to the other";
  const int count = last - first + 1;
  if (move.expected_message_count() != static_cast<std::uint32_t>(count)) {
    return std::to_string(count) + " messages would be moved, not " + std::to_string(move.expected_message_count());
  }
  if (std::string problem = CheckNew(move.replacement_messages(), source->id(), now_); !problem.empty()) return problem;

  if (std::string problem = CreateTask(move.new_task()); !problem.empty()) return problem;
  source = Mutable(move.source_task_id(), &now_);
  Task* target = Mutable(move.new_task().id(), &now_);
  google::protobuf::RepeatedPtrField<Message> stay;
  for (int i = 0; i < source->messages_size(); ++i) {
    Message& message = *source->mutable_messages(i);
    if (i == first) stay.MergeFrom(move.replacement_messages());
    if (i < first || i > last) {
      *stay.Add() = std::move(message);
    } else {
      message.set_task_id(target->id());
      *target->add_messages() = std::move(message);
    }
  }
  source->mutable_messages()->Swap(&stay);
  return "";
}

std::string TaskList::Transact(const ClientAction& action) {
  if (action.has_begin_transaction()) {
    if (!at_begin_) at_begin_ = now_;
    return "";
  }
  if (action.has_rollback_transaction() && at_begin_) now_ = *std::move(at_begin_);
  at_begin_.reset();
  return "";
}

}  // namespace loopback
