// Client actions, as short as tests want them.
#pragma once

#include <string>
#include <vector>

#include "warppool/wire/response.pb.h"

namespace warppool {

inline wire::Message Output(const std::string& id, const std::string& text) {
  wire::Message message;
  message.set_id(id);
  message.mutable_agent_output()->set_text(text);
  return message;
}

inline wire::Message Reasoning(const std::string& id, const std::string& text) {
  wire::Message message;
  message.set_id(id);
  message.mutable_agent_reasoning()->set_reasoning(text);
  return message;
}

inline wire::Message McpCall(const std::string& id, const std::string& call_id, const std::string& name) {
  wire::Message message;
  message.set_id(id);
  message.mutable_tool_call()->set_tool_call_id(call_id);
  message.mutable_tool_call()->mutable_call_mcp_tool()->set_name(name);
  return message;
}

inline wire::ClientAction Create(const std::string& task, const std::string& parent = "",
                                 const std::vector<wire::Message>& messages = {}) {
  wire::ClientAction action;
  auto* created = action.mutable_create_task()->mutable_task();
  created->set_id(task);
  if (!parent.empty()) created->mutable_dependencies()->set_parent_task_id(parent);
  for (const wire::Message& message : messages) *created->add_messages() = message;
  return action;
}

inline wire::ClientAction Add(const std::string& task, const std::vector<wire::Message>& messages) {
  wire::ClientAction action;
  action.mutable_add_messages_to_task()->set_task_id(task);
  for (const wire::Message& message : messages) *action.mutable_add_messages_to_task()->add_messages() = message;
  return action;
}

inline wire::ClientAction Append(const std::string& task, const wire::Message& message,
                                 const std::vector<std::string>& mask = {"agent_output.text"}) {
  wire::ClientAction action;
  auto* append = action.mutable_append_to_message_content();
  append->set_task_id(task);
  *append->mutable_message() = message;
  for (const std::string& path : mask) append->mutable_mask()->add_paths(path);
  return action;
}

inline wire::ClientAction Update(const std::string& task, const wire::Message& message,
                                 const std::vector<std::string>& mask = {}) {
  wire::ClientAction action;
  auto* update = action.mutable_update_task_message();
  update->set_task_id(task);
  *update->mutable_message() = message;
  for (const std::string& path : mask) update->mutable_mask()->add_paths(path);
  return action;
}

inline wire::ClientAction Move(const std::string& source, const std::string& target, const std::string& first,
                               const std::string& last, unsigned count,
                               const std::vector<wire::Message>& replacements = {}) {
  wire::ClientAction action;
  auto* move = action.mutable_move_messages_to_new_task();
  move->set_source_task_id(source);
  move->mutable_new_task()->set_id(target);
  move->mutable_new_task()->mutable_dependencies()->set_parent_task_id(source);
  move->set_first_message_id(first);
  move->set_last_message_id(last);
  move->set_expected_message_count(count);
  for (const wire::Message& message : replacements) *move->add_replacement_messages() = message;
  return action;
}

inline wire::ClientAction Begin() {
  wire::ClientAction action;
  action.mutable_begin_transaction();
  return action;
}

inline wire::ClientAction Commit() {
  wire::ClientAction action;
  action.mutable_commit_transaction();
  return action;
}

inline wire::ClientAction Rollback() {
  wire::ClientAction action;
  action.mutable_rollback_transaction();
  return action;
}

}  // namespace warppool
