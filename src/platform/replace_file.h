// Reading a file of secrets, and replacing it in one step.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "platform/file_system.h"
#include "warppool/status.h"

namespace warppool::internal {

// A file as it is on the disk: that it is still the same is seen without reading it. The file is kept open, so that no
// other one can get its inode number meanwhile.
class FileIdentity {
 public:
  FileIdentity() = default;  // of no file
  FileIdentity(UniqueFd file, const FileInfo& info) : file_(std::move(file)), info_(info) {}

  bool IsOf(const FileInfo& info) const;
  bool IsOfNone() const { return !file_.is_open(); }

 private:
  UniqueFd file_;
  FileInfo info_;
};

struct FileContent {
  std::string text;
  FileIdentity identity;  // of none: there is no file, and the text is empty
};

// Fails with kInvalidConfig unless `path` is a regular file of this process's user that nobody else may read, of at
// most `most_bytes`; with kInternal when it cannot be read.
Result<FileContent> ReadPrivateFile(FileSystem* system, const std::string& path, std::size_t most_bytes);

// Makes `text` the content of `path`, a name in `directory`, by way of "<path>.tmp"; one at a time for a path. When it
// returns OK, that outlives a loss of power; unless `for_good`, the content before may come back then (the fsync of the
// directory is left out, never that of the file: some file systems would leave an empty one). When it fails, the file
// is as it was, but for one case, which the message names: the last step, the fsync of the directory, was refused.
// kInvalidConfig: a file that is mounted by itself has no place to be replaced in; kInternal: anything else, retryable
// if the disk is full.
Result<FileIdentity> ReplaceFile(FileSystem* system, const std::string& directory, const std::string& path,
                                 std::string_view text, bool for_good = true);

}  // namespace warppool::internal
