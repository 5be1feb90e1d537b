#include "client/host.h"

#include <sys/utsname.h>

#include <algorithm>
#include <fstream>

namespace warppool {
namespace {

// The value of `key` in an os-release file (freedesktop.org), without its quotes; printable ASCII only, for a header.
std::string ReadOsRelease(const std::string& key) {
  for (const char* path : {"/etc/os-release", "/usr/lib/os-release"}) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      if (line.compare(0, key.size() + 1, key + "=") != 0) continue;
      std::string value = line.substr(key.size() + 1);
      value.erase(std::remove_if(value.begin(), value.end(),
                                 [](char c) { return c == '"' || c == '\'' || c < 0x20 || c > 0x7e; }),
                  value.end());
      return value;
    }
  }
  return "unknown";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> HostHeaders() {
  utsname kernel{};
  uname(&kernel);
  return {{"X-Warp-OS-Category", "Linux"},
          {"X-Warp-OS-Name", ReadOsRelease("NAME")},
          {"X-Warp-OS-Version", ReadOsRelease("VERSION_ID")},
          {"X-Warp-OS-Linux-Kernel-Version", kernel.release}};
}

}  // namespace warppool
