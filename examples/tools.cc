// Lets the agent call functions of this program: it asks for a call and ends its answer, the program makes the call and
// sends the result with its next request.
//
//   tools [QUESTION [ENV_FILE]]
//
// Without a configuration a stand-in in this process answers, and calls what is there, and what is not. tools.c is the
// same in C.
#include <rapidjson/document.h>
#include <warppool/client.h>

#include <chrono>
#include <ctime>
#include <exception>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <variant>

#include "setup.h"
#include "tools_demo.h"

namespace {

constexpr int kMaxRounds = 8;  // an agent that never has enough must not go on for ever

using Output = warppool::ToolOutput;

Output Clock() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[sizeof("2026-01-01T00:00:00Z")];
  return warppool::McpOutput::Text({text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc)});
}

Output Add(const rapidjson::Value& arguments) {
  const auto a = arguments.FindMember("a");
  const auto b = arguments.FindMember("b");
  const auto end = arguments.MemberEnd();
  if (a == end || b == end || !a->value.IsNumber() || !b->value.IsNumber()) {
    return warppool::ToolError{"\"a\" and \"b\" must be numbers"};
  }
  std::ostringstream sum;
  sum << std::setprecision(15) << a->value.GetDouble() + b->value.GetDouble();
  return warppool::McpOutput::Text(sum.str());
}

// What the agent reads if it asks for what is not there, or in a wrong way, is an error: it may do better then.
Output Call(const warppool::PendingToolCall& call) {
  rapidjson::Document arguments;
  arguments.Parse<rapidjson::kParseIterativeFlag>(call.arguments.c_str());  // what comes from outside must not recurse
  if (arguments.HasParseError() || !arguments.IsObject())
    return warppool::ToolError{"the arguments are no JSON object"};
  if (call.name == "clock") return Clock();
  if (call.name == "add") return Add(arguments);
  return warppool::ToolError{"there is no function " + call.name};
}

// The functions go with every request: what a request does not bring, the agent cannot call.
warppool::Request NewRequest() {
  warppool::McpServer server;
  server.name = "demo";
  server.tools = {
      {"clock", "The present date and time, UTC"},
      {"add", "The sum of two numbers",
       R"({"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a","b"]})"},
  };
  warppool::Request request;
  request.mcp_servers.push_back(std::move(server));
  request.settings[warppool::Setting::kParallelToolCalls] = true;
  return request;
}

void PrintOutcome(const warppool::PendingToolCall& call, const Output& output) {
  std::cout << "call   " << call.name << " " << call.arguments << "\n";
  if (const auto* error = std::get_if<warppool::ToolError>(&output)) {
    std::cout << "error  " << error->message << "\n";
  } else if (const auto* result = std::get_if<warppool::McpOutput>(&output)) {
    std::cout << "result " << std::get<std::string>(result->parts.front()) << "\n";
  }
}

// The results of all calls that wait. A request that leaves one out leaves the agent waiting for it.
warppool::Request MakeCalls(const warppool::Conversation& conversation) {
  warppool::Request request = NewRequest();
  for (const warppool::PendingToolCall& call : conversation.PendingToolCalls()) {
    if (call.tool != warppool::ToolName(warppool::Tool::kCallMcpTool)) {
      std::cerr << "The agent calls " << call.tool << ", which Request::allowed_tools does not have.\n";
      continue;
    }
    const Output output = Call(call);
    PrintOutcome(call, output);
    request.tool_results.push_back({call.id, warppool::Tool::kCallMcpTool, output});
  }
  return request;
}

int Talk(warppool::Client* client, const std::string& question) {
  warppool::Conversation conversation;
  warppool::Request request = NewRequest();
  request.query = question;
  std::cout << "> " << question << "\n";
  for (int round = 0; round < kMaxRounds; ++round) {
    const auto answer = client->Ask(request, conversation);
    std::cout << answer.text << "\n";  // of an answer that broke off, what came
    if (!answer.ok()) {
      std::cerr << answer.status.ToString() << "\n";
      return 1;
    }
    request = MakeCalls(conversation);
    if (request.tool_results.empty()) return 0;
  }
  std::cerr << "The agent still calls functions after " << kMaxRounds << " rounds.\n";
  return 1;
}

int Run(const std::string& question, const std::string& env_file) {
  const auto setup = example::MakeSetup(env_file);
  if (!setup.ok()) {
    std::cerr << "The configuration cannot be used: " << setup.status().ToString() << "\n";
    return 2;
  }
  if (setup->stand_in) setup->stand_in->On(setup->token).Agent(loopback::ToolsDemo());
  std::cerr << setup->description << "\n";
  auto client = warppool::Client::Create(setup->config);
  if (!client.ok()) {
    std::cerr << "No client can be made: " << client.status().ToString() << "\n";
    return 2;
  }
  return Talk(client->get(), question);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 3 || (argc > 1 && argv[1][0] == '-')) {
    std::cerr << "usage: tools [QUESTION [ENV_FILE]]\n";
    return 2;
  }
  try {
    return Run(argc > 1 ? argv[1] : "What time is it, and what are 19 and 23 together?", argc > 2 ? argv[2] : "");
  } catch (const std::exception& error) {  // no port for the stand-in of the service
    std::cerr << error.what() << "\n";
    return 2;
  }
}
