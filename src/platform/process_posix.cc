#include <unistd.h>

#include "platform/process.h"

namespace warppool::internal {

ProcessId CurrentProcess() noexcept {
  return getpid();
}

}  // namespace warppool::internal
