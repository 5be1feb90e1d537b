// What a request must not say: each field is named, nothing is printed, no key is quoted.
#include <chrono>
#include <cmath>
#include <limits>
#include <string>

#include "unit/stderr_of.h"
#include "wire_text.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

std::string RefusalOf(const Request& request) {
  const auto builder = RequestBuilder::Create(request);
  if (builder.ok()) return "accepted";
  CHECK(builder.code() == Code::kInvalidArgument);
  return builder.status().message();
}

struct Refused {
  const char* start;  // of the message
  void (*spoil)(Request*);
};

void CheckRefused(const Refused& row) {
  INFO(row.start);
  Request request("q");
  row.spoil(&request);
  CHECK_THAT(RefusalOf(request), StartsWith(row.start));
}

TEST_CASE("each field of the request that is not valid is named") {
  CheckRefused(GENERATE(values<Refused>({
      {"query: is empty, and there are no tool results", [](Request* r) { r->query.clear(); }},
      {"query: not UTF-8 at byte 1", [](Request* r) { r->query = "q\xFF"; }},
      {"query: a resumed conversation has none", [](Request* r) { r->kind = RequestKind::kResume; }},
      {"query: not UTF-8 at byte 0",
       [](Request* r) {
         r->kind = RequestKind::kSummarize;
         r->query = "\xFF";
       }},
      {"tool_results: only inputs have some",
       [](Request* r) {
         r->kind = RequestKind::kResume;
         r->tool_results.emplace_back();
       }},
      {"tool_results: only inputs have some",
       [](Request* r) {
         r->kind = RequestKind::kSummarize;
         r->tool_results.emplace_back();
       }},
      {"kind: unknown kind 0", [](Request* r) { r->kind = static_cast<RequestKind>(0); }},
      {"mode: unknown mode 3", [](Request* r) { r->mode = static_cast<QueryMode>(3); }},
      {"mode: is set, but there is no query",
       [](Request* r) {
         r->query.clear();
         r->tool_results.push_back({"c", Tool::kCallMcpTool, {}});
         r->mode = QueryMode::kPlan;
       }},
      {"mode: unknown mode -1",
       [](Request* r) {
         r->kind = RequestKind::kSummarize;
         r->mode = static_cast<QueryMode>(-1);
       }},
      {"system_prompt: not UTF-8 at byte 3", [](Request* r) { r->system_prompt = "abc\xED\xA0\x80"; }},
      {"system_prompt: not UTF-8 at byte 0",
       [](Request* r) {
         r->kind = RequestKind::kSummarize;
         r->system_prompt = "\xFF";
       }},
      {"attachments: are given, but there is no query",
       [](Request* r) {
         r->kind = RequestKind::kSummarize;
         r->attachments["a"] = "text";
       }},
      {"attachments: a name is empty", [](Request* r) { r->attachments[""] = "text"; }},
      {"attachments (a name): not UTF-8 at byte 1", [](Request* r) { r->attachments["a\xFF"] = "text"; }},
      {"attachments[\"SYSTEM_PROMPT\"]: the name is taken", [](Request* r) { r->attachments["SYSTEM_PROMPT"] = "x"; }},
      {"attachments[\"a\"]: not UTF-8 at byte 0", [](Request* r) { r->attachments["a"] = "\xFF"; }},
      {"attachments[\"a\"].command: is empty", [](Request* r) { r->attachments["a"] = ShellCommand{}; }},
      {"attachments[\"a\"].id: is empty", [](Request* r) { r->attachments["a"] = Document{}; }},
      {"attachments[\"a\"].content: not UTF-8",
       [](Request* r) {
         r->attachments["a"] = Document{"d", "\xFF"};
       }},
      {"attachments[\"a\"].path: is empty", [](Request* r) { r->attachments["a"] = FileReference{}; }},
      {"model: is empty", [](Request* r) { r->model.clear(); }},
      {"model: not UTF-8 at byte 0", [](Request* r) { r->model = "\xC3"; }},
      {"role_models: unknown role 1", [](Request* r) { r->role_models[static_cast<ModelRole>(1)] = "m"; }},
      {"role_models: unknown role 6", [](Request* r) { r->role_models[static_cast<ModelRole>(6)] = "m"; }},
      {"role_models[coding]: is empty", [](Request* r) { r->role_models[ModelRole::kCoding]; }},
      {"role_models[planning]: not UTF-8 at byte 0", [](Request* r) { r->role_models[ModelRole::kPlanning] = "\xFF"; }},
      {"settings: unknown setting 1", [](Request* r) { r->settings[static_cast<Setting>(1)] = true; }},
      {"settings: unknown setting 9", [](Request* r) { r->settings[static_cast<Setting>(9)] = true; }},
      {"settings: unknown setting 19", [](Request* r) { r->settings[static_cast<Setting>(19)] = true; }},
      {"settings: unknown setting -1", [](Request* r) { r->settings[static_cast<Setting>(-1)] = true; }},
      {"allowed_tools: is empty", [](Request* r) { r->allowed_tools.clear(); }},
      {"allowed_tools: unknown tool 4", [](Request* r) { r->allowed_tools.push_back(static_cast<Tool>(4)); }},
      {"allowed_tools: unknown tool -1", [](Request* r) { r->allowed_tools = {static_cast<Tool>(-1)}; }},
      {"logging (a key): not UTF-8 at byte 1", [](Request* r) { r->logging["k\xFE"] = "v"; }},
      {"logging[\"k\"]: not UTF-8 at byte 2", [](Request* r) { r->logging["k"] = "ab\x80"; }},
      {"logging[\"k\"]: is no finite number", [](Request* r) { r->logging["k"] = std::nan(""); }},
      {"logging[\"k\"]: is no finite number",
       [](Request* r) { r->logging["k"] = -std::numeric_limits<double>::infinity(); }},
      {"timeout: is negative", [](Request* r) { r->timeout = -1ms; }},
      {"timeout: is negative",
       [](Request* r) {
         r->raw = std::string("\x0a\x00", 2);
         r->timeout = -1ms;
       }},
      {"raw: 2 bytes that are no Request", [](Request* r) { r->raw = "\x0a\x05"; }},
      {"raw.metadata.conversation_id: not UTF-8 at byte 0", [](Request* r) { r->raw = "\x22\x03\x0a\x01\xFF"; }},
  })));
}

