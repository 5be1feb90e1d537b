// The operating system, in words for the service.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace warppool::internal {

// Printable ASCII. What cannot be found out is "unknown".
struct OsFacts {
  std::string category;      // "Linux", "macOS", "Windows", or what uname says: "FreeBSD"
  std::string name;          // the distribution; elsewhere the category
  std::string version;       // of the distribution or the system
  std::string linux_kernel;  // its release; empty where there is none
};

OsFacts ReadOsFacts();

// The value of `key` in the text of an os-release file (freedesktop.org), without its quotes and backslashes, printable
// ASCII only. Nothing if there is none; of several the last one counts, as in a shell. Pure.
std::optional<std::string> ReadOsRelease(std::string_view text, std::string_view key);

// `text` without what is not printable ASCII; "unknown" if nothing is left. Pure.
std::string OsWord(std::string_view text);

}  // namespace warppool::internal
