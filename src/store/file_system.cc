#include "store/file_system.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <system_error>

namespace warppool {
namespace {

class KernelFileSystem final : public FileSystem {
 public:
  int Open(const char* path, int flags, mode_t mode) override { return open(path, flags, mode); }
  ssize_t Read(int fd, char* to, std::size_t size) override { return read(fd, to, size); }
  ssize_t Write(int fd, const char* from, std::size_t size) override { return write(fd, from, size); }
  int Stat(const char* path, struct stat* info) override { return stat(path, info); }
  int Fstat(int fd, struct stat* info) override { return fstat(fd, info); }
  int Fchmod(int fd, mode_t mode) override { return fchmod(fd, mode); }
  int Fsync(int fd) override { return fsync(fd); }
  int Rename(const char* from, const char* to) override { return rename(from, to); }
  int Unlink(const char* path) override { return unlink(path); }
  int SetLock(int fd, struct flock* range) override { return fcntl(fd, F_OFD_SETLK, range); }
  int Close(int fd) override { return close(fd); }
};

}  // namespace

FileSystem& RealFileSystem() {
  static auto* const system = new KernelFileSystem;
  return *system;
}

Status FileFailure(const std::string& path, const char* what, int error) {
  return {Code::kInternal, fmt::format("{}: {}: {}", path, what, std::generic_category().message(error))};
}

}  // namespace warppool
