// The wake-up by an eventfd.
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "platform/quiet_thread.h"
#include "platform/wake_up.h"

namespace warppool::internal {
namespace {

class EventfdWakeUp final : public WakeUp {
 public:
  explicit EventfdWakeUp(int fd) : fd_(fd) {}
  ~EventfdWakeUp() override { close(fd_); }

  int descriptor() const override { return fd_; }
  void Signal() noexcept override {
    const NoCancellation guard;  // a cancelled thread of the program's cannot be unwound from here
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then it is readable anyway.
    [[maybe_unused]] const auto written = write(fd_, &one, sizeof one);
  }
  void Clear() noexcept override {
    const NoCancellation guard;  // a cancelled thread of the program's cannot be unwound from here
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = read(fd_, &count, sizeof count);  // all of it at once
  }

 private:
  const int fd_;
};

}  // namespace

Result<std::unique_ptr<WakeUp>> OpenEventfdWakeUp() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return Status(Code::kInternal, std::generic_category().message(errno));
  try {
    return std::unique_ptr<WakeUp>(std::make_unique<EventfdWakeUp>(fd));
  } catch (...) {
    close(fd);
    throw;
  }
}

}  // namespace warppool::internal
