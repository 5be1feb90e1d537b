#include "http/retry_after.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace warppool {

using std::chrono::seconds;

std::optional<std::chrono::milliseconds> ReadRetryAfter(std::string_view value, WallTime now) {
  if (value.empty()) return std::nullopt;
  constexpr seconds kLongest{366 * 24 * 3600};
  seconds::rep number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error == std::errc() && end == value.data() + value.size()) {
    return std::clamp(seconds(number), seconds(0), kLongest);
  }
  const time_t date = curl_getdate(std::string(value).c_str(), nullptr);
  if (date < 0) return std::nullopt;
  const auto wait = std::chrono::ceil<seconds>(std::chrono::system_clock::from_time_t(date) - now);
  return std::clamp(wait, seconds(0), kLongest);
}

}  // namespace warppool
