// Where each tool's output lands in the service's message, and which outputs a tool does not have.
#include "protocol/tool_output.h"

#include <string>
#include <vector>

#include "protocol/protobuf_version.h"
#include "wire_text.h"

namespace warppool::internal {
namespace {

using Wire = wire::Request::Input::ToolCallResult;

constexpr Tool kTools[] = {Tool::kRunShellCommand,        Tool::kSearchCodebase, Tool::kReadFiles,
                           Tool::kApplyFileDiffs,         Tool::kGrep,           Tool::kFileGlob,
                           Tool::kReadMcpResource,        Tool::kCallMcpTool,    Tool::kWriteToShellCommand,
                           Tool::kSuggestNewConversation, Tool::kFileGlobV2,     Tool::kSuggestPrompt,
                           Tool::kReadShellCommandOutput, Tool::kAskUserQuestion};

// The message, or what is wrong.
std::string Written(Tool tool, ToolOutput output) {
  Wire message;
  Problem problem = Write({"c", tool, std::move(output)}, &message);
  if (problem) return *problem;
  CHECK(message.tool_call_id() == "c");
  message.clear_tool_call_id();
  return TextOf(message);
}

std::string Expected(const std::string& text) {
  return Text<Wire>(text);
}

TEST_CASE("a tool is called as the schema calls it") {
  for (const Tool tool : kTools) {
    INFO(static_cast<int>(tool));
    CHECK(IsKnown(tool));
    CHECK(FindTool(ToolName(tool)) == tool);
    CHECK(Wire::descriptor()->FindFieldByName(ToolName(tool)) != nullptr);
    CHECK(wire::Message::ToolCall::descriptor()->FindFieldByName(ToolName(tool)) != nullptr);
    CHECK(wire::ToolType_IsValid(static_cast<int>(tool)));
  }
  for (const int number : {-1, 4, 5, 14, 1000}) {
    CHECK(ToolName(static_cast<Tool>(number)) == std::string("unknown"));
    CHECK_FALSE(IsKnown(static_cast<Tool>(number)));
  }
  for (const char* name : {"", "unknown", "Grep", "grep2"}) CHECK_FALSE(FindTool(name));
}

TEST_CASE("what a function of the program's brought") {
  McpOutput output = McpOutput::Text("22 degrees");
  output.parts.emplace_back("");
  output.parts.emplace_back(McpOutput::Image{"\xFF\xD8", "image/jpeg"});
  output.parts.emplace_back(McpOutput::Resource{"a:b", "text", "text/plain"});
  output.parts.emplace_back(McpOutput::Resource{"a:c", "\xFF", "", true});
  CHECK(Written(Tool::kCallMcpTool, output) == Expected(R"(call_mcp_tool { success {
          results { text { text: "22 degrees" } }
          results { text { text: "" } }
          results { image { data: "\377\330" mime_type: "image/jpeg" } }
          results { resource { uri: "a:b" text { content: "text" mime_type: "text/plain" } } }
          results { resource { uri: "a:c" binary { data: "\377" } } }
        } })"));
  CHECK(Written(Tool::kCallMcpTool, McpOutput{}) == Expected("call_mcp_tool { success {} }"));
  CHECK(Written(Tool::kReadMcpResource, McpResources{{{"a:b", ""}}}) ==
        Expected("read_mcp_resource { success { contents { uri: 'a:b' text { content: '' } } } }"));
}

TEST_CASE("what a shell command brought") {
  const ShellFinished finished{"ls", "a.c\n", 0, "id"};
  const ShellRunning running{"top", "load: 0", "id"};
  CHECK(Written(Tool::kRunShellCommand, finished) == Expected(R"(run_shell_command {
          command: "ls" command_finished { output: "a.c\n" exit_code: 0 command_id: "id" } })"));
  CHECK(Written(Tool::kWriteToShellCommand, finished) == Expected(R"(write_to_long_running_shell_command {
          command_finished { output: "a.c\n" exit_code: 0 command_id: "id" } })"));
  CHECK(Written(Tool::kReadShellCommandOutput, finished) == Expected(R"(read_shell_command_output {
          command: "ls" command_finished { output: "a.c\n" exit_code: 0 command_id: "id" } })"));
  CHECK(Written(Tool::kRunShellCommand, running) == Expected(R"(run_shell_command {
          command: "top" long_running_command_snapshot { output: "load: 0" command_id: "id" } })"));
  CHECK(Written(Tool::kWriteToShellCommand, running) == Expected(R"(write_to_long_running_shell_command {
          long_running_command_snapshot { output: "load: 0" command_id: "id" } })"));
  CHECK(Written(Tool::kReadShellCommandOutput, running) == Expected(R"(read_shell_command_output {
          command: "top" long_running_command_snapshot { output: "load: 0" command_id: "id" } })"));
  CHECK(Written(Tool::kRunShellCommand, ShellDenied{"rm"}) ==
        Expected("run_shell_command { command: 'rm' permission_denied { denylisted_command {} } }"));
}

TEST_CASE("what was found in files") {
  const FileText whole{"a.c", "int a;"};
  const FileText lines{"b.c", "int b;", 3, 4};
  CHECK(Written(Tool::kReadFiles, FilesRead{{whole, lines}, {{"c.c", "no such file"}}}) ==
        Expected(R"(read_files { text_files_success {
          files { file_path: "a.c" content: "int a;" }
          files { file_path: "b.c" content: "int b;" line_range { start: 3 end: 4 } }
          failed_reads { path: "c.c" message: "no such file" }
        } })"));
  CHECK(Written(Tool::kSearchCodebase, FilesRead{{whole}, {}}) ==
        Expected("search_codebase { success { files { file_path: 'a.c' content: 'int a;' } } }"));
  CHECK(Written(Tool::kApplyFileDiffs, FilesChanged{{whole}, {"d.c"}}) == Expected(R"(apply_file_diffs { success {
          updated_files_v2 { file { file_path: "a.c" content: "int a;" } }
          deleted_files { file_path: "d.c" }
        } })"));
  CHECK(Written(Tool::kGrep, LinesFound{{{"a.c", {1, 20}}}}) == Expected(R"(grep { success {
          matched_files { file_path: "a.c" matched_lines { line_number: 1 } matched_lines { line_number: 20 } }
        } })"));
  CHECK(Written(Tool::kFileGlob, PathsFound{{"a.c", "b.c"}}) ==
        Expected(R"(file_glob { success { matched_files: "a.c\nb.c" } })"));
  CHECK(Written(Tool::kFileGlobV2, PathsFound{{"a.c", "b.c"}}) ==
        Expected("file_glob_v2 { success { matched_files { file_path: 'a.c' } matched_files { file_path: 'b.c' } } }"));
}

