#include "conversation/undo_log.h"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

#include "conversation/field_mask.h"

namespace warppool::internal {
namespace {

void CopyTexts(const wire::Task& from, wire::Task* to) {
  to->clear_description();
  to->clear_summary();
  to->clear_server_data();
  if (from.has_description()) to->set_description(from.description());
  if (from.has_summary()) to->set_summary(from.summary());
  if (from.has_server_data()) to->set_server_data(from.server_data());
}

}  // namespace

void UndoLog::MessageAdded(int task, const wire::Message* message) {
  covered_.insert(message);
  steps_.emplace_back(RemoveMessage{task});
}

void UndoLog::ChangesMessage(MessagePlace at, const wire::Message* message) {
  if (covered_.insert(message).second)
    steps_.emplace_back(RestoreMessage{at, std::make_unique<wire::Message>(*message)});
}

void UndoLog::AppendsTo(MessagePlace at, std::string_view path, wire::Message* message) {
  if (covered_.count(message) != 0) return;
  auto& paths = truncated_[message];
  if (std::find(paths.begin(), paths.end(), path) != paths.end()) return;
  Truncate step{at, std::string(path), {}};
  const bool all_there = ForEachText(path, message, [&](TextField text) { step.sizes.push_back(text.size()); });
  if (!all_there) return ChangesMessage(at, message);
  steps_.emplace_back(std::move(step));
  paths.emplace_back(path);
}

void UndoLog::ChangesTask(int task, const wire::Task& before) {
  if (!tasks_.insert(task).second) return;
  RestoreTask step{task, {}};
  CopyTexts(before, &step.before);
  steps_.emplace_back(std::move(step));
}

void UndoLog::MessagesMoved(MessagePlace first, int count, int replacements, int target,
                            std::vector<std::string> task_ids) {
  steps_.emplace_back(MoveBack{first, count, replacements, target, std::move(task_ids)});
}

class UndoLog::Reverter {
 public:
  Reverter(TaskStore* store, Changes* changes) : store_(store), changes_(changes) {}

  void operator()(const RemoveTask& step) {
    const int last = store_->size() - 1;
    while (store_->task(last)->messages_size() > 0) Retract(last);
    NoteRetracted(last, nullptr);
    store_->RemoveLastTask();
    store_->set_root(step.root_before);
  }
  void operator()(const RemoveMessage& step) { Retract(step.task); }
  void operator()(const RestoreMessage& step) {
    wire::Message* const message = store_->message(step.at);
    if (message->message_case() != step.before->message_case()) {
      recast_.insert(message);
      if (message->has_update_todos()) todos_.insert(step.at.task);
    }
    *message = *step.before;
    NoteReplaced(step.at);
  }
  void operator()(const Truncate& step) {
    auto size = step.sizes.begin();
    ForEachText(step.path, store_->message(step.at), [&](TextField text) { text.Truncate(*size++); });
    NoteReplaced(step.at);
  }
  void operator()(const RestoreTask& step) {
    wire::Task* task = store_->task(step.task);
    if (task->description() != step.before.description()) fields_.emplace(step.task, "description");
    if (task->summary() != step.before.summary()) fields_.emplace(step.task, "summary");
    if (task->server_data() != step.before.server_data()) fields_.emplace(step.task, "server_data");
    CopyTexts(step.before, task);
  }
  void operator()(const MoveBack& step) {
    // Of the target, the moved messages are the last ones.
    const int at = store_->task(step.target)->messages_size() - step.count;
    auto moved = store_->Take(step.target, at, step.count);
    for (const auto& message : moved) NoteRetracted(step.target, message.get());
    for (const auto& message : store_->Take(step.first.task, step.first.index, step.replacements)) {
      NoteRetracted(step.first.task, message.get());
    }
    for (std::size_t i = 0; i < moved.size(); ++i) {
      if (step.task_ids[i].empty()) {
        moved[i]->clear_task_id();
      } else {
        moved[i]->set_task_id(step.task_ids[i]);
      }
      added_.insert(moved[i].get());
    }
    store_->Put(step.first.task, step.first.index, std::move(moved));
  }

  // What is left of the changes when all steps are undone.
  void Finish() {
    if (changes_ == nullptr) return;
    for (const auto& [task, field] : fields_) {
      if (task < store_->size()) NoteField(*store_->task(task), field);
    }
    if (!added_.empty() || !replaced_.empty()) NoteMessages();
    for (const int task : todos_) {
      if (task < store_->size()) changes_->push_back({.kind = Change::Kind::kTodosChanged, .task = store_->task(task)});
    }
  }

 private:
  void Retract(int task) {
    const auto& messages = store_->task(task)->messages();
    NoteRetracted(task, &messages[messages.size() - 1]);
    store_->RemoveLastMessage(task);
  }

  // `message` null: the task itself.
  void NoteRetracted(int task, const wire::Message* message) {
    if (changes_ == nullptr) return;
    if (message != nullptr && message->has_update_todos()) todos_.insert(task);
    added_.erase(message);
    replaced_.erase(message);
    recast_.erase(message);
    changes_->push_back({.kind = message == nullptr ? Change::Kind::kTaskRetracted : Change::Kind::kMessageRetracted,
                         .in_root = store_->root() == task,
                         .task_id = store_->task(task)->id(),
                         .message_id = message == nullptr ? std::string() : message->id()});
  }

  void NoteReplaced(MessagePlace at) { replaced_.insert(store_->message(at)); }

  void NoteField(const wire::Task& task, std::string_view name) {
    const std::string& text = name == "description" ? task.description()
                              : name == "summary"   ? task.summary()
                                                    : task.server_data();
    changes_->push_back({.kind = Change::Kind::kTaskField, .task = &task, .name = name, .text = text});
  }

  void NoteMessages() {
    for (int task = 0; task < store_->size(); ++task) {
      for (const wire::Message& message : store_->task(task)->messages()) {
        const bool added = added_.count(&message) != 0;
        if (!added && replaced_.count(&message) == 0) continue;
        changes_->push_back({.kind = added ? Change::Kind::kMessageAdded : Change::Kind::kMessageReplaced,
                             .task = store_->task(task),
                             .message = &message,
                             .in_root = store_->root() == task,
                             .kind_changed = recast_.count(&message) != 0});
      }
    }
  }

  TaskStore* const store_;
  Changes* const changes_;
  std::unordered_set<const wire::Message*> added_;     // again
  std::unordered_set<const wire::Message*> replaced_;  // are not what they were
  std::unordered_set<const wire::Message*> recast_;    // of them, those that are another kind of message
  std::set<std::pair<int, std::string_view>> fields_;  // texts of tasks that are not what they were
  std::set<int> todos_;                                // tasks that a to-do message is gone from
};

void UndoLog::Revert(TaskStore* store, Changes* changes) const {
  Reverter reverter(store, changes);
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) std::visit(reverter, *step);
  reverter.Finish();
}

}  // namespace warppool::internal
