#include "protocol/json_object.h"

#include <string>

#include "wire_text.h"

namespace warppool {
namespace {

using google::protobuf::Struct;

// The message, or what is wrong; both functions agree on that.
std::string Reread(const std::string& json) {
  Struct object;
  const Problem problem = ReadJsonObject(json, &object);
  CHECK(CheckJsonObject(json) == problem);
  return problem ? *problem : object.DebugString();
}

TEST_CASE("a JSON object becomes a Struct") {
  CHECK(Reread(" {} ").empty());
  CHECK(Reread(R"({"n": null, "t": true, "f": false, "i": -7, "u": 4294967295, "l": -9007199254740992,
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
  CHECK(Reread(R"({"a": {"b": 1}, "a": {"c": 2}})") == Reread(R"({"a": {"c": 2}})"));
  CHECK(Reread(R"({"a": [1], "a": [2]})") == Reread(R"({"a": [2]})"));
  CHECK(Reread(R"({"a": {}, "a": 3})") == Reread(R"({"a": 3})"));
}

TEST_CASE("what is not JSON is refused with its place") {
  using Catch::StartsWith;
  for (const char* none : {"", " ", "null", "1", "[]", "\"{}\"", "x{}"}) CHECK(Reread(none) == ": is no JSON object");
  for (const std::string& json :
       {std::string("{"), std::string("{}{}"), std::string("{'a':1}"), std::string("{a:1}"), std::string("{\"a\":1,}"),
        std::string("{\"a\":NaN}"), std::string("{\"a\":Infinity}"), std::string("{\"a\":1e999}"),
        std::string("{\"a\":01}"), std::string("{\"a\":\"\\ud800\"}"), std::string("{\"a\":\"\xFF\"}"),
        std::string("{\"a\":\"\x01\"}"), std::string("{}\0", 3), std::string("{\"\0\":1}", 7),
        std::string("{} // why")}) {
    INFO(json);
    CHECK_THAT(Reread(json), StartsWith(": not valid JSON at byte "));
  }
  CHECK_THAT(Reread(R"({"a": x})"), StartsWith(": not valid JSON at byte 6: "));
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
  CHECK(Reread(Nested(31)) == ": not valid JSON at byte 150: Nested too deeply.");
  CHECK_THAT(Reread("{\"a\":" + std::string(200'000, '[')), Catch::EndsWith("Nested too deeply."));
}

}  // namespace
}  // namespace warppool
