// Pins the numbers of the C enumerations to those of C++. No code comes out of it: a number that differs does not
// compile, and a C++ value that C does not have is a warning about the switch.
#include "warppool.h"
#include "warppool/client.h"

#define SAME(cpp, c)                                                             \
  case cpp: {                                                                    \
    static_assert(static_cast<int>(cpp) == static_cast<int>(c), #c " is wrong"); \
    break;                                                                       \
  }

namespace warppool::capi {
namespace {

[[maybe_unused]] void Pin(Code code) {
  switch (code) {
    SAME(Code::kOk, WARPPOOL_OK)
    SAME(Code::kTimeout, WARPPOOL_TIMEOUT)
    SAME(Code::kEnd, WARPPOOL_END)
    SAME(Code::kCancelled, WARPPOOL_CANCELLED)
    SAME(Code::kInvalidArgument, WARPPOOL_INVALID_ARGUMENT)
    SAME(Code::kMisuse, WARPPOOL_MISUSE)
    SAME(Code::kInvalidConfig, WARPPOOL_INVALID_CONFIG)
    SAME(Code::kNoTokens, WARPPOOL_NO_TOKENS)
    SAME(Code::kMisconfigured, WARPPOOL_MISCONFIGURED)
    SAME(Code::kOutOfMemory, WARPPOOL_OUT_OF_MEMORY)
    SAME(Code::kInternal, WARPPOOL_INTERNAL)
    SAME(Code::kUnauthorized, WARPPOOL_UNAUTHORIZED)
    SAME(Code::kQuotaExhausted, WARPPOOL_QUOTA_EXHAUSTED)
    SAME(Code::kNoTokenReady, WARPPOOL_NO_TOKEN_READY)
    SAME(Code::kAllTokensFailed, WARPPOOL_ALL_TOKENS_FAILED)
    SAME(Code::kNetwork, WARPPOOL_NETWORK)
    SAME(Code::kOverloaded, WARPPOOL_OVERLOADED)
    SAME(Code::kServerError, WARPPOOL_SERVER_ERROR)
    SAME(Code::kRequestRejected, WARPPOOL_REQUEST_REJECTED)
    SAME(Code::kDeadlineExceeded, WARPPOOL_DEADLINE_EXCEEDED)
    SAME(Code::kBlocked, WARPPOOL_BLOCKED)
    SAME(Code::kNotAStream, WARPPOOL_NOT_A_STREAM)
    SAME(Code::kEmptyAnswer, WARPPOOL_EMPTY_ANSWER)
    SAME(Code::kTruncated, WARPPOOL_TRUNCATED)
    SAME(Code::kConnectionLost, WARPPOOL_CONNECTION_LOST)
    SAME(Code::kUndecodableEvent, WARPPOOL_UNDECODABLE_EVENT)
    SAME(Code::kLimitExceeded, WARPPOOL_LIMIT_EXCEEDED)
    SAME(Code::kInvalidAction, WARPPOOL_INVALID_ACTION)
    SAME(Code::kMaxTokenLimit, WARPPOOL_MAX_TOKEN_LIMIT)
    SAME(Code::kContextWindowExceeded, WARPPOOL_CONTEXT_WINDOW_EXCEEDED)
    SAME(Code::kModelUnavailable, WARPPOOL_MODEL_UNAVAILABLE)
    SAME(Code::kAgentError, WARPPOOL_AGENT_ERROR)
    SAME(Code::kInvalidModelKey, WARPPOOL_INVALID_MODEL_KEY)
    SAME(Code::kFinishedOther, WARPPOOL_FINISHED_OTHER)
    SAME(Code::kFinishedUnknown, WARPPOOL_FINISHED_UNKNOWN)
  }
}

[[maybe_unused]] void Pin(LogLevel level) {
  switch (level) {
    SAME(LogLevel::kDebug, WARPPOOL_LOG_DEBUG)
    SAME(LogLevel::kInfo, WARPPOOL_LOG_INFO)
    SAME(LogLevel::kWarning, WARPPOOL_LOG_WARNING)
    SAME(LogLevel::kError, WARPPOOL_LOG_ERROR)
  }
}

[[maybe_unused]] void Pin(Tier tier) {
  switch (tier) {
    SAME(Tier::kPersonal, WARPPOOL_TIER_PERSONAL)
    SAME(Tier::kShared, WARPPOOL_TIER_SHARED)
    SAME(Tier::kAnonymous, WARPPOOL_TIER_ANONYMOUS)
  }
}

[[maybe_unused]] void Pin(CredentialKind kind) {
  switch (kind) {
    SAME(CredentialKind::kRefreshToken, WARPPOOL_CREDENTIAL_REFRESH_TOKEN)
    SAME(CredentialKind::kApiKey, WARPPOOL_CREDENTIAL_API_KEY)
    SAME(CredentialKind::kCallback, WARPPOOL_CREDENTIAL_CALLBACK)
  }
}

[[maybe_unused]] void Pin(Strategy strategy) {
  switch (strategy) {
    SAME(Strategy::kRoundRobin, WARPPOOL_STRATEGY_ROUND_ROBIN)
    SAME(Strategy::kFillFirst, WARPPOOL_STRATEGY_FILL_FIRST)
    SAME(Strategy::kLeastInFlight, WARPPOOL_STRATEGY_LEAST_IN_FLIGHT)
  }
}

[[maybe_unused]] void Pin(Tool tool) {
  switch (tool) {
    SAME(Tool::kRunShellCommand, WARPPOOL_TOOL_RUN_SHELL_COMMAND)
    SAME(Tool::kSearchCodebase, WARPPOOL_TOOL_SEARCH_CODEBASE)
    SAME(Tool::kReadFiles, WARPPOOL_TOOL_READ_FILES)
    SAME(Tool::kApplyFileDiffs, WARPPOOL_TOOL_APPLY_FILE_DIFFS)
    SAME(Tool::kGrep, WARPPOOL_TOOL_GREP)
    SAME(Tool::kFileGlob, WARPPOOL_TOOL_FILE_GLOB)
    SAME(Tool::kReadMcpResource, WARPPOOL_TOOL_READ_MCP_RESOURCE)
    SAME(Tool::kCallMcpTool, WARPPOOL_TOOL_CALL_MCP_TOOL)
    SAME(Tool::kWriteToShellCommand, WARPPOOL_TOOL_WRITE_TO_SHELL_COMMAND)
    SAME(Tool::kSuggestNewConversation, WARPPOOL_TOOL_SUGGEST_NEW_CONVERSATION)
    SAME(Tool::kFileGlobV2, WARPPOOL_TOOL_FILE_GLOB_V2)
    SAME(Tool::kSuggestPrompt, WARPPOOL_TOOL_SUGGEST_PROMPT)
    SAME(Tool::kReadShellCommandOutput, WARPPOOL_TOOL_READ_SHELL_COMMAND_OUTPUT)
    SAME(Tool::kAskUserQuestion, WARPPOOL_TOOL_ASK_USER_QUESTION)
  }
}

[[maybe_unused]] void Pin(Setting setting) {
  switch (setting) {
    SAME(Setting::kRules, WARPPOOL_SETTING_RULES)
    SAME(Setting::kWebContextRetrieval, WARPPOOL_SETTING_WEB_CONTEXT_RETRIEVAL)
    SAME(Setting::kParallelToolCalls, WARPPOOL_SETTING_PARALLEL_TOOL_CALLS)
    SAME(Setting::kAnthropicTextEditorTools, WARPPOOL_SETTING_ANTHROPIC_TEXT_EDITOR_TOOLS)
    SAME(Setting::kPlanning, WARPPOOL_SETTING_PLANNING)
    SAME(Setting::kWarpDriveContext, WARPPOOL_SETTING_WARP_DRIVE_CONTEXT)
    SAME(Setting::kCreateFiles, WARPPOOL_SETTING_CREATE_FILES)
    SAME(Setting::kLongRunningCommands, WARPPOOL_SETTING_LONG_RUNNING_COMMANDS)
    SAME(Setting::kPreserveFileContentInHistory, WARPPOOL_SETTING_PRESERVE_FILE_CONTENT_IN_HISTORY)
    SAME(Setting::kTodosUi, WARPPOOL_SETTING_TODOS_UI)
    SAME(Setting::kLinkedCodeBlocks, WARPPOOL_SETTING_LINKED_CODE_BLOCKS)
    SAME(Setting::kStartedChildTaskMessage, WARPPOOL_SETTING_STARTED_CHILD_TASK_MESSAGE)
    SAME(Setting::kSuggestPrompt, WARPPOOL_SETTING_SUGGEST_PROMPT)
    SAME(Setting::kReadImageFiles, WARPPOOL_SETTING_READ_IMAGE_FILES)
    SAME(Setting::kReasoningMessage, WARPPOOL_SETTING_REASONING_MESSAGE)
    SAME(Setting::kWebSearch, WARPPOOL_SETTING_WEB_SEARCH)
    SAME(Setting::kV4aFileDiffs, WARPPOOL_SETTING_V4A_FILE_DIFFS)
    SAME(Setting::kSummarizationViaReplacement, WARPPOOL_SETTING_SUMMARIZATION_VIA_REPLACEMENT)
    SAME(Setting::kBundledSkills, WARPPOOL_SETTING_BUNDLED_SKILLS)
    SAME(Setting::kResearchAgent, WARPPOOL_SETTING_RESEARCH_AGENT)
    SAME(Setting::kOrchestrationV2, WARPPOOL_SETTING_ORCHESTRATION_V2)
    SAME(Setting::kBackgroundComputerUse, WARPPOOL_SETTING_BACKGROUND_COMPUTER_USE)
    SAME(Setting::kOrchestrationRunners, WARPPOOL_SETTING_ORCHESTRATION_RUNNERS)
  }
}

[[maybe_unused]] void Pin(ModelRole role) {
  switch (role) {
    SAME(ModelRole::kPlanning, WARPPOOL_MODEL_ROLE_PLANNING)
    SAME(ModelRole::kCoding, WARPPOOL_MODEL_ROLE_CODING)
    SAME(ModelRole::kCliAgent, WARPPOOL_MODEL_ROLE_CLI_AGENT)
    SAME(ModelRole::kComputerUse, WARPPOOL_MODEL_ROLE_COMPUTER_USE)
  }
}

[[maybe_unused]] void Pin(ModelProvider provider) {
  switch (provider) {
    SAME(ModelProvider::kAnthropic, WARPPOOL_MODEL_PROVIDER_ANTHROPIC)
    SAME(ModelProvider::kOpenAi, WARPPOOL_MODEL_PROVIDER_OPENAI)
    SAME(ModelProvider::kGoogle, WARPPOOL_MODEL_PROVIDER_GOOGLE)
    SAME(ModelProvider::kOpenRouter, WARPPOOL_MODEL_PROVIDER_OPENROUTER)
    SAME(ModelProvider::kXai, WARPPOOL_MODEL_PROVIDER_XAI)
  }
}

[[maybe_unused]] void Pin(QueryMode mode) {
  switch (mode) {
    SAME(QueryMode::kNormal, WARPPOOL_QUERY_MODE_NORMAL)
    SAME(QueryMode::kPlan, WARPPOOL_QUERY_MODE_PLAN)
    SAME(QueryMode::kOrchestrate, WARPPOOL_QUERY_MODE_ORCHESTRATE)
  }
}

[[maybe_unused]] void Pin(RequestKind kind) {
  switch (kind) {
    SAME(RequestKind::kInputs, WARPPOOL_REQUEST_INPUTS)
    SAME(RequestKind::kResume, WARPPOOL_REQUEST_RESUME)
    SAME(RequestKind::kSummarize, WARPPOOL_REQUEST_SUMMARIZE)
  }
}

[[maybe_unused]] void Pin(Flow flow) {
  switch (flow) {
    SAME(Flow::kContinue, WARPPOOL_FLOW_CONTINUE)
    SAME(Flow::kPause, WARPPOOL_FLOW_PAUSE)
    SAME(Flow::kCancel, WARPPOOL_FLOW_CANCEL)
  }
}

[[maybe_unused]] void Pin(NextStep step) {
  switch (step) {
    SAME(NextStep::kSameToken, WARPPOOL_NEXT_SAME_TOKEN)
    SAME(NextStep::kNextToken, WARPPOOL_NEXT_NEXT_TOKEN)
    SAME(NextStep::kWait, WARPPOOL_NEXT_WAIT)
    SAME(NextStep::kGiveUp, WARPPOOL_NEXT_GIVE_UP)
    SAME(NextStep::kResume, WARPPOOL_NEXT_RESUME)
  }
}

[[maybe_unused]] void Pin(MessageKind kind) {
  switch (kind) {
    SAME(MessageKind::kOther, WARPPOOL_MESSAGE_OTHER)
    SAME(MessageKind::kUserQuery, WARPPOOL_MESSAGE_USER_QUERY)
    SAME(MessageKind::kAgentOutput, WARPPOOL_MESSAGE_AGENT_OUTPUT)
    SAME(MessageKind::kToolCall, WARPPOOL_MESSAGE_TOOL_CALL)
    SAME(MessageKind::kToolCallResult, WARPPOOL_MESSAGE_TOOL_CALL_RESULT)
    SAME(MessageKind::kServerEvent, WARPPOOL_MESSAGE_SERVER_EVENT)
    SAME(MessageKind::kSystemQuery, WARPPOOL_MESSAGE_SYSTEM_QUERY)
    SAME(MessageKind::kTodos, WARPPOOL_MESSAGE_TODOS)
    SAME(MessageKind::kReasoning, WARPPOOL_MESSAGE_REASONING)
    SAME(MessageKind::kSummarization, WARPPOOL_MESSAGE_SUMMARIZATION)
    SAME(MessageKind::kWebSearch, WARPPOOL_MESSAGE_WEB_SEARCH)
    SAME(MessageKind::kWebFetch, WARPPOOL_MESSAGE_WEB_FETCH)
    SAME(MessageKind::kDebugOutput, WARPPOOL_MESSAGE_DEBUG_OUTPUT)
    SAME(MessageKind::kModelUsed, WARPPOOL_MESSAGE_MODEL_USED)
  }
}

[[maybe_unused]] void Pin(FinishReason reason) {
  switch (reason) {
    SAME(FinishReason::kDone, WARPPOOL_FINISH_DONE)
    SAME(FinishReason::kQuotaLimit, WARPPOOL_FINISH_QUOTA_LIMIT)
    SAME(FinishReason::kMaxTokenLimit, WARPPOOL_FINISH_MAX_TOKEN_LIMIT)
    SAME(FinishReason::kContextWindowExceeded, WARPPOOL_FINISH_CONTEXT_WINDOW_EXCEEDED)
    SAME(FinishReason::kModelUnavailable, WARPPOOL_FINISH_MODEL_UNAVAILABLE)
    SAME(FinishReason::kInternalError, WARPPOOL_FINISH_INTERNAL_ERROR)
    SAME(FinishReason::kInvalidModelKey, WARPPOOL_FINISH_INVALID_MODEL_KEY)
    SAME(FinishReason::kOther, WARPPOOL_FINISH_OTHER)
    SAME(FinishReason::kUnknown, WARPPOOL_FINISH_UNKNOWN)
  }
}

[[maybe_unused]] void Pin(TokenState state) {
  switch (state) {
    SAME(TokenState::kReady, WARPPOOL_TOKEN_READY)
    SAME(TokenState::kCooling, WARPPOOL_TOKEN_COOLING)
    SAME(TokenState::kDisabled, WARPPOOL_TOKEN_DISABLED)
    SAME(TokenState::kHalfOpen, WARPPOOL_TOKEN_HALF_OPEN)
    SAME(TokenState::kResting, WARPPOOL_TOKEN_RESTING)
  }
}

[[maybe_unused]] void Pin(PoolEventKind kind) {
  switch (kind) {
    SAME(PoolEventKind::kLoaded, WARPPOOL_POOL_EVENT_LOADED)
    SAME(PoolEventKind::kChosen, WARPPOOL_POOL_EVENT_CHOSEN)
    SAME(PoolEventKind::kAttemptFailed, WARPPOOL_POOL_EVENT_ATTEMPT_FAILED)
    SAME(PoolEventKind::kFailure, WARPPOOL_POOL_EVENT_FAILURE)
    SAME(PoolEventKind::kDisabled, WARPPOOL_POOL_EVENT_DISABLED)
    SAME(PoolEventKind::kCooling, WARPPOOL_POOL_EVENT_COOLING)
    SAME(PoolEventKind::kRecovered, WARPPOOL_POOL_EVENT_RECOVERED)
    SAME(PoolEventKind::kRefreshed, WARPPOOL_POOL_EVENT_REFRESHED)
    SAME(PoolEventKind::kRotated, WARPPOOL_POOL_EVENT_ROTATED)
    SAME(PoolEventKind::kSameAccount, WARPPOOL_POOL_EVENT_SAME_ACCOUNT)
    SAME(PoolEventKind::kTierExhausted, WARPPOOL_POOL_EVENT_TIER_EXHAUSTED)
    SAME(PoolEventKind::kPoolExhausted, WARPPOOL_POOL_EVENT_POOL_EXHAUSTED)
    SAME(PoolEventKind::kRemoved, WARPPOOL_POOL_EVENT_REMOVED)
    SAME(PoolEventKind::kChanged, WARPPOOL_POOL_EVENT_CHANGED)
    SAME(PoolEventKind::kRestored, WARPPOOL_POOL_EVENT_RESTORED)
    SAME(PoolEventKind::kStoreFailed, WARPPOOL_POOL_EVENT_STORE_FAILED)
  }
}

[[maybe_unused]] void Pin(Outcome outcome) {
  switch (outcome) {
    SAME(Outcome::kSuccess, WARPPOOL_OUTCOME_SUCCESS)
    SAME(Outcome::kAccepted, WARPPOOL_OUTCOME_ACCEPTED)
    SAME(Outcome::kAuthStale, WARPPOOL_OUTCOME_AUTH_STALE)
    SAME(Outcome::kAuthRejected, WARPPOOL_OUTCOME_AUTH_REJECTED)
    SAME(Outcome::kAuthRevoked, WARPPOOL_OUTCOME_AUTH_REVOKED)
    SAME(Outcome::kQuotaExhausted, WARPPOOL_OUTCOME_QUOTA_EXHAUSTED)
    SAME(Outcome::kServerError, WARPPOOL_OUTCOME_SERVER_ERROR)
    SAME(Outcome::kOverloaded, WARPPOOL_OUTCOME_OVERLOADED)
    SAME(Outcome::kNetwork, WARPPOOL_OUTCOME_NETWORK)
    SAME(Outcome::kStreamCut, WARPPOOL_OUTCOME_STREAM_CUT)
    SAME(Outcome::kRequestFault, WARPPOOL_OUTCOME_REQUEST_FAULT)
    SAME(Outcome::kGarbled, WARPPOOL_OUTCOME_GARBLED)
    SAME(Outcome::kMisconfigured, WARPPOOL_OUTCOME_MISCONFIGURED)
    SAME(Outcome::kFinishedOtherwise, WARPPOOL_OUTCOME_FINISHED_OTHERWISE)
    SAME(Outcome::kCancelled, WARPPOOL_OUTCOME_CANCELLED)
    SAME(Outcome::kBlocked, WARPPOOL_OUTCOME_BLOCKED)
    SAME(Outcome::kHeld, WARPPOOL_OUTCOME_HELD)
  }
}

}  // namespace
}  // namespace warppool::capi
