#include "protocol/request_builder.h"

#include <google/protobuf/util/message_differencer.h>

#include <string>
#include <utility>

#include "protocol/map_entry.h"
#include "wire_text.h"

namespace warppool::internal {
namespace {

using namespace std::string_literals;
using google::protobuf::util::MessageDifferencer;

wire::Request::TaskContext Tasks(int messages) {
  wire::Request::TaskContext tasks;
  wire::Task* task = tasks.add_tasks();
  task->set_id("task-1");
  task->set_description("");  // present with the default value
  for (int i = 0; i < messages; ++i) {
    wire::Message* message = task->add_messages();
    message->set_id("message-" + std::to_string(i));
    message->set_server_message_data("opaque");
    message->mutable_agent_output()->set_text(std::string(1000, 'x'));
  }
  return tasks;
}

TEST_CASE("a first turn is built as the service knows it") {
  CHECK(TextOf(Built(Request("Why is the sky blue?"))) == Text<wire::Request>(R"(
          task_context {}
          input {
            context {}
            user_inputs {
              inputs { user_query { query: "Why is the sky blue?" mode {} intended_agent: AGENT_TYPE_PRIMARY } }
            }
          }
          settings {
            model_config { base: "auto" }
            supported_tools: CALL_MCP_TOOL  # none would mean any
            supports_reasoning_message: true
          }
          metadata { logging { key: "entrypoint" value { string_value: "USER_INITIATED" } } }
        )"));
}

TEST_CASE("what the program sets is sent") {
  Request request("How warm is it?");
  request.tool_results.push_back({"call-1", Tool::kCallMcpTool, McpOutput::Text("22 degrees")});
  request.tool_results.push_back({"call-2", Tool::kCallMcpTool, ToolError{"no such town"}});
  request.mode = QueryMode::kPlan;
  request.system_prompt = "Be brief.";
  request.attachments = {{"note", "remember"}, {"page", Document{"doc-1", "text"}}, {"file", FileReference{"a.c"}}};
  request.context.directory = "/home/me";
  request.model = "best";
  request.role_models = {{ModelRole::kPlanning, "p"},
                         {ModelRole::kCoding, "c"},
                         {ModelRole::kCliAgent, "t"},
                         {ModelRole::kComputerUse, "u"}};
  request.context_window_limit = 100'000;
  request.settings = {{Setting::kRules, false}, {Setting::kWebSearch, true}, {Setting::kOrchestrationRunners, true}};
  request.allowed_tools = {Tool::kRunShellCommand, Tool::kAskUserQuestion};
  request.mcp_servers.push_back({"weather", "Looks it up.", "w-1", {{"now", "The present.", R"({"a":[1,null]})"}}});
  request.mcp_servers.push_back({"clock", {}, {}, {{"tell"}}, {{"clock://utc", "UTC", "The time.", "text/plain"}}});
  request.logging = {{"text", "1"}, {"empty", ""}, {"yes", true}, {"number", 0.5}};
  CHECK(TextOf(Built(request)) == Text<wire::Request>(R"(
          task_context {}
          input {
            context { directory { pwd: "/home/me" } }
            user_inputs {
              inputs {
                tool_call_result {
                  tool_call_id: "call-1"
                  call_mcp_tool { success { results { text { text: "22 degrees" } } } }
                }
              }
              inputs {
                tool_call_result { tool_call_id: "call-2" call_mcp_tool { error { message: "no such town" } } }
              }
              inputs {
                user_query {
                  query: "How warm is it?"
                  referenced_attachments { key: "SYSTEM_PROMPT" value { plain_text: "Be brief." } }
                  referenced_attachments { key: "file" value { file_path_reference { file_path: "a.c" } } }
                  referenced_attachments { key: "note" value { plain_text: "remember" } }
                  referenced_attachments {
                    key: "page"
                    value { document_content { document_id: "doc-1" content: "text" } }
                  }
                  mode { plan {} }
                  intended_agent: AGENT_TYPE_PRIMARY
                }
              }
            }
          }
          settings {
            model_config {
              base: "best" planning: "p" coding: "c" cli_agent: "t" computer_use_agent: "u"
              base_model_context_window_limit: 100000
            }
            rules_enabled: false
            supported_tools: [RUN_SHELL_COMMAND, ASK_USER_QUESTION]
            web_search_enabled: true
            supports_orchestration_runners: true
          }
          metadata {
            logging { key: "empty" value { string_value: "" } }
            logging { key: "number" value { number_value: 0.5 } }
            logging { key: "text" value { string_value: "1" } }
            logging { key: "yes" value { bool_value: true } }
          }
          mcp_context {
            servers {
              name: "weather" description: "Looks it up." id: "w-1"
              tools {
                name: "now" description: "The present."
                input_schema {
                  fields {
                    key: "a"
                    value { list_value { values { number_value: 1 } values { null_value: NULL_VALUE } } }
                  }
                }
              }
            }
            servers {
              name: "clock" id: "clock"
              tools {
                name: "tell"
                input_schema {
                  fields { key: "type" value { string_value: "object" } }
                  fields { key: "properties" value { struct_value {} } }
                }
              }
              resources { uri: "clock://utc" name: "UTC" description: "The time." mime_type: "text/plain" }
            }
          }
        )"));
}

TEST_CASE("keys of model providers are sent where there are some") {
  Request request("q");
  CHECK_FALSE(Built(request).settings().has_api_keys());
  request.model_keys.keys = {{ModelProvider::kAnthropic, Secret("key-1")},
                             {ModelProvider::kOpenAi, Secret("key-2")},
                             {ModelProvider::kGoogle, Secret("key-3")},
                             {ModelProvider::kOpenRouter, Secret("key-4")},
                             {ModelProvider::kXai, Secret("key-5")}};
  request.model_keys.aws = {Secret("id"), Secret("secret"), Secret("session"), "eu-west-1"};
  request.model_keys.google_cloud_access_token = Secret("gcp");
  CHECK(TextOf(Built(request).settings().api_keys()) == Text<wire::Request::Settings::ApiKeys>(R"(
          anthropic: "key-1" openai: "key-2" google: "key-3" open_router: "key-4" grok_oauth_access_token: "key-5"
          allow_use_of_warp_credits: false
          aws_credentials { access_key: "id" secret_key: "secret" session_token: "session" region: "eu-west-1" }
          google_cloud_credentials { access_token: "gcp" }
        )"));
  request.model_keys = {};
  request.model_keys.allow_warp_credits = true;
  CHECK(TextOf(Built(request).settings().api_keys()) ==
        Text<wire::Request::Settings::ApiKeys>("allow_use_of_warp_credits: true"));
}

TEST_CASE("every mode, and logging and settings that are empty") {
  Request request("q");
  request.mode = QueryMode::kOrchestrate;
  request.logging.clear();
  request.settings.clear();
  const wire::Request message = Built(request);
  CHECK(message.input().user_inputs().inputs(0).user_query().mode().has_orchestrate());
  CHECK(message.has_metadata());
  CHECK(message.metadata().ByteSizeLong() == 0);
  CHECK_FALSE(message.settings().has_supports_reasoning_message());
}

TEST_CASE("tool results need no query, and the system prompt goes with one only") {
  Request request;
  request.system_prompt = "Be brief.";
  request.tool_results.push_back({"call-1", Tool::kCallMcpTool, McpOutput::Text("22 degrees")});
  const wire::Request message = Built(request);
  REQUIRE(message.input().user_inputs().inputs_size() == 1);
  CHECK(message.input().user_inputs().inputs(0).has_tool_call_result());
}

TEST_CASE("a request may resume or summarize instead") {
  Request request;
  request.context.directory = "/here";
  request.kind = RequestKind::kResume;
  CHECK(TextOf(Built(request).input()) ==
        Text<wire::Request::Input>("context { directory { pwd: '/here' } } resume_conversation {}"));
  request.kind = RequestKind::kSummarize;
  CHECK(TextOf(Built(request).input()) ==
        Text<wire::Request::Input>("context { directory { pwd: '/here' } } summarize_conversation {}"));
  request.query = "the numbers";
  CHECK(Built(request).input().summarize_conversation().prompt() == "the numbers");
}

TEST_CASE("a request becomes the one that goes on where its answer broke off") {
  Request request("q");
  request.context.directory = "/here";
  RequestBuilder builder = BuilderOf(request);
  wire::Request expected = Parsed(builder.Serialize(Tasks(2), "c"));
  expected.mutable_input()->mutable_resume_conversation();
  AddEntry("is_auto_resume_after_error", expected.mutable_metadata()->mutable_logging())->set_bool_value(true);
  builder.BecomeResume();
  CHECK(TextOf(Parsed(builder.Serialize(Tasks(2), "c"))) == TextOf(expected));
}

TEST_CASE("what was asked can be dropped, and going on with the answer is asked all the same") {
  Request request("zebra");
  request.context.directory = "/here";
  RequestBuilder builder = BuilderOf(request);
  RequestBuilder other = BuilderOf(request);
  other.BecomeResume();
  const std::string resumed = other.Serialize(Tasks(2), "c");
  for (int i = 0; i < 2; ++i) {
    builder.DropQuestion();
    const std::string bytes = builder.Serialize({}, "c");
    CHECK(bytes.find("zebra") == std::string::npos);
    CHECK(bytes.find("/here") != std::string::npos);
    builder.BecomeResume();
    CHECK(TextOf(Parsed(builder.Serialize(Tasks(2), "c"))) == TextOf(Parsed(resumed)));
  }
}

TEST_CASE("tasks are serialized as protobuf would do it with the whole message") {
  const int messages = GENERATE(0, 1, 1000);
  Request request("q");
  request.system_prompt = "Be brief.";
  RequestBuilder builder = BuilderOf(request);
  const auto tasks = Tasks(messages);
  wire::Request expected = Parsed(builder.Serialize({}, ""));
  *expected.mutable_task_context() = tasks;
  expected.mutable_metadata()->set_conversation_id("c");
  const std::string bytes = builder.Serialize(tasks, "c");
  CHECK(MessageDifferencer::Equals(Parsed(bytes), expected));
  CHECK(bytes.size() == expected.ByteSizeLong());
  CHECK(Parsed(builder.Serialize(tasks, "")).metadata().has_conversation_id() == false);
}

// A field that no schema of ours has, in each message on the way down.
template <typename Message>
void AddUnknown(Message* message) {
  auto* unknown = message->GetReflection()->MutableUnknownFields(message);
  unknown->AddVarint(1000, 7);
  unknown->AddLengthDelimited(1001, "of a later version");
}

TEST_CASE("what a conversation holds beside the schema comes back byte for byte") {
  wire::Request::TaskContext tasks = Tasks(1);
  AddUnknown(&tasks);
  AddUnknown(tasks.mutable_tasks(0));
  wire::Message* message = tasks.mutable_tasks(0)->mutable_messages(0);
  AddUnknown(message);
  AddUnknown(message->mutable_agent_output());
  // Message.code_review, which our schema leaves out.
  wire::Message* review = tasks.mutable_tasks(0)->add_messages();
  review->set_id("message-review");
  const std::string review_bytes = "\x0a\x03...\x10\x00"s;
  review->GetReflection()->MutableUnknownFields(review)->AddLengthDelimited(17, review_bytes);
  wire::Message* call = tasks.mutable_tasks(0)->add_messages();
  auto* fields = call->mutable_tool_call()->mutable_call_mcp_tool()->mutable_args()->mutable_fields();
  // In no order, with a key twice, and with what a later version may have to say of one.
  for (const char* key : {"two", "one", "three", "one"}) AddEntry(key, fields)->set_number_value(1);
  AddUnknown(fields->Mutable(1));
  AddUnknown(call->mutable_tool_call());
  const std::string original = tasks.SerializeAsString();

  wire::Request::TaskContext parsed;
  REQUIRE(parsed.ParseFromString(original));
  const std::string bytes = BuilderOf(Request("q")).Serialize(parsed, "c");
  // task_context is the first field: its tag, its length in two bytes, itself.
  REQUIRE(original.size() > 127);
  REQUIRE(original.size() < 16384);
  CHECK(bytes[0] == '\x0a');
  CHECK((bytes.substr(3, original.size()) == original));
}

TEST_CASE("text of all kinds arrives as it is") {
  const auto text = GENERATE(as<std::string>(), " ", "line\nline\r\n\ttab", "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80",
                             "\0nul\0"s, std::string(3'000'000, 'x'));
  Request request(text);
  request.system_prompt = text;
  request.logging = {{"k", text}};
  const wire::Request message = Built(request);
  const auto& query = message.input().user_inputs().inputs(0).user_query();
  CHECK((query.query() == text));  // in parentheses: not to be printed
  CHECK((query.referenced_attachments(0).value().plain_text() == text));
  CHECK((message.metadata().logging(0).value().string_value() == text));
}

TEST_CASE("a raw request is sent as it is") {
  wire::Request message;
  AddUnknown(&message);
  Request request;
  request.raw = message.SerializeAsString();
  request.query = "\xFF";         // not looked at
  request.allowed_tools.clear();  // neither
  RequestBuilder builder = BuilderOf(request);
  CHECK(builder.Serialize(Tasks(1), "c") == request.raw);
  builder.BecomeResume();
  CHECK(builder.Serialize({}, "") == request.raw);
}

TEST_CASE("a builder that was moved builds the same") {
  RequestBuilder first = BuilderOf(Request("q"));
  const std::string bytes = first.Serialize({}, "c");
  RequestBuilder second = std::move(first);
  CHECK(second.Serialize({}, "c") == bytes);
}

}  // namespace
}  // namespace warppool::internal
