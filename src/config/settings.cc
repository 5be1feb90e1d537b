#include "config/settings.h"

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <system_error>
#include <utility>

#include "base/ascii.h"
#include "platform/plain_file.h"

namespace warppool::internal {
namespace {

// No configuration is larger; what is, is another file by mistake.
constexpr std::size_t kMaxFileBytes = 1U << 20;

Status FileError(const std::string& path, std::string_view what) {
  return {Code::kInvalidConfig, fmt::format("{}: {}", path, what)};
}

Result<std::string> ReadEnvFile(const std::string& path, const Logger& logger) {
  if (path.find('\0') != path.npos) return Status(Code::kInvalidConfig, "env_file: holds a NUL character");
  PlainFile file;
  if (const int reason = ReadPlainFile(path, kMaxFileBytes, &file); reason != 0) {
    return FileError(path, std::generic_category().message(reason));
  }
  if (file.is_directory) return FileError(path, "is a directory, not a file");
  if (file.text.size() > kMaxFileBytes) return FileError(path, "larger than 1 MiB");
  if (file.open_mode != 0) {
    logger.Warning("{}: others than its owner can read it (mode {:04o}); it holds secrets: chmod 600", path,
                   file.open_mode);
  }
  return std::move(file.text);
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
  auto text = ReadEnvFile(options.env_file, logger);
  if (!text.ok()) return text.status();
  const WipedAtEnd wiped(&*text);
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
    auto value = environment_(name);
    if (!value) continue;
    const WipedAtEnd wiped(&*value);
    const std::string_view trimmed = TrimAsciiBlanks(*value);
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

}  // namespace warppool::internal
