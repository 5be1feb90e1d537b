// Files that a program names: reading one, and whether one can be used.
#pragma once

#include <cstddef>
#include <string>

namespace warppool::internal {

struct PlainFile {
  bool is_directory = false;  // then nothing was read
  std::string text;           // more than was asked for: the file is too large, and the rest was not read
  // Its permissions as in chmod, if it is a regular file that others than its owner can read; else 0. Always 0 on
  // Windows.
  unsigned open_mode = 0;
};

// Reads `most_bytes` and one more. Waits for who writes, if it is a pipe: a shell's <(...) keeps secrets off the disk.
// 0, or what errno says. The path holds no NUL; it does not in the two functions below either.
int ReadPlainFile(const std::string& path, std::size_t most_bytes, PlainFile* file);

// 0, or the errno that says why this process cannot read a file, or create files in a directory.
int CannotRead(const std::string& path);
int CannotWriteInto(const std::string& directory);

}  // namespace warppool::internal
