#include <process.h>

#include "platform/process.h"

namespace warppool {

ProcessId CurrentProcess() noexcept {
  return _getpid();  // there is no fork(): always the same
}

}  // namespace warppool
