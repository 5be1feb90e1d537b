#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdio>

#include "platform/file_system.h"

namespace warppool::internal {
namespace {

int FlagsOf(OpenFor purpose) {
  switch (purpose) {
    case OpenFor::kReading:
      return O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    case OpenFor::kCreating:
      return O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    case OpenFor::kLocking:
      return O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    case OpenFor::kDirectory:
      break;
  }
  return O_RDONLY | O_DIRECTORY | O_CLOEXEC;
}

timespec ChangeTimeOf(const struct stat& info) {
#if defined(__APPLE__)
  return info.st_mtimespec;
#else
  return info.st_mtim;
#endif
}

// `result` of the call that filled `from`.
int ToFileInfo(int result, const struct stat& from, FileInfo* info) {
  if (result != 0) return result;
  const timespec changed = ChangeTimeOf(from);
  info->is_regular = S_ISREG(from.st_mode);
  info->is_directory = S_ISDIR(from.st_mode);
  info->is_own = from.st_uid == geteuid();
  info->is_private = (from.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  info->is_read_write = (from.st_mode & S_IRUSR) != 0 && (from.st_mode & S_IWUSR) != 0;
  info->size = static_cast<std::uint64_t>(from.st_size);
  info->device = static_cast<std::uint64_t>(from.st_dev);
  info->number = static_cast<std::uint64_t>(from.st_ino);
  info->seconds = changed.tv_sec;
  info->nanoseconds = changed.tv_nsec;
  return 0;
}

int SetOpenFileDescriptionLock(int fd, bool is_held) {
#if defined(__linux__)
  struct flock whole {};
  whole.l_type = is_held ? F_WRLCK : F_UNLCK;
  whole.l_whence = SEEK_SET;
  const int result = fcntl(fd, F_OFD_SETLK, &whole);
  if (result != 0 && errno == EACCES) errno = EAGAIN;  // POSIX allows both
  return result;
#else
  static_cast<void>(fd);
  static_cast<void>(is_held);
  errno = ENOTSUP;
  return -1;
#endif
}

int SetFlock(int fd, bool is_held) {
  const int result = flock(fd, is_held ? LOCK_EX | LOCK_NB : LOCK_UN);
  if (result != 0 && errno == EWOULDBLOCK) errno = EAGAIN;
  return result;
}

class KernelFileSystem final : public FileSystem {
 public:
  int Open(const char* path, OpenFor purpose) override { return open(path, FlagsOf(purpose), S_IRUSR | S_IWUSR); }
  std::ptrdiff_t Read(int fd, char* to, std::size_t size) override { return read(fd, to, size); }
  std::ptrdiff_t Write(int fd, const char* from, std::size_t size) override { return write(fd, from, size); }
  int Stat(const char* path, FileInfo* info) override {
    struct stat from {};
    return ToFileInfo(stat(path, &from), from, info);
  }
  int Fstat(int fd, FileInfo* info) override {
    struct stat from {};
    return ToFileInfo(fstat(fd, &from), from, info);
  }
  int MakePrivate(int fd) override { return fchmod(fd, S_IRUSR | S_IWUSR); }
  int MakePathPrivate(const char* path) override {
    return fchmodat(AT_FDCWD, path, S_IRUSR | S_IWUSR, AT_SYMLINK_NOFOLLOW);
  }
  int Fsync(int fd) override {
#if defined(F_FULLFSYNC)
    // macOS's fsync() stops at the cache of the disk. Not every file system has more.
    if (fcntl(fd, F_FULLFSYNC) == 0) return 0;
    if (errno != ENOTSUP && errno != EOPNOTSUPP && errno != EINVAL && errno != ENOTTY) return -1;
#endif
    return fsync(fd);
  }
  int Rename(const char* from, const char* to) override {
    return rename(from, to);
  }
  int Unlink(const char* path) override {
    return unlink(path);
  }
  int SetLock(int fd, LockKind kind, bool is_held) override {
    return kind == LockKind::kOpenFileDescription ? SetOpenFileDescriptionLock(fd, is_held) : SetFlock(fd, is_held);
  }
  int Close(int fd) override {
    return close(fd);
  }
};

}  // namespace

FileSystem& RealFileSystem() {
  static auto* const system = new KernelFileSystem;
  return *system;
}

}  // namespace warppool::internal
