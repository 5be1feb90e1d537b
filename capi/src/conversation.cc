#include <string>
#include <string_view>
#include <utility>

#include "arguments.h"
#include "guard.h"
#include "usage.h"

using warppool::Conversation;
using warppool::Status;
using warppool::capi::Clear;
using warppool::capi::Destroy;
using warppool::capi::Guard;
using warppool::capi::Invalid;
using warppool::capi::NotNull;
using warppool::capi::ReadOr;
using warppool::capi::WriteStruct;

namespace {

const uint8_t* Bytes(const std::string& text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

Status OutOfRange() {
  return Invalid("index", "is out of range");
}

}  // namespace

warppool_code warppool_conversation_create(warppool_conversation** conversation, warppool_error** error) {
  Clear(conversation);
  return Guard(error, [&] {
    if (Status status = NotNull({{conversation, "conversation"}}); !status.ok()) return status;
    *conversation = new warppool_conversation{Conversation()};
    return Status();
  });
}

warppool_code warppool_conversation_restore(const uint8_t* bytes, size_t length, warppool_conversation** conversation,
                                            warppool_error** error) {
  Clear(conversation);
  return Guard(error, [&] {
    if (Status status = NotNull({{bytes, "bytes"}, {conversation, "conversation"}}); !status.ok()) return status;
    auto restored = Conversation::Restore({reinterpret_cast<const char*>(bytes), length});
    if (!restored.ok()) return restored.status();
    *conversation = new warppool_conversation{*std::move(restored)};
    return Status();
  });
}

warppool_code warppool_conversation_save(const warppool_conversation* conversation, warppool_bytes** bytes,
                                         warppool_error** error) {
  Clear(bytes);
  return Guard(error, [&] {
    if (Status status = NotNull({{conversation, "conversation"}, {bytes, "bytes"}}); !status.ok()) return status;
    auto saved = conversation->conversation.Save();
    if (!saved.ok()) return saved.status();
    *bytes = new warppool_bytes{*std::move(saved)};
    return Status();
  });
}

int32_t warppool_conversation_busy(const warppool_conversation* conversation) {
  return ReadOr(conversation, int32_t{0}, [](const auto& c) { return c.conversation.busy() ? 1 : 0; });
}

warppool_code warppool_conversation_inspect(const warppool_conversation* conversation,
                                            warppool_conversation_view** view, warppool_error** error) {
  Clear(view);
  return Guard(error, [&] {
    if (Status status = NotNull({{conversation, "conversation"}, {view, "view"}}); !status.ok()) return status;
    const Conversation& from = conversation->conversation;
    auto handle = std::make_unique<warppool_conversation_view>();
    handle->id = from.id();
    handle->token = from.token();
    handle->usage = from.usage();
    handle->tasks = from.Tasks();
    for (const auto& task : handle->tasks) handle->todos.push_back(from.Todos(task.id));
    handle->calls = from.PendingToolCalls();
    *view = handle.release();
    return Status();
  });
}

warppool_code warppool_conversation_messages(const warppool_conversation* conversation, const char* task_id,
                                             warppool_message_list** messages, warppool_error** error) {
  Clear(messages);
  return Guard(error, [&] {
    if (Status status = NotNull({{conversation, "conversation"}, {messages, "messages"}}); !status.ok()) return status;
    auto list = conversation->conversation.Messages(task_id == nullptr ? std::string() : std::string(task_id));
    *messages = new warppool_message_list{std::move(list)};
    return Status();
  });
}

void warppool_conversation_destroy(warppool_conversation** conversation) {
  Destroy(conversation);
}

const uint8_t* warppool_bytes_data(const warppool_bytes* bytes, size_t* length) {
  const std::string_view text = bytes == nullptr ? std::string_view("") : bytes->bytes;
  if (length != nullptr) *length = text.size();
  return reinterpret_cast<const uint8_t*>(text.data());
}

void warppool_bytes_destroy(warppool_bytes** bytes) {
  Destroy(bytes);
}

const char* warppool_conversation_view_id(const warppool_conversation_view* view) {
  return ReadOr(view, "", [](const auto& v) { return v.id.c_str(); });
}

const char* warppool_conversation_view_token(const warppool_conversation_view* view) {
  return ReadOr(view, "", [](const auto& v) { return v.token.c_str(); });
}

warppool_code warppool_conversation_view_usage(const warppool_conversation_view* view, warppool_usage* usage,
                                               warppool_error** error) {
  return Guard(error, [&] {
    const Status status = NotNull({{view, "view"}, {usage, "usage"}});
    return status.ok() ? warppool::capi::FillUsage(view->usage, usage) : status;
  });
}

size_t warppool_conversation_view_task_count(const warppool_conversation_view* view) {
  return ReadOr(view, size_t{0}, [](const auto& v) { return v.tasks.size(); });
}

warppool_code warppool_conversation_view_task(const warppool_conversation_view* view, size_t index,
                                              warppool_task_info* task, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{view, "view"}, {task, "task"}}); !status.ok()) return status;
    if (index >= view->tasks.size()) return OutOfRange();
    const auto& from = view->tasks[index];
    const warppool_task_info info{0,
                                  from.id.c_str(),
                                  from.parent_id.c_str(),
                                  from.description.c_str(),
                                  from.summary.c_str(),
                                  from.messages,
                                  view->todos[index].size()};
    return WriteStruct(info, WARPPOOL_SIZE_UP_TO(warppool_task_info, todo_count), "task", task);
  });
}

