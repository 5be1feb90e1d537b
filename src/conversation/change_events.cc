#include "conversation/change_events.h"

#include <algorithm>
#include <unordered_set>

#include "base/json_writer.h"
#include "protocol/message_to_json.h"
#include "protocol/protobuf_version.h"

namespace warppool::internal {
namespace {

// The oneof's field that is set, of a message with one oneof; null: none, or one that the schema does not know.
const google::protobuf::FieldDescriptor* SetField(const google::protobuf::Message& message) {
  const auto* oneof = message.GetDescriptor()->oneof_decl(0);
  return message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
}

MessageKind KindOf(const wire::Message& message) {
  return static_cast<MessageKind>(message.message_case());
}

// Of a message that IsShownAsText().
const std::string& ShownText(const wire::Message& message) {
  return message.has_agent_output() ? message.agent_output().text() : message.agent_reasoning().reasoning();
}

bool IsShownAsText(const wire::Message& message, bool in_root) {
  return in_root && (message.has_agent_output() || message.has_agent_reasoning());
}

bool TellToolCall(const wire::Task& task, const wire::Message& message, const Emit& emit) {
  const PendingToolCall call = ReadToolCall(task, message);
  return emit(ToolCall{call.task_id, call.message_id, call.id, call.tool, call.name, call.server_id, call.arguments,
                       call.bytes});
}

bool TellTodos(const wire::Task& task, const Emit& emit) {
  if (emit.detail() == EventDetail::kText) return true;
  JsonWriter json;
  json.Array([&] {
    for (const TodoInfo& todo : ReadTodos(task)) {
      json.Object([&] {
        json.Key("id").String(todo.id);
        json.Key("title").String(todo.title);
        json.Key("description").String(todo.description);
        json.Key("done").Bool(todo.done);
      });
    }
  });
  return emit(TodoList{task.id(), json.text()});
}

// The message's JSON where it is read.
std::string JsonFor(const Emit& emit, const wire::Message& message) {
  return emit.detail() == EventDetail::kAll ? ContentJson(message) : std::string();
}

// What follows a message that is new or is another one now.
bool TellContent(const wire::Task& task, const wire::Message& message, const Emit& emit) {
  if (emit.detail() == EventDetail::kText) return true;
  if (message.has_tool_call()) return TellToolCall(task, message, emit);
  if (message.has_update_todos()) return TellTodos(task, emit);
  return true;
}

bool TellAdded(const Change& change, const Emit& emit) {
  const wire::Message& message = *change.message;
  const bool as_text = IsShownAsText(message, change.in_root);
  {
    const std::string json = as_text ? std::string() : JsonFor(emit, message);
    if (!emit(MessageAdded{change.task->id(), message.id(), KindOf(message), change.in_root, json})) return false;
  }
  if (!as_text) return change.todos_follow || TellContent(*change.task, message, emit);
  const std::string& text = ShownText(message);
  if (text.empty()) return true;
  return message.has_agent_output() ? emit(TextDelta{message.id(), text}) : emit(ReasoningDelta{message.id(), text});
}

// A delta where the text only grew, else a replacement.
template <typename Delta, typename Replacement>
bool TellText(const Change& change, const Emit& emit) {
  const std::string& id = change.message->id();
  const std::string& text = ShownText(*change.message);
  const bool grew = change.text_before && text.compare(0, change.text_before->size(), *change.text_before) == 0;
  if (!grew) return emit(Replacement{id, text});
  const std::string_view more = std::string_view(text).substr(change.text_before->size());
  return more.empty() || emit(Delta{id, more});
}

bool TellReplaced(const Change& change, const Emit& emit) {
  const wire::Message& message = *change.message;
  // Whoever shows it as what it was has to take that back.
  if (change.kind_changed) {
    return emit(MessageRetracted{change.task->id(), message.id(), change.in_root}) && TellAdded(change, emit);
  }
  if (IsShownAsText(message, change.in_root)) {
    return message.has_agent_output() ? TellText<TextDelta, TextReplaced>(change, emit)
                                      : TellText<ReasoningDelta, ReasoningReplaced>(change, emit);
  }
  {
    const std::string json = JsonFor(emit, message);
    if (!emit(MessageReplaced{change.task->id(), message.id(), KindOf(message), change.in_root, json})) return false;
  }
  return change.todos_follow || TellContent(*change.task, message, emit);
}

bool TellAppended(const Change& change, const Emit& emit) {
  if (change.text.empty()) return true;
  const wire::Message& message = *change.message;
  if (IsShownAsText(message, change.in_root)) {
    if (change.name == "agent_output.text") return emit(TextDelta{message.id(), change.text});
    if (change.name == "agent_reasoning.reasoning") return emit(ReasoningDelta{message.id(), change.text});
  }
  return emit(MessageAppended{change.task->id(), message.id(), change.name, change.text});
}

}  // namespace

bool Tell(const Change& change, const Emit& emit) {
  switch (change.kind) {
    case Change::Kind::kTaskCreated:
      return emit(TaskCreated{change.task->id(), change.task->dependencies().parent_task_id(),
                              change.task->description(), change.in_root});
    case Change::Kind::kTaskRetracted:
      return emit(TaskRetracted{change.task_id});
    case Change::Kind::kTaskField:
      return emit(TaskChanged{change.task->id(), change.name, change.text});
    case Change::Kind::kMessageAdded:
      return TellAdded(change, emit);
    case Change::Kind::kMessageReplaced:
      return TellReplaced(change, emit);
    case Change::Kind::kMessageAppended:
      return TellAppended(change, emit);
    case Change::Kind::kTodosChanged:
      return change.todos_follow || TellTodos(*change.task, emit);
    case Change::Kind::kMessageRetracted:
      return emit(MessageRetracted{change.task_id, change.message_id, change.in_root});
  }
  return true;
}

bool Tell(const wire::ClientAction& action, const Emit& emit) {
  if (action.has_show_suggestions()) {
    if (emit.detail() == EventDetail::kText) return true;
    return emit(Suggestions{ToJson(action.show_suggestions())});
  }
  if (action.has_start_new_conversation()) {
    return emit(NewConversationSuggested{action.start_new_conversation().start_from_message_id()});
  }
  const auto* field = SetField(action);
  return emit(UnknownEvent{field == nullptr ? std::string_view() : SchemaName(*field), action.SerializeAsString()});
}

std::string ContentJson(const wire::Message& message) {
  const auto* field = SetField(message);
  return field == nullptr ? std::string() : ToJson(message.GetReflection()->GetMessage(message, field));
}

std::string ToolNameOf(const wire::Message::ToolCall& call) {
  const auto* field = SetField(call);
  return field == nullptr ? std::string() : std::string(SchemaName(*field));
}

PendingToolCall ReadToolCall(const wire::Task& task, const wire::Message& message) {
  const auto& call = message.tool_call();
  PendingToolCall read{task.id(), message.id(), call.tool_call_id(), ToolNameOf(call), {}, {}, {}, {}};
  if (call.has_call_mcp_tool()) {
    read.name = call.call_mcp_tool().name();
    read.server_id = call.call_mcp_tool().server_id();
    read.arguments = ToJson(call.call_mcp_tool().args());
  } else if (const auto* field = SetField(call)) {
    if (call.has_read_mcp_resource()) read.server_id = call.read_mcp_resource().server_id();
    read.arguments = ToJson(call.GetReflection()->GetMessage(call, field));
  }
  read.bytes = call.SerializeAsString();
  return read;
}

std::vector<TodoInfo> ReadTodos(const wire::Task& task) {
  std::vector<TodoInfo> todos;
  std::unordered_set<std::string> completed;
  const auto add_all = [&](const auto& items) {
    for (const auto& item : items) todos.push_back({item.id(), item.title(), item.description(), false});
  };
  for (const wire::Message& message : task.messages()) {
    const auto& update = message.update_todos();
    if (update.has_create_todo_list()) {
      todos.clear();
      add_all(update.create_todo_list().initial_todos());
    } else if (update.has_update_pending_todos()) {
      todos.erase(std::remove_if(todos.begin(), todos.end(), [](const TodoInfo& todo) { return !todo.done; }),
                  todos.end());
      add_all(update.update_pending_todos().updated_pending_todos());
    } else if (update.has_mark_todos_completed()) {
      const auto& ids = update.mark_todos_completed().todo_ids();
      completed.clear();
      completed.insert(ids.begin(), ids.end());
      for (TodoInfo& todo : todos) todo.done = todo.done || completed.count(todo.id) != 0;
    }
  }
  return todos;
}

}  // namespace warppool::internal
