// A Request as the service's message.
#pragma once

#include <string>

#include "warppool/request.h"
#include "warppool/status.h"

namespace warppool {

// The serialized message. kInvalidArgument names the field: an empty query, no allowed tool, an unknown tool, text that
// is not UTF-8, a negative time-out.
Result<std::string> BuildRequest(const Request& request);

}  // namespace warppool
