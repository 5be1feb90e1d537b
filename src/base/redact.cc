#include "base/redact.h"

#include <charconv>
#include <utility>

#include "base/wipe.h"

namespace warppool::internal {
namespace {

constexpr std::string_view kInstead = "[secret]";

// The length of what `text` begins with, if that says `c` in a JSON string; else 0. Of escapes only those of ASCII.
std::size_t LengthInJson(std::string_view text, char c) {
  if (text.empty()) return 0;
  if (text.front() != '\\') return text.front() == c ? 1 : 0;
  if (c == '"' || c == '/' || c == '\\') {
    if (text.substr(1, 1) == std::string_view(&c, 1)) return 2;
  }
  if (text.substr(1, 1) != "u") return 0;
  constexpr std::size_t kLength = 6;
  unsigned code = 0;
  const std::string_view digits = text.substr(2, kLength - 2);
  const char* const end = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16).ptr;
  const bool whole = digits.size() == kLength - 2 && end == digits.data() + digits.size();
  return whole && code == static_cast<unsigned char>(c) ? kLength : 0;
}

std::size_t LengthInJson(std::string_view text, std::string_view secret) {
  std::size_t length = 0;
  for (const char c : secret) {
    const std::size_t more = LengthInJson(text.substr(length), c);
    if (more == 0) return 0;
    length += more;
  }
  return length;
}

}  // namespace

void Redact(std::string_view secret, std::string* text) {
  if (secret.empty()) return;
  std::string out;
  std::size_t copied = 0;  // of `text`, into `out`
  for (std::size_t at = 0; at < text->size();) {
    const std::string_view rest = std::string_view(*text).substr(at);
    const bool plain = rest.substr(0, secret.size()) == secret;
    const std::size_t length = plain ? secret.size() : LengthInJson(rest, secret);
    if (length == 0) {
      ++at;
      continue;
    }
    out.append(*text, copied, at - copied).append(kInstead);
    copied = at += length;
  }
  if (copied == 0) return;
  out.append(*text, copied);
  Wipe(text);
  *text = std::move(out);
}

Status Redacted(const Status& status, std::string_view secret) {
  if (status.ok()) return status;
  Error error = status.error();
  for (std::string* text : {&error.message, &error.service_code, &error.user_message}) Redact(secret, text);
  return Status(std::move(error));
}

}  // namespace warppool::internal
