#include <unistd.h>

#include "platform/process.h"

namespace warppool {

ProcessId CurrentProcess() noexcept {
  return getpid();
}

}  // namespace warppool
