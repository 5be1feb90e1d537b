// Pins the numbers of the public enumerations to those of the schema. No code comes out of it: a number that differs
// does not compile, and a value that is missing here is a warning about the switch.
#include "warppool/request.h"
#include "warppool/wire/request.pb.h"

#define SAME(ours, schema)                                                                \
  case ours: {                                                                            \
    static_assert(static_cast<int>(ours) == static_cast<int>(schema), #ours " is wrong"); \
    break;                                                                                \
  }

namespace warppool::internal {
namespace {

[[maybe_unused]] void Pin(Tool tool) {
  switch (tool) {
    SAME(Tool::kRunShellCommand, wire::RUN_SHELL_COMMAND)
    SAME(Tool::kSearchCodebase, wire::SEARCH_CODEBASE)
    SAME(Tool::kReadFiles, wire::READ_FILES)
    SAME(Tool::kApplyFileDiffs, wire::APPLY_FILE_DIFFS)
    SAME(Tool::kGrep, wire::GREP)
    SAME(Tool::kFileGlob, wire::FILE_GLOB)
    SAME(Tool::kReadMcpResource, wire::READ_MCP_RESOURCE)
    SAME(Tool::kCallMcpTool, wire::CALL_MCP_TOOL)
    SAME(Tool::kWriteToShellCommand, wire::WRITE_TO_LONG_RUNNING_SHELL_COMMAND)
    SAME(Tool::kSuggestNewConversation, wire::SUGGEST_NEW_CONVERSATION)
    SAME(Tool::kFileGlobV2, wire::FILE_GLOB_V2)
    SAME(Tool::kSuggestPrompt, wire::SUGGEST_PROMPT)
    SAME(Tool::kReadShellCommandOutput, wire::READ_SHELL_COMMAND_OUTPUT)
    SAME(Tool::kAskUserQuestion, wire::ASK_USER_QUESTION)
  }
}

[[maybe_unused]] void Pin(Setting setting) {
  using Wire = wire::Request::Settings;
  switch (setting) {
    SAME(Setting::kRules, Wire::kRulesEnabledFieldNumber)
    SAME(Setting::kWebContextRetrieval, Wire::kWebContextRetrievalEnabledFieldNumber)
    SAME(Setting::kParallelToolCalls, Wire::kSupportsParallelToolCallsFieldNumber)
    SAME(Setting::kAnthropicTextEditorTools, Wire::kUseAnthropicTextEditorToolsFieldNumber)
    SAME(Setting::kPlanning, Wire::kPlanningEnabledFieldNumber)
    SAME(Setting::kWarpDriveContext, Wire::kWarpDriveContextEnabledFieldNumber)
    SAME(Setting::kCreateFiles, Wire::kSupportsCreateFilesFieldNumber)
    SAME(Setting::kLongRunningCommands, Wire::kSupportsLongRunningCommandsFieldNumber)
    SAME(Setting::kPreserveFileContentInHistory, Wire::kShouldPreserveFileContentInHistoryFieldNumber)
    SAME(Setting::kTodosUi, Wire::kSupportsTodosUiFieldNumber)
    SAME(Setting::kLinkedCodeBlocks, Wire::kSupportsLinkedCodeBlocksFieldNumber)
    SAME(Setting::kStartedChildTaskMessage, Wire::kSupportsStartedChildTaskMessageFieldNumber)
    SAME(Setting::kSuggestPrompt, Wire::kSupportsSuggestPromptFieldNumber)
    SAME(Setting::kReadImageFiles, Wire::kSupportsReadImageFilesFieldNumber)
    SAME(Setting::kReasoningMessage, Wire::kSupportsReasoningMessageFieldNumber)
    SAME(Setting::kWebSearch, Wire::kWebSearchEnabledFieldNumber)
    SAME(Setting::kV4aFileDiffs, Wire::kSupportsV4AFileDiffsFieldNumber)
    SAME(Setting::kSummarizationViaReplacement, Wire::kSupportsSummarizationViaMessageReplacementFieldNumber)
    SAME(Setting::kBundledSkills, Wire::kSupportsBundledSkillsFieldNumber)
    SAME(Setting::kResearchAgent, Wire::kSupportsResearchAgentFieldNumber)
    SAME(Setting::kOrchestrationV2, Wire::kSupportsOrchestrationV2FieldNumber)
    SAME(Setting::kBackgroundComputerUse, Wire::kSupportsBackgroundComputerUseFieldNumber)
    SAME(Setting::kOrchestrationRunners, Wire::kSupportsOrchestrationRunnersFieldNumber)
  }
}

[[maybe_unused]] void Pin(ModelRole role) {
  using Wire = wire::Request::Settings::ModelConfig;
  switch (role) {
    SAME(ModelRole::kPlanning, Wire::kPlanningFieldNumber)
    SAME(ModelRole::kCoding, Wire::kCodingFieldNumber)
    SAME(ModelRole::kCliAgent, Wire::kCliAgentFieldNumber)
    SAME(ModelRole::kComputerUse, Wire::kComputerUseAgentFieldNumber)
  }
}

[[maybe_unused]] void Pin(ModelProvider provider) {
  using Wire = wire::Request::Settings::ApiKeys;
  switch (provider) {
    SAME(ModelProvider::kAnthropic, Wire::kAnthropicFieldNumber)
    SAME(ModelProvider::kOpenAi, Wire::kOpenaiFieldNumber)
    SAME(ModelProvider::kGoogle, Wire::kGoogleFieldNumber)
    SAME(ModelProvider::kOpenRouter, Wire::kOpenRouterFieldNumber)
    SAME(ModelProvider::kXai, Wire::kGrokOauthAccessTokenFieldNumber)
  }
}

[[maybe_unused]] void Pin(QueryMode mode) {
  switch (mode) {
    SAME(QueryMode::kNormal, wire::UserQueryMode::TYPE_NOT_SET)
    SAME(QueryMode::kPlan, wire::UserQueryMode::kPlan)
    SAME(QueryMode::kOrchestrate, wire::UserQueryMode::kOrchestrate)
  }
}

}  // namespace
}  // namespace warppool::internal
