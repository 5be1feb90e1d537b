// The text of a .env file: what is read from it, and what is said about one that cannot be read.
#include "config/dotenv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "promise.h"

namespace warppool::internal {
namespace {

// All that there is to say; a text beside these might hold a part of the file, and so of a secret.
constexpr std::array<std::string_view, 7> kFaults{
    "not UTF-8",
    "the key is missing",
    "the key's quote is not closed",
    "the value's quote is not closed",
    "there is no \"=\" after the key",
    "unexpected text after the closing quote",
    "the values grow too large when ${...} is replaced",
};

std::optional<std::string> Environment(const std::string& name) {
  if (name == "HOME") return "/home/fake";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

using Entries = Result<std::vector<DotenvEntry>>;

void CheckFault(const Status& status, int lines) {
  Promise(status.code() == Code::kInvalidConfig, "what cannot be read is kInvalidConfig");
  constexpr std::string_view kFile = "the/file:";
  std::string_view message = status.message();
  Promise(message.substr(0, kFile.size()) == kFile, "an error begins with the file");
  message.remove_prefix(kFile.size());
  int line = 0;
  const auto [end, error] = std::from_chars(message.data(), message.data() + message.size(), line);
  Promise(error == std::errc() && line >= 1 && line <= lines, "an error names a line of the file");
  message.remove_prefix(static_cast<std::size_t>(end - message.data()));
  Promise(message.substr(0, 2) == ": " && std::count(kFaults.begin(), kFaults.end(), message.substr(2)) == 1,
          "an error says what is wrong, and nothing of the text");
}

void CheckEntries(const std::vector<DotenvEntry>& entries, int lines) {
  std::set<std::string_view> keys;
  for (const DotenvEntry& entry : entries) {
    Promise(!entry.key.empty(), "a key is not empty");
    Promise(keys.insert(entry.key).second, "a key comes once");
    Promise(entry.line >= 1 && entry.line <= lines, "an entry is on a line of the file");
    Promise(!FirstInvalidUtf8(entry.key), "a key is UTF-8");
    Promise(!entry.value || !FirstInvalidUtf8(*entry.value), "a value is UTF-8");
  }
}

bool Same(const Entries& a, const Entries& b) {
  if (!a.ok() || !b.ok()) return a.ok() == b.ok() && a.status().message() == b.status().message();
  return std::equal(a->begin(), a->end(), b->begin(), b->end(), [](const DotenvEntry& x, const DotenvEntry& y) {
    return x.key == y.key && x.value == y.value && x.line == y.line;
  });
}

}  // namespace
}  // namespace warppool::internal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace warppool::internal;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines =
      1 + static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }));

  const Entries entries = ParseDotenv(text, "the/file", Environment);
  if (entries.ok()) {
    CheckEntries(*entries, lines);
  } else {
    CheckFault(entries.status(), lines);
  }

  // The same file, saved on Windows.
  if (text.find('\r') != text.npos) return 0;
  std::string windows;
  for (const char c : text) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  Promise(Same(entries, ParseDotenv(windows, "the/file", Environment)), "CRLF means what LF means");
  return 0;
}
