// Bearers that a C program supplies.
#pragma once

#include "warppool.h"
#include "warppool/config.h"

namespace warppool::capi {

// `source.supply` must not be NULL.
BearerSource WrapBearerSource(const warppool_bearer_source& source);

}  // namespace warppool::capi
