// Usage, for the two handles that have it.
#pragma once

#include "arguments.h"
#include "warppool.h"
#include "warppool/event.h"

namespace warppool::capi {

inline Status FillUsage(const Usage& from, warppool_usage* usage) {
  const warppool_usage filled = {sizeof(warppool_usage), from.input_tokens,        from.output_tokens,
                                 from.cache_read_tokens, from.cache_write_tokens,  from.cost_in_cents,
                                 from.credits,           from.context_window_usage};
  return WriteStruct(filled, WARPPOOL_SIZE_UP_TO(warppool_usage, context_window_usage), "usage", usage);
}

}  // namespace warppool::capi
