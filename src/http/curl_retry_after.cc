#include "http/retry_after.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace warppool::internal {

using std::chrono::seconds;

std::optional<std::chrono::milliseconds> ReadRetryAfter(std::string_view value, WallTime now) {
  if (value.empty()) return std::nullopt;
  constexpr seconds kLongest{366 * 24 * 3600};
  const bool digits = std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits) {
    seconds::rep number = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
    return parsed.ec == std::errc() ? std::min(seconds(number), kLongest) : kLongest;
  }
  const time_t date = curl_getdate(std::string(value).c_str(), nullptr);
  if (date < 0) return std::nullopt;
  // In seconds: the clock's own unit does not reach as far as a date that somebody else chooses.
  const auto wait = seconds(date) - std::chrono::floor<seconds>(now.time_since_epoch());
  return std::clamp(wait, seconds(0), kLongest);
}

}  // namespace warppool::internal