TEST_CASE("what the user said") {
  CHECK(Written(Tool::kAskUserQuestion,
                UserAnswers{{{"q1", {"red", "blue"}}, {"q2", {}, "mauve"}, {"q3", {}, "", true}}}) ==
        Expected(R"(ask_user_question { success {
          answers { question_id: "q1" multiple_choice { selected_options: ["red", "blue"] } }
          answers { question_id: "q2" multiple_choice { other_text: "mauve" } }
          answers { question_id: "q3" skipped {} }
        } })"));
  CHECK(Written(Tool::kSuggestPrompt, SuggestionTaken{true, ""}) == Expected("suggest_prompt { accepted {} }"));
  CHECK(Written(Tool::kSuggestPrompt, SuggestionTaken{}) == Expected("suggest_prompt { rejected {} }"));
  CHECK(Written(Tool::kSuggestNewConversation, SuggestionTaken{true, "m"}) ==
        Expected("suggest_new_conversation { accepted { message_id: 'm' } }"));
  CHECK(Written(Tool::kSuggestNewConversation, SuggestionTaken{}) ==
        Expected("suggest_new_conversation { rejected {} }"));
}

TEST_CASE("a tool that failed says so where it can") {
  for (const Tool tool : {Tool::kSearchCodebase, Tool::kReadFiles, Tool::kApplyFileDiffs, Tool::kGrep, Tool::kFileGlob,
                          Tool::kFileGlobV2, Tool::kReadMcpResource, Tool::kCallMcpTool, Tool::kAskUserQuestion}) {
    CHECK(Written(tool, ToolError{"so"}) == Expected(std::string(ToolName(tool)) + " { error { message: 'so' } }"));
  }
}

