#include "steps.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <stdexcept>
#include <utility>

#include "answer_stream.h"
#include "protocol/wire_scan.h"
#include "turn.h"

namespace loopback {
namespace {

using warppool::wire::ClientAction;
using warppool::wire::Message;
using warppool::wire::Task;

constexpr int kActionOfTheFuture = 99;  // a field number that the schema does not use

template <typename Wire>
Wire Parse(const std::string& bytes, const char* what) {
  Wire parsed;
  if (!warppool::internal::IsWellFormed(bytes, *Wire::descriptor()) || !parsed.ParseFromString(bytes))
    throw std::invalid_argument(std::string("loopback: this is no ") + what);
  return parsed;
}

// The task that the step is in. NULL: it was rolled back, and the step does not fit.
const Task* CurrentTask(Turn* turn) {
  const Task* task = FindTask(turn->tasks().now(), turn->task_id());
  if (task == nullptr) turn->Fail("the task of the step is not there any more");
  return task;
}

// As CurrentTask(), if it has that many messages.
const Task* TaskWithMessages(int count, Turn* turn) {
  const Task* task = CurrentTask(turn);
  if (task == nullptr || task->messages_size() >= count) return task;
  turn->Fail("the task has " + std::to_string(task->messages_size()) + " messages, not " + std::to_string(count));
  return nullptr;
}

// A new message of the text's first part, and what appends the others. `field` gives the text's place in a message.
void AddInParts(const std::string& text, int parts, const char* path, std::string* (*field)(Message*), Turn* turn) {
  Message whole = turn->NewMessage(turn->task_id());
  Message more;
  more.set_id(whole.id());
  more.set_task_id(whole.task_id());
  more.set_request_id(whole.request_id());
  bool first = true;
  for (const std::string_view part : SplitText(text, parts)) {
    *field(first ? &whole : &more) = part;
    if (first) {
      turn->Add(whole);
    } else {
      turn->Append(more, path);
    }
    first = false;
  }
}

Step AddToolCall(Message::ToolCall call) {
  return [call = std::move(call)](Turn* turn) {
    Message message = turn->NewMessage(turn->task_id());
    *message.mutable_tool_call() = call;
    message.mutable_tool_call()->set_tool_call_id(turn->NewId("call"));
    turn->Add(std::move(message));
  };
}

Step EmitThis(ClientAction action) {
  return [action = std::move(action)](Turn* turn) { turn->Emit(action); };
}

// `Update`: of the task, by a field that is called `field`.
template <typename Update>
Step UpdateTask(std::string text, Update* (ClientAction::*update)(), void (*set)(const std::string&, Update*)) {
  return [text = std::move(text), update, set](Turn* turn) {
    ClientAction action;
    (action.*update)()->set_task_id(turn->task_id());
    set(text, (action.*update)());
    turn->Emit(std::move(action));
  };
}

}  // namespace

Step Say(std::string text, int parts) {
  return [text = std::move(text), parts](Turn* turn) {
    AddInParts(
        text, parts, "agent_output.text", [](Message* m) { return m->mutable_agent_output()->mutable_text(); }, turn);
    turn->CountOutput(text.size());
  };
}

Step Reason(std::string text, int parts) {
  return [text = std::move(text), parts](Turn* turn) {
    AddInParts(
        text, parts, "agent_reasoning.reasoning",
        [](Message* m) { return m->mutable_agent_reasoning()->mutable_reasoning(); }, turn);
  };
}

Step Rewrite(std::string text) {
  return [text = std::move(text)](Turn* turn) {
    const Task* task = CurrentTask(turn);
    if (task == nullptr) return;
    const Message* last = nullptr;
    for (const Message& message : task->messages()) {
      if (message.has_agent_output()) last = &message;
    }
    if (last == nullptr) {
      turn->Fail("there is no agent output to rewrite");
      return;
    }
    ClientAction action;
    auto* update = action.mutable_update_task_message();
    update->set_task_id(task->id());
    update->mutable_message()->set_id(last->id());
    update->mutable_message()->mutable_agent_output()->set_text(text);
    update->mutable_mask()->add_paths("agent_output.text");
    turn->Emit(std::move(action));
  };
}

Step CallMcp(std::string name, const std::string& arguments, std::string server_id) {
  Message::ToolCall call;
  auto* mcp = call.mutable_call_mcp_tool();
  mcp->set_name(std::move(name));
  google::protobuf::Struct args;  // the same on the wire
  if (!google::protobuf::util::JsonStringToMessage(arguments, &args).ok()) {
    throw std::invalid_argument("loopback: the arguments are no JSON object");
  }
  static_cast<void>(mcp->mutable_args()->ParseFromString(args.SerializeAsString()));
  if (!server_id.empty()) mcp->set_server_id(std::move(server_id));
  return AddToolCall(std::move(call));
}

Step CallShell(std::string command) {
  Message::ToolCall call;
  call.mutable_run_shell_command()->set_command(std::move(command));
  call.mutable_run_shell_command()->set_is_read_only(false);
  return AddToolCall(std::move(call));
}

Step Call(const std::string& tool_call) {
  return AddToolCall(Parse<Message::ToolCall>(tool_call, "Message.ToolCall"));
}

Step Todos(std::vector<std::string> titles) {
  Message todos;
  int number = 0;
  for (std::string& title : titles) {
    auto* item = todos.mutable_update_todos()->mutable_create_todo_list()->add_initial_todos();
    item->set_id("todo-" + std::to_string(++number));
    item->set_title(std::move(title));
    item->set_description("");
  }
  return AddMessage(todos.SerializeAsString());
}

Step TodosDone(std::vector<std::string> ids) {
  Message done;
  for (std::string& id : ids) {
    done.mutable_update_todos()->mutable_mark_todos_completed()->add_todo_ids(std::move(id));
  }
  return AddMessage(done.SerializeAsString());
}

Step AddMessage(const std::string& message) {
  return [what = Parse<Message>(message, "Message")](Turn* turn) {
    Message whole = turn->NewMessage(turn->task_id());
    whole.MergeFrom(what);
    turn->Add(std::move(whole));
  };
}

Step SubTask(std::string description, std::vector<Step> steps) {
  return [description = std::move(description), steps = std::move(steps)](Turn* turn) {
    ClientAction action;
    Task* task = action.mutable_create_task()->mutable_task();
    *task = turn->NewTask(turn->task_id(), description);
    const std::string id = task->id();
    turn->Emit(std::move(action));
    turn->PlayIn(id, steps);
  };
}

Step MoveAway(int count) {
  return [count](Turn* turn) {
    if (count < 1) turn->Fail("nothing is to be moved");
    const Task* task = TaskWithMessages(count, turn);
    if (task == nullptr || count < 1) return;
    ClientAction action;
    auto* move = action.mutable_move_messages_to_new_task();
    move->set_source_task_id(task->id());
    *move->mutable_new_task() = turn->NewTask(task->id(), "moved away");
    move->set_first_message_id(task->messages(task->messages_size() - count).id());
    move->set_last_message_id(task->messages(task->messages_size() - 1).id());
    move->set_expected_message_count(static_cast<std::uint32_t>(count));
    Message* summary = move->add_replacement_messages();
    *summary = turn->NewMessage(task->id());
    summary->mutable_summarization()->mutable_conversation_summary()->set_summary(std::to_string(count) +
                                                                                  " messages, summed up");
    turn->Emit(std::move(action));
  };
}

Step Description(std::string text) {
  using Update = ClientAction::UpdateTaskDescription;
  return UpdateTask<Update>(std::move(text), &ClientAction::mutable_update_task_description,
                            [](const std::string& value, Update* update) { update->set_description(value); });
}

Step Summary(std::string text) {
  using Update = ClientAction::UpdateTaskSummary;
  return UpdateTask<Update>(std::move(text), &ClientAction::mutable_update_task_summary,
                            [](const std::string& value, Update* update) { update->set_summary(value); });
}

Step ServerData(std::string text) {
  using Update = ClientAction::UpdateTaskServerData;
  return UpdateTask<Update>(std::move(text), &ClientAction::mutable_update_task_server_data,
                            [](const std::string& value, Update* update) { update->set_server_data(value); });
}

Step Begin() {
  ClientAction action;
  action.mutable_begin_transaction();
  return EmitThis(std::move(action));
}

Step Commit() {
  ClientAction action;
  action.mutable_commit_transaction();
  return EmitThis(std::move(action));
}

Step Rollback() {
  ClientAction action;
  action.mutable_rollback_transaction();
  return EmitThis(std::move(action));
}

Step IfToolResults(std::vector<Step> then, std::vector<Step> otherwise) {
  return [then = std::move(then), otherwise = std::move(otherwise)](Turn* turn) {
    const Task* task = CurrentTask(turn);
    if (task == nullptr) return;
    const bool results = task->messages_size() > 0 && task->messages(task->messages_size() - 1).has_tool_call_result();
    turn->PlayIn(turn->task_id(), results ? then : otherwise);
  };
}

Step SuggestRule(std::string name, std::string content) {
  ClientAction action;
  auto* rule = action.mutable_show_suggestions()->add_rules();
  rule->set_name(std::move(name));
  rule->set_content(std::move(content));
  return EmitThis(std::move(action));
}

Step SuggestNewConversation() {
  return [](Turn* turn) {
    const Task* task = TaskWithMessages(1, turn);
    if (task == nullptr) return;
    ClientAction action;
    action.mutable_start_new_conversation()->set_start_from_message_id(task->messages().rbegin()->id());
    turn->Emit(std::move(action));
  };
}

Step Action(const std::string& bytes) {
  return [action = Parse<ClientAction>(bytes, "ClientAction")](Turn* turn) { turn->EmitAsIs(action); };
}

Step UnknownAction() {
  ClientAction action;
  action.GetReflection()->MutableUnknownFields(&action)->AddLengthDelimited(kActionOfTheFuture, "news");
  return EmitThis(std::move(action));
}

}  // namespace loopback
