// Signals as something to wait for: a descriptor that poll() can watch beside others, on every POSIX system.
#pragma once

#include <array>
#include <csignal>
#include <initializer_list>
#include <utility>
#include <vector>

namespace example {

// One of it in a process at a time. SIGHUP stays ignored if it is (nohup). The others are not: a shell's script starts
// what runs in the background with SIGINT ignored, and who sends it one means it.
class SignalPipe {
 public:
  explicit SignalPipe(std::initializer_list<int> signals);  // throws std::runtime_error
  ~SignalPipe();
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;

  int descriptor() const { return ends_[0]; }  // readable when one came
  int Take();                                  // the first that came and was not taken yet; 0: none

 private:
  std::array<int, 2> ends_{-1, -1};
  std::vector<std::pair<int, struct sigaction>> before_{};  // to be put back
};

}  // namespace example
