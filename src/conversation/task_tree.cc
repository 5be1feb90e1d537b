#include "conversation/task_tree.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "conversation/field_mask.h"

namespace warppool::internal {
namespace {

// More than any message has fields worth naming.
constexpr int kMostPaths = 100;
// Of all of them together: a path of a list names each of its elements.
constexpr std::size_t kMostTexts = 2'000;
constexpr std::string_view kOutputPath = "agent_output.text";
constexpr std::string_view kReasoningPath = "agent_reasoning.reasoning";

Status Invalid(std::string message) {
  return {Code::kInvalidAction, std::move(message)};
}

// The text that programs follow by deltas; null: the message has none.
std::string* StreamedText(wire::Message* message) {
  if (message->has_agent_output()) return message->mutable_agent_output()->mutable_text();
  if (message->has_agent_reasoning()) return message->mutable_agent_reasoning()->mutable_reasoning();
  return nullptr;
}

// The text that `path` names, to be changed in place; null: the message has not got it, or it is another one.
std::string* MutableShownText(std::string_view path, wire::Message* message) {
  if (path == kOutputPath && message->has_agent_output() && message->agent_output().has_text()) {
    return message->mutable_agent_output()->mutable_text();
  }
  if (path == kReasoningPath && message->has_agent_reasoning() && message->agent_reasoning().has_reasoning()) {
    return message->mutable_agent_reasoning()->mutable_reasoning();
  }
  return nullptr;
}

}  // namespace

bool TaskTree::Concerns(const wire::ClientAction& action) {
  switch (action.action_case()) {
    case wire::ClientAction::kShowSuggestions:
    case wire::ClientAction::kStartNewConversation:
    case wire::ClientAction::ACTION_NOT_SET:
      return false;
    default:
      return true;
  }
}

Status TaskTree::Apply(wire::ClientAction* action, Changes* changes, const char** ignored) {
  last_append_.reset();
  switch (action->action_case()) {
    case wire::ClientAction::kCreateTask:
      return CreateTask(action->mutable_create_task()->mutable_task(), true, changes);
    case wire::ClientAction::kAddMessagesToTask:
      return AddMessages(action->mutable_add_messages_to_task(), changes);
    case wire::ClientAction::kUpdateTaskMessage:
      return Update(action->mutable_update_task_message(), changes);
    case wire::ClientAction::kAppendToMessageContent:
      return AppendFields(action->append_to_message_content(), changes);
    case wire::ClientAction::kUpdateTaskSummary:
      return SetField(action->update_task_summary().task_id(), "summary", action->update_task_summary().summary(),
                      changes);
    case wire::ClientAction::kUpdateTaskDescription:
      return SetField(action->update_task_description().task_id(), "description",
                      action->update_task_description().description(), changes);
    case wire::ClientAction::kUpdateTaskServerData:
      return SetField(action->update_task_server_data().task_id(), "server_data",
                      action->update_task_server_data().server_data(), changes);
    case wire::ClientAction::kMoveMessagesToNewTask:
      return Move(action->mutable_move_messages_to_new_task(), changes);
    case wire::ClientAction::kBeginTransaction:
      if (transaction_) *ignored = "a transaction begins inside another one";
      if (!transaction_) transaction_.emplace();
      return {};
    case wire::ClientAction::kCommitTransaction:
      if (!transaction_) *ignored = "a transaction is committed that never began";
      transaction_.reset();
      return {};
    case wire::ClientAction::kRollbackTransaction:
      if (!transaction_) *ignored = "a transaction is rolled back that never began";
      RollBack(changes);
      return {};
    case wire::ClientAction::kShowSuggestions:
    case wire::ClientAction::kStartNewConversation:
    case wire::ClientAction::ACTION_NOT_SET:
      break;
  }
  return {};
}

Result<bool> TaskTree::Append(const TextAppend& append, Changes* changes) {
  if (!last_append_ || last_append_->message_id != append.message_id || last_append_->task_id != append.task_id) {
    LastAppend place{std::string(append.task_id), std::string(append.message_id), {}};
    const auto task = store_.FindTask(place.task_id);
    if (!task) return false;
    const auto index = store_.FindMessage(*task, place.message_id);
    if (!index) return false;
    place.at = {*task, *index};
    last_append_ = std::move(place);
  }
  const MessagePlace at = last_append_->at;
  wire::Message* message = store_.message(at);
  std::string* text = MutableShownText(append.path, message);
  if (text == nullptr) return false;
  if (text->size() + append.text.size() > limits_.max_message_bytes) return TooLarge(append.message_id);
  if (transaction_) transaction_->AppendsTo(at, append.path, message);
  text->append(append.text);
  changes->push_back({.kind = Change::Kind::kMessageAppended,
                      .task = store_.task(at.task),
                      .message = message,
                      .in_root = store_.root() == at.task,
                      .name = append.path,
                      .text = append.text});
  return true;
}

void TaskTree::RollBack(Changes* changes) {
  last_append_.reset();
  if (const auto transaction = std::exchange(transaction_, std::nullopt)) transaction->Revert(&store_, changes);
}

TaskStore TaskTree::Committed() const {
  TaskStore copy(store_.context(), store_.root());
  if (transaction_) transaction_->Revert(&copy, nullptr);
  return copy;
}

Result<int> TaskTree::Find(const std::string& task_id) const {
  if (const auto task = store_.FindTask(task_id)) return *task;
  return Invalid(fmt::format("there is no task \"{}\"", task_id));
}

Status TaskTree::TooLarge(std::string_view message_id) const {
  return {Code::kLimitExceeded,
          fmt::format("message \"{}\" is larger than max_message_bytes ({})", message_id, limits_.max_message_bytes)};
}

Status TaskTree::CheckMask(int paths) const {
  if (paths <= kMostPaths) return {};
  return {Code::kLimitExceeded, fmt::format("a mask with {} paths; {} are the most", paths, kMostPaths)};
}

Status TaskTree::CheckSize(const wire::Message& message) const {
  return message.ByteSizeLong() > limits_.max_message_bytes ? TooLarge(message.id()) : Status();
}

Status TaskTree::CheckTaskCount() const {
  if (store_.size() < limits_.max_tasks) return {};
  return {Code::kLimitExceeded, fmt::format("the conversation has more tasks than max_tasks ({})", limits_.max_tasks)};
}

Status TaskTree::CheckMessageCount(int more) const {
  if (store_.message_count() + more <= limits_.max_messages) return {};
  return {Code::kLimitExceeded,
          fmt::format("the conversation has more messages than max_messages ({})", limits_.max_messages)};
}

Status TaskTree::CreateTask(wire::Task* task, bool may_be_root, Changes* changes) {
  if (task->id().empty()) return Invalid("a task without an id");
  if (store_.FindTask(task->id())) return Invalid(fmt::format("the task \"{}\" exists already", task->id()));
  const std::string& parent = task->dependencies().parent_task_id();
  if (!parent.empty() && !store_.FindTask(parent)) {
    return Invalid(fmt::format("the parent \"{}\" of the task \"{}\" is unknown", parent, task->id()));
  }
  if (Status status = CheckTaskCount(); !status.ok()) return status;
  if (Status status = CheckMessageCount(task->messages_size()); !status.ok()) return status;
  const bool is_root = may_be_root && parent.empty();
  google::protobuf::RepeatedPtrField<wire::Message> messages;
  messages.Swap(task->mutable_messages());
  changes->reserve(changes->size() + static_cast<std::size_t>(messages.size()) + 1);
  if (transaction_) transaction_->TaskAdded(store_.root());
  const int at = store_.AddTask(task);
  if (is_root) store_.set_root(at);
  changes->push_back({.kind = Change::Kind::kTaskCreated, .task = store_.task(at), .in_root = store_.root() == at});
  Told told{0, {}};
  for (wire::Message& message : messages) {
    if (Status status = AddMessage(at, &message, &told, changes); !status.ok()) return status;
  }
  return {};
}

Status TaskTree::AddMessages(wire::ClientAction::AddMessagesToTask* add, Changes* changes) {
  const auto task = Find(add->task_id());
  if (!task) return task.status();
  Told told{store_.task(*task)->messages_size(), {}};
  changes->reserve(changes->size() + static_cast<std::size_t>(add->messages_size()));
  for (wire::Message& message : *add->mutable_messages()) {
    if (Status status = AddMessage(*task, &message, &told, changes); !status.ok()) return status;
  }
  return {};
}

Status TaskTree::AddMessage(int task, wire::Message* message, Told* told, Changes* changes) {
  if (const auto index = store_.FindMessage(task, message->id())) {
    return ReplaceMessage({task, *index}, message, told, changes);
  }
  if (Status status = CheckSize(*message); !status.ok()) return status;
  if (Status status = CheckMessageCount(1); !status.ok()) return status;
  const int index = store_.AddMessage(task, message);
  const wire::Message* own = store_.message({task, index});
  if (transaction_) transaction_->MessageAdded(task, own);
  changes->push_back({.kind = Change::Kind::kMessageAdded,
                      .task = store_.task(task),
                      .message = own,
                      .in_root = store_.root() == task});
  return {};
}

Status TaskTree::ReplaceMessage(MessagePlace at, wire::Message* message, Told* told, Changes* changes) {
  if (Status status = CheckSize(*message); !status.ok()) return status;
  wire::Message* own = store_.message(at);
  Change change{.kind = Change::Kind::kMessageReplaced,
                .task = store_.task(at.task),
                .message = own,
                .in_root = store_.root() == at.task,
                .kind_changed = own->message_case() != message->message_case()};
  const bool had_todos = own->has_update_todos();
  if (transaction_) transaction_->ChangesMessage(at, own);
  if (std::string* text = StreamedText(own)) change.text_before = std::move(*text);  // it goes now
  *own = std::move(*message);
  if (at.index < told->first_added && told->replaced.insert(at.index).second) changes->push_back(std::move(change));
  if (had_todos) changes->push_back({.kind = Change::Kind::kTodosChanged, .task = store_.task(at.task)});
  return {};
}

Status TaskTree::Update(wire::ClientAction::UpdateTaskMessage* update, Changes* changes) {
  const auto task = Find(update->task_id());
  if (!task) return task.status();
  wire::Message* message = update->mutable_message();
  if (message->id().empty()) return Invalid("an update of a message without an id");
  Told told{store_.task(*task)->messages_size(), {}};
  const auto index = store_.FindMessage(*task, message->id());
  if (!index) return AddMessage(*task, message, &told, changes);
  const MessagePlace at{*task, *index};
  const auto& paths = update->mask().paths();
  if (paths.empty()) return ReplaceMessage(at, message, &told, changes);
  if (Status status = CheckMask(paths.size()); !status.ok()) return status;

  auto changed = std::make_unique<wire::Message>(*store_.message(at));
  try {
    for (const std::string& path : paths) {
      if (Status status = ReplaceField(path, *message, changed.get()); !status.ok()) return status;
    }
    changed->set_id(message->id());  // by which it was found
  } catch (...) {
    // Without memory protobuf leaves a message that points to what it has freed already: it is never destroyed.
    static_cast<void>(changed.release());
    throw;
  }
  return ReplaceMessage(at, changed.get(), &told, changes);
}

Status TaskTree::AppendFields(const wire::ClientAction::AppendToMessageContent& append, Changes* changes) {
  const auto task = Find(append.task_id());
  if (!task) return task.status();
  const wire::Message& message = append.message();
  const auto index = store_.FindMessage(*task, message.id());
  if (!index) {
    return Invalid(fmt::format("there is no message \"{}\" in the task \"{}\"", message.id(), append.task_id()));
  }
  if (Status status = CheckMask(append.mask().paths_size()); !status.ok()) return status;
  const MessagePlace at{*task, *index};
  wire::Message* own = store_.message(at);
  const auto kind = own->message_case();
  const std::size_t told = changes->size();
  Change change{.kind = Change::Kind::kMessageAppended,
                .task = store_.task(at.task),
                .message = own,
                .in_root = store_.root() == at.task};
  for (const std::string& path : append.mask().paths()) {
    if (path == "id") return Invalid("the mask of an append names the message's id");
    if (transaction_) transaction_->AppendsTo(at, path, own);
    change.name = path;
    Status status = ForEachText(path, message, own, [&](TextField text, const std::string& more) {
      if (changes->size() - told == kMostTexts) {
        return Status(Code::kLimitExceeded, fmt::format("an append to more than {} texts", kMostTexts));
      }
      text.Append(more);
      change.text = more;
      changes->push_back(change);
      return Status();
    });
    if (!status.ok()) return status;
  }
  if (own->message_case() != kind) {  // it had none
    changes->resize(told);
    change.kind = Change::Kind::kMessageReplaced;
    change.kind_changed = true;
    changes->push_back(change);
  }
  return CheckSize(*own);
}

Status TaskTree::SetField(const std::string& task_id, const char* name, const std::string& value, Changes* changes) {
  const auto at = Find(task_id);
  if (!at) return at.status();
  wire::Task* task = store_.task(*at);
  if (transaction_) transaction_->ChangesTask(*at, *task);
  const std::string_view field = name;
  if (field == "summary") task->set_summary(value);
  if (field == "description") task->set_description(value);
  if (field == "server_data") task->set_server_data(value);
  changes->push_back({.kind = Change::Kind::kTaskField, .task = task, .name = name, .text = value});
  return {};
}

Status TaskTree::Move(wire::ClientAction::MoveMessagesToNewTask* move, Changes* changes) {
  const auto source = Find(move->source_task_id());
  if (!source) return source.status();
  const auto first = store_.FindMessage(*source, move->first_message_id());
  const auto last = store_.FindMessage(*source, move->last_message_id());
  if (!first || !last || *last < *first) {
    return Invalid(fmt::format("messages \"{}\" to \"{}\" of the task \"{}\" are to be moved, and it has no such row",
                               move->first_message_id(), move->last_message_id(), move->source_task_id()));
  }
  const int count = *last - *first + 1;
  if (static_cast<std::uint32_t>(count) != move->expected_message_count()) {
    return Invalid(fmt::format("{} messages are to be moved from the task \"{}\", and there are {}",
                               move->expected_message_count(), move->source_task_id(), count));
  }
  if (Status status = CheckMessageCount(move->replacement_messages_size()); !status.ok()) return status;
  for (const wire::Message& message : move->replacement_messages()) {
    if (Status status = CheckSize(message); !status.ok()) return status;
  }
  if (Status status = CreateTask(move->mutable_new_task(), false, changes); !status.ok()) return status;
  const auto root = store_.root();
  const int target = store_.size() - 1;
  const std::string& target_id = store_.task(target)->id();

  std::vector<std::string> task_ids;
  bool had_todos = false;
  auto messages = store_.Take(*source, *first, count);
  TaskStore::Messages replacements;
  for (const auto& message : messages) {
    task_ids.push_back(message->task_id());
    changes->push_back({.kind = Change::Kind::kMessageRetracted,
                        .in_root = root == *source,
                        .task_id = move->source_task_id(),
                        .message_id = message->id()});
    had_todos = had_todos || message->has_update_todos();
    message->set_task_id(target_id);
  }
  for (wire::Message& message : *move->mutable_replacement_messages()) {
    replacements.push_back(std::make_unique<wire::Message>(std::move(message)));
  }
  const int replaced = static_cast<int>(replacements.size());
  store_.Put(*source, *first, std::move(replacements));
  const int put = store_.task(target)->messages_size();
  store_.Put(target, put, std::move(messages));
  if (transaction_) transaction_->MessagesMoved({*source, *first}, count, replaced, target, std::move(task_ids));

  const auto note_added = [&](int task, int from, int how_many) {
    for (int i = from; i < from + how_many; ++i) {
      changes->push_back({.kind = Change::Kind::kMessageAdded,
                          .task = store_.task(task),
                          .message = store_.message({task, i}),
                          .in_root = root == task});
    }
  };
  note_added(target, put, count);
  note_added(*source, *first, replaced);
  if (had_todos) changes->push_back({.kind = Change::Kind::kTodosChanged, .task = store_.task(*source)});
  return {};
}

}  // namespace warppool::internal
