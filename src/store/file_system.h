// The system calls of the file store, as an object, so that tests can let each of them fail.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>

#include "warppool/status.h"

namespace warppool {

// Each returns what the call of its name returns, and sets errno. Any thread.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual int Open(const char* path, int flags, mode_t mode) = 0;
  virtual ssize_t Read(int fd, char* to, std::size_t size) = 0;
  virtual ssize_t Write(int fd, const char* from, std::size_t size) = 0;
  virtual int Stat(const char* path, struct stat* info) = 0;
  virtual int Fstat(int fd, struct stat* info) = 0;
  virtual int Fchmod(int fd, mode_t mode) = 0;
  virtual int Fsync(int fd) = 0;
  virtual int Rename(const char* from, const char* to) = 0;
  virtual int Unlink(const char* path) = 0;
  virtual int SetLock(int fd, struct flock* range) = 0;  // fcntl(F_OFD_SETLK)
  virtual int Close(int fd) = 0;
};

// The machine's. Never destroyed.
FileSystem& RealFileSystem();

// An open file.
class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(FileSystem* system, int fd) : system_(system), fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept { swap(other); }
  Descriptor& operator=(Descriptor other) noexcept {
    swap(other);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) system_->Close(fd_);
  }
  void swap(Descriptor& other) noexcept {
    std::swap(system_, other.system_);
    std::swap(fd_, other.fd_);
  }

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  FileSystem* system_ = nullptr;
  int fd_ = -1;
};

// Does it again when a signal came in between.
template <typename Call>
auto Uninterrupted(const Call& call) -> decltype(call()) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

// "path: what: the words of errno".
Status FileFailure(const std::string& path, const char* what, int error);

}  // namespace warppool
