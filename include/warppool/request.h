// What is asked of the agent.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace warppool {

// A tool of the Warp agent, as the service numbers them (ToolType in proto/). Only those that a program can answer for.
enum class Tool : int {
  kCallMcpTool = 9,
};

// Strings are UTF-8; anything else fails with kInvalidArgument, naming the field. A value type.
struct Request {
  Request() = default;
  explicit Request(std::string query_text) : query(std::move(query_text)) {}

  std::string query;            // the user's words; must not be empty
  std::string model = "auto";   // a model id of the service
  std::string system_prompt{};  // instructions that stand above the query; empty: none

  // What the agent may ask the program to run. Empty would mean *any* to the service, and is refused.
  std::vector<Tool> allowed_tools{Tool::kCallMcpTool};

  // Metadata for the service's own log.
  std::map<std::string, std::string> logging{{"entrypoint", "USER_INITIATED"}};

  // From Start() to the last event, waits and other tokens included; then kDeadlineExceeded. 0: no limit.
  std::chrono::milliseconds timeout{0};

  // Whether to wait for a token when none is ready (Config::max_token_wait); false: fail at once.
  bool wait_for_token = true;
};

}  // namespace warppool
