// How to take back what a transaction did, step by step: what was, where it differs, and no copy of the rest. A step is
// about positions, so that it can be undone on a copy of the tasks as well. Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "conversation/change.h"
#include "conversation/task_store.h"

namespace warppool::internal {

class UndoLog {
 public:
  // Each before the change, but for those that tell of something new. What has a step already needs no other one: of a
  // message that is new or is restored whole, nothing more has to be known.
  void TaskAdded(std::optional<int> root_before) { steps_.emplace_back(RemoveTask{root_before}); }
  void MessageAdded(int task, const wire::Message* message);
  void ChangesMessage(MessagePlace at, const wire::Message* message);
  void AppendsTo(MessagePlace at, std::string_view path, wire::Message* message);
  void ChangesTask(int task, const wire::Task& before);  // one of its texts
  // `count` messages from `first` on went to the end of `target`, and `replacements` took their place.
  void MessagesMoved(MessagePlace first, int count, int replacements, int target, std::vector<std::string> task_ids);

  // Undoes all of it. `changes` may be null.
  void Revert(TaskStore* store, Changes* changes) const;

 private:
  struct RemoveTask {
    std::optional<int> root_before;
  };
  struct RemoveMessage {
    int task;
  };
  struct RestoreMessage {
    MessagePlace at;
    std::unique_ptr<wire::Message> before;  // on the heap, so that the other steps are small
  };
  struct Truncate {
    MessagePlace at;
    std::string path;
    std::vector<std::size_t> sizes;  // of each text that the path names
  };
  struct RestoreTask {
    int task;
    wire::Task before;  // nothing but its texts
  };
  struct MoveBack {
    MessagePlace first;
    int count;
    int replacements;
    int target;
    std::vector<std::string> task_ids;  // what the messages had in that field
  };
  using Step = std::variant<RemoveTask, RemoveMessage, RestoreMessage, Truncate, RestoreTask, MoveBack>;
  class Reverter;

  std::vector<Step> steps_;
  std::unordered_set<const wire::Message*> covered_;
  std::unordered_map<const wire::Message*, std::vector<std::string>> truncated_;  // the paths of each
  std::unordered_set<int> tasks_;                                                 // whose texts are kept
};

}  // namespace warppool::internal
