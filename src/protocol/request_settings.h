// Models, keys, switches and tools of a request, as the service's message.
#pragma once

#include "protocol/problem.h"
#include "warppool/request.h"
#include "warppool/wire/request.pb.h"

namespace warppool::internal {

// Fills `to`, which is empty. No problem quotes a key.
Problem WriteSettings(const Request& request, wire::Request::Settings* to);

// Overwrites the keys in it, before its memory is given back.
void WipeKeys(wire::Request::Settings* settings);

}  // namespace warppool::internal
