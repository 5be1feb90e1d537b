// The forms in which a secret is sent, and may come back in what somebody else says.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace warppool {

// In base64. What comes out of the middle of a text depends on where it stood: `before` bytes before it, and only the
// characters that hold nothing of what is around it.
inline std::string PartInBase64(const std::string& secret, std::size_t before, bool for_urls) {
  const std::string_view letters = for_urls ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                                            : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string bytes = std::string(before, '\0') + secret;
  std::string encoded;
  for (std::size_t bit = (8 * before + 5) / 6 * 6; bit + 6 <= 8 * bytes.size(); bit += 6) {
    unsigned value = 0;
    for (std::size_t i = bit; i < bit + 6; ++i) {
      value = value << 1U | (static_cast<unsigned char>(bytes[i / 8]) >> (7 - i % 8) & 1U);
    }
    encoded += letters[value];
  }
  return encoded;
}

inline std::string PercentEncoded(const std::string& secret, std::string_view digits = "0123456789ABCDEF") {
  std::string encoded;
  for (const char c : secret) {
    const bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_alnum || std::string_view("-._~").find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', digits[byte >> 4U], digits[byte & 0xFU]};
    }
  }
  return encoded;
}

// Each slash escaped, as some do in JSON; with `u`, each character.
inline std::string JsonEscaped(const std::string& secret, bool u) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string escaped;
  for (const char c : secret) {
    const auto byte = static_cast<unsigned char>(c);
    if (u) {
      escaped += std::string("\\u00") + kDigits[byte >> 4U] + kDigits[byte & 0xFU];
    } else {
      escaped += c == '/' ? "\\/" : std::string(1, c);
    }
  }
  return escaped;
}

inline std::vector<std::string> FormsOf(const std::string& secret) {
  std::vector<std::string> forms{secret, PercentEncoded(secret), PercentEncoded(secret, "0123456789abcdef"),
                                 JsonEscaped(secret, false), JsonEscaped(secret, true)};
  for (std::size_t before = 0; before < 3; ++before) {
    forms.push_back(PartInBase64(secret, before, false));
    forms.push_back(PartInBase64(secret, before, true));
  }
  return forms;
}

}  // namespace warppool
