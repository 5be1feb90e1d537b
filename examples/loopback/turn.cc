#include "turn.h"

#include <utility>

namespace loopback {
namespace {

using warppool::wire::ClientAction;
using warppool::wire::Message;
using warppool::wire::Task;

constexpr int kFieldOfTheFuture = 4242;  // a field number that the schema does not use

template <typename Wire>
void AddUnknown(const std::string& text, Wire* wire) {
  wire->GetReflection()->MutableUnknownFields(wire)->AddLengthDelimited(kFieldOfTheFuture, text);
}

}  // namespace

Turn::Turn(const Answer& answer, Tasks before, Sink sink)
    : answer_(answer), sink_(std::move(sink)), tasks_(std::move(before)) {}

void Turn::Run() {
  if (!answer_.with_actions) return;
  Begin();
  for (const Step& step : answer_.steps) step(this);
  Flush();
}

std::string Turn::NewId(std::string_view kind) {
  return std::string(kind) + "-of-" + answer_.request_id + "-" + std::to_string(++ids_);
}

Message Turn::NewMessage(const std::string& task_id) {
  Message message;
  message.set_id(NewId("message"));
  message.set_task_id(task_id);
  message.set_request_id(answer_.request_id);
  *message.mutable_timestamp() = answer_.time;
  message.set_server_message_data("data of " + message.id());
  AddUnknown("more of " + message.id(), &message);
  return message;
}

Task Turn::NewTask(const std::string& parent_id, const std::string& description) {
  Task task;
  task.set_id(parent_id.empty() ? answer_.task_id : NewId("task"));
  task.set_description(description);
  if (!parent_id.empty()) task.mutable_dependencies()->set_parent_task_id(parent_id);
  task.set_server_data("data of " + task.id());
  AddUnknown("more of " + task.id(), &task);
  return task;
}

void Turn::Emit(ClientAction action) {
  if (!problem_.empty()) return;
  if (std::string problem = tasks_.Apply(action); !problem.empty()) {
    Fail(std::move(problem));
    return;
  }
  Queue(std::move(action));
}

void Turn::EmitAsIs(ClientAction action) {
  if (!problem_.empty()) return;
  Flush();
  if (!tasks_.Apply(action).empty()) has_illegal_ = true;
  *event_.mutable_client_actions()->add_actions() = std::move(action);
  Flush();
}

void Turn::Add(Message message) {
  ClientAction action;
  action.mutable_add_messages_to_task()->set_task_id(message.task_id());
  *action.mutable_add_messages_to_task()->add_messages() = std::move(message);
  Emit(std::move(action));
}

void Turn::Append(const Message& message, const std::string& path) {
  ClientAction action;
  auto* append = action.mutable_append_to_message_content();
  append->set_task_id(message.task_id());
  *append->mutable_message() = message;
  append->mutable_mask()->add_paths(path);
  Emit(std::move(action));
}

void Turn::PlayIn(const std::string& task_id, const std::vector<Step>& steps) {
  path_.push_back(task_id);
  for (const Step& step : steps) step(this);
  path_.pop_back();
}

void Turn::Fail(std::string problem) {
  if (problem_.empty()) problem_ = std::move(problem);
}

void Turn::Begin() {
  if (const Task* root = FindRoot(tasks_.now())) {
    path_ = {root->id()};
  } else {
    ClientAction create;
    *create.mutable_create_task()->mutable_task() = NewTask("", "");
    path_ = {answer_.task_id};
    Emit(std::move(create));
    Flush();
  }
  AddInputs();
}

// They wait for the next action: an answer has as many events with them as without.
void Turn::AddInputs() {
  if (answer_.inputs.empty()) return;
  ClientAction action;
  action.mutable_add_messages_to_task()->set_task_id(task_id());
  for (const Message& input : answer_.inputs) {
    Message message = NewMessage(task_id());
    message.MergeFrom(input);
    *action.mutable_add_messages_to_task()->add_messages() = std::move(message);
  }
  if (std::string problem = tasks_.Apply(action); !problem.empty()) Fail(std::move(problem));
  *event_.mutable_client_actions()->add_actions() = std::move(action);
  holds_inputs_ = true;
}

void Turn::Queue(ClientAction action) {
  *event_.mutable_client_actions()->add_actions() = std::move(action);
  if (event_.client_actions().actions_size() - (holds_inputs_ ? 1 : 0) >= answer_.actions_per_event) Flush();
}

void Turn::Flush() {
  if (event_.client_actions().actions().empty()) return;
  sink_(event_, tasks_.settled());
  event_.Clear();
  holds_inputs_ = false;
}

}  // namespace loopback
