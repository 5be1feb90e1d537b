// Requests: what is set is sent.
#include "capi_request.h"

#include <array>
#include <map>
#include <string>
#include <vector>

#include "protocol/request_builder.h"
#include "unit/protocol/wire_text.h"

namespace {

// What would be sent.
warppool::wire::Request Sent(const RequestHandle& handle) {
  auto builder = warppool::internal::RequestBuilder::Create(Peek(handle));
  INFO(builder.status().ToString());
  REQUIRE(builder.ok());
  warppool::wire::Request message;
  REQUIRE(message.ParseFromString(builder->Serialize({}, {})));
  return message;
}

}  // namespace

TEST_CASE("a request has the defaults of C++, and a copy is its own") {
  RequestHandle handle;
  RequestHandle copy;
  Make("why", &handle);
  REQUIRE(warppool_request_copy(handle, copy.out(), nullptr) == WARPPOOL_OK);
  CHECK(warppool_request_set_query(handle, "how", nullptr) == WARPPOOL_OK);
  CHECK(Peek(copy).query == "why");
  CHECK(warppool::internal::TextOf(Sent(copy)) == [] {
    auto builder = warppool::internal::RequestBuilder::Create(warppool::Request("why"));
    warppool::wire::Request message;
    CHECK(message.ParseFromString(builder->Serialize({}, "")));
    return warppool::internal::TextOf(message);
  }());
}

TEST_CASE("each setter of a request sets its own field") {
  RequestHandle handle;
  Make("why", &handle);
  const warppool::Request& request = Peek(handle);
  const std::array tools = {WARPPOOL_TOOL_ASK_USER_QUESTION, WARPPOOL_TOOL_RUN_SHELL_COMMAND};
  const std::array some_tiers = {WARPPOOL_TIER_ANONYMOUS, WARPPOOL_TIER_PERSONAL};
  for (const warppool_code code : {
           warppool_request_set_query(handle, "how", nullptr),
           warppool_request_set_kind(handle, WARPPOOL_REQUEST_SUMMARIZE, nullptr),
           warppool_request_set_mode(handle, WARPPOOL_QUERY_MODE_ORCHESTRATE, nullptr),
           warppool_request_set_system_prompt(handle, "be brief", nullptr),
           warppool_request_set_model(handle, "best", nullptr),
           warppool_request_set_role_model(handle, WARPPOOL_MODEL_ROLE_CODING, "coder", nullptr),
           warppool_request_set_role_model(handle, WARPPOOL_MODEL_ROLE_PLANNING, "planner", nullptr),
           warppool_request_set_role_model(handle, WARPPOOL_MODEL_ROLE_PLANNING, nullptr, nullptr),
           warppool_request_set_context_window_limit(handle, 7, nullptr),
           warppool_request_set_setting(handle, WARPPOOL_SETTING_WEB_SEARCH, 1, nullptr),
           warppool_request_set_setting(handle, WARPPOOL_SETTING_RULES, 0, nullptr),
           warppool_request_set_setting(handle, WARPPOOL_SETTING_REASONING_MESSAGE, -1, nullptr),
           warppool_request_set_model_key(handle, WARPPOOL_MODEL_PROVIDER_XAI, "demo-key", nullptr),
           warppool_request_set_model_key(handle, WARPPOOL_MODEL_PROVIDER_GOOGLE, "other", nullptr),
           warppool_request_set_model_key(handle, WARPPOOL_MODEL_PROVIDER_GOOGLE, nullptr, nullptr),
           warppool_request_set_aws_credentials(handle, "id", "secret", "session", "region", nullptr),
           warppool_request_set_google_cloud_access_token(handle, "demo-token", nullptr),
           warppool_request_set_allow_warp_credits(handle, 1, nullptr),
           warppool_request_set_logging(handle, "entrypoint", nullptr, nullptr),
           warppool_request_set_logging(handle, "never there", nullptr, nullptr),
           warppool_request_set_logging(handle, "a", "1", nullptr),
           warppool_request_set_logging_bool(handle, "b", 1, nullptr),
           warppool_request_set_logging_number(handle, "a", 0.5, nullptr),
           warppool_request_set_timeout_ms(handle, 5, nullptr),
           warppool_request_set_wait_for_token(handle, 0, nullptr),
           warppool_request_set_tiers(handle, some_tiers.data(), 1, nullptr),
           warppool_request_set_tiers(handle, some_tiers.data(), some_tiers.size(), nullptr),
           warppool_request_add_token(handle, "mine", nullptr),
           warppool_request_add_token(handle, "yours", nullptr),
           warppool_request_set_raw(handle, Bytes("\x0a\x00z"), 2, nullptr),
           warppool_request_set_raw_events(handle, 1, nullptr),
           warppool_request_set_allowed_tools(handle, tools.data(), tools.size(), nullptr),
       }) {
    CHECK(code == WARPPOOL_OK);
  }
  // Does not compile when C++ gets another field: give it a setter, and a line above or in the tests below.
  const auto& [kind, query, tool_results, mode, system_prompt, attachments, context, model, role_models,
               context_window_limit, model_keys, settings, allowed_tools, mcp_servers, logging, raw, raw_events,
               timeout, wait_for_token, tiers, tokens] = request;
  CHECK(kind == warppool::RequestKind::kSummarize);
  CHECK(query == "how");
  CHECK(tool_results.empty());
  CHECK(mode == warppool::QueryMode::kOrchestrate);
  CHECK(system_prompt == "be brief");
  CHECK(attachments.empty());
  CHECK(context.directory.empty());
  CHECK(model == "best");
  CHECK(role_models == std::map<warppool::ModelRole, std::string>{{warppool::ModelRole::kCoding, "coder"}});
  CHECK(context_window_limit == 7);
  CHECK(model_keys.keys.size() == 1);
  CHECK(model_keys.keys.at(warppool::ModelProvider::kXai).Reveal() == "demo-key");
  CHECK(model_keys.aws.access_key.Reveal() == "id");
  CHECK(model_keys.aws.secret_key.Reveal() == "secret");
  CHECK(model_keys.aws.session_token.Reveal() == "session");
  CHECK(model_keys.aws.region == "region");
  CHECK(model_keys.google_cloud_access_token.Reveal() == "demo-token");
  CHECK(model_keys.allow_warp_credits);
  CHECK(settings ==
        std::map<warppool::Setting, bool>{{warppool::Setting::kRules, false}, {warppool::Setting::kWebSearch, true}});
  CHECK(allowed_tools == std::vector{warppool::Tool::kAskUserQuestion, warppool::Tool::kRunShellCommand});
  CHECK(mcp_servers.empty());
  CHECK(logging == std::map<std::string, warppool::LogValue>{{"a", 0.5}, {"b", true}});
  CHECK(raw == std::string("\x0a\x00", 2));
  CHECK(raw_events);
  CHECK(timeout.count() == 5);
  CHECK_FALSE(wait_for_token);
  CHECK(tiers == std::vector{warppool::Tier::kAnonymous, warppool::Tier::kPersonal});
  CHECK(tokens == std::vector<std::string>{"mine", "yours"});

  CHECK(warppool_request_set_wait_for_token(handle, 1, nullptr) == WARPPOOL_OK);
  CHECK(wait_for_token);
  CHECK(warppool_request_set_raw(handle, nullptr, 0, nullptr) == WARPPOOL_OK);
  CHECK(raw.empty());
  CHECK(warppool_request_set_aws_credentials(handle, "", "", nullptr, nullptr, nullptr) == WARPPOOL_OK);
  CHECK(model_keys.aws.session_token.empty());
}