TEST_CASE("a result may be given as JSON") {
  CHECK(Written(Tool::kGrep, ResultJson{R"({"success": {"matchedFiles": [{"filePath": "a"}]}})"}) ==
        Expected("grep { success { matched_files { file_path: 'a' } } }"));
  CHECK(Written(Tool::kRunShellCommand, ResultJson{R"({"command": "a", "command_finished": {"exitCode": -1}})"}) ==
        Expected("run_shell_command { command: 'a' command_finished { exit_code: -1 } }"));
  for (const Tool tool : kTools) {
    INFO(ToolName(tool));
    const auto* field = Wire::descriptor()->FindFieldByName(ToolName(tool));
    const std::string first(SchemaName(*field->message_type()->FindOneofByName("result")->field(0)));
    CHECK(Written(tool, ResultJson{"{\"" + first + "\": {}}"}) ==
          Expected(std::string(ToolName(tool)) + " {" + first + " {} }"));
  }
}

TEST_CASE("JSON that is no result of the tool is refused with the field") {
  using Catch::Matchers::StartsWith;
  const auto written = [](const std::string& json) { return Written(Tool::kGrep, ResultJson{json}); };
  CHECK(written(R"({"sucess": {}})") == "output.json: GrepResult has no field \"sucess\"");
  CHECK(written(R"({"success": 3})") == "output.json.success: is no object");
  CHECK(written(R"({"success": {"matchedFiles": [{"matchedLines": [{"lineNumber": -1}]}]}})") ==
        "output.json.success.matchedFiles[0].matchedLines[0].lineNumber: is no 32-bit number from 0 on");
  CHECK(written(R"({"success": {}, "error": {}})") == "output.json.error: cannot be there together with success");
  CHECK(written("{}") == "output.json: holds no result");
  for (const char* none : {"", " ", "null", "[]", "3", "\"{}\""})
    CHECK(written(none) == "output.json: is no JSON object");
  CHECK_THAT(written("{"), StartsWith("output.json: not valid JSON at byte 1"));
  CHECK(written("{\"\xFF\": 1}") == "output.json: not UTF-8 at byte 2");
  CHECK_THAT(written(R"({"error": {"message": "\ud800"}})"), StartsWith("output.json: not valid JSON at byte"));
  CHECK_THAT(written("{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}"),
             StartsWith("output.json: not valid JSON at byte 34: Nested too deeply."));
}

TEST_CASE("each tool refuses the outputs that it does not have, and says which it has") {
  const std::vector<std::pair<ToolOutput, std::string>> outputs = {
      {McpOutput{}, "McpOutput"},
      {McpResources{}, "McpResources"},
      {ShellFinished{}, "ShellFinished"},
      {ShellRunning{"", "", "id"}, "ShellRunning"},
      {ShellDenied{}, "ShellDenied"},
      {FilesRead{}, "FilesRead"},
      {FilesChanged{}, "FilesChanged"},
      {LinesFound{}, "LinesFound"},
      {PathsFound{}, "PathsFound"},
      {UserAnswers{}, "UserAnswers"},
      {SuggestionTaken{}, "SuggestionTaken"},
      {ToolError{}, "ToolError"},
  };
  for (const Tool tool : kTools) {
    // The list that it gives is the list that it takes.
    const bool mcp = tool == Tool::kCallMcpTool;
    const std::string refusal = mcp ? Written(tool, ShellDenied{}) : Written(tool, McpOutput{});
    for (const auto& [output, name] : outputs) {
      INFO(ToolName(tool) << " " << name);
      const std::string written = Written(tool, output);
      const std::string has = refusal.substr(0, refusal.find(", not "));
      REQUIRE_THAT(has, Catch::Matchers::StartsWith(std::string("output: ") + ToolName(tool) + " has "));
      if (has.find(name) != std::string::npos) {
        CHECK_THAT(written, Catch::Matchers::StartsWith(ToolName(tool)));  // the message
      } else {
        CHECK(written == has + ", not " + name);
      }
    }
  }
}

