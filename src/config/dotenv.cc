#include "config/dotenv.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"

namespace warppool::internal {
namespace {

// A few lines that each name the one before several times would otherwise fill the memory.
constexpr std::size_t kMaxExpandedBytes = 8U << 20;

// The length of the white space character at `at`; 0: there is none. Unicode's count: web pages are full of no-break
// spaces, and tokens are pasted from there.
std::size_t SpaceLength(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  const unsigned lead = byte(0);
  if (at < text.size() && ((lead >= 0x09 && lead <= 0x0D) || (lead >= 0x1C && lead <= 0x20))) return 1;
  if (lead == 0xC2) return byte(1) == 0x85 || byte(1) == 0xA0 ? 2 : 0;
  const unsigned code = lead << 16U | byte(1) << 8U | byte(2);
  const bool wide = code == 0xE19A80 || (code >= 0xE28080 && code <= 0xE2808A) || code == 0xE280A8 ||
                    code == 0xE280A9 || code == 0xE280AF || code == 0xE2819F || code == 0xE38080;
  return wide ? 3 : 0;
}

std::string WithUnixLineEnds(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    out += text[i] == '\r' ? '\n' : text[i];
  }
  return out;
}

// What follows the backslash stands for what; the two strings run in parallel.
std::string Unescape(std::string_view text, std::string_view letters, std::string_view meanings) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t which = text[i] == '\\' && i + 1 < text.size() ? letters.find(text[i + 1]) : letters.npos;
    if (which == letters.npos) {
      out += text[i];
    } else {
      out += meanings[which];
      ++i;
    }
  }
  return out;
}

// Ends at the first comment, which begins with a blank, and has no blanks at its end.
std::string_view UnquotedValue(std::string_view line) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < line.size();) {
    const std::size_t begin = i;
    while (const std::size_t length = SpaceLength(line, i)) i += length;
    if (i > begin && i < line.size() && line[i] == '#') break;
    if (i == begin) end = ++i;
  }
  return line.substr(0, end);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  // Goes to where the next statement begins. False: there is none.
  bool Next() {
    while (const std::size_t length = SpaceLength(text_, at_)) at_ += length;
    return at_ < text_.size();
  }

  // Of the current place. To be asked in ascending order only.
  int line() {
    line_ += static_cast<int>(std::count(text_.begin() + Offset(counted_), text_.begin() + Offset(at_), '\n'));
    counted_ = at_;
    return line_;
  }

  // Reads one statement; the key stays empty if it is a comment. Returns what is wrong, or nullptr.
  const char* Read(DotenvEntry& entry) {
    SkipExport();
    if (const char* fault = ReadKey(entry.key)) return fault;
    SkipBlanks();
    if (Is('=')) {
      ++at_;
      SkipBlanks();
      if (const char* fault = ReadValue(entry.value.emplace())) return fault;
    }
    SkipBlanks();
    if (Is('#')) SkipLine();
    if (at_ < text_.size() && !Is('\n')) {
      return entry.value ? "unexpected text after the closing quote" : "there is no \"=\" after the key";
    }
    return nullptr;
  }

 private:
  static std::ptrdiff_t Offset(std::size_t at) { return static_cast<std::ptrdiff_t>(at); }

  bool Is(char c) const { return at_ < text_.size() && text_[at_] == c; }

  // Blanks, but not the end of the line.
  void SkipBlanks() {
    while (!Is('\n')) {
      const std::size_t length = SpaceLength(text_, at_);
      if (length == 0) return;
      at_ += length;
    }
  }

  void SkipLine() { at_ = std::min(text_.find('\n', at_), text_.size()); }

  void SkipExport() {
    constexpr std::string_view kExport = "export";
    if (text_.substr(at_, kExport.size()) != kExport) return;
    const std::size_t begin = at_;
    at_ += kExport.size();
    const std::size_t blanks = at_;
    SkipBlanks();
    if (at_ == blanks) at_ = begin;  // a key that only begins like that
  }

  const char* ReadKey(std::string& key) {
    if (Is('#')) return nullptr;
    if (Is('\'')) {
      const std::size_t end = text_.find('\'', at_ + 1);
      if (end == text_.npos) return "the key's quote is not closed";
      key = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
    } else {
      const std::size_t begin = at_;
      while (at_ < text_.size() && !Is('=') && !Is('#') && SpaceLength(text_, at_) == 0) ++at_;
      key = text_.substr(begin, at_ - begin);
    }
    return key.empty() ? "the key is missing" : nullptr;
  }

  const char* ReadValue(std::string& value) {
    if (!Is('\'') && !Is('"')) {
      const std::size_t begin = at_;
      SkipLine();
      value = UnquotedValue(text_.substr(begin, at_ - begin));
      return nullptr;
    }
    const bool single = Is('\'');
    const auto quoted = ReadQuoted();
    if (!quoted) return "the value's quote is not closed";
    value = single ? Unescape(*quoted, "\\'", "\\'") : Unescape(*quoted, "\\'\"abfnrtv", "\\'\"\a\b\f\n\r\t\v");
    return nullptr;
  }

  // What stands between the quote at the current place and the next one without a backslash before it. If there is no
  // such one, a backslash before the last quote was no escape: 'C:\folder\'.
  std::optional<std::string_view> ReadQuoted() {
    const char quote = text_[at_];
    const std::size_t begin = at_ + 1;
    std::size_t end = text_.npos;
    for (std::size_t i = begin; (i = text_.find(quote, i)) != text_.npos; ++i) {
      end = i;
      if (i == begin || text_[i - 1] != '\\') break;
    }
    if (end == text_.npos) return std::nullopt;
    at_ = end + 1;
    return text_.substr(begin, end - begin);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t counted_ = 0;  // line_ is that of this offset
  int line_ = 1;
};

