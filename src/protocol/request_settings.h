// Models, keys, switches and tools of a request, as the service's message.
#pragma once

#include "protocol/problem.h"
#include "warppool/request.h"
#include "warppool/wire/request.pb.h"

namespace warppool::internal {

// Fills `to`, which is empty. No problem quotes a key.
Problem WriteSettings(const Request& request, wire::Request::Settings* to);

}  // namespace warppool::internal
