#include "client/host.h"

#include "platform/os_facts.h"

namespace warppool::internal {

OsContext ReadHost() {
  OsFacts facts = ReadOsFacts();
  return {std::move(facts.category), std::move(facts.name), std::move(facts.version), std::move(facts.linux_kernel)};
}

std::vector<std::pair<std::string, std::string>> HostHeaders(const OsContext& host) {
  std::vector<std::pair<std::string, std::string>> headers;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) headers.emplace_back(name, value);
  };
  add("X-Warp-OS-Category", host.category);
  add("X-Warp-OS-Name", host.name);
  add("X-Warp-OS-Version", host.version);
  add("X-Warp-OS-Linux-Kernel-Version", host.linux_kernel_version);
  return headers;
}

}  // namespace warppool::internal
