// Signals as something to wait for: a descriptor that poll() can watch beside others, on every POSIX system.
#pragma once

#include <array>
#include <atomic>
#include <csignal>
#include <initializer_list>
#include <thread>
#include <utility>
#include <vector>

namespace example {

// A thread waits for them with sigwait(): none interrupts what runs, or comes at a place where little is allowed. Made
// before other threads are started, since these inherit that the signals are blocked. One of it in a process at a time.
//
// SIGHUP stays ignored if it is (nohup). The others are not: a shell's script starts what runs in the background with
// SIGINT ignored, and who sends it one means it.
class SignalPipe {
 public:
  explicit SignalPipe(std::initializer_list<int> signals);  // throws std::runtime_error
  ~SignalPipe();
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;

  int descriptor() const { return ends_[0]; }  // readable when one came
  int Take();                                  // the first that came and was not taken yet; 0: none

 private:
  static constexpr int kEnd = SIGUSR2;  // sent by the destructor

  void Watch();

  std::array<int, 2> ends_{-1, -1};
  sigset_t watched_{};
  std::vector<std::pair<int, struct sigaction>> before_{};  // to be put back
  sigset_t mask_before_{};
  std::atomic<bool> ending_{false};
  std::thread watcher_;
};

}  // namespace example
