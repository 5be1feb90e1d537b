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

OsContext ReadHost() {
  utsname kernel{};
  uname(&kernel);
  return {"Linux", ReadOsRelease("NAME"), ReadOsRelease("VERSION_ID"), kernel.release};
}

std::vector<std::pair<std::string, std::string>> HostHeaders(const OsContext& host) {
  return {{"X-Warp-OS-Category", host.category},
          {"X-Warp-OS-Name", host.name},
          {"X-Warp-OS-Version", host.version},
          {"X-Warp-OS-Linux-Kernel-Version", host.linux_kernel_version}};
}

}  // namespace warppool
