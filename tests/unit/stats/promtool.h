// Prometheus' own opinion of a text in its format.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "catch.h"

namespace warppool {

struct Verdict {
  int exit_code = -1;
  std::string words;  // nothing where nothing is wrong
};

// Fails where there is no promtool: then nobody knows.
inline Verdict AskPromtool(const std::string& exposition) {
  char path[] = "/tmp/warppool-promtool-test-XXXXXX";
  const int fd = mkstemp(path);
  REQUIRE(fd >= 0);
  close(fd);
  std::ofstream(path, std::ios::binary) << exposition;
  FILE* const output = popen(("promtool check metrics < " + std::string(path) + " 2>&1").c_str(), "r");
  REQUIRE(output != nullptr);
  Verdict verdict;
  for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output)) verdict.words += static_cast<char>(c);
  const int status = pclose(output);
  std::remove(path);
  if (WIFEXITED(status)) verdict.exit_code = WEXITSTATUS(status);
  return verdict;
}

}  // namespace warppool
