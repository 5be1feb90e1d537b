// Characters and words as protocols and configuration see them: ASCII, whatever the program's locale says.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace warppool::internal {

constexpr bool IsAsciiDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool IsAsciiHexDigit(char c) {
  return IsAsciiDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr bool IsAsciiLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool IsAsciiBlank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}  // line ends included
constexpr bool IsAsciiControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
constexpr bool IsAscii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

constexpr char AsciiLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return AsciiLower(c); });
  return lower;
}

// Without the blanks at both ends.
constexpr std::string_view TrimAsciiBlanks(std::string_view text) {
  while (!text.empty() && IsAsciiBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsAsciiBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Whether `lower`, which is in lower case, stands anywhere in `text`.
inline bool ContainsIgnoringCase(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) { return AsciiLower(a) == b; };
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(), same) != text.end();
}

}  // namespace warppool::internal
