#include "base/readable.h"

#include <string>

#include "base/utf8.h"
#include "catch.h"

namespace warppool::internal {
namespace {

TEST_CASE("what commands a terminal, or the direction of writing, becomes a blank") {
  struct Row {
    std::string written;
    const char* read;
  };
  const auto row = GENERATE(values<Row>({
      {"a\x1b[31mb\x07\rc\nd\te\x7f", "a [31mb  c d e "},
      {std::string("a\0b", 3), "a b"},
      {"\xC2\x80\xC2\x9F\xC2\xA0", "  \xC2\xA0"},  // U+0080, U+009F, U+00A0
      {"a\xE2\x80\xAE"
       "b\xE2\x80\xAA"
       "c",
       "a b c"},  // U+202E, U+202A
      {"\xE2\x81\xA6\xE2\x81\xA9\xE2\x81\xA5\xE2\x81\xAA",
       "  \xE2\x81\xA5\xE2\x81\xAA"},                              // U+2066, U+2069 and their neighbours
      {"\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xA7", "  \xE2\x80\xA7"},  // U+2028, U+2029, U+2027
      {"\xE2\x80\x8E\xE2\x80\x8F\xD8\x9C", "   "},                 // U+200E, U+200F, U+061C
      {"Z\xC3\xBCrich \xF0\x9F\x90\xA7", "Z\xC3\xBCrich \xF0\x9F\x90\xA7"},
      {"a\xFF"
       "b",
       "a\xEF\xBF\xBD"
       "b"},
      {"", ""},
  }));
  CHECK(Readable(row.written, 100) == row.read);
}

TEST_CASE("words are cut between two characters") {
  const std::string penguin = "\xF0\x9F\x90\xA7";
  for (std::size_t max = 0; max < 12; ++max) {
    const std::string text = Readable(penguin + penguin + penguin, max);
    CHECK(text.size() == max / 4 * 4);
    CHECK_FALSE(FirstInvalidUtf8(text));
  }
}

TEST_CASE("an error is made readable in all of its texts, and none is cut") {
  Error error{.code = Code::kUnauthorized, .message = std::string("m\0m", 3)};
  error.service_code = "s\x1Bs";
  error.user_message = "u\xE2\x80\xAEu" + std::string(5000, 'x');
  const Status status = Readable(Status(std::move(error)));
  CHECK(status.message() == "m m");
  CHECK(status.error().service_code == "s s");
  CHECK(status.error().user_message == "u u" + std::string(5000, 'x'));
  CHECK(Readable(Status()).ok());
}

TEST_CASE("any bytes become valid text") {
  std::string bytes;
  unsigned state = 1;
  for (int round = 0; round < 2000; ++round) {
    bytes.clear();
    for (unsigned i = 0; i < state % 17; ++i) {
      state = state * 1664525U + 1013904223U;
      bytes += static_cast<char>(state >> 24U);
    }
    state = state * 1664525U + 1013904223U;
    CHECK_FALSE(FirstInvalidUtf8(Readable(bytes, 16)));
  }
}

}  // namespace
}  // namespace warppool::internal
