// A conversation's tasks, as the client actions change them. The service's own view, to hold the client's against: it
// shares no code with the library's.
//
// Pure, and not thread-safe.
#pragma once

#include <optional>
#include <string>

#include "warppool/wire/request.pb.h"
#include "warppool/wire/response.pb.h"

namespace loopback {

using Tasks = warppool::wire::Request::TaskContext;  // in the order in which they were created

class TaskList {
 public:
  explicit TaskList(Tasks tasks = {}) : now_(std::move(tasks)) {}

  // Returns what is wrong with the action, which then changes nothing; empty: it was applied. What concerns no task,
  // and what is not in the schema, changes nothing and is fine. So are a `begin_transaction` while one is open, and
  // a commit or rollback of none.
  std::string Apply(const warppool::wire::ClientAction& action);

  const Tasks& now() const { return now_; }
  bool in_transaction() const { return at_begin_.has_value(); }
  // As they are if the answer ends here: what an open transaction did is taken back.
  const Tasks& settled() const { return at_begin_ ? *at_begin_ : now_; }

 private:
  std::string CreateTask(const warppool::wire::Task& task);
  std::string AddMessages(const warppool::wire::ClientAction::AddMessagesToTask& add);
  std::string UpdateMessage(const warppool::wire::ClientAction::UpdateTaskMessage& update);
  std::string AppendToMessage(const warppool::wire::ClientAction::AppendToMessageContent& append);
  std::string MoveMessages(const warppool::wire::ClientAction::MoveMessagesToNewTask& move);
  std::string Transact(const warppool::wire::ClientAction& action);

  Tasks now_;
  std::optional<Tasks> at_begin_;  // of the open transaction
};

// NULL: there is none.
const warppool::wire::Task* FindTask(const Tasks& tasks, const std::string& id);
const warppool::wire::Task* FindRoot(const Tasks& tasks);
const warppool::wire::Message* FindMessage(const warppool::wire::Task& task, const std::string& id);

}  // namespace loopback
