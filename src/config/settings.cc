#include "config/settings.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <system_error>
#include <utility>

#include "base/ascii.h"

namespace warppool {
namespace {

// No configuration is larger; what is, is another file by mistake.
constexpr std::size_t kMaxFileBytes = 1U << 20;

class EnvFile {
 public:
  explicit EnvFile(int fd) : fd_(fd) {}
  EnvFile(const EnvFile&) = delete;
  EnvFile& operator=(const EnvFile&) = delete;
  ~EnvFile() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Status FileError(const std::string& path, std::string_view what) {
  return {Code::kInvalidConfig, fmt::format("{}: {}", path, what)};
}

Status SystemError(const std::string& path) {
  return FileError(path, std::generic_category().message(errno));
}

// Pipes are read too: a shell's <(...) keeps secrets off the disk.
Result<std::string> ReadEnvFile(const std::string& path, const Logger& logger) {
  if (path.find('\0') != path.npos) return Status(Code::kInvalidConfig, "env_file: holds a NUL character");
  const EnvFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat info {};
  if (file.get() < 0 || fstat(file.get(), &info) != 0) return SystemError(path);
  if (S_ISDIR(info.st_mode)) return FileError(path, "is a directory, not a file");

  std::string text(kMaxFileBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = read(file.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(path);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > kMaxFileBytes) return FileError(path, "larger than 1 MiB");
  text.resize(size);

  if (S_ISREG(info.st_mode) && (info.st_mode & (S_IRGRP | S_IROTH)) != 0) {
    logger.Warning("{}: others than its owner can read it (mode {:04o}); it holds secrets: chmod 600", path,
                   info.st_mode & 07777U);
  }
  return text;
}

EnvironmentLookup ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    if (name.find('=') != name.npos || name.find('\0') != name.npos) return std::nullopt;
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

EnvironmentLookup GivenEnvironment(const std::map<std::string, std::string>& variables) {
  return [&variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

}  // namespace

Result<Settings> Settings::Read(const LoadOptions& options, const Logger& logger) {
  Settings settings;
  settings.environment_ = options.environment ? GivenEnvironment(*options.environment) : ProcessEnvironment();
  if (options.env_file.empty()) return settings;

  settings.file_name_ = options.env_file;
  const auto text = ReadEnvFile(options.env_file, logger);
  if (!text.ok()) return text.status();
  auto entries = ParseDotenv(*text, options.env_file, settings.environment_);
  if (!entries.ok()) return entries.status();
  logger.Debug("Read {} variables from {}", entries->size(), options.env_file);
  for (DotenvEntry& entry : *entries) {
    std::string key = entry.key;
    settings.file_.emplace(std::move(key), std::move(entry));
  }
  return settings;
}

std::optional<ConfiguredText> Settings::Find(std::initializer_list<const char*> names) const {
  for (const std::string name : names) {
    const std::string value = environment_(name).value_or("");
    const std::string_view trimmed = TrimAsciiBlanks(value);
    if (!trimmed.empty()) return ConfiguredText{std::string(trimmed), name, name};
  }
  for (const std::string name : names) {
    const auto entry = file_.find(name);
    if (entry == file_.end() || !entry->second.value) continue;
    const std::string_view trimmed = TrimAsciiBlanks(*entry->second.value);
    if (trimmed.empty()) continue;
    return ConfiguredText{std::string(trimmed), name, fmt::format("{}:{}: {}", file_name_, entry->second.line, name)};
  }
  return std::nullopt;
}

}  // namespace warppool