TEST_CASE("each part of the context that is not valid is named") {
  CheckRefused(GENERATE(values<Refused>({
      {"context.directory: not UTF-8 at byte 1", [](Request* r) { r->context.directory = "/\xFF"; }},
      {"context.home: not UTF-8", [](Request* r) { r->context.home = "\xFF"; }},
      {"context.platform: not UTF-8", [](Request* r) { r->context.platform = "\xFF"; }},
      {"context.distribution: not UTF-8", [](Request* r) { r->context.distribution = "\xFF"; }},
      {"context.shell: not UTF-8", [](Request* r) { r->context.shell = "\xFF"; }},
      {"context.shell_version: not UTF-8", [](Request* r) { r->context.shell_version = "\xFF"; }},
      {"context.git.head: not UTF-8", [](Request* r) { r->context.git.head = "\xFF"; }},
      {"context.git.branch: not UTF-8", [](Request* r) { r->context.git.branch = "\xFF"; }},
      {"context.git.repository: not UTF-8", [](Request* r) { r->context.git.repository = "\xFF"; }},
      {"context.git.owner: not UTF-8", [](Request* r) { r->context.git.owner = "\xFF"; }},
      {"context.git.host: not UTF-8", [](Request* r) { r->context.git.host = "\xFF"; }},
      {"context.codebases[0].name: is empty", [](Request* r) { r->context.codebases = {{""}}; }},
      {"context.codebases[0].path: not UTF-8",
       [](Request* r) {
         r->context.codebases = {{"a", "\xFF"}};
       }},
      {"context.project_rules[0].root_path: is empty", [](Request* r) { r->context.project_rules = {{""}}; }},
      {"context.project_rules[0].active_files[1].path: is empty",
       [](Request* r) {
         r->context.project_rules = {{"/", {{"a"}, {""}}}};
       }},
      {"context.project_rules[0].additional_paths[0]: is empty",
       [](Request* r) {
         r->context.project_rules = {{"/", {}, {""}}};
       }},
      {"context.selected_text[1]: not UTF-8",
       [](Request* r) {
         r->context.selected_text = {"a", "\xFF"};
       }},
      {"context.selected_text[0]: is empty", [](Request* r) { r->context.selected_text = {""}; }},
      {"context.files[0].path: is empty",
       [](Request* r) {
         r->context.files = {{"", "text"}};
       }},
      {"context.files[0].content: not UTF-8 at byte 7",
       [](Request* r) {
         r->context.files = {{"a", "1234567\xFF"}};
       }},
      {"context.files[0].last_line: is 2, before first_line, 3",
       [](Request* r) {
         r->context.files = {{"a", "", 3, 2}};
       }},
      {"context.files[0].last_line: is set, but first_line is not",
       [](Request* r) {
         r->context.files = {{"a", "", 0, 2}};
       }},
      {"context.images[0].data: is empty",
       [](Request* r) {
         r->context.images = {{"", "image/png"}};
       }},
      {"context.images[0].mime_type: is empty",
       [](Request* r) {
         r->context.images = {{"\xFF", ""}};
       }},
      {"context.shell_commands[0].command: is empty", [](Request* r) { r->context.shell_commands = {{""}}; }},
      {"context.shell_commands[0].output: not UTF-8",
       [](Request* r) {
         r->context.shell_commands = {{"a", "\xFF"}};
       }},
      {"context.shell_commands[0].command_id: not UTF-8",
       [](Request* r) {
         r->context.shell_commands = {{"a", "", 0, "\xFF"}};
       }},
  })));
}

