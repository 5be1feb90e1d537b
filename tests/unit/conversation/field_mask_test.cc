#include "conversation/field_mask.h"

#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "protocol/map_entry.h"
#include "warppool/wire/task.pb.h"

namespace warppool::internal {
namespace {

wire::Message WithCitations(const std::vector<std::string>& documents) {
  wire::Message message;
  for (const std::string& document : documents) message.add_citations()->set_document_id(document);
  return message;
}

Status AppendAll(const std::string& path, const wire::Message& from, wire::Message* to) {
  return ForEachText(path, from, to, [](TextField text, const std::string& more) {
    text.Append(more);
    return Status();
  });
}

TEST_CASE("a path replaces the one field that it names") {
  wire::Message from;
  from.set_request_id("r2");
  from.mutable_agent_output()->set_text("new");
  wire::Message to;
  to.set_id("m1");
  to.set_request_id("r1");
  to.mutable_agent_output()->set_text("old");
  REQUIRE(ReplaceField("agent_output.text", from, &to).ok());
  CHECK(to.agent_output().text() == "new");
  CHECK(to.request_id() == "r1");
  REQUIRE(ReplaceField("request_id", from, &to).ok());
  CHECK(to.request_id() == "r2");
  CHECK(to.id() == "m1");
}

TEST_CASE("what is absent there is absent here") {
  wire::Message to;
  to.set_server_message_data("data");
  to.mutable_agent_output()->set_text("text");
  REQUIRE(ReplaceField("server_message_data", wire::Message(), &to).ok());
  CHECK_FALSE(to.has_server_message_data());
  REQUIRE(ReplaceField("agent_output.text", wire::Message(), &to).ok());
  CHECK(to.has_agent_output());
  CHECK_FALSE(to.agent_output().has_text());
  REQUIRE(ReplaceField("agent_output", wire::Message(), &to).ok());
  CHECK_FALSE(to.has_agent_output());
}

TEST_CASE("present but empty is not absent") {
  wire::Message from;
  from.mutable_agent_output()->set_text("");
  wire::Message to;
  to.mutable_agent_output()->set_text("text");
  REQUIRE(ReplaceField("agent_output.text", from, &to).ok());
  CHECK(to.agent_output().has_text());
  CHECK(to.agent_output().text().empty());
}

TEST_CASE("naming another member of a oneof changes what the message is") {
  wire::Message from;
  from.mutable_agent_output()->set_text("said");
  wire::Message to;
  to.mutable_agent_reasoning()->set_reasoning("thought");
  REQUIRE(ReplaceField("agent_output", from, &to).ok());
  CHECK(to.message_case() == wire::Message::kAgentOutput);
  CHECK(to.agent_output().text() == "said");
  // A member that the source has not got is no reason to take the other one away.
  REQUIRE(ReplaceField("tool_call", from, &to).ok());
  CHECK(to.message_case() == wire::Message::kAgentOutput);
}

TEST_CASE("a list at the end of a path is replaced whole, whatever its length") {
  wire::Message to = WithCitations({"a", "b", "c"});
  REQUIRE(ReplaceField("citations", WithCitations({"d"}), &to).ok());
  REQUIRE(to.citations_size() == 1);
  CHECK(to.citations(0).document_id() == "d");
  REQUIRE(ReplaceField("citations", wire::Message(), &to).ok());
  CHECK(to.citations_size() == 0);
}

TEST_CASE("a map at the end of a path is replaced whole") {
  wire::Message from;
  AddEntry("new", from.mutable_user_query()->mutable_referenced_attachments())->set_plain_text("n");
  wire::Message to;
  AddEntry("old", to.mutable_user_query()->mutable_referenced_attachments())->set_plain_text("o");
  REQUIRE(ReplaceField("user_query.referenced_attachments", from, &to).ok());
  REQUIRE(to.user_query().referenced_attachments().size() == 1);
  CHECK(to.user_query().referenced_attachments(0).key() == "new");
}

TEST_CASE("a list on the way is gone through element by element") {
  wire::Message to = WithCitations({"a", "b"});
  to.mutable_citations(0)->set_document_type(wire::RULE);
  REQUIRE(ReplaceField("citations.document_id", WithCitations({"x", "y"}), &to).ok());
  CHECK(to.citations(0).document_id() == "x");
  CHECK(to.citations(1).document_id() == "y");
  CHECK(to.citations(0).document_type() == wire::RULE);
}

TEST_CASE("lists of different length on the way are an error that names the field") {
  wire::Message to = WithCitations({"a", "b"});
  const Status replaced = ReplaceField("citations.document_id", WithCitations({"x"}), &to);
  CHECK(replaced.code() == Code::kInvalidAction);
  CHECK_THAT(replaced.message(),
             Catch::Matchers::ContainsSubstring("citations") && Catch::Matchers::ContainsSubstring("1 elements"));
  CHECK(AppendAll("citations.document_id", WithCitations({"x"}), &to).code() == Code::kInvalidAction);
}

TEST_CASE("a path that the schema does not know is a no-op") {
  wire::Message from;
  from.set_request_id("r2");
  from.mutable_agent_output()->set_text("new");
  wire::Message to;
  to.mutable_agent_output()->set_text("old");
  const wire::Message before = to;
  const auto path = GENERATE(values<std::string>(
      {"", ".", "nothing", "agent_output.nothing", "agent_output.text.deeper", "agent_output.", ".agent_output",
       "agentOutput.text", "user_query.referenced_attachments.key", "nothing.text"}));
  CAPTURE(path);
  CHECK(ReplaceField(path, from, &to).ok());
  CHECK(AppendAll(path, from, &to).ok());
  CHECK(to.SerializeAsString() == before.SerializeAsString());
  wire::Message empty;
  CHECK(ReplaceField(path, from, &empty).ok());
  CHECK(AppendAll(path, from, &empty).ok());
  CHECK(empty.ByteSizeLong() == 0);
}

TEST_CASE("appending puts one text behind the other") {
  wire::Message from;
  from.mutable_tool_call()->mutable_server()->set_payload("more");
  wire::Message to;
  REQUIRE(AppendAll("tool_call.server.payload", from, &to).ok());
  CHECK(to.tool_call().server().payload() == "more");
  REQUIRE(AppendAll("tool_call.server.payload", from, &to).ok());
  CHECK(to.tool_call().server().payload() == "moremore");
}

TEST_CASE("appending to each element of a list") {
  wire::Message to = WithCitations({"a", ""});
  REQUIRE(AppendAll("citations.document_id", WithCitations({"1", "2"}), &to).ok());
  CHECK(to.citations(0).document_id() == "a1");
  CHECK(to.citations(1).document_id() == "2");
}

TEST_CASE("appending to what is no text is an error that names the path") {
  wire::Message from = WithCitations({"x"});
  from.mutable_tool_call()->mutable_grep()->add_queries("q");
  wire::Message to = from;
  const auto path =
      GENERATE(values<std::string>({"citations", "agent_output", "tool_call.grep.queries", "timestamp.seconds",
                                    "tool_call.write_to_long_running_shell_command.input"}));
  CAPTURE(path);
  from.mutable_timestamp()->set_seconds(1);
  if (path.find("write_to") != std::string::npos) {
    from.mutable_tool_call()->mutable_write_to_long_running_shell_command()->set_input("bytes are no text");
  }
  if (path == "agent_output") from.mutable_agent_output();
  const Status status = AppendAll(path, from, &to);
  CHECK(status.code() == Code::kInvalidAction);
  CHECK_THAT(status.message(),
             Catch::Matchers::ContainsSubstring("no text") || Catch::Matchers::ContainsSubstring("instead"));
}

TEST_CASE("a text is cut back to what it was") {
  wire::Message message;
  message.mutable_agent_output()->set_text("abc");
  std::vector<std::size_t> sizes;
  CHECK(ForEachText("agent_output.text", &message, [&](TextField text) { sizes.push_back(text.size()); }));
  CHECK(sizes == std::vector<std::size_t>{3});
  ForEachText("agent_output.text", &message, [&](TextField text) { text.Truncate(1); });
  CHECK(message.agent_output().text() == "a");
  CHECK_FALSE(ForEachText("agent_reasoning.reasoning", &message, [](TextField /*text*/) {}));
}

TEST_CASE("a text of a megabyte is built in linear time") {
  // Not timed: the text moves only when it has outgrown its memory, not with each delta.
  wire::Message delta;
  delta.mutable_debug_output()->set_text("0123456789");
  wire::Message to;
  int moves = 0;
  const char* at = nullptr;
  for (int i = 0; i < 100'000; ++i) {
    REQUIRE(AppendAll("debug_output.text", delta, &to).ok());
    if (std::exchange(at, to.debug_output().text().data()) != at) ++moves;
  }
  CHECK(moves < 100);
  CHECK(to.debug_output().text().size() == 1'000'000);
}

TEST_CASE("appending to another alternative than the one that is there is refused, and takes nothing away") {
  wire::Message from;
  from.mutable_agent_output()->set_text("said");
  wire::Message to;
  to.mutable_agent_reasoning()->set_reasoning("thought");
  const std::string before = to.SerializeAsString();
  const Status status = AppendAll("agent_output.text", from, &to);
  CHECK(status.code() == Code::kInvalidAction);
  CHECK_THAT(status.message(), Catch::Matchers::ContainsSubstring("agent_output") &&
                                   Catch::Matchers::ContainsSubstring("agent_reasoning"));
  CHECK(to.SerializeAsString() == before);
}

}  // namespace
}  // namespace warppool::internal
