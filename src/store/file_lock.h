// Locks that exclude other processes, and other clients in the same one: open-file-description locks on single bytes of
// a lock file. The file itself stays empty, and must stay where it is: whoever finds another one is not excluded.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "store/file_system.h"
#include "warppool/status.h"

namespace warppool {

// The byte that stands for `name`: never 0, which is free for what has no name. The same in every process and version.
// Two names may share a byte: they exclude each other then, and a holder that wants the second one, too, does not get
// it.
off_t LockOffset(std::string_view name);

// One byte of the lock file, held. Not thread-safe. Destroying it without Unlock() only closes the file: what a forked
// child destroys is still held by its parent. (A child holds it, too, until it is destroyed or unlocked there, or the
// child ends.)
class FileLock {
 public:
  // Waits at most `timeout`; nothing if somebody else has it all that time. The kernel has no wait with a time-out, so
  // it is asked again and again.
  static Result<std::optional<FileLock>> Take(FileSystem* system, const std::string& path, off_t offset,
                                              std::chrono::milliseconds timeout);

  // For all who inherited it, too. Once.
  void Unlock() noexcept;

 private:
  FileLock(FileSystem* system, Descriptor file, off_t offset)
      : system_(system), file_(std::move(file)), offset_(offset) {}

  FileSystem* system_;
  Descriptor file_;  // of its own for each lock: only so the kernel tells two in one process apart
  off_t offset_;
};

}  // namespace warppool
