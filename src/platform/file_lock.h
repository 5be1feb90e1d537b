// A lock that excludes other processes, and other clients in the same one.
//
// It is that of a lock file, which stays empty, and must stay where it is: whoever finds another one is not excluded.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "platform/file_system.h"
#include "platform/lock_kind.h"
#include "warppool/status.h"

namespace warppool::internal {

// The lock, held. Not thread-safe. Destroying it without Unlock() only closes the file: what a forked child destroys is
// still held by its parent. (A child holds it, too, until it is destroyed or unlocked there, or the child ends.)
class FileLock {
 public:
  // Waits at most `timeout`; nothing if somebody else has it all that time. The kernel has no wait with a time-out, so
  // it is asked again and again. The file is made if it is not there, with mode 0600; one of this user's has that mode
  // afterwards.
  static Result<std::optional<FileLock>> Take(FileSystem* system, const std::string& lock_file,
                                              std::chrono::milliseconds timeout, LockKind kind = SystemLockKind());

  // For all who inherited it, too. Once.
  void Unlock() noexcept;

 private:
  FileLock(FileSystem* system, UniqueFd file, LockKind kind) : system_(system), file_(std::move(file)), kind_(kind) {}

  FileSystem* system_;
  UniqueFd file_;  // of its own for each lock: only so the kernel tells two in one process apart
  LockKind kind_;
};

}  // namespace warppool::internal
