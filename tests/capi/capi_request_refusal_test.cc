// Requests: what cannot be set is refused.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "capi_request.h"
#include "refusals.h"

namespace {

using Change = std::function<warppool_code(warppool_request*, warppool_error**)>;

}  // namespace

TEST_CASE("a required pointer of a request's functions that is NULL is named") {
  RequestHandle request;
  Make("why", &request);
  const warppool_tool tool = WARPPOOL_TOOL_GREP;
  const warppool_context context = WARPPOOL_CONTEXT_INIT;
  const warppool_file_text file = File("a", "text");
  const warppool_shell_command command = Command("make");
  const warppool_shell_result result = WARPPOOL_SHELL_RESULT_INIT;

  const warppool_tier tier = WARPPOOL_TIER_SHARED;
  const std::vector<Change> without_request = {
      [](auto* r, auto** e) { return warppool_request_set_query(r, "", e); },
      [](auto* r, auto** e) { return warppool_request_set_kind(r, WARPPOOL_REQUEST_INPUTS, e); },
      [](auto* r, auto** e) { return warppool_request_set_mode(r, WARPPOOL_QUERY_MODE_PLAN, e); },
      [](auto* r, auto** e) { return warppool_request_set_system_prompt(r, "", e); },
      [](auto* r, auto** e) { return warppool_request_set_model(r, "", e); },
      [](auto* r, auto** e) { return warppool_request_set_role_model(r, WARPPOOL_MODEL_ROLE_CODING, "", e); },
      [](auto* r, auto** e) { return warppool_request_set_context_window_limit(r, 1, e); },
      [](auto* r, auto** e) { return warppool_request_set_setting(r, WARPPOOL_SETTING_RULES, 1, e); },
      [](auto* r, auto** e) { return warppool_request_set_model_key(r, WARPPOOL_MODEL_PROVIDER_XAI, "", e); },
      [](auto* r, auto** e) { return warppool_request_set_aws_credentials(r, "", "", "", "", e); },
      [](auto* r, auto** e) { return warppool_request_set_google_cloud_access_token(r, "", e); },
      [](auto* r, auto** e) { return warppool_request_set_allow_warp_credits(r, 1, e); },
      [](auto* r, auto** e) { return warppool_request_set_logging(r, "", "", e); },
      [](auto* r, auto** e) { return warppool_request_set_logging_bool(r, "", 1, e); },
      [](auto* r, auto** e) { return warppool_request_set_logging_number(r, "", 1, e); },
      [](auto* r, auto** e) { return warppool_request_set_timeout_ms(r, 1, e); },
      [](auto* r, auto** e) { return warppool_request_set_wait_for_token(r, 1, e); },
      [&](auto* r, auto** e) { return warppool_request_set_tiers(r, &tier, 1, e); },
      [](auto* r, auto** e) { return warppool_request_add_token(r, "", e); },
      [](auto* r, auto** e) { return warppool_request_set_raw(r, nullptr, 0, e); },
      [](auto* r, auto** e) { return warppool_request_set_raw_events(r, 1, e); },
      [&](auto* r, auto** e) { return warppool_request_set_context(r, &context, e); },
      [](auto* r, auto** e) { return warppool_request_add_codebase(r, "", "", e); },
      [](auto* r, auto** e) { return warppool_request_add_selected_text(r, "", e); },
      [&](auto* r, auto** e) { return warppool_request_add_file(r, &file, e); },
      [](auto* r, auto** e) { return warppool_request_add_image(r, Bytes("x"), 1, "", e); },
      [&](auto* r, auto** e) { return warppool_request_add_shell_command(r, &command, e); },
      [](auto* r, auto** e) { return warppool_request_add_project_rules(r, "", e); },
      [&](auto* r, auto** e) { return warppool_request_add_rules_file(r, &file, e); },
      [](auto* r, auto** e) { return warppool_request_add_rules_path(r, "", e); },
      [](auto* r, auto** e) { return warppool_request_clear_context(r, e); },
      [](auto* r, auto** e) { return warppool_request_attach_text(r, "", "", e); },
      [&](auto* r, auto** e) { return warppool_request_attach_shell_command(r, "", &command, e); },
      [](auto* r, auto** e) { return warppool_request_attach_document(r, "", "", "", e); },
      [](auto* r, auto** e) { return warppool_request_attach_file(r, "", "", e); },
      [](auto* r, auto** e) { return warppool_request_detach(r, "", e); },
      [&](auto* r, auto** e) { return warppool_request_set_allowed_tools(r, &tool, 1, e); },
      [](auto* r, auto** e) { return warppool_request_add_mcp_server(r, "", "", "", e); },
      [](auto* r, auto** e) { return warppool_request_add_mcp_tool(r, "", "", "", e); },
      [](auto* r, auto** e) { return warppool_request_add_mcp_resource(r, "", "", "", "", e); },
      [](auto* r, auto** e) { return warppool_request_add_tool_result_text(r, "", "", e); },
      [](auto* r, auto** e) { return warppool_request_add_tool_result_resources(r, "", e); },
      [](auto* r, auto** e) { return warppool_request_add_result_text(r, "", e); },
      [](auto* r, auto** e) { return warppool_request_add_result_image(r, Bytes("x"), 1, "", e); },
      [](auto* r, auto** e) { return warppool_request_add_result_resource(r, "", nullptr, 0, "", 0, e); },
      [&](auto* r, auto** e) { return warppool_request_add_tool_result_files(r, "", tool, e); },
      [&](auto* r, auto** e) { return warppool_request_add_result_file(r, &file, e); },
      [](auto* r, auto** e) { return warppool_request_add_result_failure(r, "", "", e); },
      [&](auto* r, auto** e) { return warppool_request_add_tool_result_shell(r, "", tool, &result, e); },
      [&](auto* r, auto** e) { return warppool_request_add_tool_result_error(r, "", tool, "", e); },
      [&](auto* r, auto** e) { return warppool_request_add_tool_result_json(r, "", tool, "", e); },
      [](auto* r, auto** e) { return warppool_request_clear_tool_results(r, e); },
  };
  for (size_t i = 0; i < without_request.size(); ++i) {
    INFO("function " << i);
    CheckNames("request", [&](auto** e) { return without_request[i](nullptr, e); });
  }

  const std::vector<std::pair<const char*, Change>> without = {
      {"access_key", [](auto* r, auto** e) { return warppool_request_set_aws_credentials(r, nullptr, "", "", "", e); }},
      {"secret_key", [](auto* r, auto** e) { return warppool_request_set_aws_credentials(r, "", nullptr, "", "", e); }},
      {"value", [](auto* r, auto** e) { return warppool_request_set_google_cloud_access_token(r, nullptr, e); }},
      {"key", [](auto* r, auto** e) { return warppool_request_set_logging_bool(r, nullptr, 1, e); }},
      {"key", [](auto* r, auto** e) { return warppool_request_set_logging_number(r, nullptr, 1, e); }},
      {"bytes", [](auto* r, auto** e) { return warppool_request_set_raw(r, nullptr, 1, e); }},
      {"tiers", [](auto* r, auto** e) { return warppool_request_set_tiers(r, nullptr, 1, e); }},
      {"tiers", [](auto* r, auto** e) { return warppool_request_set_tiers(r, nullptr, 0, e); }},
      {"name", [](auto* r, auto** e) { return warppool_request_add_token(r, nullptr, e); }},
      {"context", [](auto* r, auto** e) { return warppool_request_set_context(r, nullptr, e); }},
      {"name", [](auto* r, auto** e) { return warppool_request_add_codebase(r, nullptr, "", e); }},
      {"text", [](auto* r, auto** e) { return warppool_request_add_selected_text(r, nullptr, e); }},
      {"file", [](auto* r, auto** e) { return warppool_request_add_file(r, nullptr, e); }},
      {"data", [](auto* r, auto** e) { return warppool_request_add_image(r, nullptr, 1, "", e); }},
      {"mime_type", [](auto* r, auto** e) { return warppool_request_add_image(r, Bytes("x"), 1, nullptr, e); }},
      {"command", [](auto* r, auto** e) { return warppool_request_add_shell_command(r, nullptr, e); }},
      {"root_path", [](auto* r, auto** e) { return warppool_request_add_project_rules(r, nullptr, e); }},
      {"file", [](auto* r, auto** e) { return warppool_request_add_rules_file(r, nullptr, e); }},
      {"path", [](auto* r, auto** e) { return warppool_request_add_rules_path(r, nullptr, e); }},
      {"name", [](auto* r, auto** e) { return warppool_request_attach_text(r, nullptr, "", e); }},
      {"text", [](auto* r, auto** e) { return warppool_request_attach_text(r, "", nullptr, e); }},
      {"name", [&](auto* r, auto** e) { return warppool_request_attach_shell_command(r, nullptr, &command, e); }},
      {"command", [](auto* r, auto** e) { return warppool_request_attach_shell_command(r, "", nullptr, e); }},
      {"name", [](auto* r, auto** e) { return warppool_request_attach_document(r, nullptr, "", "", e); }},
      {"id", [](auto* r, auto** e) { return warppool_request_attach_document(r, "", nullptr, "", e); }},
      {"name", [](auto* r, auto** e) { return warppool_request_attach_file(r, nullptr, "", e); }},
      {"path", [](auto* r, auto** e) { return warppool_request_attach_file(r, "", nullptr, e); }},
      {"name", [](auto* r, auto** e) { return warppool_request_detach(r, nullptr, e); }},
      {"name", [](auto* r, auto** e) { return warppool_request_add_mcp_server(r, nullptr, "", "", e); }},
      {"name", [](auto* r, auto** e) { return warppool_request_add_mcp_tool(r, nullptr, "", "", e); }},
      {"uri", [](auto* r, auto** e) { return warppool_request_add_mcp_resource(r, nullptr, "", "", "", e); }},
      {"call_id", [](auto* r, auto** e) { return warppool_request_add_tool_result_text(r, nullptr, "", e); }},
      {"call_id", [](auto* r, auto** e) { return warppool_request_add_tool_result_resources(r, nullptr, e); }},
      {"text", [](auto* r, auto** e) { return warppool_request_add_result_text(r, nullptr, e); }},
      {"data", [](auto* r, auto** e) { return warppool_request_add_result_image(r, nullptr, 1, "", e); }},
      {"mime_type", [](auto* r, auto** e) { return warppool_request_add_result_image(r, Bytes("x"), 1, nullptr, e); }},
      {"uri", [](auto* r, auto** e) { return warppool_request_add_result_resource(r, nullptr, nullptr, 0, "", 0, e); }},
      {"data", [](auto* r, auto** e) { return warppool_request_add_result_resource(r, "", nullptr, 1, "", 0, e); }},
      {"call_id", [&](auto* r, auto** e) { return warppool_request_add_tool_result_files(r, nullptr, tool, e); }},
      {"file", [](auto* r, auto** e) { return warppool_request_add_result_file(r, nullptr, e); }},
      {"path", [](auto* r, auto** e) { return warppool_request_add_result_failure(r, nullptr, "", e); }},
      {"call_id",
       [&](auto* r, auto** e) { return warppool_request_add_tool_result_shell(r, nullptr, tool, &result, e); }},
      {"result", [&](auto* r, auto** e) { return warppool_request_add_tool_result_shell(r, "", tool, nullptr, e); }},
      {"call_id", [&](auto* r, auto** e) { return warppool_request_add_tool_result_error(r, nullptr, tool, "", e); }},
      {"message", [&](auto* r, auto** e) { return warppool_request_add_tool_result_error(r, "", tool, nullptr, e); }},
      {"call_id", [&](auto* r, auto** e) { return warppool_request_add_tool_result_json(r, nullptr, tool, "", e); }},
      {"json", [&](auto* r, auto** e) { return warppool_request_add_tool_result_json(r, "", tool, nullptr, e); }},
      {"file.path",
       [](auto* r, auto** e) {
         const warppool_file_text empty = WARPPOOL_FILE_TEXT_INIT;
         return warppool_request_add_file(r, &empty, e);
       }},
      {"command.command",
       [](auto* r, auto** e) {
         const warppool_shell_command empty = WARPPOOL_SHELL_COMMAND_INIT;
         return warppool_request_add_shell_command(r, &empty, e);
       }},
  };
  for (size_t i = 0; i < without.size(); ++i) {
    INFO("row " << i);
    CheckNames(without[i].first, [&](auto** e) { return without[i].second(request, e); });
  }
}