TEST_CASE("a context set in C is sent") {
  RequestHandle request;
  Make("why", &request);
  warppool_context context = WARPPOOL_CONTEXT_INIT;
  context.directory = "/p";
  context.home = "/h";
  context.platform = "Linux";
  context.distribution = "Debian";
  context.shell = "bash";
  context.shell_version = "5";
  context.current_time_ms = 1500;
  context.git_head = "0a";
  context.git_branch = "main";
  context.git_repository = "r";
  context.git_owner = "o";
  context.git_host = "x.org";
  const warppool_file_text whole = File("a", "text");
  const warppool_file_text lines = File("b", nullptr, 3, 4);
  warppool_shell_command command = Command("make");
  command.output = "out";
  command.command_id = "id";
  command.exit_code = -1;
  command.started_ms = 1000;
  command.finished_ms = 2000;
  for (const warppool_code code : {
           warppool_request_add_codebase(request, "c", "/c", nullptr),
           warppool_request_add_codebase(request, "d", nullptr, nullptr),
           warppool_request_add_selected_text(request, "selected", nullptr),
           warppool_request_add_file(request, &whole, nullptr), warppool_request_add_file(request, &lines, nullptr),
           warppool_request_add_image(request, Bytes("\xFF\x00z"), 2, "image/png", nullptr),
           warppool_request_add_shell_command(request, &command, nullptr),
           warppool_request_add_project_rules(request, "/", nullptr),
           warppool_request_add_project_rules(request, "/p", nullptr),
           warppool_request_add_rules_file(request, &whole, nullptr),
           warppool_request_add_rules_path(request, "R.md", nullptr),
           warppool_request_set_context(request, &context, nullptr),  // leaves what was added
       }) {
    CHECK(code == WARPPOOL_OK);
  }
  const std::string sent = warppool::internal::ShortTextOf(Sent(request).input().context());
  CHECK(sent == R"(directory { pwd: "/p" home: "/h" } operating_system { platform: "Linux" distribution: "Debian" } )"
                R"(shell { name: "bash" version: "5" } current_time { seconds: 1 nanos: 500000000 } )"
                R"(executed_shell_commands { command: "make" output: "out" exit_code: -1 command_id: "id" )"
                R"(started_ts { seconds: 1 } finished_ts { seconds: 2 } } selected_text { text: "selected" } )"
                R"(images { data: "\377\000" mime_type: "image/png" } codebases { name: "c" path: "/c" } )"
                R"(codebases { name: "d" } files { content { file_path: "a" content: "text" } } )"
                R"(files { content { file_path: "b" content: "" line_range { start: 3 end: 4 } } } )"
                R"(project_rules { root_path: "/" } project_rules { root_path: "/p" )"
                R"(active_rule_files { file_path: "a" content: "text" } additional_rule_file_paths: "R.md" } )"
                R"(git { head: "0a" branch: "main" repository { name: "r" owner: "o" host: "x.org" } })");
  CHECK(warppool_request_clear_context(request, nullptr) == WARPPOOL_OK);
  CHECK(Sent(request).input().context().ByteSizeLong() == 0);
}

