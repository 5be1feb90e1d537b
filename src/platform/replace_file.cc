#include "platform/replace_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace warppool::internal {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 16;

Status BadFile(const std::string& path, std::string_view what) {
  return {Code::kInvalidConfig, fmt::format("{}: {}", path, what)};
}

// That `path` is still as it was, because of `what` happened to the file that was to take its place.
Status NotReplaced(const std::string& path, const char* what, int error) {
  return FileFailure(path, fmt::format("stays as it was, since its successor cannot be {}", what).c_str(), error);
}

Status CheckPrivate(const std::string& path, const FileInfo& info, std::size_t most_bytes) {
  if (!info.is_regular) return BadFile(path, "not a regular file");
  if (!info.is_own) return BadFile(path, "belongs to another user");
  if (!info.is_private) return BadFile(path, "others may use it; it holds credentials: chmod 600 it");
  if (info.size > most_bytes) return BadFile(path, "too large for a state file");
  return {};
}

// Removed on the way out, unless it has been renamed by then.
class TemporaryFile {
 public:
  TemporaryFile(FileSystem* system, const std::string& successor_of)
      : system_(system), target_(successor_of), path_(successor_of + ".tmp") {}
  ~TemporaryFile() {
    if (is_there_) system_->Unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  // Written, and on the disk.
  Result<FileIdentity> Fill(std::string_view text);
  Status Rename();

 private:
  Result<UniqueFd> Create();
  Status WriteAll(int fd, std::string_view text);

  FileSystem* const system_;
  const std::string target_;
  const std::string path_;
  bool is_there_ = false;
};

// Some file systems have no fsync for directories, and need none.
bool HasNoFsync(int error) {
  constexpr std::array kNoSuchCall{EINVAL, ENOTSUP, EOPNOTSUPP};  // the last two are one on some systems
  return std::find(kNoSuchCall.begin(), kNoSuchCall.end(), error) != kNoSuchCall.end();
}

Result<UniqueFd> TemporaryFile::Create() {
  // What a process left behind that was stopped. A new file, so that nobody has the old one open, or owns it.
  if (system_->Unlink(path_.c_str()) != 0 && errno != ENOENT) {
    return FileFailure(path_, "is in the way, and cannot be removed", errno);
  }
  const int fd = Uninterrupted([&] { return system_->Open(path_.c_str(), OpenFor::kCreating); });
  if (fd < 0) return NotReplaced(target_, "created", errno);
  is_there_ = true;
  return UniqueFd(system_, fd);
}

Status TemporaryFile::WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const std::ptrdiff_t written = Uninterrupted([&] { return system_->Write(fd, text.data(), text.size()); });
    if (written < 0) return NotReplaced(target_, "written", errno);
    if (written == 0) return NotReplaced(target_, "written", EIO);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<FileIdentity> TemporaryFile::Fill(std::string_view text) {
  auto file = Create();
  if (!file.ok()) return file.status();
  const int fd = file->fd();
  // The umask may have taken away what the owner needs.
  if (Uninterrupted([&] { return system_->MakePrivate(fd); }) != 0) {
    return NotReplaced(target_, "made private", errno);
  }
  if (Status status = WriteAll(fd, text); !status.ok()) return status;
  if (Uninterrupted([&] { return system_->Fsync(fd); }) != 0) {
    return NotReplaced(target_, "brought to the disk", errno);
  }
  FileInfo info;
  if (system_->Fstat(fd, &info) != 0) return NotReplaced(target_, "looked at", errno);
  return FileIdentity(*std::move(file), info);
}

Status TemporaryFile::Rename() {
  if (system_->Rename(path_.c_str(), target_.c_str()) != 0) {
    if (errno != EBUSY) return NotReplaced(target_, "put into its place", errno);
    return BadFile(
        target_,
        "cannot be replaced, and nothing would be kept: it is mounted by itself, as a single file; mount the "
        "directory that it is in");
  }
  is_there_ = false;
  return {};
}

}  // namespace

bool FileIdentity::IsOf(const FileInfo& info) const {
  return file_.is_open() && info.device == info_.device && info.number == info_.number && info.size == info_.size &&
         info.seconds == info_.seconds && info.nanoseconds == info_.nanoseconds;
}

Result<FileContent> ReadPrivateFile(FileSystem* system, const std::string& path, std::size_t most_bytes) {
  // A link that came after the path was resolved is not followed.
  const int fd = Uninterrupted([&] { return system->Open(path.c_str(), OpenFor::kReading); });
  if (fd < 0 && errno == ENOENT) return FileContent{};
  if (fd < 0) return FileFailure(path, "cannot be opened", errno);
  UniqueFd file(system, fd);
  FileInfo info;
  if (system->Fstat(fd, &info) != 0) return FileFailure(path, "cannot be looked at", errno);
  if (Status status = CheckPrivate(path, info, most_bytes); !status.ok()) return status;

  std::string text;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + kPiece);
    const std::ptrdiff_t got = Uninterrupted([&] { return system->Read(fd, text.data() + before, kPiece); });
    if (got < 0) return FileFailure(path, "cannot be read", errno);
    text.resize(before + static_cast<std::size_t>(got));
    if (got == 0) break;
    if (text.size() > most_bytes) return BadFile(path, "too large for a state file");
  }
  return FileContent{std::move(text), FileIdentity(std::move(file), info)};
}

Result<FileIdentity> ReplaceFile(FileSystem* system, const std::string& directory, const std::string& path,
                                 std::string_view text, bool for_good) {
  // Opened first: a failure after the rename leaves a new file and an error.
  const int fd = Uninterrupted([&] { return system->Open(directory.c_str(), OpenFor::kDirectory); });
  if (fd < 0) return FileFailure(directory, "cannot be opened", errno);
  const UniqueFd opened(system, fd);

  TemporaryFile temporary(system, path);
  auto identity = temporary.Fill(text);
  if (!identity.ok()) return identity.status();
  if (Status status = temporary.Rename(); !status.ok()) return status;
  if (for_good && Uninterrupted([&] { return system->Fsync(fd); }) != 0 && !HasNoFsync(errno)) {
    return FileFailure(path, "replaced, but a loss of power may undo it: the directory cannot be brought to the disk",
                       errno);
  }
  return identity;
}

}  // namespace warppool::internal
