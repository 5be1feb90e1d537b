// Where a state file really is.
#pragma once

#include <string>

#include "warppool/status.h"

namespace warppool::internal {

struct StatePath {
  std::string directory;  // absolute, without links
  std::string file;       // a name in it, which is no link: renaming something to it replaces the file itself
};

// Follows links, also one that leads to a file which is not there yet. Fails with kInvalidConfig when `path` names no
// file, or its directory is not there or cannot be written to.
Result<StatePath> ResolveStatePath(const std::string& path);

}  // namespace warppool::internal