TEST_CASE("a number that is out of its range is refused") {
  RequestHandle request;
  Make("why", &request);
  const auto complaint = [&](const Change& change) { return Complaint([&](auto** e) { return change(request, e); }); };
  CHECK(complaint([](auto* r, auto** e) { return warppool_request_set_timeout_ms(r, -1, e); }) ==
        "value: must be 0 or more");
  for (const int32_t neither : {-1, 2}) {
    for (const auto set : {warppool_request_set_wait_for_token, warppool_request_set_raw_events,
                           warppool_request_set_allow_warp_credits}) {
      CHECK(complaint([&](auto* r, auto** e) { return set(r, neither, e); }) == "value: must be 0 or 1");
    }
    CHECK(complaint([&](auto* r, auto** e) { return warppool_request_set_logging_bool(r, "k", neither, e); }) ==
          "value: must be 0 or 1");
    CHECK(complaint([&](auto* r, auto** e) {
            return warppool_request_add_result_resource(r, "u", nullptr, 0, nullptr, neither, e);
          }) == "is_binary: must be 0 or 1");
  }
  for (const int32_t none : {-2, 2}) {
    CHECK(complaint([&](auto* r, auto** e) {
            return warppool_request_set_setting(r, WARPPOOL_SETTING_RULES, none, e);
          }) == "value: must be 0, 1 or -1");
  }
  warppool_context context = WARPPOOL_CONTEXT_INIT;
  const auto set_time = [&](int64_t time) {
    context.current_time_ms = time;
    return complaint([&](auto* r, auto** e) { return warppool_request_set_context(r, &context, e); });
  };
  CHECK(set_time(-2) == "context.current_time_ms: must be -1 or more");
  CHECK(set_time(INT64_MAX) == "context.current_time_ms: is later than the clock can hold");
  CHECK(set_time(9'223'372'036'854) == "no complaint");
  CHECK(set_time(0) == "no complaint");
  CHECK_FALSE(Peek(request).context.current_time);
  warppool_shell_command command = Command("make");
  command.started_ms = -2;
  CHECK(complaint([&](auto* r, auto** e) { return warppool_request_add_shell_command(r, &command, e); }) ==
        "command.started_ms: must be -1 or more");
  command.started_ms = -1;
  command.finished_ms = INT64_MAX;
  CHECK(complaint([&](auto* r, auto** e) { return warppool_request_attach_shell_command(r, "a", &command, e); }) ==
        "command.finished_ms: is later than the clock can hold");
  CHECK(Peek(request).context.shell_commands.empty());
  CHECK(Peek(request).attachments.empty());
}

