#include <utility>

#include "platform/quiet_thread.h"

namespace warppool::internal {

// No signal of Windows is delivered to a thread that was there before.
std::thread StartQuietThread(std::function<void()> function) {
  return std::thread(std::move(function));
}

NoCancellation::NoCancellation() noexcept = default;
NoCancellation::~NoCancellation() = default;

}  // namespace warppool::internal
