#include "inputs.h"

#include <google/protobuf/descriptor.h>

#include <map>
#include <utility>

#include "protocol/protobuf_version.h"

namespace loopback {
namespace {

using google::protobuf::FieldDescriptor;
using warppool::wire::Message;
using WireRequest = warppool::wire::Request;
using WireResult = WireRequest::Input::ToolCallResult;

// The field that is set of the oneof `name`; NULL: none, or one that the schema does not know.
const FieldDescriptor* FieldOf(const google::protobuf::Message& message, const char* name) {
  const auto* reflection = message.GetReflection();
  return reflection->GetOneofFieldDescriptor(message, message.GetDescriptor()->FindOneofByName(name));
}

// "read_files"; empty as above.
std::string KindOf(const google::protobuf::Message& message, const char* oneof) {
  const FieldDescriptor* field = FieldOf(message, oneof);
  return field == nullptr ? std::string() : std::string(warppool::internal::SchemaName(*field));
}

// Calls that nobody has answered, and what was called.
std::map<std::string, std::string> OpenCalls(const Tasks& tasks) {
  std::map<std::string, std::string> open;
  for (const auto& task : tasks.tasks()) {
    for (const Message& message : task.messages()) {
      if (message.has_tool_call()) open[message.tool_call().tool_call_id()] = KindOf(message.tool_call(), "tool");
    }
  }
  // Apart: a result may stand in a task before that of its call.
  for (const auto& task : tasks.tasks()) {
    for (const Message& message : task.messages()) {
      if (message.has_tool_call_result()) open.erase(message.tool_call_result().tool_call_id());
    }
  }
  return open;
}

std::string WrongKind(const std::string& call, const std::string& of_call, const std::string& of_result) {
  return call + " is of " + of_call + ", and its result of " + of_result;
}

// Whoever sends and whoever keeps a result call it by the same name, but number it otherwise.
Message::ToolCallResult Kept(const WireResult& result) {
  Message::ToolCallResult kept;
  kept.set_tool_call_id(result.tool_call_id());
  if (const FieldDescriptor* field = FieldOf(result, "result")) {
    const FieldDescriptor* same =
        Message::ToolCallResult::descriptor()->FindFieldByName(std::string(warppool::internal::SchemaName(*field)));
    const auto& value = result.GetReflection()->GetMessage(result, field);
    kept.GetReflection()->MutableMessage(&kept, same)->CopyFrom(value);
  }
  return kept;
}

}  // namespace

std::string CheckInput(const WireRequest& request) {
  const auto& input = request.input();
  if (input.has_resume_conversation() || input.has_summarize_conversation()) {
    return request.task_context().tasks().empty() ? "there is no conversation to be resumed or summarized" : "";
  }
  if (input.user_inputs().inputs().empty()) return "input.user_inputs is empty";
  for (const auto& one : input.user_inputs().inputs()) {
    if (one.has_tool_call_result()) {
      if (one.tool_call_result().tool_call_id().empty()) return "a tool's result has no tool_call_id";
    } else if (one.user_query().query().empty()) {
      return "no user query, or an empty one";
    }
  }
  return "";
}

std::string CheckToolResults(const WireRequest& request, const Tasks& tasks) {
  auto open = OpenCalls(tasks);
  for (const auto& input : request.input().user_inputs().inputs()) {
    if (!input.has_tool_call_result()) continue;
    const WireResult& result = input.tool_call_result();
    const std::string call = "tool call \"" + result.tool_call_id() + "\"";
    const auto found = open.find(result.tool_call_id());
    if (found == open.end()) return "there is no " + call + ", or it is answered already";
    const std::string kind = KindOf(result, "result");
    if (kind != found->second) return WrongKind(call, found->second, kind);
    if (kind.empty() && result.GetReflection()->GetUnknownFields(result).empty()) return call + " has an empty result";
    open.erase(found);
  }
  return "";
}

std::string FindQuery(const WireRequest& request) {
  for (const auto& input : request.input().user_inputs().inputs()) {
    if (!input.user_query().query().empty()) return input.user_query().query();
  }
  return "";
}

std::string DefaultText(const WireRequest& request) {
  if (request.input().has_resume_conversation()) return "Resumed.";
  if (request.input().has_summarize_conversation()) return "Summarized.";
  const std::string query = FindQuery(request);
  if (!query.empty()) return "Echo: " + query;
  return "Results: " + std::to_string(request.input().user_inputs().inputs_size());
}

std::vector<Message> InputMessages(const WireRequest& request) {
  std::vector<Message> messages;
  const auto& input = request.input();
  if (input.has_resume_conversation()) messages.emplace_back().mutable_system_query()->mutable_resume_conversation();
  if (input.has_summarize_conversation()) {
    auto* wish = messages.emplace_back().mutable_system_query()->mutable_summarize_conversation();
    if (input.summarize_conversation().has_prompt()) wish->set_prompt(input.summarize_conversation().prompt());
  }
  for (const auto& one : input.user_inputs().inputs()) {
    if (one.has_tool_call_result()) {
      *messages.emplace_back().mutable_tool_call_result() = Kept(one.tool_call_result());
    } else {
      messages.emplace_back().mutable_user_query()->set_query(one.user_query().query());
    }
  }
  return messages;
}

}  // namespace loopback
