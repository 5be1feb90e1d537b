// Locks that exclude other processes, and other clients in the same one.
//
// Each lock has a number. With LockKind::kByte it is that byte of the lock file. With LockKind::kFile lock 0 is the
// lock file itself, and any other is a file beside it, named "<lock file>.<the number in 16 hex digits>". The files
// stay empty, and must stay where they are: whoever finds another one is not excluded.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/file_system.h"
#include "platform/lock_kind.h"
#include "warppool/status.h"

namespace warppool::internal {

// The lock that stands for `name`: never 0, which is free for what has no name. The same in every process and version.
// Two names may share a number: they exclude each other then, and a holder that wants the second one, too, does not get
// it.
std::int64_t LockNumber(std::string_view name);

// One lock, held. Not thread-safe. Destroying it without Unlock() only closes the file: what a forked child destroys is
// still held by its parent. (A child holds it, too, until it is destroyed or unlocked there, or the child ends.)
class FileLock {
 public:
  // Waits at most `timeout`; nothing if somebody else has it all that time. The kernel has no wait with a time-out, so
  // it is asked again and again.
  static Result<std::optional<FileLock>> Take(FileSystem* system, const std::string& lock_file, std::int64_t number,
                                              std::chrono::milliseconds timeout, LockKind kind = SystemLockKind());

  // For all who inherited it, too. Once.
  void Unlock() noexcept;

 private:
  FileLock(FileSystem* system, UniqueFd file, LockKind kind, std::int64_t number)
      : system_(system), file_(std::move(file)), kind_(kind), number_(number) {}

  FileSystem* system_;
  UniqueFd file_;  // of its own for each lock: only so the kernel tells two in one process apart
  LockKind kind_;
  std::int64_t number_;
};

}  // namespace warppool::internal
