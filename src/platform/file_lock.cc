#include "platform/file_lock.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/clock.h"

namespace warppool::internal {
namespace {

using std::chrono::microseconds;

constexpr microseconds kFirstPause{100};
constexpr microseconds kLongestPause{2'000};  // short beside a write with its fsyncs, so that nobody starves

// One that is made under a umask like 0777 has no mode at all, until its maker has set it: that may be this very
// moment, or never, if the process was stopped in between. Of a file of another user's the mode cannot be set.
int OpenEvenUnderUmask(FileSystem* system, const std::string& path) {
  const auto open = [&] { return Uninterrupted([&] { return system->Open(path.c_str(), OpenFor::kLocking); }); };
  const int fd = open();
  if (fd >= 0 || errno != EACCES) return fd;
  if (Uninterrupted([&] { return system->MakePathPrivate(path.c_str()); }) == 0) return open();
  errno = EACCES;
  return -1;
}

Result<UniqueFd> OpenLockFile(FileSystem* system, const std::string& path) {
  const int fd = OpenEvenUnderUmask(system, path);
  if (fd < 0 && errno == EACCES) {
    return Status(
        Code::kInvalidConfig,
        path + ": cannot be opened: Permission denied; remove it, or give it to the user who runs this, with mode 600");
  }
  if (fd < 0) return FileFailure(path, "cannot be opened", errno);
  UniqueFd file(system, fd);
  FileInfo info;
  if (system->Fstat(fd, &info) != 0) return FileFailure(path, "cannot be looked at", errno);
  if (!info.is_regular) return Status(Code::kInvalidConfig, path + ": not a regular file");
  const bool is_mode_right = info.is_private && info.is_read_write;
  if (info.is_own && !is_mode_right && Uninterrupted([&] { return system->MakePrivate(fd); }) != 0) {
    return FileFailure(path, "cannot be made private", errno);
  }
  return file;
}

}  // namespace

LockKind SystemLockKind() {
#if defined(__linux__)
  return LockKind::kOpenFileDescription;
#else
  return LockKind::kFlock;
#endif
}

Result<std::optional<FileLock>> FileLock::Take(FileSystem* system, const std::string& lock_file,
                                               std::chrono::milliseconds timeout, LockKind kind) {
  const SteadyTime until = DeadlineIn(timeout);
  auto file = OpenLockFile(system, lock_file);
  if (!file.ok()) return file.status();
  for (microseconds pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    if (Uninterrupted([&] { return system->SetLock(file->fd(), kind, true); }) == 0) {
      return std::optional<FileLock>(FileLock(system, *std::move(file), kind));
    }
    if (errno != EAGAIN) return FileFailure(lock_file, "cannot be locked", errno);
    if (RealClock().Steady() >= until) return std::optional<FileLock>();
    std::this_thread::sleep_for(pause);
  }
}

void FileLock::Unlock() noexcept {
  system_->SetLock(file_.fd(), kind_, false);  // if that fails, closing does it
  file_ = UniqueFd();
}

}  // namespace warppool::internal