using Resolve = std::function<std::optional<std::string>(const std::string& name)>;

// Takes what it writes out of `budget`. Nothing: the budget did not suffice.
std::optional<std::string> Expand(std::string_view value, const Resolve& resolve, std::size_t& budget) {
  std::string out;
  const auto write = [&](std::string_view text) {
    if (text.size() > budget) return false;
    budget -= text.size();
    AppendSecret(text, &out);
    return true;
  };
  while (!value.empty()) {
    const std::size_t open = value.find("${");
    const std::size_t name_end = open == value.npos ? value.npos : value.find_first_of("}:", open + 2);
    if (name_end == value.npos) break;
    const bool has_default = value.substr(name_end, 2) == ":-";
    const std::size_t close = has_default ? value.find('}', name_end) : name_end;
    if (close == value.npos) break;
    if (value[close] != '}') {  // ${NAME:what} is no reference, nor is anything that begins inside it
      if (!write(value.substr(0, close))) return std::nullopt;
      value.remove_prefix(close);
      continue;
    }
    auto known = resolve(std::string(value.substr(open + 2, name_end - open - 2)));
    const std::string_view fallback =
        has_default ? value.substr(name_end + 2, close - name_end - 2) : std::string_view();
    const bool written = write(value.substr(0, open)) && write(known ? std::string_view(*known) : fallback);
    if (known) Wipe(&*known);
    if (!written) return std::nullopt;
    value.remove_prefix(close + 1);
  }
  if (!write(value)) return std::nullopt;
  return out;
}

}  // namespace

Result<std::vector<DotenvEntry>> ParseDotenv(std::string_view text, std::string_view file,
                                             const EnvironmentLookup& environment) {
  const auto fault = [&](int line, const char* what) {
    return Status(Code::kInvalidConfig, fmt::format("{}:{}: {}", file, line, what));
  };
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) text.remove_prefix(kByteOrderMark.size());
  std::string lines = WithUnixLineEnds(text);
  const WipedAtEnd wiped(&lines);
  if (const auto invalid = FirstInvalidUtf8(lines)) {
    const auto end = lines.begin() + static_cast<std::ptrdiff_t>(*invalid);
    return fault(1 + static_cast<int>(std::count(lines.begin(), end, '\n')), "not UTF-8");
  }

  std::vector<DotenvEntry> entries;
  std::unordered_map<std::string, std::size_t> places;
  const Resolve resolve = [&](const std::string& name) {
    auto value = environment(name);
    if (value) return value;
    const auto place = places.find(name);
    if (place != places.end()) value = entries[place->second].value.value_or("");
    return value;
  };
  std::size_t budget = kMaxExpandedBytes;
  Parser parser(lines);
  while (parser.Next()) {
    DotenvEntry entry;
    entry.line = parser.line();
    if (const char* what = parser.Read(entry)) return fault(entry.line, what);
    if (entry.key.empty()) continue;
    if (entry.value) {
      auto expanded = Expand(*entry.value, resolve, budget);
      Wipe(&*entry.value);
      entry.value = std::move(expanded);
      if (!entry.value) return fault(entry.line, "the values grow too large when ${...} is replaced");
    }
    const auto [place, is_new] = places.emplace(entry.key, entries.size());
    if (is_new) {
      entries.push_back(std::move(entry));
    } else {
      std::swap(entries[place->second], entry);  // what was there is wiped with it
    }
  }
  return entries;
}

}  // namespace warppool::internal
