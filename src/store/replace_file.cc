#include "store/replace_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace warppool {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 16;

Status BadFile(const std::string& path, std::string_view what) {
  return {Code::kInvalidConfig, fmt::format("{}: {}", path, what)};
}

Status CheckPrivate(const std::string& path, const struct stat& info, std::size_t most_bytes) {
  if (!S_ISREG(info.st_mode)) return BadFile(path, "not a regular file");
  if (info.st_uid != geteuid()) return BadFile(path, "belongs to another user");
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return BadFile(path, "others may use it; it holds credentials: chmod 600 it");
  }
  if (static_cast<std::uint64_t>(info.st_size) > most_bytes) return BadFile(path, "too large for a state file");
  return {};
}

// Removed on the way out, unless it has been renamed by then.
class TemporaryFile {
 public:
  TemporaryFile(FileSystem* system, std::string path) : system_(system), path_(std::move(path)) {}
  ~TemporaryFile() {
    if (is_there_) system_->Unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  // Written, and on the disk.
  Result<FileIdentity> Fill(std::string_view text);
  Status RenameTo(const std::string& path);

 private:
  Result<Descriptor> Create();
  Status WriteAll(int fd, std::string_view text);

  FileSystem* const system_;
  const std::string path_;
  bool is_there_ = false;
};

Result<Descriptor> TemporaryFile::Create() {
  // What a process left behind that was stopped. A new file, so that nobody has the old one open, or owns it.
  if (system_->Unlink(path_.c_str()) != 0 && errno != ENOENT) return FileFailure(path_, "cannot be removed", errno);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const int fd = Uninterrupted([&] { return system_->Open(path_.c_str(), kFlags, S_IRUSR | S_IWUSR); });
  if (fd < 0) return FileFailure(path_, "cannot be created", errno);
  is_there_ = true;
  return Descriptor(system_, fd);
}

Status TemporaryFile::WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = Uninterrupted([&] { return system_->Write(fd, text.data(), text.size()); });
    if (written < 0) return FileFailure(path_, "cannot be written", errno);
    if (written == 0) return FileFailure(path_, "cannot be written", EIO);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<FileIdentity> TemporaryFile::Fill(std::string_view text) {
  auto file = Create();
  if (!file.ok()) return file.status();
  const int fd = file->fd();
  // The umask may have taken away what the owner needs.
  if (Uninterrupted([&] { return system_->Fchmod(fd, S_IRUSR | S_IWUSR); }) != 0) {
    return FileFailure(path_, "cannot be made private", errno);
  }
  if (Status status = WriteAll(fd, text); !status.ok()) return status;
  if (Uninterrupted([&] { return system_->Fsync(fd); }) != 0) {
    return FileFailure(path_, "cannot be brought to the disk", errno);
  }
  struct stat info {};
  if (system_->Fstat(fd, &info) != 0) return FileFailure(path_, "cannot be looked at", errno);
  return FileIdentity(*std::move(file), info);
}

Status TemporaryFile::RenameTo(const std::string& path) {
  if (system_->Rename(path_.c_str(), path.c_str()) != 0) return FileFailure(path, "cannot be replaced", errno);
  is_there_ = false;
  return {};
}

}  // namespace

bool FileIdentity::IsOf(const struct stat& info) const {
  return file_.is_open() && info.st_dev == info_.st_dev && info.st_ino == info_.st_ino &&
         info.st_size == info_.st_size && info.st_mtim.tv_sec == info_.st_mtim.tv_sec &&
         info.st_mtim.tv_nsec == info_.st_mtim.tv_nsec;
}

Result<FileContent> ReadPrivateFile(FileSystem* system, const std::string& path, std::size_t most_bytes) {
  // Opening something else than a file must not wait for anybody, nor follow a link that came after the path was
  // resolved.
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
  const int fd = Uninterrupted([&] { return system->Open(path.c_str(), kFlags, 0); });
  if (fd < 0 && errno == ENOENT) return FileContent{};
  if (fd < 0) return FileFailure(path, "cannot be opened", errno);
  Descriptor file(system, fd);
  struct stat info {};
  if (system->Fstat(fd, &info) != 0) return FileFailure(path, "cannot be looked at", errno);
  if (Status status = CheckPrivate(path, info, most_bytes); !status.ok()) return status;

  std::string text;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + kPiece);
    const ssize_t got = Uninterrupted([&] { return system->Read(fd, text.data() + before, kPiece); });
    if (got < 0) return FileFailure(path, "cannot be read", errno);
    text.resize(before + static_cast<std::size_t>(got));
    if (got == 0) break;
    if (text.size() > most_bytes) return BadFile(path, "too large for a state file");
  }
  return FileContent{std::move(text), FileIdentity(std::move(file), info)};
}

Result<FileIdentity> ReplaceFile(FileSystem* system, const std::string& directory, const std::string& path,
                                 std::string_view text) {
  // Opened first: a failure after the rename leaves a new file and an error.
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  const int fd = Uninterrupted([&] { return system->Open(directory.c_str(), kFlags, 0); });
  if (fd < 0) return FileFailure(directory, "cannot be opened", errno);
  const Descriptor opened(system, fd);

  TemporaryFile temporary(system, path + ".tmp");
  auto identity = temporary.Fill(text);
  if (!identity.ok()) return identity.status();
  if (Status status = temporary.RenameTo(path); !status.ok()) return status;
  // Some file systems have no fsync for directories, and need none.
  if (Uninterrupted([&] { return system->Fsync(fd); }) != 0 && errno != EINVAL && errno != ENOTSUP) {
    return FileFailure(path, "replaced, but a loss of power may undo it: the directory cannot be brought to the disk",
                       errno);
  }
  return identity;
}

}  // namespace warppool
