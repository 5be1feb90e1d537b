// How much a long test does.
#pragma once

#include <cstdlib>
#include <string>

namespace warppool {

// A sanitizer makes everything slower, and finds its faults in fewer rounds.
#if defined(WARPPOOL_SANITIZED)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// What the environment variable `name` says, else `usual`. tests/run.sh --deep asks for more than CI has time for.
inline int AmountFrom(const char* name, int usual) {
  const char* const given = std::getenv(name);
  return given != nullptr ? std::stoi(given) : usual;
}

}  // namespace warppool
