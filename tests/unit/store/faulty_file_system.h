// A file system that fails, stops the process, or dawdles at one of its calls.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "platform/file_system.h"

namespace warppool::internal {

class FaultyFileSystem final : public FileSystem {
 public:
  // The call of this index, from now on counted from 0, fails with `error` and does nothing (closing does it all the
  // same).
  void FailAt(int index, int error) {
    calls_ = 0;
    names_.clear();
    fault_at_ = index;
    error_ = error;
  }
  // Instead of that call the process is killed; in a write, when half of it is done.
  void KillAt(int index) { FailAt(index, 0); }
  // Each call that is named so fails, until it is another one's turn; "": none does.
  void FailAlways(const std::string& call, int error) {
    always_ = call;
    always_error_ = error;
  }
  void BeforeLocking(std::function<void()> happens) { before_locking_ = std::move(happens); }
  void WriteAtMost(std::size_t bytes) { most_bytes_ = bytes; }

  void FailNowhere() { FailAt(std::numeric_limits<int>::max(), 0); }

  const std::vector<std::string>& names() const { return names_; }  // of the calls since then
  bool failed() const { return calls_ > fault_at_; }
  const std::string& what() const { return what_; }  // the call that failed, and its path if it has one

  int Open(const char* path, OpenFor purpose) override { return Fails("open", path) ? -1 : real_.Open(path, purpose); }
  std::ptrdiff_t Read(int fd, char* to, std::size_t size) override {
    return Fails("read") ? -1 : real_.Read(fd, to, std::min(size, most_bytes_));
  }
  std::ptrdiff_t Write(int fd, const char* from, std::size_t size) override {
    if (calls_ == fault_at_ && error_ == 0) real_.Write(fd, from, size / 2);
    return Fails("write") ? -1 : real_.Write(fd, from, std::min(size, most_bytes_));
  }
  int Stat(const char* path, FileInfo* info) override { return Fails("stat", path) ? -1 : real_.Stat(path, info); }
  int Fstat(int fd, FileInfo* info) override { return Fails("fstat") ? -1 : real_.Fstat(fd, info); }
  int MakePrivate(int fd) override { return Fails("fchmod") ? -1 : real_.MakePrivate(fd); }
  int MakePathPrivate(const char* path) override { return Fails("chmod", path) ? -1 : real_.MakePathPrivate(path); }
  int Fsync(int fd) override {
    FileInfo info;
    return Fails(real_.Fstat(fd, &info) == 0 && info.is_directory ? "fsync of the directory" : "fsync")
               ? -1
               : real_.Fsync(fd);
  }
  int Rename(const char* from, const char* to) override { return Fails("rename") ? -1 : real_.Rename(from, to); }
  int Unlink(const char* path) override { return Fails("unlink", path) ? -1 : real_.Unlink(path); }
  int SetLock(int fd, LockKind kind, bool is_held) override {
    if (is_held && before_locking_) std::exchange(before_locking_, nullptr)();
    return Fails(is_held ? "lock" : "unlock") ? -1 : real_.SetLock(fd, kind, is_held);
  }
  int Close(int fd) override {
    const bool fails = Fails("close");
    const int result = real_.Close(fd);
    return fails ? -1 : result;
  }

 private:
  bool Fails(const std::string& call, const std::string& path = "") {
    if (call == always_) {
      errno = always_error_;
      return true;
    }
    names_.push_back(call);
    if (calls_++ != fault_at_) return false;
    if (error_ == 0) kill(getpid(), SIGKILL);
    what_ = path.empty() ? call : call + " " + path;
    errno = error_;
    return true;
  }

  FileSystem& real_ = RealFileSystem();
  int calls_ = 0;
  int fault_at_ = std::numeric_limits<int>::max();
  int error_ = 0;
  std::size_t most_bytes_ = std::numeric_limits<std::size_t>::max() / 4;
  std::string what_;
  std::vector<std::string> names_;
  std::string always_;
  int always_error_ = 0;
  std::function<void()> before_locking_;
};

}  // namespace warppool::internal
