// A conversation's tasks, and how the service's client actions change them.
//
//   create_task                with no parent it is the root task from now on, in the place of an earlier one
//   add_messages_to_task       at the end; one whose id is there already is replaced
//   update_task_message        added, or the fields that the mask names replaced; without a mask, all of it
//   append_to_message_content  for each path of the mask, which names a text, put behind it
//   move_messages_to_new_task  first to last, whose number is told, go; the replacements take their place
//   begin, commit, rollback    of one transaction; a begin inside, and an end without one, are ignored
//
// What contradicts the tasks as they are (an unknown task or parent, a wrong number) is kInvalidAction, and what is
// beyond a limit kLimitExceeded. What an action did before it failed stays, and is told; the request is over then. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "conversation/change.h"
#include "conversation/task_store.h"
#include "conversation/undo_log.h"
#include "protocol/text_append.h"
#include "warppool/status.h"
#include "warppool/wire/response.pb.h"

namespace warppool::internal {

struct TreeLimits {
  std::size_t max_message_bytes = 64U << 20U;
  int max_tasks = 1'000;
  int max_messages = 100'000;  // of all tasks together
};

class TaskTree {
 public:
  TaskTree() = default;
  explicit TaskTree(TaskStore store) : store_(std::move(store)) {}

  void set_limits(const TreeLimits& limits) { limits_ = limits; }

  // Whether `action` is one that changes tasks; others are not for Apply().
  static bool Concerns(const wire::ClientAction& action);

  // Tasks and messages are taken out of `action`, whose texts are borrowed by what is put behind `changes`: what was
  // changed. `ignored`: why nothing was done, where that is worth a warning.
  Status Apply(wire::ClientAction* action, Changes* changes, const char** ignored);
  // append_to_message_content with one path, to a message that has such a text already. False: it is not so simple, and
  // nothing was done.
  Result<bool> Append(const TextAppend& append, Changes* changes);

  // An open transaction is undone.
  void RollBack(Changes* changes);

  const wire::Request::TaskContext& context() const { return store_.context(); }
  const TaskStore& store() const { return store_; }
  // The tasks as they are without the open transaction.
  TaskStore Committed() const;

 private:
  // Not `may_be_root`: one that messages move to is no root, whatever it says of its parent.
  Status CreateTask(wire::Task* task, bool may_be_root, Changes* changes);
  Status AddMessages(wire::ClientAction::AddMessagesToTask* add, Changes* changes);
  Status Update(wire::ClientAction::UpdateTaskMessage* update, Changes* changes);
  Status AppendFields(const wire::ClientAction::AppendToMessageContent& append, Changes* changes);
  Status SetField(const std::string& task_id, const char* name, const std::string& value, Changes* changes);
  Status Move(wire::ClientAction::MoveMessagesToNewTask* move, Changes* changes);

  Result<int> Find(const std::string& task_id) const;
  Status CheckSize(const wire::Message& message) const;
  Status CheckTaskCount() const;
  Status CheckMessageCount(int more) const;
  Status CheckMask(int paths) const;
  Status TooLarge(std::string_view message_id) const;
  // The messages that an action has added or replaced already, of which it is told once.
  struct Told {
    int first_added;                   // this one and all behind it were added
    std::unordered_set<int> replaced;  // of those before
  };
  Status AddMessage(int task, wire::Message* message, Told* told, Changes* changes);
  Status ReplaceMessage(MessagePlace at, wire::Message* message, Told* told, Changes* changes);

  TreeLimits limits_;
  TaskStore store_;
  std::optional<UndoLog> transaction_;

  // Where the last delta went: nearly always the next one goes there, too.
  struct LastAppend {
    std::string task_id;
    std::string message_id;
    MessagePlace at;
  };
  std::optional<LastAppend> last_append_;  // forgotten whenever a message may have moved
};

}  // namespace warppool::internal
