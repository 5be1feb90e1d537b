// What is asked of the agent.
//
//   warppool::Request request("Why does this test fail?");
//   request.context.directory = "/home/me/project";
//   request.context.files.push_back({"test.c", text});
//   request.settings[warppool::Setting::kWebSearch] = true;
//
// A value type: copy it freely, and use each copy from one thread at a time.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "warppool/config.h"
#include "warppool/context.h"
#include "warppool/tool.h"

namespace warppool {

// The service's switches, by their field numbers (Request.Settings in proto/); what is not set is left to the service.
// The numbers are the same in C (warppool_setting).
enum class Setting : int {
  kRules = 2,                          // the account's rules
  kWebContextRetrieval = 3,            // the agent may look things up by itself
  kParallelToolCalls = 4,              // several calls in one answer
  kAnthropicTextEditorTools = 5,       // file diffs in that style
  kPlanning = 6,                       //
  kWarpDriveContext = 7,               // the account's documents
  kCreateFiles = 8,                    // kApplyFileDiffs may bring new files
  kLongRunningCommands = 10,           // ShellRunning is an answer
  kPreserveFileContentInHistory = 11,  //
  kTodosUi = 12,                       // to-do lists are shown
  kLinkedCodeBlocks = 13,              //
  kStartedChildTaskMessage = 14,       //
  kSuggestPrompt = 15,                 //
  kReadImageFiles = 16,                // kReadFiles may bring images
  kReasoningMessage = 17,              // reasoning comes as it is made; on by default
  kWebSearch = 21,                     //
  kV4aFileDiffs = 23,                  //
  kSummarizationViaReplacement = 24,   // the service may replace old messages by a summary
  kBundledSkills = 25,                 //
  kResearchAgent = 26,                 //
  kOrchestrationV2 = 27,               //
  kBackgroundComputerUse = 29,         //
  kOrchestrationRunners = 31,          //
};

// What another model than Request::model is for. The numbers are the same in C (warppool_model_role).
enum class ModelRole : int { kPlanning = 2, kCoding = 3, kCliAgent = 4, kComputerUse = 5 };

// Whose key it is that the user brings. The numbers are the same in C (warppool_model_provider).
enum class ModelProvider : int { kAnthropic = 1, kOpenAi = 2, kGoogle = 3, kOpenRouter = 4, kXai = 8 };

struct AwsCredentials {
  Secret access_key;
  Secret secret_key{};
  Secret session_token{};
  std::string region{};
};

// The user's own accounts at model providers. They travel to the service with the request, and appear in no log.
struct ModelKeys {
  std::map<ModelProvider, Secret> keys{};
  bool allow_warp_credits = false;  // the account's credits may be used where a key does not do
  AwsCredentials aws{};
  Secret google_cloud_access_token{};
};

// How the agent goes about the query. The numbers are the same in C (warppool_query_mode).
enum class QueryMode : int { kNormal = 0, kPlan = 1, kOrchestrate = 2 };

// The numbers are the same in C (warppool_request_kind).
enum class RequestKind : int {
  kInputs = 1,     // the query and the tool results; one of them at least
  kResume = 2,     // go on where the last answer broke off. The client does so by itself where it can
  kSummarize = 3,  // replace the conversation's history by a summary; `query`: what to keep in mind, may be empty
};

using LogValue = std::variant<std::string, bool, double>;

// Strings are UTF-8; anything else fails with kInvalidArgument, naming the field.
struct Request {
  Request() = default;
  explicit Request(std::string query_text) : query(std::move(query_text)) {}

  RequestKind kind = RequestKind::kInputs;
  std::string query;                     // the user's words
  std::vector<ToolResult> tool_results;  // what the tools brought that the last answer called
  QueryMode mode = QueryMode::kNormal;

  // Instructions that stand above the query, and are sent with one only; empty: none.
  std::string system_prompt{};
  std::map<std::string, Attachment> attachments;  // by the name that the query uses; "SYSTEM_PROMPT" is taken
  Context context{};

  std::string model = "auto";  // a model id of the service
  std::map<ModelRole, std::string> role_models{};
  std::uint32_t context_window_limit = 0;  // tokens, of `model`; 0: the service's
  ModelKeys model_keys{};
  std::map<Setting, bool> settings{{Setting::kReasoningMessage, true}};

  // What the agent may ask the program to run. Empty would mean *any* to the service, and is refused. The default is
  // right for a program without a terminal: it is asked for nothing but its own functions.
  std::vector<Tool> allowed_tools{Tool::kCallMcpTool};
  std::vector<McpServer> mcp_servers{};  // the program's functions

  // Metadata for the service's own log.
  std::map<std::string, LogValue> logging{{"entrypoint", std::string("USER_INITIATED")}};

  // Instead of all the above, for whoever speaks the protocol himself: a serialized Request, sent as it is. Nothing of
  // its answer is interpreted but where it begins and how it ends; what is between comes as RawEvent. It belongs to no
  // Conversation, and is not resumed.
  std::string raw{};
  // RawEvent for each event of the stream, beside what it means.
  bool raw_events = false;

  // From Start() to the last event, waits and other tokens included; then kDeadlineExceeded. 0: no limit.
  std::chrono::milliseconds timeout{0};

  // Whether to wait for a token when none is ready (Config::max_token_wait); false: fail at once.
  bool wait_for_token = true;
};

}  // namespace warppool
