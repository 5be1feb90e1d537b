#include "base/readable.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "base/utf8.h"

namespace warppool::internal {
namespace {

// U+0080 to U+009F (controls), U+061C, U+200E, U+200F, U+202A to U+202E and U+2066 to U+2069 (direction of writing),
// U+2028 and U+2029 (line ends).
bool IsInvisibleCommand(char32_t c) {
  return (c >= 0x80 && c < 0xA0) || c == 0x61C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

// The length of the well-formed sequence that begins with `first`.
std::size_t LengthOf(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xE0) return 2;
  return first < 0xF0 ? 3 : 4;
}

char32_t CodePointOf(std::string_view sequence) {
  constexpr std::array<unsigned char, 5> kFirstBits{0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t c = static_cast<unsigned char>(sequence[0]) & kFirstBits[sequence.size()];
  for (const char byte : sequence.substr(1)) c = c << 6U | (static_cast<unsigned char>(byte) & 0x3FU);
  return c;
}

}  // namespace

std::string Readable(std::string_view words, std::size_t max_bytes) {
  const auto is_continuation = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  std::size_t size = std::min(words.size(), max_bytes);
  while (size > 0 && size < words.size() && is_continuation(words[size])) --size;
  const std::string repaired = RepairedUtf8(words.substr(0, size));
  std::string text;
  text.reserve(repaired.size());
  for (std::size_t i = 0; i < repaired.size();) {
    const auto character = std::string_view(repaired).substr(i, LengthOf(static_cast<unsigned char>(repaired[i])));
    i += character.size();
    if (IsAsciiControl(character[0]) || IsInvisibleCommand(CodePointOf(character))) {
      text += ' ';
    } else {
      text += character;
    }
  }
  return text;
}

std::string Readable(std::string_view words) {
  return Readable(words, words.size());
}

Status Readable(const Status& status) {
  if (status.ok()) return status;
  Error error = status.error();
  for (std::string* text : {&error.message, &error.service_code, &error.user_message}) *text = Readable(*text);
  return Status(std::move(error));
}

}  // namespace warppool::internal
