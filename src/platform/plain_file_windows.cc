#include <io.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "platform/plain_file.h"

namespace warppool::internal {
namespace {

// Of _access().
constexpr int kMayWrite = 2;
constexpr int kMayRead = 4;

}  // namespace

int ReadPlainFile(const std::string& path, std::size_t most_bytes, PlainFile* file) {
  std::error_code error;
  file->is_directory = std::filesystem::is_directory(path, error);
  if (file->is_directory) return 0;
  if (const int reason = CannotRead(path); reason != 0) return reason;
  std::ifstream stream(path, std::ios::binary);
  file->text.resize(most_bytes + 1);
  stream.read(file->text.data(), static_cast<std::streamsize>(file->text.size()));
  if (!stream.is_open() || stream.bad()) return EIO;
  file->text.resize(static_cast<std::size_t>(stream.gcount()));
  return 0;
}

int CannotRead(const std::string& path) {
  return _access(path.c_str(), kMayRead) == 0 ? 0 : errno;
}

int CannotWriteInto(const std::string& directory) {
  return _access(directory.c_str(), kMayWrite) == 0 ? 0 : errno;
}

}  // namespace warppool::internal
