#include <pthread.h>
#include <unistd.h>

#include "platform/process.h"

namespace warppool::internal {

ProcessId CurrentProcess() noexcept {
  return getpid();
}

void AtEachFork(void (*before)(), void (*after)()) noexcept {
  pthread_atfork(before, after, after);  // refused only for lack of memory
}

}  // namespace warppool::internal
