// Which process this is: what a forked child inherits is not its own.
#pragma once

#include <cstdint>

namespace warppool::internal {

using ProcessId = std::int64_t;  // never 0, which can stand for nobody

// Asked anew at each call. Any thread.
ProcessId CurrentProcess() noexcept;

// `before` is called before each fork(), `after` after it in both processes. Where there is no fork(), never.
void AtEachFork(void (*before)(), void (*after)()) noexcept;

}  // namespace warppool::internal
