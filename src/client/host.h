// What the service is told about the machine.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "service/request_limit.h"

namespace warppool::internal {

OsContext ReadHost();

// The X-Warp-OS-* headers; none for what is empty.
std::vector<std::pair<std::string, std::string>> HostHeaders(const OsContext& host);

}  // namespace warppool::internal
