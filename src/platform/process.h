// Which process this is: what a forked child inherits is not its own.
#pragma once

#include <cstdint>

namespace warppool::internal {

using ProcessId = std::int64_t;  // never 0, which can stand for nobody

// Asked anew at each call. Any thread.
ProcessId CurrentProcess() noexcept;

}  // namespace warppool::internal
