#include <string>
#include <utility>
#include <vector>

#include "request_edit.h"

using warppool::Code;
using warppool::FilesRead;
using warppool::FileText;
using warppool::McpOutput;
using warppool::McpResources;
using warppool::McpServer;
using warppool::Request;
using warppool::ResultJson;
using warppool::ShellDenied;
using warppool::ShellFinished;
using warppool::ShellRunning;
using warppool::Status;
using warppool::Tool;
using warppool::ToolError;
using warppool::ToolOutput;
using warppool::capi::CheckBytes;
using warppool::capi::Edit;
using warppool::capi::Invalid;
using warppool::capi::OrEmpty;
using warppool::capi::ReadFile;
using warppool::capi::ReadStruct;
using warppool::capi::ReadTool;
using warppool::capi::ToBytes;
using warppool::capi::ZeroOrOne;

namespace {

Status AddResult(Request* request, const char* call_id, warppool_tool given, ToolOutput output) {
  Tool tool{};
  Status status = ReadTool(given, &tool);
  if (status.ok()) request->tool_results.push_back({call_id, tool, std::move(output)});
  return status;
}

// The output of the result that was added last, if it is of this kind.
template <typename Output>
Output* LastOutput(Request* request) {
  return request->tool_results.empty() ? nullptr : std::get_if<Output>(&request->tool_results.back().output);
}

Status WrongResult() {
  return Status(Code::kMisuse, "the result that was added last is not one that it could belong to");
}

// Adds to the tools or resources of the server that was added last.
template <typename Item>
Status AddToServer(Request* request, std::vector<Item> McpServer::*list, Item item) {
  if (request->mcp_servers.empty()) return Status(Code::kMisuse, "there is no server that it could belong to");
  (request->mcp_servers.back().*list).push_back(std::move(item));
  return {};
}

Status ReadShellResult(const warppool_shell_result* given, ToolOutput* output) {
  warppool_shell_result known = WARPPOOL_SHELL_RESULT_INIT;
  constexpr size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_shell_result, command_id);
  if (Status status = ReadStruct(given, kFirst, "result", &known); !status.ok()) return status;
  if (static_cast<int>(known.state) == 0) known.state = WARPPOOL_SHELL_FINISHED;
  switch (known.state) {
    case WARPPOOL_SHELL_FINISHED:
      *output =
          ShellFinished{OrEmpty(known.command), OrEmpty(known.output), known.exit_code, OrEmpty(known.command_id)};
      return {};
    case WARPPOOL_SHELL_RUNNING:
      *output = ShellRunning{OrEmpty(known.command), OrEmpty(known.output), OrEmpty(known.command_id)};
      return {};
    case WARPPOOL_SHELL_DENIED:
      *output = ShellDenied{OrEmpty(known.command)};
      return {};
  }
  return Invalid("result.state", "is none of warppool_shell_state");
}

}  // namespace

const char* warppool_tool_name(warppool_tool tool) {
  return warppool::ToolName(static_cast<Tool>(tool));
}

int32_t warppool_tool_find(const char* name) {
  const auto tool = warppool::FindTool(OrEmpty(name));
  return tool ? static_cast<int32_t>(*tool) : -1;
}

warppool_code warppool_request_set_allowed_tools(warppool_request* request, const warppool_tool* tools, size_t count,
                                                 warppool_error** error) {
  return Edit(request, {{tools, "tools"}}, error, [&](Request* edited) {
    if (count == 0) return Invalid("count", "must be 1 or more");
    std::vector<Tool> allowed;
    for (size_t i = 0; i < count; ++i) {
      Tool tool{};
      if (!ReadTool(tools[i], &tool).ok()) return Invalid("tools", "holds something that is none of warppool_tool");
      allowed.push_back(tool);
    }
    edited->allowed_tools = std::move(allowed);
    return Status();
  });
}

warppool_code warppool_request_add_mcp_server(warppool_request* request, const char* name, const char* description,
                                              const char* id, warppool_error** error) {
  return Edit(request, {{name, "name"}}, error, [&](Request* edited) {
    edited->mcp_servers.push_back({name, OrEmpty(description), OrEmpty(id)});
    return Status();
  });
}

warppool_code warppool_request_add_mcp_tool(warppool_request* request, const char* name, const char* description,
                                            const char* input_schema, warppool_error** error) {
  return Edit(request, {{name, "name"}}, error, [&](Request* edited) {
    return AddToServer(edited, &McpServer::tools, {name, OrEmpty(description), OrEmpty(input_schema)});
  });
}

warppool_code warppool_request_add_mcp_resource(warppool_request* request, const char* uri, const char* name,
                                                const char* description, const char* mime_type,
                                                warppool_error** error) {
  return Edit(request, {{uri, "uri"}}, error, [&](Request* edited) {
    return AddToServer(edited, &McpServer::resources, {uri, OrEmpty(name), OrEmpty(description), OrEmpty(mime_type)});
  });
}

