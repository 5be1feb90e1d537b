#include "request_edit.h"

namespace warppool::capi {

using SystemTime = std::chrono::system_clock::time_point;

Status CheckBytes(const std::uint8_t* bytes, std::size_t length, const char* name) {
  return bytes == nullptr && length > 0 ? Invalid(name, "must not be NULL") : Status();
}

std::string ToBytes(const std::uint8_t* bytes, std::size_t length) {
  return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(bytes), length);
}

Status ReadTool(warppool_tool given, Tool* tool) {
  switch (given) {
    case WARPPOOL_TOOL_RUN_SHELL_COMMAND:
    case WARPPOOL_TOOL_SEARCH_CODEBASE:
    case WARPPOOL_TOOL_READ_FILES:
    case WARPPOOL_TOOL_APPLY_FILE_DIFFS:
    case WARPPOOL_TOOL_GREP:
    case WARPPOOL_TOOL_FILE_GLOB:
    case WARPPOOL_TOOL_READ_MCP_RESOURCE:
    case WARPPOOL_TOOL_CALL_MCP_TOOL:
    case WARPPOOL_TOOL_WRITE_TO_SHELL_COMMAND:
    case WARPPOOL_TOOL_SUGGEST_NEW_CONVERSATION:
    case WARPPOOL_TOOL_FILE_GLOB_V2:
    case WARPPOOL_TOOL_SUGGEST_PROMPT:
    case WARPPOOL_TOOL_READ_SHELL_COMMAND_OUTPUT:
    case WARPPOOL_TOOL_ASK_USER_QUESTION:
      *tool = static_cast<Tool>(given);
      return {};
  }
  return Invalid("tool", "is none of warppool_tool");
}

Status ReadDate(std::int64_t unix_ms, const char* name, std::optional<SystemTime>* date) {
  constexpr auto kLast = std::chrono::floor<std::chrono::milliseconds>(SystemTime::max().time_since_epoch());
  if (Status status = AtLeast(-1, unix_ms, name); !status.ok()) return status;
  if (unix_ms > kLast.count()) return Invalid(name, "is later than the clock can hold");
  if (unix_ms <= 0) {
    date->reset();
  } else {
    *date = SystemTime(std::chrono::milliseconds(unix_ms));
  }
  return {};
}

Status ReadFile(const warppool_file_text* given, FileText* file) {
  warppool_file_text known = WARPPOOL_FILE_TEXT_INIT;
  constexpr std::size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_file_text, last_line);
  if (Status status = ReadStruct(given, kFirst, "file", &known); !status.ok()) return status;
  if (Status status = NotNull({{known.path, "file.path"}}); !status.ok()) return status;
  *file = {known.path, OrEmpty(known.content), known.first_line, known.last_line};
  return {};
}

Status ReadShellCommand(const warppool_shell_command* given, ShellCommand* command) {
  warppool_shell_command known = WARPPOOL_SHELL_COMMAND_INIT;
  constexpr std::size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_shell_command, exit_code);
  if (Status status = ReadStruct(given, kFirst, "command", &known); !status.ok()) return status;
  if (Status status = NotNull({{known.command, "command.command"}}); !status.ok()) return status;
  std::optional<SystemTime> started;
  std::optional<SystemTime> finished;
  if (Status status = ReadDate(known.started_ms, "command.started_ms", &started); !status.ok()) return status;
  if (Status status = ReadDate(known.finished_ms, "command.finished_ms", &finished); !status.ok()) return status;
  *command = {known.command, OrEmpty(known.output), known.exit_code, OrEmpty(known.command_id), started, finished};
  return {};
}

}  // namespace warppool::capi
