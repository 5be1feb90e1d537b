#include "base/utf8.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::string_view_literals;

TEST_CASE("well-formed UTF-8 has no invalid byte") {
  const auto text = GENERATE(values<std::string_view>({
      ""sv,
      "plain"sv,
      "\0"sv,
      "\x7F"sv,
      "\xC2\x80"sv,          // U+0080
      "\xDF\xBF"sv,          // U+07FF
      "\xE0\xA0\x80"sv,      // U+0800
      "\xED\x9F\xBF"sv,      // U+D7FF, just below the surrogates
      "\xEE\x80\x80"sv,      // U+E000, just above them
      "\xEF\xBB\xBF"sv,      // U+FEFF
      "\xEF\xBF\xBF"sv,      // U+FFFF
      "\xF0\x90\x80\x80"sv,  // U+10000
      "\xF4\x8F\xBF\xBF"sv,  // U+10FFFF
      "a\xC3\xA9z\xE2\x82\xAC\xF0\x9F\x98\x80!"sv,
  }));
  CHECK_FALSE(FirstInvalidUtf8(text));
}

TEST_CASE("the first byte of an ill-formed sequence is named") {
  const auto sequence = GENERATE(values<std::string_view>({
      "\x80"sv,
      "\xBF"sv,  // a continuation without a beginning
      "\xC2"sv,
      "\xE0\xA0"sv,
      "\xE2\x82"sv,
      "\xF0\x90\x80"sv,
      "\xF0"sv,  // the end is missing
      "\xC2z"sv,
      "\xE2\x82z"sv,
      "\xE2z\x82"sv,
      "\xF0\x90z\x80"sv,  // something else in its place
      "\xC2\xC2\x80"sv,
      "\xE2\xE2\x82\xAC"sv,  // a beginning in its place
      "\xC0\x80"sv,
      "\xC0\xAF"sv,
      "\xC1\xBF"sv,  // overlong
      "\xE0\x80\x80"sv,
      "\xE0\x9F\xBF"sv,
      "\xF0\x80\x80\x80"sv,
      "\xF0\x8F\xBF\xBF"sv,
      "\xED\xA0\x80"sv,
      "\xED\xBF\xBF"sv,
      "\xED\xA0\xBD\xED\xB8\x80"sv,  // surrogates
      "\xF4\x90\x80\x80"sv,
      "\xF5\x80\x80\x80"sv,
      "\xF7\xBF\xBF\xBF"sv,  // above U+10FFFF
      "\xF8\x88\x80\x80\x80"sv,
      "\xFC\x84\x80\x80\x80\x80"sv,  // five and six bytes
      "\xFE"sv,
      "\xFF"sv,
  }));
  CHECK(FirstInvalidUtf8(sequence) == 0U);
  CHECK(FirstInvalidUtf8("ok" + std::string(sequence)) == 2U);
  CHECK(FirstInvalidUtf8("\xC3\xA9" + std::string(sequence) + "ok") == 2U);
}

TEST_CASE("what is UTF-8 is not repaired") {
  const auto text = GENERATE(values<std::string_view>({""sv, "plain"sv, "\0"sv, "a\xC3\xA9z\xF0\x9F\x98\x80"sv}));
  CHECK(RepairedUtf8(text) == text);
}

TEST_CASE("each byte that does not belong is replaced, and no other") {
  CHECK(RepairedUtf8("\xFF") == "\xEF\xBF\xBD");
  CHECK(RepairedUtf8("\xC3") == "\xEF\xBF\xBD");
  CHECK(RepairedUtf8("a\x80z") == "a\xEF\xBF\xBDz");
  CHECK(RepairedUtf8("\xE2\x82z\xC3\xA9\xFE\xFE") == "\xEF\xBF\xBD\xEF\xBF\xBDz\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK_FALSE(FirstInvalidUtf8(RepairedUtf8(all)));
}

std::string EncodedPoint(std::uint32_t point) {
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xC0 | point >> 6), byte(0x80 | (point & 63))};
  if (point < 0x10000) return {byte(0xE0 | point >> 12), byte(0x80 | (point >> 6 & 63)), byte(0x80 | (point & 63))};
  return {byte(0xF0 | point >> 18), byte(0x80 | (point >> 12 & 63)), byte(0x80 | (point >> 6 & 63)),
          byte(0x80 | (point & 63))};
}

TEST_CASE("every code point but the surrogates is UTF-8, and none beyond the last") {
  std::uint32_t wrong = 0;
  for (std::uint32_t point = 0; point < 0x200000; ++point) {
    const bool scalar = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
    if (FirstInvalidUtf8(EncodedPoint(point)).has_value() == scalar) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("of all pairs of bytes just the two-byte characters and pairs of ASCII are UTF-8") {
  int valid = 0;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string pair{static_cast<char>(a), static_cast<char>(b)};
      if (!FirstInvalidUtf8(pair)) ++valid;
    }
  }
  CHECK(valid == 128 * 128 + 30 * 64);
}

}  // namespace
}  // namespace warppool::internal
