// What of a configuration can change while a client runs.
#pragma once

#include "warppool/config.h"

namespace warppool::internal {

// The name of the first field in which the two differ and that takes a new client; null: none. The tokens, and what
// concerns their choice and their health, may differ.
const char* FixedDifference(const Config& running, const Config& wanted);

}  // namespace warppool::internal
