#include <process.h>

#include "platform/process.h"

namespace warppool::internal {

ProcessId CurrentProcess() noexcept {
  return _getpid();  // there is no fork(): always the same
}

void AtEachFork(void (* /*before*/)(), void (* /*after*/)()) noexcept {}

}  // namespace warppool::internal
