// The tools that a program brings, as the service's message.
#pragma once

#include "protocol/problem.h"
#include "warppool/tool.h"
#include "warppool/wire/request.pb.h"

namespace warppool::internal {

// Fills `to`, which is empty. The problem names the server, the tool and the place in its schema.
Problem Write(const std::vector<McpServer>& servers, wire::Request::MCPContext* to);

}  // namespace warppool::internal
