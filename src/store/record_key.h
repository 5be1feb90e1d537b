// What a record, and what is locked, may be called.
#pragma once

#include <algorithm>
#include <string_view>

#include "base/ascii.h"
#include "warppool/status.h"

namespace warppool::internal {

constexpr std::size_t kMostKeyBytes = 200;

inline bool IsRecordKey(std::string_view key) {
  return !key.empty() && key.size() <= kMostKeyBytes && std::all_of(key.begin(), key.end(), [](char c) {
    return IsAsciiLetter(c) || IsAsciiDigit(c) || c == '.' || c == '-';
  });
}

inline Status CheckRecordKey(std::string_view key) {
  if (IsRecordKey(key)) return {};
  return {Code::kInvalidArgument, "a key of the store has 1 to 200 letters, digits, \".\" and \"-\""};
}

}  // namespace warppool::internal
