// What the process prints to stderr, whoever does it: by descriptor, so that a library with a log of its own is seen.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

#include "unit/protocol/wire_text.h"

namespace warppool::internal {

template <typename Call>
std::string StderrOf(const Call& call) {
  std::FILE* const file = std::tmpfile();
  const int saved = dup(2);
  REQUIRE(file != nullptr);
  REQUIRE(dup2(fileno(file), 2) == 2);
  call();
  std::fflush(stderr);
  dup2(saved, 2);
  close(saved);
  std::string text(10'000, '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

}  // namespace warppool::internal
