// A conversation's tasks with their messages, as they go back to the service, and where each is. Only the ways to
// change them; the rules are in task_tree.h.
//
// Tasks and messages are named by their positions. Pointers to a message stay valid while it exists, wherever it moves.
// Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conversation/id_index.h"
#include "warppool/wire/request.pb.h"

namespace warppool::internal {

struct MessagePlace {
  int task = 0;
  int index = 0;
};

class TaskStore {
 public:
  using Messages = std::vector<std::unique_ptr<wire::Message>>;

  TaskStore() = default;
  TaskStore(wire::Request::TaskContext context, std::optional<int> root);

  const wire::Request::TaskContext& context() const { return context_; }
  wire::Request::TaskContext TakeContext() && { return std::move(context_); }
  int size() const { return context_.tasks_size(); }
  wire::Task* task(int task) { return context_.mutable_tasks(task); }
  const wire::Task& task(int task) const { return context_.tasks(task); }
  wire::Message* message(MessagePlace at) { return task(at.task)->mutable_messages(at.index); }

  std::optional<int> FindTask(const std::string& id) const;
  std::optional<int> FindMessage(int task, const std::string& id) const;
  int message_count() const { return message_count_; }  // of all tasks together
  // The task whose agent output is the answer.
  std::optional<int> root() const { return root_; }
  void set_root(std::optional<int> root) { root_ = root; }

  // At the end, by taking over what `task`, which comes with its messages, and `message` hold.
  int AddTask(wire::Task* task);
  void RemoveLastTask();
  int AddMessage(int task, wire::Message* message);
  void RemoveLastMessage(int task);

  // Takes `count` messages out of a task, from `first` on; puts some in.
  Messages Take(int task, int first, int count);
  void Put(int task, int first, Messages messages);

 private:
  void Index(int task);  // its messages, anew

  wire::Request::TaskContext context_;
  IdIndex<wire::Task> tasks_;
  std::vector<IdIndex<wire::Message>> messages_;  // of each task
  int message_count_ = 0;
  std::optional<int> root_;
};

}  // namespace warppool::internal