TEST_CASE("a value that an enumeration does not have is refused") {
  RequestHandle request;
  Make("why", &request);
  const auto complaint = [&](const Change& change) { return Complaint([&](auto** e) { return change(request, e); }); };
  for (const int number : {-1, 99}) {
    const auto tool = static_cast<warppool_tool>(number);
    CHECK(complaint([&](auto* r, auto** e) {
            return warppool_request_set_kind(r, static_cast<warppool_request_kind>(number), e);
          }) == "value: is none of warppool_request_kind");
    CHECK(complaint([&](auto* r, auto** e) {
            return warppool_request_set_mode(r, static_cast<warppool_query_mode>(number), e);
          }) == "value: is none of warppool_query_mode");
    CHECK(complaint([&](auto* r, auto** e) {
            return warppool_request_set_role_model(r, static_cast<warppool_model_role>(number), "m", e);
          }) == "role: is none of warppool_model_role");
    CHECK(complaint([&](auto* r, auto** e) {
            return warppool_request_set_setting(r, static_cast<warppool_setting>(number), 1, e);
          }) == "setting: is none of warppool_setting");
    CHECK(complaint([&](auto* r, auto** e) {
            return warppool_request_set_model_key(r, static_cast<warppool_model_provider>(number), "k", e);
          }) == "provider: is none of warppool_model_provider");
    CHECK(complaint([&](auto* r, auto** e) { return warppool_request_set_allowed_tools(r, &tool, 1, e); }) ==
          "tools: holds something that is none of warppool_tool");
    const warppool_tier tiers[] = {WARPPOOL_TIER_SHARED, static_cast<warppool_tier>(number)};
    CHECK(complaint([&](auto* r, auto** e) { return warppool_request_set_tiers(r, tiers, 2, e); }) ==
          "tiers: holds something that is none of warppool_tier");
    CHECK(complaint([&](auto* r, auto** e) { return warppool_request_set_tiers(r, tiers, 0, e); }) ==
          "count: must be 1 or more");
    CHECK(complaint([&](auto* r, auto** e) { return warppool_request_add_tool_result_error(r, "c", tool, "m", e); }) ==
          "tool: is none of warppool_tool");
    warppool_shell_result result = WARPPOOL_SHELL_RESULT_INIT;
    result.state = static_cast<warppool_shell_state>(number);
    CHECK(complaint([&](auto* r, auto** e) {
            return warppool_request_add_tool_result_shell(r, "c", WARPPOOL_TOOL_RUN_SHELL_COMMAND, &result, e);
          }) == "result.state: is none of warppool_shell_state");
    CHECK(warppool_tool_name(tool) == std::string("unknown"));
  }
  const warppool_tool grep = WARPPOOL_TOOL_GREP;
  CHECK(complaint([&](auto* r, auto** e) { return warppool_request_set_allowed_tools(r, &grep, 0, e); }) ==
        "count: must be 1 or more");
  CHECK(Peek(request).allowed_tools == std::vector{warppool::Tool::kCallMcpTool});
  CHECK(Peek(request).tiers.empty());
  CHECK(Peek(request).tool_results.empty());
  CHECK(warppool_tool_name(grep) == std::string("grep"));
  CHECK(warppool_tool_find("grep") == WARPPOOL_TOOL_GREP);
  for (const char* none : {static_cast<const char*>(nullptr), "", "unknown"}) CHECK(warppool_tool_find(none) == -1);
}