TEST_CASE("each part of a tool's output that is not valid is named") {
  struct Row {
    const char* problem;
    Tool tool;
    ToolOutput output;
  };
  const std::vector<Row> rows = {
      {"output.parts[1]: not UTF-8 at byte 0", Tool::kCallMcpTool, McpOutput{{"a", "\xFF"}}},
      {"output.parts[0].data: is empty", Tool::kCallMcpTool, McpOutput{{McpOutput::Image{"", "image/png"}}}},
      {"output.parts[0].mime_type: is empty", Tool::kCallMcpTool, McpOutput{{McpOutput::Image{"x"}}}},
      {"output.parts[0].uri: is empty", Tool::kCallMcpTool, McpOutput{{McpOutput::Resource{""}}}},
      {"output.parts[0].text: not UTF-8 at byte 0", Tool::kCallMcpTool, McpOutput{{McpOutput::Resource{"u", "\xFF"}}}},
      {"output.parts[0].mime_type: not UTF-8 at byte 0", Tool::kCallMcpTool,
       McpOutput{{McpOutput::Resource{"u", "\xFF", "\xFF", true}}}},
      {"output.contents[0].uri: not UTF-8 at byte 0", Tool::kReadMcpResource, McpResources{{{"\xFF"}}}},
      {"output.command: not UTF-8 at byte 0", Tool::kRunShellCommand, ShellFinished{"\xFF"}},
      {"output.command: not UTF-8 at byte 0", Tool::kWriteToShellCommand, ShellFinished{"\xFF"}},
      {"output.output: not UTF-8 at byte 0", Tool::kRunShellCommand, ShellFinished{"", "\xFF"}},
      {"output.command_id: not UTF-8 at byte 0", Tool::kRunShellCommand, ShellFinished{"", "", 0, "\xFF"}},
      {"output.command_id: is empty", Tool::kReadShellCommandOutput, ShellRunning{}},
      {"output.command: not UTF-8 at byte 0", Tool::kRunShellCommand, ShellDenied{"\xFF"}},
      {"output.files[0].path: is empty", Tool::kReadFiles, FilesRead{{{""}}, {}}},
      {"output.failures[0].path: is empty", Tool::kReadFiles, FilesRead{{}, {{""}}}},
      {"output.failures: search_codebase has none", Tool::kSearchCodebase, FilesRead{{}, {{"a"}}}},
      {"output.updated[0].content: not UTF-8 at byte 0", Tool::kApplyFileDiffs, FilesChanged{{{"a", "\xFF"}}, {}}},
      {"output.deleted[0]: is empty", Tool::kApplyFileDiffs, FilesChanged{{}, {""}}},
      {"output.files[0].path: is empty", Tool::kGrep, LinesFound{{{""}}}},
      {"output.files[0].lines[1]: is 0; lines are counted from 1", Tool::kGrep, LinesFound{{{"a", {1, 0}}}}},
      {"output.paths[1]: not UTF-8 at byte 0", Tool::kFileGlob, PathsFound{{"a", "\xFF"}}},
      {"output.paths[0]: is empty", Tool::kFileGlobV2, PathsFound{{""}}},
      {"output.answers[0].question_id: is empty", Tool::kAskUserQuestion, UserAnswers{{{""}}}},
      {"output.answers[1].question_id: is there already", Tool::kAskUserQuestion, UserAnswers{{{"q"}, {"q"}}}},
      {"output.answers[0].selected[0]: is empty", Tool::kAskUserQuestion, UserAnswers{{{"q", {""}}}}},
      {"output.answers[0].skipped: is set, but there is an answer", Tool::kAskUserQuestion,
       UserAnswers{{{"q", {"a"}, "", true}}}},
      {"output.message_id: suggest_prompt has none", Tool::kSuggestPrompt, SuggestionTaken{true, "m"}},
      {"output.message_id: is empty", Tool::kSuggestNewConversation, SuggestionTaken{true, ""}},
      {"output.message_id: is set, but nothing was accepted", Tool::kSuggestNewConversation,
       SuggestionTaken{false, "m"}},
      {"output.message: not UTF-8 at byte 0", Tool::kGrep, ToolError{"\xFF"}},
      {"tool: unknown tool 4", static_cast<Tool>(4), McpOutput{}},
  };
  for (const Row& row : rows) CHECK(Written(row.tool, row.output) == row.problem);
}

TEST_CASE("a result belongs to one call") {
  const auto refusal = [](std::vector<ToolResult> results) {
    Request request;
    request.tool_results = std::move(results);
    return RequestBuilder::Create(request).status().message();
  };
  CHECK(refusal({{"", Tool::kCallMcpTool, {}}}) == "tool_results[0].call_id: is empty");
  CHECK(refusal({{"\xFF", Tool::kCallMcpTool, {}}}) == "tool_results[0].call_id: not UTF-8 at byte 0");
  CHECK(refusal({{"a", Tool::kCallMcpTool, {}}, {"b", Tool::kCallMcpTool, {}}, {"a", Tool::kCallMcpTool, {}}}) ==
        "tool_results[2].call_id: has a result already");
  CHECK(refusal({{"a", Tool::kCallMcpTool, {}}, {"b", Tool::kGrep, {}}}) ==
        "tool_results[1].output: grep has LinesFound, ToolError or ResultJson, not McpOutput");
}

}  // namespace
}  // namespace warppool::internal
