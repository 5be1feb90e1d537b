#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "platform/plain_file.h"

namespace warppool::internal {
namespace {

int ReadAll(int fd, std::string* text) {
  std::size_t size = 0;
  while (size < text->size()) {
    const ssize_t count = read(fd, text->data() + size, text->size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  text->resize(size);
  return 0;
}

class OpenedFile {
 public:
  explicit OpenedFile(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {}
  ~OpenedFile() {
    if (fd_ >= 0) close(fd_);
  }
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace

int ReadPlainFile(const std::string& path, std::size_t most_bytes, PlainFile* file) {
  const OpenedFile opened(path);
  struct stat info {};
  if (opened.fd() < 0 || fstat(opened.fd(), &info) != 0) return errno;
  file->is_directory = S_ISDIR(info.st_mode);
  if (file->is_directory) return 0;
  if (S_ISREG(info.st_mode) && (info.st_mode & (S_IRGRP | S_IROTH)) != 0) file->open_mode = info.st_mode & 07777U;
  file->text.resize(most_bytes + 1);
  return ReadAll(opened.fd(), &file->text);
}

int CannotRead(const std::string& path) {
  return access(path.c_str(), R_OK) == 0 ? 0 : errno;
}

int CannotWriteInto(const std::string& directory) {
  return faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

}  // namespace warppool::internal
