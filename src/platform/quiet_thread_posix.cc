#include <pthread.h>
#include <signal.h>

#include <utility>

#include "platform/quiet_thread.h"

namespace warppool::internal {
namespace {

class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

std::thread StartQuietThread(std::function<void()> function) {
  const AllSignalsBlocked blocked;
  // It inherits the mask.
  return std::thread([function = std::move(function)] {
    const NoCancellation guard;
    function();
  });
}

NoCancellation::NoCancellation() noexcept {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_);
}

NoCancellation::~NoCancellation() {
  pthread_setcancelstate(before_, nullptr);
}

}  // namespace warppool::internal
