// What a request shows the agent beside the query, as the service's messages.
#pragma once

#include "protocol/problem.h"
#include "warppool/context.h"
#include "warppool/wire/content.pb.h"

namespace warppool::internal {

// Each fills `to`, which is empty.
Problem Write(const Context& context, wire::InputContext* to);
Problem Write(const Attachment& attachment, wire::Attachment* to);

}  // namespace warppool::internal
