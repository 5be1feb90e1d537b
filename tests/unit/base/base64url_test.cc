#include "base/base64url.h"

#include <random>
#include <string>
#include <string_view>

#include "catch.h"

namespace warppool::internal {
namespace {

std::string Decoded(std::string_view text) {
  std::string out = "what was there before";
  INFO(text);
  REQUIRE_FALSE(DecodeBase64Url(text, &out));
  return out;
}

TEST_CASE("the examples of RFC 4648 encode with padding, and decode with and without") {
  struct Row {
    const char* bytes;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  }));
  CHECK(EncodeBase64Url(row.bytes) == row.text);
  CHECK(Decoded(row.text) == row.bytes);
  std::string bare = row.text;
  while (!bare.empty() && bare.back() == '=') bare.pop_back();
  CHECK(Decoded(bare) == row.bytes);
}

TEST_CASE("both alphabets are understood, mixed even, and the URL-safe one is written") {
  const std::string bytes = "\xFB\xFF\xBE\xFF";
  CHECK(EncodeBase64Url(bytes) == "-_--_w==");
  CHECK(Decoded("-_--_w==") == bytes);
  CHECK(Decoded("+/++/w==") == bytes);
  CHECK(Decoded("+_-+/w") == bytes);
}

TEST_CASE("the first character that cannot be is named") {
  struct Row {
    std::string_view text;
    std::size_t offset;
  };
  using namespace std::string_view_literals;
  const auto row = GENERATE(values<Row>({
      // foreign characters, wherever they stand
      {"*AAA"sv, 0},
      {"A*AA"sv, 1},
      {"AA*A"sv, 2},
      {"AAA*"sv, 3},
      {"AAAA*A"sv, 4},
      {"AAAAA*"sv, 5},
      {"AAAAAA*"sv, 6},
      {"*A*A"sv, 0},
      {"AA A"sv, 2},
      {"AAAA\n"sv, 4},
      {"AA\0A"sv, 2},
      {"AA\xC3\xA4"sv, 2},
      {"AA.A"sv, 2},
      {"AA~A"sv, 2},
      // padding in the middle, too much of it, or too little
      {"="sv, 0},
      {"=="sv, 0},
      {"===="sv, 0},
      {"A==="sv, 1},
      {"=AAA"sv, 0},
      {"A=AA"sv, 1},
      {"AA=A"sv, 2},
      {"AA="sv, 2},
      {"AAA=="sv, 3},
      {"AAAA="sv, 4},
      {"AAAA=="sv, 4},
      {"AAAA===="sv, 4},
      {"AA==AA=="sv, 2},
      {"AA==AAAA"sv, 2},
      // a last character that leaves a byte incomplete
      {"A"sv, 0},
      {"AAAAA"sv, 4},
      {"AAAAAAAAA"sv, 8},
      {"*AAAA"sv, 0},
  }));
  INFO(row.text);
  std::string out;
  const auto at = DecodeBase64Url(row.text, &out);
  REQUIRE(at);
  CHECK(*at == row.offset);
}

TEST_CASE("of 256 characters 66 have a value") {
  int known = 0;
  for (int c = 0; c < 256; ++c) {
    std::string out;
    if (!DecodeBase64Url(std::string("AA") + static_cast<char>(c) + "A", &out)) ++known;
  }
  CHECK(known == 66);
}

TEST_CASE("every byte and every length comes back") {
  std::mt19937 random(20240607);
  std::uniform_int_distribution<int> byte(0, 255);
  for (std::size_t length = 0; length < 300; ++length) {
    std::string bytes(length, '\0');
    for (char& c : bytes) c = static_cast<char>(byte(random));
    const std::string text = EncodeBase64Url(bytes);
    REQUIRE(text.size() == (length + 2) / 3 * 4);
    REQUIRE(Decoded(text) == bytes);
    // Cut anywhere, it is the beginning of the same bytes, or it is refused where it was cut.
    for (std::size_t cut = 0; cut < text.find('='); cut += 1 + length / 4) {
      if (cut > text.size()) break;
      std::string out;
      const auto at = DecodeBase64Url(std::string_view(text).substr(0, cut), &out);
      REQUIRE(at.has_value() == (cut % 4 == 1));
      if (at)
        REQUIRE(*at == cut - 1);
      else
        REQUIRE(bytes.compare(0, cut * 3 / 4, out) == 0);
    }
  }
}

}  // namespace
}  // namespace warppool::internal
