#include "conversation/task_store.h"

#include <utility>

namespace warppool::internal {

TaskStore::TaskStore(wire::Request::TaskContext context, std::optional<int> root)
    : context_(std::move(context)), root_(root) {
  messages_.resize(static_cast<std::size_t>(size()));
  tasks_.Rebuild(context_.tasks());
  for (int i = 0; i < size(); ++i) {
    message_count_ += context_.tasks(i).messages_size();
    Index(i);
  }
}

std::optional<int> TaskStore::FindTask(const std::string& id) const {
  return tasks_.Find(context_.tasks(), id);
}

std::optional<int> TaskStore::FindMessage(int task, const std::string& id) const {
  return messages_[static_cast<std::size_t>(task)].Find(context_.tasks(task).messages(), id);
}

int TaskStore::AddTask(wire::Task* task) {
  const int at = size();
  *context_.add_tasks() = std::move(*task);
  message_count_ += context_.tasks(at).messages_size();
  messages_.emplace_back();
  tasks_.Added(context_.tasks());
  Index(at);
  return at;
}

void TaskStore::RemoveLastTask() {
  message_count_ -= context_.tasks(size() - 1).messages_size();
  tasks_.RemovesLast(context_.tasks());
  messages_.pop_back();
  context_.mutable_tasks()->RemoveLast();
}

int TaskStore::AddMessage(int task, wire::Message* message) {
  auto& messages = *context_.mutable_tasks(task)->mutable_messages();
  const int at = messages.size();
  *messages.Add() = std::move(*message);
  ++message_count_;
  messages_[static_cast<std::size_t>(task)].Added(messages);
  return at;
}

void TaskStore::RemoveLastMessage(int task) {
  auto& messages = *context_.mutable_tasks(task)->mutable_messages();
  messages_[static_cast<std::size_t>(task)].RemovesLast(messages);
  messages.RemoveLast();
  --message_count_;
}

TaskStore::Messages TaskStore::Take(int task, int first, int count) {
  std::vector<wire::Message*> taken(static_cast<std::size_t>(count));
  context_.mutable_tasks(task)->mutable_messages()->ExtractSubrange(first, count, taken.data());
  Messages owned;
  owned.reserve(taken.size());
  for (wire::Message* message : taken) owned.emplace_back(message);
  message_count_ -= count;
  Index(task);
  return owned;
}

void TaskStore::Put(int task, int first, Messages messages) {
  auto& all = *context_.mutable_tasks(task)->mutable_messages();
  std::vector<wire::Message*> behind(static_cast<std::size_t>(all.size() - first));
  all.ExtractSubrange(first, static_cast<int>(behind.size()), behind.data());
  message_count_ += static_cast<int>(messages.size());
  for (auto& message : messages) all.AddAllocated(message.release());
  for (wire::Message* message : behind) all.AddAllocated(message);
  Index(task);
}

void TaskStore::Index(int task) {
  messages_[static_cast<std::size_t>(task)].Rebuild(context_.tasks(task).messages());
}

}  // namespace warppool::internal
