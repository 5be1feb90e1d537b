// What the service's last word means for the stream.
#pragma once

#include "warppool/event.h"
#include "warppool/status.h"

namespace warppool::internal {

// The final status: OK with kDone, a code of its own for each other reason. An internal error is told as what its text
// says that it is.
Status StatusOf(const Finished& finished);

}  // namespace warppool::internal
