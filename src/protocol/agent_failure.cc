#include "protocol/agent_failure.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>

#include "base/ascii.h"
#include "platform/read_double.h"

namespace warppool::internal {
namespace {

using std::chrono::milliseconds;

// Nobody who waits for a rate limit waits longer, and numbers beyond are mistakes.
constexpr double kLongestMs = 24.0 * 3600 * 1000;

// All in lower case.
constexpr std::array kTooLongWords{"input token count exceeds", "exceeds the maximum number of tokens",
                                   "prompt is too long",        "input is too long",
                                   "context_length_exceeded",   "maximum context length",
                                   "exceed context limit",      "exceeds the context window",
                                   "request_too_large",         "request too large"};
constexpr std::array kRefusedWords{"could not process image",
                                   "unable to process input image",
                                   "image dimensions exceed",
                                   "image exceeds",
                                   "unsupported image",
                                   "invalid image",
                                   "invalid_image"};
constexpr std::array kBusyWords{"resource_exhausted",      "rate_limit_exceeded", "rate_limit_error",
                                "too many requests",       "overloaded_error",    "is overloaded",
                                "experiencing high demand"};
constexpr std::array kBusyStatuses{"429", "503", "529"};
constexpr std::array kBeforeStatus{"status", "code", "error", "http", "http/1.1", "http/2", "http/2.0", "returned"};
// What a provider writes before a time.
constexpr std::array kBeforeTime{"try again in", "retry in", "retry after", "retrydelay\": \"", "retrydelay\":\""};

template <std::size_t size>
bool HasAny(std::string_view text, const std::array<const char*, size>& words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return text.find(word) != text.npos; });
}

template <std::size_t size>
bool EndsWithAny(std::string_view text, const std::array<const char*, size>& words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.size() >= word.size() && text.substr(text.size() - word.size()) == word;
  });
}

bool IsWordPart(char c) {
  return IsAsciiDigit(c) || IsAsciiLetter(c) || c == '_' || !IsAscii(c);
}

// A word of its own: "429 Too Many", "code:429,", but neither "1429" nor "0.429" nor "429,000".
bool StandsAlone(std::string_view text, std::size_t at, std::size_t length) {
  const auto is_digit = [&](std::size_t i) { return i < text.size() && IsAsciiDigit(text[i]); };
  const auto joins = [](char c) { return c == '.' || c == ',' || c == '-'; };
  if (at > 0 && IsWordPart(text[at - 1])) return false;
  if (at > 1 && joins(text[at - 1]) && is_digit(at - 2)) return false;
  const std::size_t end = at + length;
  if (end < text.size() && IsWordPart(text[end])) return false;
  return !(end < text.size() && joins(text[end]) && is_digit(end + 1));
}

// "429" alone may count anything. It is a status where it opens the text, or stands behind a word that says so:
// "status code: 429", "HTTP/1.1 429", "Error (429)", "\"code\": 429".
bool HasStatus(std::string_view text, std::string_view number) {
  for (std::size_t at = text.find(number); at != text.npos; at = text.find(number, at + 1)) {
    if (!StandsAlone(text, at, number.size())) continue;
    const std::string_view before = text.substr(0, at);
    const std::size_t end = before.find_last_not_of(" :=(['\"");
    if (end == before.npos || EndsWithAny(before.substr(0, end + 1), kBeforeStatus)) return true;
  }
  return false;
}

// "9.53s", "2m3s", "1h 2m", "300ms", "5 seconds", at the front of `text`. Nothing if that is no time.
std::optional<milliseconds> ReadTime(std::string_view text) {
  struct Unit {
    std::string_view name;
    double ms;
  };
  static constexpr std::array<Unit, 18> kUnits{{{"milliseconds", 1},
                                                {"millisecond", 1},
                                                {"ms", 1},
                                                {"seconds", 1000},
                                                {"second", 1000},
                                                {"secs", 1000},
                                                {"sec", 1000},
                                                {"s", 1000},
                                                {"minutes", 60'000},
                                                {"minute", 60'000},
                                                {"mins", 60'000},
                                                {"min", 60'000},
                                                {"m", 60'000},
                                                {"hours", 3'600'000},
                                                {"hour", 3'600'000},
                                                {"h", 3'600'000},
                                                {"days", 86'400'000},
                                                {"day", 86'400'000}}};
  double sum = 0;
  bool any = false;
  while (true) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    std::size_t length = 0;
    while (length < text.size() && (IsAsciiDigit(text[length]) || text[length] == '.')) ++length;
    const auto number = ReadDouble(text.substr(0, length));
    if (length == 0 || !number) break;
    std::string_view behind = text.substr(length);
    if (!behind.empty() && behind.front() == ' ') behind.remove_prefix(1);
    std::size_t letters = 0;
    while (letters < behind.size() && IsAsciiLetter(behind[letters])) ++letters;
    const std::string_view name = behind.substr(0, letters);
    const auto* unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == name; });
    if (unit == kUnits.end()) break;
    sum += *number * unit->ms;
    any = true;
    text = behind.substr(letters);
  }
  if (!any || !(sum > 0)) return std::nullopt;
  return milliseconds(static_cast<milliseconds::rep>(std::ceil(std::min(sum, kLongestMs))));
}

std::optional<milliseconds> FindTime(std::string_view text) {
  for (const char* before : kBeforeTime) {
    const std::string_view words(before);
    for (std::size_t at = text.find(words); at != text.npos; at = text.find(words, at + 1)) {
      if (const auto time = ReadTime(text.substr(at + words.size()))) return time;
    }
  }
  return std::nullopt;
}

}  // namespace

AgentFailure ReadAgentFailure(std::string_view text) {
  const std::string lower = AsciiLower(text);
  const auto has_status = [&](const char* number) { return HasStatus(lower, number); };
  // First what the request is refused for, since "429" and "rate_limit_exceeded" stand beside that, too: a request that
  // is larger than a limit never fits into it.
  if (HasAny(lower, kTooLongWords)) return {AgentFailureKind::kTooLong};
  if (HasAny(lower, kRefusedWords)) return {AgentFailureKind::kRequestRefused};
  const bool busy = HasAny(lower, kBusyWords) || TrimAsciiBlanks(lower).substr(0, 10) == "overloaded" ||
                    std::any_of(kBusyStatuses.begin(), kBusyStatuses.end(), has_status);
  const auto time = FindTime(lower);
  // Who says when to come back means it: "Rate limit reached for this model. Please try again in 2s."
  if (busy || (time && lower.find("rate limit") != lower.npos)) return {AgentFailureKind::kModelBusy, time};
  return {};
}

}  // namespace warppool::internal
