// What tools brought, as the service's messages.
#pragma once

#include "protocol/problem.h"
#include "warppool/tool.h"
#include "warppool/wire/request.pb.h"

namespace warppool::internal {

bool IsKnown(Tool tool);

// Fills `to`, which is empty.
Problem Write(const ToolResult& result, wire::Request::Input::ToolCallResult* to);

}  // namespace warppool::internal
