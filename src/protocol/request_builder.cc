#include "protocol/request_builder.h"

#include <fmt/format.h>

#include <string_view>

#include "base/utf8.h"
#include "warppool/wire/request.pb.h"

namespace warppool {
namespace {

Status Invalid(std::string message) {
  return {Code::kInvalidArgument, std::move(message)};
}

Status CheckUtf8(std::string_view field, std::string_view text) {
  if (const auto at = FirstInvalidUtf8(text)) return Invalid(fmt::format("{}: not UTF-8 at byte {}", field, *at));
  return {};
}

Status Check(const Request& request) {
  if (request.query.empty()) return Invalid("query: is empty");
  if (request.model.empty()) return Invalid("model: is empty; \"auto\" lets the service choose");
  if (request.timeout.count() < 0) return Invalid("timeout: is negative");
  if (request.allowed_tools.empty()) {
    return Invalid("allowed_tools: is empty, which the service would take for \"any tool\"");
  }
  for (const Tool tool : request.allowed_tools) {
    if (tool != Tool::kCallMcpTool)
      return Invalid(fmt::format("allowed_tools: unknown tool {}", static_cast<int>(tool)));
  }
  for (const auto& [field, text] : {std::pair<const char*, const std::string&>{"query", request.query},
                                    {"model", request.model},
                                    {"system_prompt", request.system_prompt}}) {
    if (Status status = CheckUtf8(field, text); !status.ok()) return status;
  }
  for (const auto& [key, value] : request.logging) {
    if (Status status = CheckUtf8("logging (a key)", key); !status.ok()) return status;
    if (Status status = CheckUtf8(fmt::format("logging[\"{}\"]", key), value); !status.ok()) return status;
  }
  return {};
}

}  // namespace

Result<std::string> BuildRequest(const Request& request) {
  if (Status status = Check(request); !status.ok()) return status;

  wire::Request message;
  message.mutable_task_context();  // present and empty on a first turn

  auto* query = message.mutable_input()->mutable_user_inputs()->add_inputs()->mutable_user_query();
  message.mutable_input()->mutable_context();
  query->set_query(request.query);
  query->mutable_mode();
  query->set_intended_agent(wire::AGENT_TYPE_PRIMARY);
  if (!request.system_prompt.empty()) {
    (*query->mutable_referenced_attachments())["SYSTEM_PROMPT"].set_plain_text(request.system_prompt);
  }

  auto* settings = message.mutable_settings();
  settings->mutable_model_config()->set_base(request.model);
  settings->set_supports_reasoning_message(true);
  for (const Tool tool : request.allowed_tools) {
    settings->add_supported_tools(static_cast<wire::ToolType>(static_cast<int>(tool)));
  }

  auto* logging = message.mutable_metadata()->mutable_logging();
  for (const auto& [key, value] : request.logging) (*logging)[key].set_string_value(value);

  std::string bytes;
  if (!message.SerializeToString(&bytes)) return Status(Code::kInternal, "the request cannot be serialized");
  return bytes;
}

}  // namespace warppool
