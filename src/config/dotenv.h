// Reads the text of a .env file. No I/O: the text comes in, the pairs go out.
//
// The syntax is python-dotenv's, so that a file means here what it meant there:
//
//   export KEY=value  # comment          KEY alone is legal and has no value
//   'quoted key' = 'text with \' in it'
//   KEY="text with \n, over
//   several lines, with ${OTHER} or ${OTHER:-default}"
//
// Only what python-dotenv skips with a warning, a line that it cannot read, is an error here: a token that silently
// went missing costs more than a message.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/wipe.h"
#include "warppool/status.h"

namespace warppool::internal {

struct DotenvEntry {
  std::string key;                   // never empty
  std::optional<std::string> value;  // nothing: the key stood without a "="
  int line = 0;                      // where it begins, from 1; of several the last
  DotenvEntry() = default;
  DotenvEntry(DotenvEntry&&) = default;
  DotenvEntry& operator=(DotenvEntry&&) = default;
  ~DotenvEntry() {
    if (value) Wipe(&*value);
  }
};

// The value of an environment variable; nothing: there is no such variable.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

// The pairs in the order of the file. A key that comes twice keeps its first place and its last value.
//
// ${NAME} and ${NAME:-default} are replaced in every value, single quotes or not: from `environment`, else from the
// lines before, else by the default; a name that is known but empty does not fall back to the default. What replaces is
// not expanded again.
//
// Fails with kInvalidConfig: "<file>:<line>: <what is wrong>". The text itself is never part of the message.
Result<std::vector<DotenvEntry>> ParseDotenv(std::string_view text, std::string_view file,
                                             const EnvironmentLookup& environment);

}  // namespace warppool::internal
