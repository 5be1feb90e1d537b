// What a fuzz target holds the library to. A promise that is broken ends the process, and libFuzzer keeps the input.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace warppool::internal {

inline void Promise(bool kept, const char* what) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

}  // namespace warppool::internal
