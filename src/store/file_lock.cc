#include "store/file_lock.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <thread>

#include "base/clock.h"

namespace warppool {
namespace {

using std::chrono::microseconds;

constexpr microseconds kFirstPause{100};
constexpr microseconds kLongestPause{2'000};  // short beside a write with its fsyncs, so that nobody starves

struct flock Range(short type, off_t offset) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = offset;
  range.l_len = 1;
  return range;
}

Result<Descriptor> OpenLockFile(FileSystem* system, const std::string& path) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
  const int fd = Uninterrupted([&] { return system->Open(path.c_str(), kFlags, S_IRUSR | S_IWUSR); });
  if (fd < 0) return FileFailure(path, "cannot be opened", errno);
  Descriptor file(system, fd);
  struct stat info {};
  if (system->Fstat(fd, &info) != 0) return FileFailure(path, "cannot be looked at", errno);
  if (!S_ISREG(info.st_mode)) return Status(Code::kInvalidConfig, path + ": not a regular file");
  return file;
}

}  // namespace

off_t LockOffset(std::string_view name) {
  // FNV-1a.
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  constexpr auto kOffsets = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max() / 2);
  return static_cast<off_t>(1 + hash % kOffsets);
}

Result<std::optional<FileLock>> FileLock::Take(FileSystem* system, const std::string& path, off_t offset,
                                               std::chrono::milliseconds timeout) {
  const SteadyTime until = DeadlineIn(timeout);
  auto file = OpenLockFile(system, path);
  if (!file.ok()) return file.status();
  for (microseconds pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    struct flock range = Range(F_WRLCK, offset);
    if (Uninterrupted([&] { return system->SetLock(file->fd(), &range); }) == 0) {
      return std::optional<FileLock>(FileLock(system, *std::move(file), offset));
    }
    if (errno != EAGAIN && errno != EACCES) return FileFailure(path, "cannot be locked", errno);
    if (RealClock().Steady() >= until) return std::optional<FileLock>();
    std::this_thread::sleep_for(pause);
  }
}

void FileLock::Unlock() noexcept {
  struct flock range = Range(F_UNLCK, offset_);
  system_->SetLock(file_.fd(), &range);  // if that fails, closing does it
  file_ = Descriptor();
}

}  // namespace warppool