TEST_CASE("what belongs to something that is not there is misuse") {
  RequestHandle request;
  Make("why", &request);
  const warppool_file_text file = File("a", "text");
  const auto misused = [&](const Change& change) {
    ErrorHandle error;
    CHECK(change(request, error.out()) == WARPPOOL_MISUSE);
    CHECK_FALSE(std::string(warppool_error_message(error)).empty());
  };
  misused([&](auto* r, auto** e) { return warppool_request_add_rules_file(r, &file, e); });
  misused([](auto* r, auto** e) { return warppool_request_add_rules_path(r, "p", e); });
  misused([](auto* r, auto** e) { return warppool_request_add_mcp_tool(r, "t", nullptr, nullptr, e); });
  misused([](auto* r, auto** e) { return warppool_request_add_mcp_resource(r, "u", nullptr, nullptr, nullptr, e); });
  const std::vector<Change> parts = {
      [](auto* r, auto** e) { return warppool_request_add_result_text(r, "t", e); },
      [](auto* r, auto** e) { return warppool_request_add_result_image(r, Bytes("x"), 1, "m", e); },
      [](auto* r, auto** e) { return warppool_request_add_result_resource(r, "u", nullptr, 0, nullptr, 0, e); },
      [&](auto* r, auto** e) { return warppool_request_add_result_file(r, &file, e); },
      [](auto* r, auto** e) { return warppool_request_add_result_failure(r, "p", nullptr, e); },
  };
  for (const Change& part : parts) misused(part);
  CHECK(warppool_request_add_tool_result_error(request, "c", WARPPOOL_TOOL_READ_FILES, "m", nullptr) == WARPPOOL_OK);
  for (const Change& part : parts) misused(part);
}

TEST_CASE("a struct of a request whose size was not set is refused, and one of a later version is taken") {
  RequestHandle request;
  Make("why", &request);
  CheckReadSizes("context", warppool_context WARPPOOL_CONTEXT_INIT,
                 [&](const auto* context, auto** e) { return warppool_request_set_context(request, context, e); });
  CheckReadSizes("file", File("a", "text"),
                 [&](const auto* file, auto** e) { return warppool_request_add_file(request, file, e); });
  CheckReadSizes("command", Command("make"), [&](const auto* command, auto** e) {
    return warppool_request_add_shell_command(request, command, e);
  });
  CheckReadSizes("result", warppool_shell_result WARPPOOL_SHELL_RESULT_INIT, [&](const auto* result, auto** e) {
    return warppool_request_add_tool_result_shell(request, "c", WARPPOOL_TOOL_RUN_SHELL_COMMAND, result, e);
  });
}
