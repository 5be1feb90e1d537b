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

  // Instead of all the above (what is below counts as well), for whoever speaks the protocol himself: a serialized
  // Request, sent as it is. Nothing of its answer is interpreted but where it begins and how it ends; what is between
  // comes as RawEvent. It belongs to no Conversation, and is not resumed.
  std::string raw{};
  // RawEvent for each event of the stream, beside what it means.
  bool raw_events = false;

  // From Start() to the last event, waits and other tokens included; then kDeadlineExceeded. 0: no limit.
  std::chrono::milliseconds timeout{0};

  // Whether to wait for a token when none is ready (Config::max_token_wait); false: fail at once. The waits before
  // trying again, and for an overloaded service, are other matters (Config::retry_budget).
  bool wait_for_token = true;

  // Which tokens may serve the request: those of these tiers, and those with these names (PoolStatus::tokens has them).
  // Empty: all. With both a token must satisfy both. No other token is ever sent any of the request, in no failover, no
  // wait and no try of a disabled token, and also not when the answer is resumed: when none that may serve can, the
  // request waits for one or fails, and the error says that it was restricted. A request without both may be served by
  // any token: what must not go to a shared one says so here. A conversation's request brings the whole history along,
  // so each request of one that is private needs this. If the conversation's own token may not serve, it moves to one
  // that may (ConversationMoved).
  //
  // The order within them means nothing: the client's tier_order stays. Neither does a repetition. A tier is that of a
  // token when it is chosen: one that is moved meanwhile is judged by its new tier, and one that is added may serve. A
  // name is that of a token at the start: that very token may serve, also when it is renamed or gets another credential
  // later; one that is removed cannot serve any more, and no other one inherits its name's permission.
  //
  // kInvalidArgument, at once, names what is wrong: "tiers[0]: is no tier", "tokens[1]: no token is called \"work\"".
  // So it does when no token of the pool may serve: "tiers: SHARED has no token, ANONYMOUS is not in tier_order". One
  // tier that has no token now is no error while another one has.
  std::vector<Tier> tiers{};
  std::vector<std::string> tokens{};
};

}  // namespace warppool
