// What the service is told about the machine.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace warppool {

// The X-Warp-OS-* headers: category, distribution and its version (os-release), kernel (uname).
std::vector<std::pair<std::string, std::string>> HostHeaders();

}  // namespace warppool
