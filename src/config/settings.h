// Where a variable's value comes from: the environment, else the .env file.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/log.h"
#include "base/wipe.h"
#include "config/dotenv.h"
#include "warppool/config.h"

namespace warppool::internal {

struct ConfiguredText {
  std::string value;  // without blanks at its ends; not empty
  std::string name;   // the variable's
  std::string where;  // how messages call it: its name, after file and line if it comes from the file
  ~ConfiguredText() { Wipe(&value); }
};

// Immutable once read.
class Settings {
 public:
  // Borrows options.environment. Fails with kInvalidConfig, naming the file (and the line).
  static Result<Settings> Read(const LoadOptions& options, const Logger& logger);

  // The first of `names` that the environment has, else the first that the file has. What is empty or blank counts as
  // not there: an empty environment variable hides nothing.
  std::optional<ConfiguredText> Find(std::initializer_list<const char*> names) const;

 private:
  EnvironmentLookup environment_;
  std::string file_name_;
  std::unordered_map<std::string, DotenvEntry> file_;
};

}  // namespace warppool::internal
