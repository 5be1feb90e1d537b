#include "base/json.h"

#include <malloc.h>

#include <string>
#include <string_view>

#include "catch.h"

namespace warppool::internal {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

FlatJson ParsedJson(std::string_view text) {
  auto json = FlatJson::Parse(text);
  INFO(text << "\n" << json.status().ToString());
  REQUIRE(json.ok());
  return *std::move(json);
}

std::string At(const FlatJson& json, const std::string& path) {
  const std::string* value = json.Find(path);
  return value == nullptr ? "(none)" : *value;
}

TEST_CASE("scalars are found under their paths") {
  const FlatJson json = ParsedJson(R"( {"error": {"code": 400, "details": ["x", {"y": true}, [false, []], "z"]},
      "none": null, "empty": "", "": "no name", "last": {}} )");
  CHECK(At(json, "error.code") == "400");
  CHECK(At(json, "error.details.0") == "x");
  CHECK(At(json, "error.details.1.y") == "true");
  CHECK(At(json, "error.details.2.0") == "false");
  CHECK(At(json, "error.details.3") == "z");
  CHECK(At(json, "empty").empty());
  CHECK(At(json, "") == "no name");
  for (const char* path : {"none", "error", "error.details", "error.details.2.1", "last", "code", "error.details.4"}) {
    INFO(path);
    CHECK(json.Find(path) == nullptr);
  }
}

TEST_CASE("a null in a list takes a place") {
  CHECK(At(ParsedJson(R"(["a", null, "b"])"), "2") == "b");
}

TEST_CASE("a document may be a scalar") {
  CHECK(At(ParsedJson("\"alone\""), "") == "alone");
  CHECK(At(ParsedJson(" 7 "), "") == "7");
}

TEST_CASE("numbers keep the text that they were written in") {
  const auto number = GENERATE(as<std::string>(), "0", "-0", "3600", "18446744073709551616", "-1.50E+3", "0.1000",
                               "123456789012345678901234567890.123456789012345678901234567890");
  CHECK(At(ParsedJson("{\"n\":" + number + "}"), "n") == number);
  CHECK(At(ParsedJson("[" + number + "," + number + "]"), "1") == number);
}

TEST_CASE("strings are unescaped, NUL and all") {
  const FlatJson json = ParsedJson(R"({"s": "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000!", "k\u0065y": 1})");
  CHECK(At(json, "s") == std::string("\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80\0!", 16));
  CHECK(At(json, "key") == "1");
}

TEST_CASE("of two members with one path the last one wins") {
  CHECK(At(ParsedJson(R"({"a": 1, "a": 2})"), "a") == "2");
  CHECK(At(ParsedJson(R"({"a": {"b": 1}, "a.b": 2})"), "a.b") == "2");
}

TEST_CASE("the first path that holds something is taken") {
  const FlatJson json = ParsedJson(R"({"id_token": "", "access_token": "a", "other": "b"})");
  const std::string* found = json.FindAny({"missing", "id_token", "access_token", "other"});
  REQUIRE(found != nullptr);
  CHECK(*found == "a");
  CHECK(json.FindAny({"missing", "id_token"}) == nullptr);
}

TEST_CASE("what is not JSON fails, and the error says where") {
  struct Row {
    std::string_view text;
    const char* start;
  };
  using namespace std::string_view_literals;
  const auto row = GENERATE(values<Row>({
      {""sv, "not valid JSON at byte 0: "},           {" "sv, "not valid JSON at byte 1: "},
      {"{"sv, "not valid JSON at byte 1: "},          {"nul"sv, "not valid JSON at byte 3: "},
      {"{\"a\":1}x"sv, "not valid JSON at byte 7: "}, {"{} {}"sv, "not valid JSON at byte 3: "},
      {"{\"a\" 1}"sv, "not valid JSON at byte 5: "},  {"[1,]"sv, "not valid JSON at byte 3: "},
      {"<html>"sv, "not valid JSON at byte 0: "},     {"[01]"sv, "not valid JSON at byte 2: "},
      {"[1\0]"sv, "not valid JSON at byte 2: "},      {"{\"a\":\"x"sv, "not valid JSON at byte "},
      {"[NaN]"sv, "not valid JSON at byte "},         {"[+1]"sv, "not valid JSON at byte "},
      {"['a']"sv, "not valid JSON at byte "},         {"[1.]"sv, "not valid JSON at byte "},
      {"[\"\\x\"]"sv, "not valid JSON at byte "},     {"[\"a\nb\"]"sv, "not valid JSON at byte "},
      {"[\"\\ud800\"]"sv, "not valid JSON at byte "},
  }));
  INFO(row.text);
  const auto json = FlatJson::Parse(row.text);
  REQUIRE_FALSE(json.ok());
  CHECK(json.code() == Code::kInvalidArgument);
  CHECK_THAT(json.status().message(), StartsWith(row.start));
}

TEST_CASE("strings that are not UTF-8 fail") {
  const auto bytes =
      GENERATE(as<std::string>(), "\xFF", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80");
  CHECK_FALSE(FlatJson::Parse("{\"a\": \"" + bytes + "\"}").ok());
  CHECK_FALSE(FlatJson::Parse("{\"" + bytes + "\": 1}").ok());
}

TEST_CASE("64 levels are allowed, and not one more") {
  CHECK(FlatJson::Parse(std::string(64, '[') + std::string(64, ']')).ok());
  const auto deeper = FlatJson::Parse(std::string(65, '[') + std::string(65, ']'));
  REQUIRE_FALSE(deeper.ok());
  CHECK_THAT(deeper.status().message(), ContainsSubstring("Nested too deeply"));
  // Levels that were left count no more.
  std::string wide = "[";
  for (int i = 0; i < 1000; ++i) wide += "[{}],";
  CHECK(FlatJson::Parse(wide + "1]").ok());
}

TEST_CASE("two million open brackets do not overflow the stack") {
  const std::size_t many = 2'000'000;
  CHECK_FALSE(FlatJson::Parse(std::string(many, '[')).ok());
  std::string objects;
  for (std::size_t i = 0; i < many; ++i) objects += "{\"\":";
  const auto json = FlatJson::Parse(objects);
  REQUIRE_FALSE(json.ok());
  CHECK_THAT(json.status().message(), ContainsSubstring("Nested too deeply"));
}

TEST_CASE("a long name over a long list does not cost the product of the two") {
  std::string text = "{\"" + std::string(20'000, 'k') + "\":[0";
  for (int i = 0; i < 5'000; ++i) text += ",0";
  text += "]}";
  const std::size_t before = mallinfo2().uordblks;
  const auto json = FlatJson::Parse(text);
  const std::size_t after = mallinfo2().uordblks;
  CHECK((after < before || after - before < 50 * text.size()));
}

}  // namespace
}  // namespace warppool::internal
