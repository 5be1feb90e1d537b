#include "chat_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace chat {
namespace {

warppool::Status Failure(const std::string& path, const std::string& what) {
  return {warppool::Code::kInvalidArgument, path + ": " + what};
}

// Why the last call of the system failed.
warppool::Status SystemFailure(const std::string& path) {
  return Failure(path, std::error_code(errno, std::generic_category()).message());
}

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }
  bool Close() { return close(std::exchange(descriptor_, -1)) == 0; }

  bool Write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

  bool ReadAll(std::string* bytes) const {
    char buffer[16384];
    for (;;) {
      const ssize_t got = read(descriptor_, buffer, sizeof(buffer));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return got == 0;
      bytes->append(buffer, static_cast<std::size_t>(got));
    }
  }

 private:
  int descriptor_;
};

}  // namespace

warppool::Result<warppool::Conversation> LoadFile(const std::string& path) {
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) {
    if (errno == ENOENT) return warppool::Conversation();
    return SystemFailure(path);
  }
  std::string bytes;
  if (!file.ReadAll(&bytes)) return SystemFailure(path);
  auto conversation = warppool::Conversation::Restore(bytes);
  if (!conversation.ok()) return Failure(path, conversation.status().message());
  return conversation;
}

warppool::Status SaveFile(const warppool::Conversation& conversation, const std::string& path) {
  const auto bytes = conversation.Save();
  if (!bytes.ok()) return Failure(path, bytes.status().message());
  std::string temporary = path + ".XXXXXX";
  File file(mkostemp(temporary.data(), O_CLOEXEC));  // with mode 0600
  if (!file.is_open()) return SystemFailure(path);
  if (!file.Write(*bytes) || fsync(file.get()) != 0 || !file.Close() || rename(temporary.c_str(), path.c_str()) != 0) {
    warppool::Status failure = SystemFailure(path);
    unlink(temporary.c_str());
    return failure;
  }
  // The new name is to last, too. Where a directory cannot be synced, it lasts soon.
  const std::string directory = std::filesystem::path(path).parent_path().string();
  const File folder(open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.is_open()) fsync(folder.get());
  return {};
}

warppool::Result<std::string> PutAside(const std::string& path) {
  for (int number = 1;; ++number) {
    std::string other = path + "." + std::to_string(number);
    // Unlike rename(), link() replaces nothing.
    if (link(path.c_str(), other.c_str()) == 0) {
      if (unlink(path.c_str()) != 0) return SystemFailure(path);
      return other;
    }
    if (errno == ENOENT) return std::string();
    if (errno != EEXIST) return SystemFailure(other);
  }
}

}  // namespace chat
