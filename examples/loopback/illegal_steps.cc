// What a client must not take: steps.h.
#include <utility>

#include "steps.h"
#include "turn.h"

namespace loopback {

using warppool::wire::ClientAction;
using warppool::wire::Task;

Step AppendToUnknownMessage() {
  return [](Turn* turn) {
    ClientAction action;
    auto* append = action.mutable_append_to_message_content();
    append->set_task_id(turn->task_id());
    *append->mutable_message() = turn->NewMessage(turn->task_id());
    append->mutable_message()->mutable_agent_output()->set_text("to nobody");
    append->mutable_mask()->add_paths("agent_output.text");
    turn->EmitAsIs(std::move(action));
  };
}

Step AddToUnknownTask() {
  return [](Turn* turn) {
    ClientAction action;
    auto* add = action.mutable_add_messages_to_task();
    add->set_task_id(turn->NewId("nowhere"));
    *add->add_messages() = turn->NewMessage(add->task_id());
    add->mutable_messages(0)->mutable_agent_output()->set_text("to nobody");
    turn->EmitAsIs(std::move(action));
  };
}

Step CreateOrphan() {
  return [](Turn* turn) {
    ClientAction action;
    *action.mutable_create_task()->mutable_task() = turn->NewTask(turn->NewId("nowhere"), "an orphan");
    turn->EmitAsIs(std::move(action));
  };
}

Step MoveMiscounted() {
  return [](Turn* turn) {
    const Task* task = FindTask(turn->tasks().now(), turn->task_id());
    if (task == nullptr || task->messages().empty()) return turn->Fail("the task has no message");
    ClientAction action;
    auto* move = action.mutable_move_messages_to_new_task();
    move->set_source_task_id(task->id());
    *move->mutable_new_task() = turn->NewTask(task->id(), "miscounted");
    move->set_first_message_id(task->messages().rbegin()->id());
    move->set_last_message_id(move->first_message_id());
    move->set_expected_message_count(2);
    turn->EmitAsIs(std::move(action));
  };
}

Step AppendToNumber() {
  return [](Turn* turn) {
    const Task* task = FindTask(turn->tasks().now(), turn->task_id());
    if (task == nullptr || task->messages().empty()) return turn->Fail("the task has no message");
    ClientAction action;
    auto* append = action.mutable_append_to_message_content();
    append->set_task_id(task->id());
    append->mutable_message()->set_id(task->messages().rbegin()->id());
    append->mutable_message()->mutable_timestamp()->set_seconds(1);
    append->mutable_mask()->add_paths("timestamp.seconds");
    turn->EmitAsIs(std::move(action));
  };
}

}  // namespace loopback
