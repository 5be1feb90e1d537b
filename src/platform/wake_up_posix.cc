// The wake-up by a pipe, and the choice between the two.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "platform/quiet_thread.h"
#include "platform/wake_up.h"

namespace warppool::internal {
namespace {

// Both ends non-blocking, and closed when a program is started. False: errno says why.
bool OpenPipe(std::array<int, 2>* ends) {
#if defined(__APPLE__)  // has no pipe2(): a program that another thread starts in between inherits the ends
  if (pipe(ends->data()) != 0) return false;
  for (const int end : *ends) {
    fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(end, F_SETFL, O_NONBLOCK);
  }
  return true;
#else
  return pipe2(ends->data(), O_CLOEXEC | O_NONBLOCK) == 0;
#endif
}

void ClosePipe(const std::array<int, 2>& ends) {
  for (const int end : ends) close(end);
}

class PipeWakeUp final : public WakeUp {
 public:
  explicit PipeWakeUp(const std::array<int, 2>& ends) : ends_(ends) {}
  ~PipeWakeUp() override { ClosePipe(ends_); }

  int descriptor() const override { return ends_[0]; }
  void Signal() noexcept override {
    const NoCancellation guard;  // a cancelled thread of the program's cannot be unwound from here
    const char byte = 0;
    // Fails only when the pipe is full, and then it is readable anyway.
    while (write(ends_[1], &byte, 1) < 0 && errno == EINTR) {
    }
  }
  void Clear() noexcept override {
    const NoCancellation guard;  // a cancelled thread of the program's cannot be unwound from here
    std::array<char, 64> bytes{};
    ssize_t got = 0;
    do {
      got = read(ends_[0], bytes.data(), bytes.size());
    } while (got > 0 || (got < 0 && errno == EINTR));
  }

 private:
  const std::array<int, 2> ends_;
};

}  // namespace

Result<std::unique_ptr<WakeUp>> OpenPipeWakeUp() {
  std::array<int, 2> ends{-1, -1};
  if (!OpenPipe(&ends)) return Status(Code::kInternal, std::generic_category().message(errno));
  try {
    return std::unique_ptr<WakeUp>(std::make_unique<PipeWakeUp>(ends));
  } catch (...) {
    ClosePipe(ends);
    throw;
  }
}

Result<std::unique_ptr<WakeUp>> OpenWakeUp() {
#if defined(WARPPOOL_POLLER_EPOLL)
  return OpenEventfdWakeUp();
#else
  return OpenPipeWakeUp();
#endif
}

}  // namespace warppool::internal
