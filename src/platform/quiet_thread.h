// Threads of an embedded library: they take none of the program's signals.
#pragma once

#include <functional>
#include <thread>

namespace warppool::internal {

// Throws std::system_error when there is no thread to be had.
std::thread StartQuietThread(std::function<void()> function);

}  // namespace warppool::internal
