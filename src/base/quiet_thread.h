// Threads of an embedded library: they take none of the program's signals.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace warppool {

// Throws std::system_error when there is no thread to be had.
template <typename Function>
std::thread StartQuietThread(Function function) {
  struct Blocked {
    Blocked() {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
    }
    ~Blocked() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    sigset_t before{};
  };
  const Blocked blocked;
  return std::thread(std::move(function));  // inherits the mask
}

}  // namespace warppool
