#include "conversation/task_store.h"

#include <utility>

namespace warppool::internal {

TaskStore::TaskStore(wire::Request::TaskContext context, std::optional<int> root)
    : context_(std::move(context)), root_(root) {
  messages_.resize(static_cast<std::size_t>(size()));
  for (int i = 0; i < size(); ++i) {
    tasks_.emplace(task(i)->id(), i);
    Index(i);
  }
}

std::optional<int> TaskStore::FindTask(const std::string& id) const {
  const auto it = tasks_.find(id);
  if (it == tasks_.end()) return std::nullopt;
  return it->second;
}

std::optional<int> TaskStore::FindMessage(int task, const std::string& id) const {
  const auto& messages = messages_[static_cast<std::size_t>(task)];
  const auto it = messages.find(id);
  if (it == messages.end()) return std::nullopt;
  return it->second;
}

int TaskStore::AddTask(wire::Task* task) {
  const int at = size();
  *context_.add_tasks() = std::move(*task);
  messages_.emplace_back();
  tasks_.emplace(context_.tasks(at).id(), at);
  Index(at);
  return at;
}

void TaskStore::RemoveLastTask() {
  tasks_.erase(context_.tasks(size() - 1).id());
  messages_.pop_back();
  context_.mutable_tasks()->RemoveLast();
}

int TaskStore::AddMessage(int task, wire::Message* message) {
  auto& messages = *context_.mutable_tasks(task)->mutable_messages();
  const int at = messages.size();
  *messages.Add() = std::move(*message);
  const std::string& id = messages[at].id();
  if (!id.empty()) messages_[static_cast<std::size_t>(task)].emplace(id, at);
  return at;
}

void TaskStore::RemoveLastMessage(int task) {
  auto& messages = *context_.mutable_tasks(task)->mutable_messages();
  auto& index = messages_[static_cast<std::size_t>(task)];
  const auto it = index.find(messages[messages.size() - 1].id());
  if (it != index.end() && it->second == messages.size() - 1) index.erase(it);
  messages.RemoveLast();
}

TaskStore::Messages TaskStore::Take(int task, int first, int count) {
  std::vector<wire::Message*> taken(static_cast<std::size_t>(count));
  context_.mutable_tasks(task)->mutable_messages()->ExtractSubrange(first, count, taken.data());
  Messages owned;
  owned.reserve(taken.size());
  for (wire::Message* message : taken) owned.emplace_back(message);
  Index(task);
  return owned;
}

void TaskStore::Put(int task, int first, Messages messages) {
  auto& all = *context_.mutable_tasks(task)->mutable_messages();
  std::vector<wire::Message*> behind(static_cast<std::size_t>(all.size() - first));
  all.ExtractSubrange(first, static_cast<int>(behind.size()), behind.data());
  for (auto& message : messages) all.AddAllocated(message.release());
  for (wire::Message* message : behind) all.AddAllocated(message);
  Index(task);
}

void TaskStore::Index(int task) {
  auto& index = messages_[static_cast<std::size_t>(task)];
  index.clear();
  const auto& messages = context_.tasks(task).messages();
  for (int i = 0; i < messages.size(); ++i) {
    if (!messages[i].id().empty()) index.emplace(messages[i].id(), i);
  }
}

}  // namespace warppool::internal
