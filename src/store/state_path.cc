#include "store/state_path.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "platform/plain_file.h"

namespace warppool::internal {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // as Linux

Status BadPath(const std::string& path, const std::string& what) {
  return {Code::kInvalidConfig, fmt::format("{}: {}", path, what)};
}

}  // namespace

Result<StatePath> ResolveStatePath(const std::string& path) {
  if (path.find('\0') != path.npos) return BadPath("the path of the state file", "holds a NUL character");
  fs::path file(path);
  std::error_code error;
  // Not canonical(): the last link may lead to nothing yet.
  for (int links = 0; fs::is_symlink(fs::symlink_status(file, error)); ++links) {
    if (links == kMostLinks) return BadPath(path, "too many symbolic links");
    const fs::path target = fs::read_symlink(file, error);
    if (error) return BadPath(path, "the symbolic link cannot be read: " + error.message());
    file = file.parent_path() / target;
  }
  const std::string name = file.filename().string();
  if (name.empty() || name == "." || name == "..") return BadPath(path, "not the name of a file");

  const fs::path parent = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const fs::path directory = fs::canonical(parent, error);
  if (error) return BadPath(path, fmt::format("its directory {}: {}", parent.string(), error.message()));
  if (!fs::is_directory(directory, error)) return BadPath(path, fmt::format("{} is no directory", directory.string()));
  if (const int reason = CannotWriteInto(directory.string()); reason != 0) {
    return BadPath(path, fmt::format("its directory {} cannot be written to: {}", directory.string(),
                                     std::generic_category().message(reason)));
  }
  return StatePath{directory.string(), (directory / name).string()};
}

}  // namespace warppool::internal
