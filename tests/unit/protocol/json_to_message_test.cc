#include "protocol/json_to_message.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/wrappers.pb.h>

#include <string>

#include "warppool/wire/struct.pb.h"
#include "wire_text.h"

namespace warppool::internal {
namespace {

using namespace std::string_literals;

using wire::Struct;

// The message, or what is wrong; both functions agree on that.
std::string ReadObject(const std::string& json) {
  Struct object;
  const Problem problem = ReadJsonObject(json, &object);
  CHECK(CheckJsonObject(json) == problem);
  return problem ? *problem : TextOf(object);
}

TEST_CASE("a JSON object becomes a Struct") {
  CHECK(ReadObject(" {} ").empty());
  CHECK(ReadObject(R"({"n": null, "t": true, "f": false, "i": -7, "u": 4294967295, "l": -9007199254740992,
                 "d": 0.25, "s": "gr\u00fc\u00df \ud83d\ude00", "a": [1, [], {}], "o": {"x": {"y": []}}})") ==
        Text<Struct>(R"(
          fields { key: "n" value { null_value: NULL_VALUE } }
          fields { key: "t" value { bool_value: true } }
          fields { key: "f" value { bool_value: false } }
          fields { key: "i" value { number_value: -7 } }
          fields { key: "u" value { number_value: 4294967295 } }
          fields { key: "l" value { number_value: -9007199254740992 } }
          fields { key: "d" value { number_value: 0.25 } }
          fields { key: "s" value { string_value: "gr\303\274\303\237 \360\237\230\200" } }
          fields {
            key: "a"
            value {
              list_value { values { number_value: 1 } values { list_value {} } values { struct_value {} } }
            }
          }
          fields {
            key: "o"
            value { struct_value { fields {
              key: "x" value { struct_value { fields { key: "y" value { list_value {} } } } }
            } } }
          }
        )"));
}

TEST_CASE("of two members with one name the last one wins") {
  CHECK(ReadObject(R"({"a": {"b": 1}, "a": {"c": 2}})") == ReadObject(R"({"a": {"c": 2}})"));
  CHECK(ReadObject(R"({"a": [1], "a": [2]})") == ReadObject(R"({"a": [2]})"));
  CHECK(ReadObject(R"({"a": {}, "a": 3})") == ReadObject(R"({"a": 3})"));
}

TEST_CASE("what is not JSON is refused with its place") {
  using Catch::Matchers::StartsWith;
  for (const char* none : {"", " ", "null", "1", "[]", "\"{}\"", "x{}"})
    CHECK(ReadObject(none) == ": is no JSON object");
  for (const std::string& json : {std::string("{"),
                                  std::string("{}{}"),
                                  std::string("{'a':1}"),
                                  std::string("{a:1}"),
                                  std::string("{\"a\":1,}"),
                                  std::string("{\"a\":NaN}"),
                                  std::string("{\"a\":Infinity}"),
                                  std::string("{\"a\":1e999}"),
                                  std::string("{\"a\":01}"),
                                  std::string("{\"a\":\"\\ud800\"}"),
                                  std::string("{\"a\":\"\\udc00\"}"),
                                  std::string("{\"\\udfff\":1}"),
                                  std::string("{\"a\":2e308}"),
                                  std::string("{\"a\":-99e307}"),
                                  std::string("{\"a\":1" + std::string(400, '0') + "}"),
                                  std::string("{\"a\":\"\xFF\"}"),
                                  std::string("{\"a\":\"\x01\"}"),
                                  std::string("{}\0", 3),
                                  std::string("{\"\0\":1}", 7),
                                  std::string("{} // why")}) {
    INFO(json);
    CHECK_THAT(ReadObject(json), StartsWith(": not valid JSON at byte "));
  }
  CHECK_THAT(ReadObject(R"({"a": x})"), StartsWith(": not valid JSON at byte 6: "));
}

// Objects in one another, `depth` in all.
std::string Nested(int depth) {
  std::string json = "{}";
  for (int i = 1; i < depth; ++i) json = "{\"a\":" + json + "}";
  return json;
}

TEST_CASE("what is nested as deeply as it may be can be read by protobuf's parsers") {
  Request request("q");
  request.mcp_servers = {{"s", "", "", {{"t", "", Nested(30)}}}};
  CHECK(Built(request).has_mcp_context());
  CHECK(ReadObject(Nested(31)) == ": not valid JSON at byte 150: Nested too deeply.");
  CHECK_THAT(ReadObject("{\"a\":" + std::string(200'000, '[')), Catch::Matchers::EndsWith("Nested too deeply."));
}

// The message, or what is wrong.
template <typename Message>
std::string ReadAs(const std::string& json) {
  Message message;
  const Problem problem = ReadJsonObject(json, &message);
  return problem ? *problem : TextOf(message);
}

// It has a field of each of the less usual types.
using google::protobuf::UninterpretedOption;

TEST_CASE("fields of every type are read") {
  using Result = wire::Request::Input::ToolCallResult;
  CHECK(ReadAs<Result>(R"({
          "tool_call_id": "c \u00fc",
          "runShellCommand": {
            "command": null, "command_finished": {"exitCode": -1.0e0, "startTs": "2026-01-02T03:04:05.250+01:00"}
          }
        })") == Text<Result>(R"(
          tool_call_id: "c \303\274"
          run_shell_command {
            command_finished { exit_code: -1 start_ts { seconds: 1767319445 nanos: 250000000 } }
          }
        )"));
  CHECK(ReadAs<wire::ShellCommandFinished>(R"({"startTs": "2262-04-11T23:47:15.123456789Z"})") ==
        Text<wire::ShellCommandFinished>("start_ts { seconds: 9223372035 nanos: 123456789 }"));
  CHECK(ReadAs<wire::ShellCommandFinished>(R"({"startTs": "1970-01-01T00:00:00.25+01:00"})") ==
        Text<wire::ShellCommandFinished>("start_ts { seconds: -3600 nanos: 250000000 }"));
  CHECK(ReadAs<UninterpretedOption>(
            R"({"positiveIntValue": "18446744073709551615", "negativeIntValue": -9223372036854775808,
                "doubleValue": "-Infinity", "stringValue": "_/-+AQ==",
                "name": [{"namePart": "a", "isExtension": true}]})") == Text<UninterpretedOption>(R"(
          positive_int_value: 18446744073709551615 negative_int_value: -9223372036854775808
          double_value: -inf string_value: "\377\377\276\001"
          name { name_part: "a" is_extension: true }
        )"));
  using Field = google::protobuf::FieldDescriptorProto;
  CHECK(ReadAs<Field>(R"({"type": "TYPE_BYTES", "label": 3})") == "label: LABEL_REPEATED\ntype: TYPE_BYTES\n");
  CHECK(ReadAs<google::protobuf::DescriptorProto>(R"({"reservedName": ["a", "b"], "extensionRange": []})") ==
        "reserved_name: \"a\"\nreserved_name: \"b\"\n");
  CHECK(ReadAs<google::protobuf::FloatValue>(R"({"value": "0.5"})") == "value: 0.5\n");
  CHECK(ReadAs<google::protobuf::DoubleValue>(R"({"value": "NaN"})") == "value: nan\n");
  for (const char* tiny : {"1e-999", "-1E-999", "0.0000000001e-320"}) {
    CHECK(ReadAs<google::protobuf::DoubleValue>("{\"value\":" + std::string(tiny) + "}").empty());  // 0
  }
  CHECK(ReadAs<Result>(R"({"grep": {"success": null, "error": {}}})") == "grep {\n  error {\n  }\n}\n");
}

TEST_CASE("a number that no double holds is refused if it is large, and zero if it is small") {
  const auto read = [](const std::string& number) {
    const Problem problem = CheckJsonObject("{\"value\":" + number + "}");
    if (problem) return std::string("refused");
    wire::Struct object;
    REQUIRE_FALSE(ReadJsonObject("{\"value\":" + number + "}", &object));
    return object.fields(0).value().number_value() == 0 ? std::string("zero") : std::string("some");
  };
  const std::string zeros(400, '0');
  for (const std::string& large :
       {"1" + zeros, "-1" + zeros + "e-50", "12" + zeros + ".5E-9", "0.001e315"s, "0.9e309"s, "2e+308"s}) {
    INFO(large);
    CHECK(read(large) == "refused");
  }
  for (const std::string& small : {"0." + zeros + "1", "-0." + zeros + "1e50", "1e-999"s, "12.5E-400"s, "0e-999"s}) {
    INFO(small);
    CHECK(read(small) == "zero");
  }
  CHECK(read("5e-324") == "some");
}

TEST_CASE("numbers go as far as their types") {
  using google::protobuf::Int32Value;
  using google::protobuf::Int64Value;
  using google::protobuf::UInt32Value;
  using google::protobuf::UInt64Value;
  const auto of = [](const std::string& number) { return "{\"value\":" + number + "}"; };
  for (const char* number : {"2147483647", "-2147483648", "2147483647.0", "\"-7\"", "1e9", "-0.0"}) {
    INFO(number);
    Int32Value message;
    REQUIRE_FALSE(ReadJsonObject(of(number), &message));
    CHECK(message.value() == std::stod(number[0] == '"' ? number + 1 : number));
  }
  for (const char* number : {"2147483648", "-2147483649", "1e10", "0.5", "\"\"", "\" 7\"", "\"7x\"", "\"0x7\"", "true",
                             "[7]", "{}", "1e300"}) {
    INFO(number);
    CHECK(ReadAs<Int32Value>(of(number)) == "value: is no 32-bit number");
  }
  CHECK(ReadAs<UInt32Value>(of("4294967295")) == "value: 4294967295\n");
  for (const char* number : {"4294967296", "-1", "-1.0"}) {
    CHECK(ReadAs<UInt32Value>(of(number)) == "value: is no 32-bit number from 0 on");
  }
  CHECK(ReadAs<Int64Value>(of("\"-9223372036854775808\"")) == "value: -9223372036854775808\n");
  CHECK(ReadAs<Int64Value>(of("-9223372036854775808.0")) == "value: -9223372036854775808\n");
  for (const char* number : {"9223372036854775808", "9223372036854775808.0", "\"9223372036854775808\""}) {
    CHECK(ReadAs<Int64Value>(of(number)) == "value: is no 64-bit number");
  }
  CHECK(ReadAs<UInt64Value>(of("18446744073709551615")) == "value: 18446744073709551615\n");
  CHECK(ReadAs<UInt64Value>(of("18446744073709551616")) == "value: is no 64-bit number from 0 on");
  CHECK(ReadAs<google::protobuf::FloatValue>(of("1e39")) == "value: is no number that a float holds");
  CHECK(ReadAs<google::protobuf::DoubleValue>(of("\"1e999\"")) == "value: is no number");
}

TEST_CASE("what does not fit the schema is refused with the name of the field") {
  using Result = wire::Request::Input::ToolCallResult;
  const auto read = [](const std::string& json) { return ReadAs<Result>(json); };
  CHECK(read(R"({"tool": 1})") == ": ToolCallResult has no field \"tool\"");
  CHECK(read(R"({"": 1})") == ": ToolCallResult has no field \"\"");
  CHECK(read(R"({"a\nb\"\u0000": 1})") == ": ToolCallResult has no field \"a?b??\"");
  CHECK(read("{\"" + std::string(1000, 'x') + "\": 1}") ==
        ": ToolCallResult has no field \"" + std::string(60, 'x') + "...\"");
  CHECK(read(R"({"grep": 1})") == "grep: is no object");
  CHECK(read(R"({"grep": {"success": {"matchedFiles": {}}}})") == "grep.success.matchedFiles: is no list");
  CHECK(read(R"({"grep": {"success": {"matchedFiles": [{}, {"matchedLines": [{"lineNumber": -1}]}]}}})") ==
        "grep.success.matchedFiles[1].matchedLines[0].lineNumber: is no 32-bit number from 0 on");
  CHECK(read(R"({"grep": {"success": {"matchedFiles": [null]}}})") == "grep.success.matchedFiles[0]: is no object");
  CHECK(read(R"({"grep": {}, "file_glob": {}})") == "file_glob: cannot be there together with grep");
  CHECK(read(R"({"tool_call_id": "a", "toolCallId": "b"})") == "toolCallId: is there twice");
  CHECK(read(R"({"grep": {"success": {"matchedFiles": [{}], "matched_files": []}}})") ==
        "grep.success.matched_files: is there twice");
  CHECK(read(R"({"tool_call_id": 7})") == "tool_call_id: is no text");
  CHECK(read(R"({"run_shell_command": {"command_finished": {"start_ts": "yesterday"}}})") ==
        "run_shell_command.command_finished.start_ts: is no date from 1970 to 2261 as RFC 3339 has it");
  for (const char* date : {"1969-12-31T23:59:59Z", "2500-01-01T00:00:00Z"}) {
    CHECK_THAT(ReadAs<wire::ShellCommandFinished>("{\"startTs\":\"" + std::string(date) + "\"}"),
               Catch::Matchers::StartsWith("startTs: is no date"));
  }
  CHECK(ReadAs<UninterpretedOption>(R"({"stringValue": "?"})") == "stringValue: is no base64");
  CHECK(ReadAs<UninterpretedOption>(R"({"name": [{"isExtension": "true"}]})") ==
        "name[0].isExtension: is no true or false");
  using Field = google::protobuf::FieldDescriptorProto;
  CHECK(ReadAs<Field>(R"({"type": "TYPE_NONE"})") == "type: is no Type");
  CHECK(ReadAs<Field>(R"({"type": 1.5})") == "type: is no Type");
  CHECK(ReadAs<wire::Request::MCPContext::MCPTool>(R"({"inputSchema": []})") == "inputSchema: is no object");
}

}  // namespace
}  // namespace warppool::internal
