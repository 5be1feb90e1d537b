#include "platform/os_facts.h"

#include <algorithm>
#include <iterator>

namespace warppool::internal {
namespace {

bool IsPrintableAscii(char c) {
  return c >= 0x20 && c <= 0x7e;
}

// A shell's word: in single quotes a backslash is itself; else it stands for what follows it.
std::string Unquoted(std::string_view value) {
  std::string text;
  char quote = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && i + 1 < value.size()) {
      text += value[++i];
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::string OsWord(std::string_view text) {
  std::string word;
  std::copy_if(text.begin(), text.end(), std::back_inserter(word), IsPrintableAscii);
  return word.empty() ? "unknown" : word;
}

std::optional<std::string> ReadOsRelease(std::string_view text, std::string_view key) {
  std::optional<std::string> found;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.size() <= key.size() || line.substr(0, key.size()) != key || line[key.size()] != '=') continue;
    found = Unquoted(line.substr(key.size() + 1));
    found->erase(std::remove_if(found->begin(), found->end(), [](char c) { return !IsPrintableAscii(c); }),
                 found->end());
  }
  return found;
}

}  // namespace warppool::internal
