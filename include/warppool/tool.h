// The agent's tools: which it may call, those that the program brings, and what they brought.
//
// The agent calls a tool by an event (ToolCall, event.h) and ends its answer. The program runs the tool and sends the
// result with its next request of the conversation:
//
//   warppool::Request next;
//   next.tool_results.push_back({call.id, warppool::Tool::kCallMcpTool, warppool::McpOutput::Text("22 degrees")});
//
// Strings are UTF-8, but for the bytes of images and resources. All of these are value types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace warppool {

// A tool of the Warp agent, as the service numbers them (ToolType in proto/): those that this version has results for.
// The numbers are the same in C (warppool_tool).
enum class Tool : int {
  kRunShellCommand = 0,
  kSearchCodebase = 1,
  kReadFiles = 2,
  kApplyFileDiffs = 3,
  kGrep = 6,
  kFileGlob = 7,
  kReadMcpResource = 8,
  kCallMcpTool = 9,  // a function of the program's, see McpServer
  kWriteToShellCommand = 10,
  kSuggestNewConversation = 11,
  kFileGlobV2 = 12,
  kSuggestPrompt = 13,
  kReadShellCommandOutput = 20,
  kAskUserQuestion = 29,
};

// As the schema calls it: "run_shell_command", "call_mcp_tool". "unknown" for any other number. Never NULL. Any thread.
const char* ToolName(Tool tool) noexcept;

// The tool with that name, as events and pending calls have it: what a ToolResult needs. Nothing for a name that
// ToolName() has not. Any thread.
std::optional<Tool> FindTool(std::string_view name) noexcept;

// ---- Tools that the program brings.

struct McpTool {
  std::string name;
  std::string description{};
  std::string input_schema{};  // JSON Schema, an object; empty: no arguments
};

struct McpResource {
  std::string uri;
  std::string name{};
  std::string description{};
  std::string mime_type{};
};

// Where functions of the program come from, in the terms of the Model Context Protocol. Nothing is connected to: the
// agent sees names and descriptions, and asks for a call with the server's id.
struct McpServer {
  std::string name;
  std::string description{};
  std::string id{};  // comes back with each call; empty: the name
  std::vector<McpTool> tools{};
  std::vector<McpResource> resources{};
};

// ---- What a tool brought.

// A file's text, or some lines of it.
struct FileText {
  std::string path;
  std::string content{};
  std::uint32_t first_line = 0;  // counted from 1; 0: the whole file
  std::uint32_t last_line = 0;   // of them the last one that is in `content`
};

// kCallMcpTool. Of each part exactly one of text, image and resource.
struct McpOutput {
  struct Image {
    std::string data;
    std::string mime_type{};
  };
  struct Resource {  // kReadMcpResource has these, too
    std::string uri;
    std::string text{};
    std::string mime_type{};
    bool is_binary = false;  // `text` holds bytes that are no text
  };
  std::vector<std::variant<std::string, Image, Resource>> parts{};

  static McpOutput Text(std::string text) { return {{std::move(text)}}; }
};

// kReadMcpResource.
struct McpResources {
  std::vector<McpOutput::Resource> contents{};
};

// kRunShellCommand, kWriteToShellCommand and kReadShellCommandOutput: the command has ended.
struct ShellFinished {
  std::string command{};
  std::string output{};
  std::int32_t exit_code = 0;
  std::string command_id{};  // the program's own, for later calls
};

// The same three: it still runs. kWriteToShellCommand and kReadShellCommandOutput come with its `command_id`.
struct ShellRunning {
  std::string command{};
  std::string output{};  // what its terminal shows now
  std::string command_id{};
};

// kRunShellCommand: the program does not run such a command.
struct ShellDenied {
  std::string command{};
};

// kReadFiles, and kSearchCodebase, which has no failures.
struct FilesRead {
  struct Failure {
    std::string path;
    std::string message{};
  };
  std::vector<FileText> files{};
  std::vector<Failure> failures{};
};

// kApplyFileDiffs.
struct FilesChanged {
  std::vector<FileText> updated{};
  std::vector<std::string> deleted{};  // paths
};

// kGrep.
struct LinesFound {
  struct File {
    std::string path;
    std::vector<std::uint32_t> lines{};  // counted from 1
  };
  std::vector<File> files{};
};

// kFileGlob and kFileGlobV2.
struct PathsFound {
  std::vector<std::string> paths{};
};

// kAskUserQuestion. One for each question.
struct UserAnswers {
  struct Answer {
    std::string question_id;
    std::vector<std::string> selected{};  // labels of the options
    std::string other{};                  // the user's own words
    bool skipped = false;
  };
  std::vector<Answer> answers{};
};

// kSuggestPrompt and kSuggestNewConversation: what the user made of it.
struct SuggestionTaken {
  bool accepted = false;
  std::string message_id{};  // kSuggestNewConversation, accepted: from which message on
};

// Any but kRunShellCommand, kWriteToShellCommand, kReadShellCommandOutput, kSuggestPrompt and kSuggestNewConversation:
// it failed, in words that the agent reads.
struct ToolError {
  std::string message;
};

// Any: the tool's message of proto/warppool/wire/result.proto in protobuf's JSON mapping, for what the others do not
// say. Names that the schema does not have are refused, and dates before 1970 or after 2261.
struct ResultJson {
  std::string json;
};

using ToolOutput =
    std::variant<McpOutput, McpResources, ShellFinished, ShellRunning, ShellDenied, FilesRead, FilesChanged, LinesFound,
                 PathsFound, UserAnswers, SuggestionTaken, ToolError, ResultJson>;

struct ToolResult {
  std::string call_id;  // ToolCall::id
  Tool tool = Tool::kCallMcpTool;
  ToolOutput output{};  // of a kind that `tool` has
};

}  // namespace warppool
