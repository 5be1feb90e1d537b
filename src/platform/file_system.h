// The system calls of the file store, as an object, so that tests can let each of them fail.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "platform/lock_kind.h"
#include "warppool/status.h"

namespace warppool::internal {

// What a file is opened for. None is handed to programs that are started.
enum class OpenFor {
  kReading,    // neither waits for anybody, as opening a pipe does, nor follows a link
  kCreating,   // to write a file that must not be there yet, and that nobody else may use
  kLocking,    // created if it is not there; nobody else may use it; follows no link
  kDirectory,  // to bring it to the disk
};

// What the library wants to know of a file.
struct FileInfo {
  bool is_regular = false;
  bool is_directory = false;
  bool is_own = false;         // of the user this process acts for
  bool is_private = false;     // nobody but its user has a right to it
  bool is_read_write = false;  // and its user may read and write it
  std::uint64_t size = 0;
  // The same as long as the file is there; used again when it is gone.
  std::uint64_t device = 0;
  std::uint64_t number = 0;
  // When its content changed last.
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
};

// Each returns what the POSIX call of its name returns, and sets errno. Any thread.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual int Open(const char* path, OpenFor purpose) = 0;
  virtual std::ptrdiff_t Read(int fd, char* to, std::size_t size) = 0;
  virtual std::ptrdiff_t Write(int fd, const char* from, std::size_t size) = 0;
  virtual int Stat(const char* path, FileInfo* info) = 0;
  virtual int Fstat(int fd, FileInfo* info) = 0;
  virtual int MakePrivate(int fd) = 0;                // fchmod(), to 0600
  virtual int MakePathPrivate(const char* path) = 0;  // fchmodat(), to 0600; follows no link
  virtual int Fsync(int fd) = 0;  // as far as the system can bring it: to the disk, and not only to its cache
  virtual int Rename(const char* from, const char* to) = 0;
  virtual int Unlink(const char* path) = 0;
  // Takes the lock, or gives it back; waits for nobody. EAGAIN: somebody else has it.
  virtual int SetLock(int fd, LockKind kind, bool is_held) = 0;
  virtual int Close(int fd) = 0;
};

// The machine's. Never destroyed.
FileSystem& RealFileSystem();

// An open file.
class UniqueFd {
 public:
  UniqueFd() = default;
  UniqueFd(FileSystem* system, int fd) : system_(system), fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept { swap(other); }
  UniqueFd& operator=(UniqueFd other) noexcept {
    swap(other);
    return *this;
  }
  ~UniqueFd() {
    if (fd_ >= 0) system_->Close(fd_);
  }
  void swap(UniqueFd& other) noexcept {
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

// "path: what: the words of errno"; retryable if the disk is full.
Status FileFailure(const std::string& path, const char* what, int error);

}  // namespace warppool::internal
