#include "encoding.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>

namespace loopback {
namespace {

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// What encoders of forms and of URLs leave as it is; they disagree about '*' and '~'.
bool MayBePlain(char c) {
  return IsAlphanumeric(c) || std::string_view("*-._~").find(c) != std::string_view::npos;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<std::string> DecodeComponent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = HexValue(text[i + 1]);
      const int low = HexValue(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else if (MayBePlain(text[i])) {
      out += text[i];
    } else {
      return std::nullopt;
    }
  }
  return out;
}

void AppendLittleEndian(std::size_t number, int bytes, std::string* out) {
  for (int i = 0; i < bytes; ++i) *out += static_cast<char>(number >> (8U * static_cast<unsigned>(i)) & 0xffU);
}

}  // namespace

std::string EncodeBase64Url(std::string_view bytes, bool padding) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8U | (k < count ? static_cast<std::uint8_t>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      if (k <= count) {
        out += kAlphabet[group >> (18U - 6U * k) & 63U];
      } else if (padding) {
        out += '=';
      }
    }
  }
  return out;
}

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::uint32_t Crc32(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

std::string GzipHead() {
  return {"\x1f\x8b\x08\0\0\0\0\0\0\xff", 10};
}

std::string GzipPart(std::string_view bytes) {
  constexpr std::size_t kMostInBlock = 0xffff;
  std::string out;
  while (!bytes.empty()) {
    const std::string_view block = bytes.substr(0, kMostInBlock);
    bytes.remove_prefix(block.size());
    out += '\0';  // not the last block, and its bytes are stored as they are
    AppendLittleEndian(block.size(), 2, &out);
    AppendLittleEndian(~block.size(), 2, &out);
    out += block;
  }
  return out;
}

std::string GzipTail(std::string_view all) {
  std::string out("\x01\0\0\xff\xff", 5);  // an empty last block
  AppendLittleEndian(Crc32(all), 4, &out);
  AppendLittleEndian(all.size(), 4, &out);
  return out;
}

std::string DateString(std::chrono::system_clock::time_point time) {
  using std::chrono::seconds;
  const std::time_t count = std::chrono::floor<seconds>(time).time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&count, &parts);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

std::string_view QueryOf(std::string_view target) {
  const auto mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

std::optional<std::map<std::string, std::string>> DecodeForm(std::string_view text) {
  std::map<std::string, std::string> fields;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(pair.size() < text.size() ? pair.size() + 1 : pair.size());
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    auto name = DecodeComponent(pair.substr(0, equals));
    auto value = DecodeComponent(pair.substr(equals + 1));
    if (!name || !value || !fields.emplace(*std::move(name), *std::move(value)).second) return std::nullopt;
  }
  return fields;
}

}  // namespace loopback
