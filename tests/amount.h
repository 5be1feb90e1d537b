// How much a long test does.
#pragma once

#include <cstdlib>
#include <string>

namespace warppool {

// What the environment variable `name` says, else `usual`. tests/run.sh --deep asks for more than CI has time for.
inline int AmountFrom(const char* name, int usual) {
  const char* const given = std::getenv(name);
  return given != nullptr ? std::stoi(given) : usual;
}

}  // namespace warppool
