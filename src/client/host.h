// What the service is told about the machine.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "account/request_limit.h"

namespace warppool {

// Category, distribution and its version (os-release), kernel (uname).
OsContext ReadHost();

// The X-Warp-OS-* headers.
std::vector<std::pair<std::string, std::string>> HostHeaders(const OsContext& host);

}  // namespace warppool