TEST_CASE("attachments set in C are sent") {
  RequestHandle request;
  Make("why", &request);
  const warppool_shell_command command = Command("make");
  for (const warppool_code code : {
           warppool_request_attach_text(request, "a", "old", nullptr),
           warppool_request_attach_text(request, "a", "text", nullptr),
           warppool_request_attach_shell_command(request, "b", &command, nullptr),
           warppool_request_attach_document(request, "c", "doc", "text", nullptr),
           warppool_request_attach_document(request, "d", "doc", nullptr, nullptr),
           warppool_request_attach_file(request, "e", "/e", nullptr),
           warppool_request_attach_file(request, "f", "/f", nullptr),
           warppool_request_detach(request, "f", nullptr),
           warppool_request_detach(request, "never there", nullptr),
       }) {
    CHECK(code == WARPPOOL_OK);
  }
  const auto message = Sent(request);
  std::map<std::string, warppool::wire::Attachment> sent;
  for (const auto& entry : message.input().user_inputs().inputs(0).user_query().referenced_attachments()) {
    sent[entry.key()] = entry.value();
  }
  REQUIRE(sent.size() == 5);
  CHECK(sent.at("a").plain_text() == "text");
  CHECK(sent.at("b").executed_shell_command().command() == "make");
  CHECK_FALSE(sent.at("b").executed_shell_command().has_started_ts());
  CHECK(sent.at("c").document_content().content() == "text");
  CHECK(sent.at("d").document_content().document_id() == "doc");
  CHECK(sent.at("e").file_path_reference().file_path() == "/e");
}

TEST_CASE("tools of the program's that are set in C are sent") {
  RequestHandle request;
  Make("why", &request);
  for (const warppool_code code : {
           warppool_request_add_mcp_server(request, "first", nullptr, nullptr, nullptr),
           warppool_request_add_mcp_server(request, "second", "words", "id", nullptr),
           warppool_request_add_mcp_tool(request, "t", "does", R"({"a":1})", nullptr),
           warppool_request_add_mcp_tool(request, "u", nullptr, nullptr, nullptr),
           warppool_request_add_mcp_resource(request, "r:1", "n", "d", "text/plain", nullptr),
           warppool_request_add_mcp_resource(request, "r:2", nullptr, nullptr, nullptr, nullptr),
       }) {
    CHECK(code == WARPPOOL_OK);
  }
  const auto message = Sent(request);
  const auto& servers = message.mcp_context().servers();
  REQUIRE(servers.size() == 2);
  CHECK(warppool::internal::ShortTextOf(servers[0]) == R"(name: "first" id: "first")");
  CHECK(servers[1].id() == "id");
  CHECK(servers[1].description() == "words");
  REQUIRE(servers[1].tools_size() == 2);
  CHECK(warppool::internal::ShortTextOf(servers[1].tools(0)) ==
        R"(name: "t" description: "does" input_schema { fields { key: "a" value { number_value: 1 } } })");
  CHECK(servers[1].tools(1).name() == "u");
  REQUIRE(servers[1].resources_size() == 2);
  CHECK(warppool::internal::ShortTextOf(servers[1].resources(0)) ==
        R"(uri: "r:1" name: "n" description: "d" mime_type: "text/plain")");
  CHECK(warppool::internal::ShortTextOf(servers[1].resources(1)) == R"(uri: "r:2")");
}

