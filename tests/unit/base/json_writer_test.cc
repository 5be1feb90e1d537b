#include "base/json_writer.h"

#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

#include "base/json.h"
#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::string_view_literals;

template <typename Write>
std::string Written(const Write& write) {
  JsonWriter json;
  write(json);
  return json.text();
}

std::string WrittenString(std::string_view text) {
  return Written([&](JsonWriter& json) { json.String(text); });
}

template <typename N>
std::string WrittenNumber(N number) {
  return Written([&](JsonWriter& json) { json.Number(number); });
}

// What a reader gets back.
std::string ReadBack(std::string_view text) {
  const auto json = FlatJson::Parse(WrittenString(text));
  INFO(WrittenString(text) << "\n" << json.status().ToString());
  REQUIRE(json.ok());
  const std::string* read = json->Find("");
  return read == nullptr ? "(none)" : *read;
}

TEST_CASE("objects and lists nest, empty ones too") {
  const std::string text = Written([](JsonWriter& json) {
    json.Object([&] {
      json.Key("a").Array([&] {
        json.Number(1);
        json.Object([] {});
        json.Array([] {});
        json.Object([&] { json.Key("b").Array([&] { json.Null(); }); });
      });
      json.Key("c").Object([&] {
        json.Key("d").Bool(true);
        json.Key("e").Bool(false);
      });
      json.Key("").String("");
    });
  });
  CHECK(text == R"({"a":[1,{},[],{"b":[null]}],"c":{"d":true,"e":false},"":""})");
}

TEST_CASE("a written document may be a scalar") {
  CHECK(WrittenString("alone") == "\"alone\"");
  CHECK(WrittenNumber(7) == "7");
  CHECK(Written([](JsonWriter& json) { json.Null(); }) == "null");
}

TEST_CASE("nesting is as deep as one likes") {
  JsonWriter json;
  const auto nest = [&](const auto& self, int levels) -> void {
    json.Array([&] {
      if (levels > 1) self(self, levels - 1);
    });
  };
  nest(nest, 1000);
  CHECK(json.text() == std::string(1000, '[') + std::string(1000, ']'));
}

TEST_CASE("what JSON reserves is escaped, and nothing else") {
  CHECK(WrittenString("\"\\/\b\f\n\r\t") == R"("\"\\/\b\f\n\r\t")");
  CHECK(WrittenString("\0\x01\x1F\x7F"sv) == "\"\\u0000\\u0001\\u001F\x7F\"");
  CHECK(WrittenString("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80") == "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
}

TEST_CASE("every byte of ASCII comes back as it was") {
  std::string all;
  for (char c = 0; c < 127; ++c) all += c;
  CHECK(ReadBack(all) == all);
  const std::string text = WrittenString(all);
  CHECK(text.find('\n') == std::string::npos);
}

TEST_CASE("a text that is nothing at all is an empty one") {
  CHECK(WrittenString({}) == "\"\"");
  CHECK(Written([](JsonWriter& json) { json.Object([&] { json.Key({}).String({}); }); }) == R"({"":""})");
}

TEST_CASE("what is not UTF-8 is replaced byte by byte, in keys too") {
  CHECK(ReadBack("\xFF") == "\xEF\xBF\xBD");
  CHECK(ReadBack("a\xC3z\xE2\x82") == "a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(ReadBack("\xC3\xA9\x80\xC3\xA9") == "\xC3\xA9\xEF\xBF\xBD\xC3\xA9");
  CHECK(ReadBack("\xED\xA0\x80\"") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
  CHECK(Written([](JsonWriter& json) { json.Object([&] { json.Key("k\x80").Null(); }); }) ==
        "{\"k\xEF\xBF\xBD\":null}");
}

TEST_CASE("texts much longer than the writer's first room arrive whole") {
  std::string text;
  for (int i = 0; text.size() < 100'000; ++i) text += std::to_string(i) + "\xC3\xA9";
  CHECK(ReadBack(text) == text);
}

TEST_CASE("the extremes of integers keep every digit") {
  CHECK(WrittenNumber(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(WrittenNumber(std::numeric_limits<std::int64_t>::max()) == "9223372036854775807");
  CHECK(WrittenNumber(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(WrittenNumber(std::numeric_limits<int>::min()) == "-2147483648");
  CHECK(WrittenNumber(0) == "0");
  CHECK(WrittenNumber(std::uint64_t{0}) == "0");
}

TEST_CASE("a double comes back as it was, and short ones stay short") {
  CHECK(WrittenNumber(0.05) == "0.05");
  CHECK(WrittenNumber(60.0) == "60.0");
  CHECK(WrittenNumber(-0.0) == "-0.0");
  const auto number = GENERATE(0.1, 1.0 / 3, 1e-7, 123456789.125, -2.5, 1e300, std::numeric_limits<double>::min(),
                               std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest(),
                               std::numeric_limits<double>::denorm_min());
  INFO(WrittenNumber(number));
  CHECK(std::strtod(WrittenNumber(number).c_str(), nullptr) == number);
  CHECK(FlatJson::Parse(WrittenNumber(number)).ok());
}

TEST_CASE("a number that is not finite is null") {
  const auto number = GENERATE(std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN());
  CHECK(Written([&](JsonWriter& json) {
          json.Object([&] {
            json.Key("a").Number(number);
            json.Key("b").Number(1);
          });
        }) == R"({"a":null,"b":1})");
}

}  // namespace
}  // namespace warppool::internal
