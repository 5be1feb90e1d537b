#include "protocol/request_builder.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "warppool/wire/request.pb.h"

namespace warppool {
namespace {

using namespace std::chrono_literals;
using Catch::Contains;
using Catch::StartsWith;

wire::Request Built(const Request& request) {
  const auto bytes = BuildRequest(request);
  INFO(bytes.status().ToString());
  REQUIRE(bytes.ok());
  wire::Request message;
  REQUIRE(message.ParseFromString(*bytes));
  CHECK(message.GetReflection()->GetUnknownFields(message).empty());
  return message;
}

TEST_CASE("a first turn is built as the service knows it") {
  const wire::Request message = Built(Request("Why is the sky blue?"));

  CHECK(message.has_task_context());  // present, and empty
  CHECK(message.task_context().tasks().empty());

  CHECK(message.input().has_context());
  REQUIRE(message.input().type_case() == wire::Request::Input::kUserInputs);
  REQUIRE(message.input().user_inputs().inputs_size() == 1);
  const auto& query = message.input().user_inputs().inputs(0).user_query();
  CHECK(query.query() == "Why is the sky blue?");
  CHECK(query.has_mode());  // present, and empty
  CHECK(query.mode().ByteSizeLong() == 0);
  CHECK(query.intended_agent() == wire::AGENT_TYPE_PRIMARY);
  CHECK(query.referenced_attachments().empty());

  CHECK(message.settings().model_config().base() == "auto");
  REQUIRE(message.settings().supported_tools_size() == 1);  // none would mean any
  CHECK(message.settings().supported_tools(0) == wire::CALL_MCP_TOOL);

  CHECK(message.metadata().conversation_id().empty());
  REQUIRE(message.metadata().logging_size() == 1);
  CHECK(message.metadata().logging().at("entrypoint").string_value() == "USER_INITIATED");
}

TEST_CASE("what the program sets is sent") {
  Request request("q");
  request.model = "fake-model";
  request.system_prompt = "Be brief.";
  request.logging = {{"a", "1"}, {"b", ""}};
  request.allowed_tools = {Tool::kCallMcpTool, Tool::kCallMcpTool};
  const wire::Request message = Built(request);
  CHECK(message.settings().model_config().base() == "fake-model");
  const auto& attachments = message.input().user_inputs().inputs(0).user_query().referenced_attachments();
  REQUIRE(attachments.size() == 1);
  CHECK(attachments.at("SYSTEM_PROMPT").plain_text() == "Be brief.");
  CHECK(message.settings().supported_tools_size() == 2);
  CHECK(message.metadata().logging_size() == 2);
  CHECK(message.metadata().logging().at("a").string_value() == "1");
  CHECK(message.metadata().logging().at("b").kind_case() == google::protobuf::Value::kStringValue);
}

TEST_CASE("logging may be empty") {
  Request request("q");
  request.logging.clear();
  CHECK(Built(request).metadata().logging().empty());
}

TEST_CASE("text of all kinds arrives as it is") {
  using namespace std::string_literals;
  const auto text = GENERATE(as<std::string>(), " ", "line\nline\r\n\ttab", "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80",
                             "\0nul\0"s, std::string(3'000'000, 'x'));
  Request request(text);
  request.system_prompt = text;
  request.logging = {{"k", text}};
  const wire::Request message = Built(request);
  const auto& query = message.input().user_inputs().inputs(0).user_query();
  CHECK((query.query() == text));  // in parentheses: not to be printed
  CHECK((query.referenced_attachments().at("SYSTEM_PROMPT").plain_text() == text));
  CHECK((message.metadata().logging().at("k").string_value() == text));
}

TEST_CASE("each field that is not valid is named") {
  struct Row {
    const char* start;  // of the message
    void (*spoil)(Request*);
  };
  const auto row = GENERATE(values<Row>({
      {"query: is empty", [](Request* r) { r->query.clear(); }},
      {"query: not UTF-8 at byte 1", [](Request* r) { r->query = "q\xFF"; }},
      {"model: is empty", [](Request* r) { r->model.clear(); }},
      {"model: not UTF-8 at byte 0", [](Request* r) { r->model = "\xC3"; }},
      {"system_prompt: not UTF-8 at byte 3", [](Request* r) { r->system_prompt = "abc\xED\xA0\x80"; }},
      {"logging (a key): not UTF-8 at byte 1", [](Request* r) { r->logging["k\xFE"] = "v"; }},
      {"logging[\"k\"]: not UTF-8 at byte 2", [](Request* r) { r->logging["k"] = "ab\x80"; }},
      {"allowed_tools: is empty", [](Request* r) { r->allowed_tools.clear(); }},
      {"allowed_tools: unknown tool 0", [](Request* r) { r->allowed_tools.push_back(static_cast<Tool>(0)); }},
      {"allowed_tools: unknown tool -1", [](Request* r) { r->allowed_tools = {static_cast<Tool>(-1)}; }},
      {"timeout: is negative", [](Request* r) { r->timeout = -1ms; }},
  }));
  INFO(row.start);
  Request request("q");
  row.spoil(&request);
  const auto bytes = BuildRequest(request);
  REQUIRE_FALSE(bytes.ok());
  CHECK(bytes.code() == Code::kInvalidArgument);
  CHECK_THAT(bytes.status().message(), StartsWith(row.start));
}

}  // namespace
}  // namespace warppool
