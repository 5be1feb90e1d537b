#include <string_view>

#include "protocol/tool_output.h"
#include "warppool/tool.h"

namespace warppool {

const char* ToolName(Tool tool) noexcept {
  switch (tool) {
    case Tool::kRunShellCommand:
      return "run_shell_command";
    case Tool::kSearchCodebase:
      return "search_codebase";
    case Tool::kReadFiles:
      return "read_files";
    case Tool::kApplyFileDiffs:
      return "apply_file_diffs";
    case Tool::kGrep:
      return "grep";
    case Tool::kFileGlob:
      return "file_glob";
    case Tool::kReadMcpResource:
      return "read_mcp_resource";
    case Tool::kCallMcpTool:
      return "call_mcp_tool";
    case Tool::kWriteToShellCommand:
      return "write_to_long_running_shell_command";
    case Tool::kSuggestNewConversation:
      return "suggest_new_conversation";
    case Tool::kFileGlobV2:
      return "file_glob_v2";
    case Tool::kSuggestPrompt:
      return "suggest_prompt";
    case Tool::kReadShellCommandOutput:
      return "read_shell_command_output";
    case Tool::kAskUserQuestion:
      return "ask_user_question";
  }
  return "unknown";
}

bool IsKnown(Tool tool) {
  return ToolName(tool) != std::string_view("unknown");
}

}  // namespace warppool
