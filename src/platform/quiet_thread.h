// Threads of an embedded library: they take none of the program's signals, and nobody can cancel them.
#pragma once

#include <functional>
#include <thread>

namespace warppool::internal {

// Throws std::system_error when there is no thread to be had.
std::thread StartQuietThread(std::function<void()> function);

// As long as it lives, the thread that made it cannot be cancelled. Where there is no pthread_cancel(), it does
// nothing.
class NoCancellation {
 public:
  NoCancellation() noexcept;
  ~NoCancellation();
  NoCancellation(const NoCancellation&) = delete;
  NoCancellation& operator=(const NoCancellation&) = delete;

 private:
  int before_ = 0;
};

}  // namespace warppool::internal
