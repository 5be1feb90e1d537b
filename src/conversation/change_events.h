// Tells the program what changed in a conversation: from changes and other client actions to events.
#pragma once

#include <string>

#include "conversation/change.h"
#include "conversation/emit.h"
#include "conversation/task_tree.h"
#include "warppool/conversation.h"
#include "warppool/event.h"
#include "warppool/wire/response.pb.h"

namespace warppool::internal {

// False as soon as `emit` says so.
bool Tell(const Change& change, const Emit& emit);

// Of an action that changes no task, or that nobody knows.
bool Tell(const wire::ClientAction& action, const Emit& emit);

// What `message` says, without what is around it: the field of its kind, as JSON. Empty with kOther.
std::string ContentJson(const wire::Message& message);

// "run_shell_command"; empty: not in the schema.
std::string ToolNameOf(const wire::Message::ToolCall& call);

PendingToolCall ReadToolCall(const wire::Task& task, const wire::Message& message);

// The list that the messages of `task` make.
std::vector<TodoInfo> ReadTodos(const wire::Task& task);

}  // namespace warppool::internal