TEST_CASE("each part of the program's tools that is not valid is named") {
  CheckRefused(GENERATE(values<Refused>({
      {"mcp_servers[0].name: is empty",
       [](Request* r) {
         r->mcp_servers = {{"", "", "id"}};
       }},
      {"mcp_servers[0].name: not UTF-8", [](Request* r) { r->mcp_servers = {{"\xFF"}}; }},
      {"mcp_servers[0].description: not UTF-8",
       [](Request* r) {
         r->mcp_servers = {{"a", "\xFF"}};
       }},
      {"mcp_servers[0].id: not UTF-8",
       [](Request* r) {
         r->mcp_servers = {{"a", "", "\xFF"}};
       }},
      {"mcp_servers[1].id: is there already",
       [](Request* r) {
         r->mcp_servers = {{"a"}, {"a"}};
       }},
      {"mcp_servers[1].id: is there already",
       [](Request* r) {
         r->mcp_servers = {{"a"}, {"b", "", "a"}};
       }},
      {"mcp_servers[0].tools[0].name: is empty",
       [](Request* r) {
         r->mcp_servers = {{"a", "", "", {{""}}}};
       }},
      {"mcp_servers[0].tools[1].name: is there already",
       [](Request* r) {
         r->mcp_servers = {{"a", "", "", {{"t"}, {"t"}}}};
       }},
      {"mcp_servers[0].tools[0].description: not UTF-8",
       [](Request* r) {
         r->mcp_servers = {{"a", "", "", {{"t", "\xFF"}}}};
       }},
      {"mcp_servers[0].tools[0].input_schema: is no JSON object",
       [](Request* r) {
         r->mcp_servers = {{"a", "", "", {{"t", "", "[]"}}}};
       }},
      {"mcp_servers[0].tools[0].input_schema: not valid JSON at byte 5",
       [](Request* r) {
         r->mcp_servers = {{"a", "", "", {{"t", "", R"({"a":})"}}}};
       }},
      {"mcp_servers[0].tools[0].input_schema: not UTF-8 at byte 2",
       [](Request* r) {
         r->mcp_servers = {{"a", "", "", {{"t", "", "{\"\xFF\":1}"}}}};
       }},
      {"mcp_servers[0].resources[0].uri: is empty",
       [](Request* r) {
         r->mcp_servers = {{"a", "", "", {}, {{""}}}};
       }},
      {"mcp_servers[0].resources[0].mime_type: not UTF-8",
       [](Request* r) {
         r->mcp_servers = {{"a", "", "", {}, {{"u", "", "", "\xFF"}}}};
       }},
  })));
}

TEST_CASE("each model key that is not valid is named, and no error quotes one") {
  CheckRefused(GENERATE(values<Refused>({
      {"model_keys.keys: unknown provider 5",
       [](Request* r) { r->model_keys.keys[static_cast<ModelProvider>(5)] = Secret("sk-demo-key"); }},
      {"model_keys.keys: unknown provider 6",
       [](Request* r) { r->model_keys.keys[static_cast<ModelProvider>(6)] = Secret("sk-demo-key"); }},
      {"model_keys.keys[anthropic]: is empty",
       [](Request* r) { r->model_keys.keys[ModelProvider::kAnthropic] = Secret(); }},
      {"model_keys.aws.access_key: is empty", [](Request* r) { r->model_keys.aws.region = "eu-west-1"; }},
      {"model_keys.aws.secret_key: is empty", [](Request* r) { r->model_keys.aws.access_key = Secret("id"); }},
      {"model_keys.aws.region: not UTF-8 at byte 0",
       [](Request* r) {
         r->model_keys.aws = {Secret("id"), Secret("key"), {}, "\xFF"};
       }},
  })));
}

TEST_CASE("a key that is not UTF-8 is refused without being quoted") {
  const Secret key("sk-demo-key\xFF");
  Request request("q");
  SECTION("of a provider") {
    request.model_keys.keys[ModelProvider::kXai] = key;
  }
  SECTION("of Amazon's") {
    request.model_keys.aws = {Secret("id"), key};
  }
  SECTION("of a session of Amazon's") {
    request.model_keys.aws = {Secret("id"), Secret("key"), key};
  }
  SECTION("of Google's") {
    request.model_keys.google_cloud_access_token = key;
  }
  CHECK_THAT(RefusalOf(request),
             StartsWith("model_keys.") && ContainsSubstring(": not UTF-8 at byte 11") && !ContainsSubstring("demo"));
}

TEST_CASE("nothing is printed about what is refused") {
  Request raw;
  raw.raw = "\x22\x03\x0a\x01\xFF";
  Request result("q");
  result.tool_results.push_back({"c", Tool::kGrep, ResultJson{R"({"sucess": {}})"}});
  std::string refusals;
  const std::string printed = StderrOf([&] { refusals = RefusalOf(raw) + RefusalOf(result); });
  CHECK_THAT(refusals, !ContainsSubstring("accepted"));
  CHECK(printed.empty());
}

TEST_CASE("what is in a raw request but in no schema is no reason to refuse it") {
  Request request;
  request.raw = std::string("\xc2\x3e\x03...", 6);  // field 1000
  CHECK(RefusalOf(request) == "accepted");
}

}  // namespace
}  // namespace warppool::internal