TEST_CASE("tool results that are set in C are sent") {
  RequestHandle request;
  Make("", &request);
  const warppool_file_text file = File("a", "text");
  warppool_shell_result ended = WARPPOOL_SHELL_RESULT_INIT;
  ended.command = "make";
  ended.output = "out";
  ended.exit_code = 2;
  ended.state = static_cast<warppool_shell_state>(0);  // from zeros
  warppool_shell_result running = WARPPOOL_SHELL_RESULT_INIT;
  running.state = WARPPOOL_SHELL_RUNNING;
  running.command_id = "id";
  warppool_shell_result denied = WARPPOOL_SHELL_RESULT_INIT;
  denied.state = WARPPOOL_SHELL_DENIED;
  denied.command = "rm";
  for (const warppool_code code : {
           warppool_request_add_tool_result_text(request, "1", nullptr, nullptr),
           warppool_request_add_result_text(request, "b", nullptr),
           warppool_request_add_result_image(request, Bytes("\xFF"), 1, "image/png", nullptr),
           warppool_request_add_result_resource(request, "r:1", nullptr, 0, nullptr, 0, nullptr),
           warppool_request_add_tool_result_resources(request, "2", nullptr),
           warppool_request_add_result_resource(request, "r:2", Bytes("\xFF\x00"), 2, "x/y", 1, nullptr),
           warppool_request_add_tool_result_files(request, "3", WARPPOOL_TOOL_READ_FILES, nullptr),
           warppool_request_add_result_file(request, &file, nullptr),
           warppool_request_add_result_failure(request, "b", "gone", nullptr),
           warppool_request_add_tool_result_shell(request, "4", WARPPOOL_TOOL_RUN_SHELL_COMMAND, &ended, nullptr),
           warppool_request_add_tool_result_shell(request, "5", WARPPOOL_TOOL_READ_SHELL_COMMAND_OUTPUT, &running,
                                                  nullptr),
           warppool_request_add_tool_result_shell(request, "6", WARPPOOL_TOOL_RUN_SHELL_COMMAND, &denied, nullptr),
           warppool_request_add_tool_result_error(request, "7", WARPPOOL_TOOL_GREP, "no such directory", nullptr),
           warppool_request_add_tool_result_json(request, "8", WARPPOOL_TOOL_SUGGEST_PROMPT, R"({"accepted":{}})",
                                                 nullptr),
           warppool_request_add_tool_result_text(request, "9", "a", nullptr),
       }) {
    CHECK(code == WARPPOOL_OK);
  }
  const auto message = Sent(request);
  std::string sent;
  for (const auto& input : message.input().user_inputs().inputs()) {
    sent += warppool::internal::ShortTextOf(input.tool_call_result()) + "\n";
  }
  CHECK(sent ==
        R"(tool_call_id: "1" call_mcp_tool { success { results { text { text: "b" } } )"
        R"(results { image { data: "\377" mime_type: "image/png" } } )"
        R"(results { resource { uri: "r:1" text { content: "" } } } } })"
        "\n"
        R"(tool_call_id: "2" read_mcp_resource { success { )"
        R"(contents { uri: "r:2" binary { data: "\377\000" mime_type: "x/y" } } } })"
        "\n"
        R"(tool_call_id: "3" read_files { text_files_success { files { file_path: "a" content: "text" } )"
        R"(failed_reads { path: "b" message: "gone" } } })"
        "\n"
        R"(tool_call_id: "4" run_shell_command { command: "make" command_finished { output: "out" exit_code: 2 } })"
        "\n"
        R"(tool_call_id: "5" read_shell_command_output { command: "" )"
        R"(long_running_command_snapshot { output: "" command_id: "id" } })"
        "\n"
        R"(tool_call_id: "6" run_shell_command { command: "rm" permission_denied { denylisted_command { } } })"
        "\n"
        R"(tool_call_id: "7" grep { error { message: "no such directory" } })"
        "\n"
        R"(tool_call_id: "8" suggest_prompt { accepted { } })"
        "\n"
        R"(tool_call_id: "9" call_mcp_tool { success { results { text { text: "a" } } } })"
        "\n");
  CHECK(warppool_request_clear_tool_results(request, nullptr) == WARPPOOL_OK);
  CHECK(Peek(request).tool_results.empty());
}
