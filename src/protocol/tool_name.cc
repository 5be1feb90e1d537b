#include <algorithm>
#include <string_view>
#include <utility>

#include "protocol/tool_output.h"
#include "warppool/tool.h"

namespace warppool::internal {
namespace {

constexpr std::pair<Tool, const char*> kNames[] = {
    {Tool::kRunShellCommand, "run_shell_command"},
    {Tool::kSearchCodebase, "search_codebase"},
    {Tool::kReadFiles, "read_files"},
    {Tool::kApplyFileDiffs, "apply_file_diffs"},
    {Tool::kGrep, "grep"},
    {Tool::kFileGlob, "file_glob"},
    {Tool::kReadMcpResource, "read_mcp_resource"},
    {Tool::kCallMcpTool, "call_mcp_tool"},
    {Tool::kWriteToShellCommand, "write_to_long_running_shell_command"},
    {Tool::kSuggestNewConversation, "suggest_new_conversation"},
    {Tool::kFileGlobV2, "file_glob_v2"},
    {Tool::kSuggestPrompt, "suggest_prompt"},
    {Tool::kReadShellCommandOutput, "read_shell_command_output"},
    {Tool::kAskUserQuestion, "ask_user_question"},
};

}  // namespace
}  // namespace warppool::internal

namespace warppool {

using internal::kNames;

const char* ToolName(Tool tool) noexcept {
  const auto* const entry =
      std::find_if(std::begin(kNames), std::end(kNames), [tool](const auto& known) { return known.first == tool; });
  return entry == std::end(kNames) ? "unknown" : entry->second;
}

std::optional<Tool> FindTool(std::string_view name) noexcept {
  const auto* const entry =
      std::find_if(std::begin(kNames), std::end(kNames), [name](const auto& known) { return known.second == name; });
  if (entry == std::end(kNames)) return std::nullopt;
  return entry->first;
}

}  // namespace warppool

namespace warppool::internal {

bool IsKnown(Tool tool) {
  return FindTool(ToolName(tool)).has_value();
}

}  // namespace warppool::internal
