// What the program's callbacks return, as a Status.
#pragma once

#include "handle.h"
#include "warppool.h"
#include "warppool/status.h"

namespace warppool::capi {

// For a `code` other than WARPPOOL_OK. `callback` says which one, where the program itself does not say why.
Status ToStatus(warppool_code code, const warppool_failure& failure, const char* callback);

}  // namespace warppool::capi
