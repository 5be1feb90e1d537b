// The answer's text, as the agent's actions build it: the agent output of the root task.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "warppool/event.h"
#include "warppool/wire/response.pb.h"

namespace warppool {

// Turns client actions into events. Not thread-safe.
//
// Appends become deltas. A message that the service sends again, whole, becomes a delta where it only grew, else a
// replacement. What is no text of the root task is handed on as an unknown event: nothing is swallowed.
class AnswerText {
 public:
  // Gets the events; their views are valid during the call.
  using Emit = std::function<void(const Event&)>;

  void Apply(const wire::ClientAction& action, const Emit& emit);

 private:
  // False: `message` holds no agent output.
  bool Upsert(const wire::Message& message, const Emit& emit);
  bool Update(const wire::ClientAction::UpdateTaskMessage& update, const Emit& emit);
  bool Append(const wire::ClientAction::AppendToMessageContent& append, const Emit& emit);
  bool IsRoot(const std::string& task_id) const { return root_.empty() || root_ == task_id; }

  std::string root_;                                    // the task without a parent; empty: none was created yet
  std::unordered_map<std::string, std::string> texts_;  // by message
};

}  // namespace warppool