warppool_code warppool_conversation_view_todo(const warppool_conversation_view* view, size_t task_index, size_t index,
                                              warppool_todo_info* todo, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{view, "view"}, {todo, "todo"}}); !status.ok()) return status;
    if (task_index >= view->todos.size()) return Invalid("task_index", "is out of range");
    if (index >= view->todos[task_index].size()) return OutOfRange();
    const auto& from = view->todos[task_index][index];
    const warppool_todo_info info{0, from.id.c_str(), from.title.c_str(), from.description.c_str(), from.done ? 1 : 0};
    return WriteStruct(info, WARPPOOL_SIZE_UP_TO(warppool_todo_info, done), "todo", todo);
  });
}

size_t warppool_conversation_view_tool_call_count(const warppool_conversation_view* view) {
  return ReadOr(view, size_t{0}, [](const auto& v) { return v.calls.size(); });
}

warppool_code warppool_conversation_view_tool_call(const warppool_conversation_view* view, size_t index,
                                                   warppool_tool_call_info* call, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{view, "view"}, {call, "call"}}); !status.ok()) return status;
    if (index >= view->calls.size()) return OutOfRange();
    const auto& from = view->calls[index];
    const warppool_tool_call_info info{0,
                                       from.task_id.c_str(),
                                       from.message_id.c_str(),
                                       from.id.c_str(),
                                       from.tool.c_str(),
                                       from.name.c_str(),
                                       from.server_id.c_str(),
                                       from.arguments.c_str(),
                                       Bytes(from.bytes),
                                       from.bytes.size()};
    return WriteStruct(info, WARPPOOL_SIZE_UP_TO(warppool_tool_call_info, length), "call", call);
  });
}

void warppool_conversation_view_destroy(warppool_conversation_view** view) {
  Destroy(view);
}

size_t warppool_message_list_count(const warppool_message_list* messages) {
  return ReadOr(messages, size_t{0}, [](const auto& list) { return list.messages.size(); });
}

warppool_code warppool_message_list_get(const warppool_message_list* messages, size_t index,
                                        warppool_message_info* message, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{messages, "messages"}, {message, "message"}}); !status.ok()) return status;
    if (index >= messages->messages.size()) return OutOfRange();
    const auto& from = messages->messages[index];
    const warppool_message_info info{0,
                                     from.id.c_str(),
                                     static_cast<warppool_message_kind>(from.kind),
                                     from.text.c_str(),
                                     from.text.size(),
                                     from.json.c_str()};
    return WriteStruct(info, WARPPOOL_SIZE_UP_TO(warppool_message_info, json), "message", message);
  });
}

void warppool_message_list_destroy(warppool_message_list** messages) {
  Destroy(messages);
}