warppool_code warppool_request_add_tool_result_text(warppool_request* request, const char* call_id, const char* text,
                                                    warppool_error** error) {
  return Edit(request, {{call_id, "call_id"}}, error, [&](Request* edited) {
    return AddResult(edited, call_id, WARPPOOL_TOOL_CALL_MCP_TOOL,
                     text == nullptr ? McpOutput() : McpOutput::Text(text));
  });
}

warppool_code warppool_request_add_tool_result_resources(warppool_request* request, const char* call_id,
                                                         warppool_error** error) {
  return Edit(request, {{call_id, "call_id"}}, error, [&](Request* edited) {
    return AddResult(edited, call_id, WARPPOOL_TOOL_READ_MCP_RESOURCE, McpResources());
  });
}

warppool_code warppool_request_add_result_text(warppool_request* request, const char* text, warppool_error** error) {
  return Edit(request, {{text, "text"}}, error, [&](Request* edited) {
    auto* output = LastOutput<McpOutput>(edited);
    if (output == nullptr) return WrongResult();
    output->parts.emplace_back(text);
    return Status();
  });
}

warppool_code warppool_request_add_result_image(warppool_request* request, const uint8_t* data, size_t length,
                                                const char* mime_type, warppool_error** error) {
  return Edit(request, {{data, "data"}, {mime_type, "mime_type"}}, error, [&](Request* edited) {
    auto* output = LastOutput<McpOutput>(edited);
    if (output == nullptr) return WrongResult();
    output->parts.emplace_back(McpOutput::Image{ToBytes(data, length), mime_type});
    return Status();
  });
}

warppool_code warppool_request_add_result_resource(warppool_request* request, const char* uri, const uint8_t* data,
                                                   size_t length, const char* mime_type, int32_t is_binary,
                                                   warppool_error** error) {
  return Edit(request, {{uri, "uri"}}, error, [&](Request* edited) {
    if (Status status = CheckBytes(data, length, "data"); !status.ok()) return status;
    if (Status status = ZeroOrOne(is_binary, "is_binary"); !status.ok()) return status;
    McpOutput::Resource resource{uri, ToBytes(data, length), OrEmpty(mime_type), is_binary == 1};
    if (auto* output = LastOutput<McpOutput>(edited)) {
      output->parts.emplace_back(std::move(resource));
    } else if (auto* resources = LastOutput<McpResources>(edited)) {
      resources->contents.push_back(std::move(resource));
    } else {
      return WrongResult();
    }
    return Status();
  });
}

warppool_code warppool_request_add_tool_result_files(warppool_request* request, const char* call_id, warppool_tool tool,
                                                     warppool_error** error) {
  return Edit(request, {{call_id, "call_id"}}, error,
              [&](Request* edited) { return AddResult(edited, call_id, tool, FilesRead()); });
}

warppool_code warppool_request_add_result_file(warppool_request* request, const warppool_file_text* file,
                                               warppool_error** error) {
  return Edit(request, {{file, "file"}}, error, [&](Request* edited) {
    FileText text;
    if (Status status = ReadFile(file, &text); !status.ok()) return status;
    auto* output = LastOutput<FilesRead>(edited);
    if (output == nullptr) return WrongResult();
    output->files.push_back(std::move(text));
    return Status();
  });
}

warppool_code warppool_request_add_result_failure(warppool_request* request, const char* path, const char* message,
                                                  warppool_error** error) {
  return Edit(request, {{path, "path"}}, error, [&](Request* edited) {
    auto* output = LastOutput<FilesRead>(edited);
    if (output == nullptr) return WrongResult();
    output->failures.push_back({path, OrEmpty(message)});
    return Status();
  });
}

warppool_code warppool_request_add_tool_result_shell(warppool_request* request, const char* call_id, warppool_tool tool,
                                                     const warppool_shell_result* result, warppool_error** error) {
  return Edit(request, {{call_id, "call_id"}, {result, "result"}}, error, [&](Request* edited) {
    ToolOutput output;
    if (Status status = ReadShellResult(result, &output); !status.ok()) return status;
    return AddResult(edited, call_id, tool, std::move(output));
  });
}

warppool_code warppool_request_add_tool_result_error(warppool_request* request, const char* call_id, warppool_tool tool,
                                                     const char* message, warppool_error** error) {
  return Edit(request, {{call_id, "call_id"}, {message, "message"}}, error,
              [&](Request* edited) { return AddResult(edited, call_id, tool, ToolError{message}); });
}

warppool_code warppool_request_add_tool_result_json(warppool_request* request, const char* call_id, warppool_tool tool,
                                                    const char* json, warppool_error** error) {
  return Edit(request, {{call_id, "call_id"}, {json, "json"}}, error,
              [&](Request* edited) { return AddResult(edited, call_id, tool, ResultJson{json}); });
}

warppool_code warppool_request_clear_tool_results(warppool_request* request, warppool_error** error) {
  return Edit(request, {}, error, [](Request* edited) {
    edited->tool_results.clear();
    return Status();
  });
}
