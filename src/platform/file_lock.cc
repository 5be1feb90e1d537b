#include "platform/file_lock.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <thread>

#include "base/clock.h"

namespace warppool::internal {
namespace {

using std::chrono::microseconds;

constexpr microseconds kFirstPause{100};
constexpr microseconds kLongestPause{2'000};  // short beside a write with its fsyncs, so that nobody starves

std::string PathOf(const std::string& lock_file, std::int64_t number, LockKind kind) {
  if (kind == LockKind::kByte || number == 0) return lock_file;
  return fmt::format("{}.{:016x}", lock_file, number);
}

Result<UniqueFd> OpenLockFile(FileSystem* system, const std::string& path) {
  const int fd = Uninterrupted([&] { return system->Open(path.c_str(), OpenFor::kLocking); });
  if (fd < 0) return FileFailure(path, "cannot be opened", errno);
  UniqueFd file(system, fd);
  FileInfo info;
  if (system->Fstat(fd, &info) != 0) return FileFailure(path, "cannot be looked at", errno);
  if (!info.is_regular) return Status(Code::kInvalidConfig, path + ": not a regular file");
  return file;
}

}  // namespace

LockKind SystemLockKind() {
#if defined(__linux__)
  return LockKind::kByte;
#else
  return LockKind::kFile;
#endif
}

std::int64_t LockNumber(std::string_view name) {
  // FNV-1a.
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  constexpr auto kNumbers = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 2);
  return static_cast<std::int64_t>(1 + hash % kNumbers);
}

Result<std::optional<FileLock>> FileLock::Take(FileSystem* system, const std::string& lock_file, std::int64_t number,
                                               std::chrono::milliseconds timeout, LockKind kind) {
  const SteadyTime until = DeadlineIn(timeout);
  const std::string path = PathOf(lock_file, number, kind);
  auto file = OpenLockFile(system, path);
  if (!file.ok()) return file.status();
  for (microseconds pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    if (Uninterrupted([&] { return system->SetLock(file->fd(), kind, number, true); }) == 0) {
      return std::optional<FileLock>(FileLock(system, *std::move(file), kind, number));
    }
    if (errno != EAGAIN) return FileFailure(path, "cannot be locked", errno);
    if (RealClock().Steady() >= until) return std::optional<FileLock>();
    std::this_thread::sleep_for(pause);
  }
}

void FileLock::Unlock() noexcept {
  system_->SetLock(file_.fd(), kind_, number_, false);  // if that fails, closing does it
  file_ = UniqueFd();
}

}  // namespace warppool::internal
