// The poller by epoll.
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "platform/poller.h"

namespace warppool::internal {
namespace {

class EpollPoller final : public Poller {
 public:
  explicit EpollPoller(int epoll) : epoll_(epoll) {}
  ~EpollPoller() override { close(epoll_); }

  void Watch(int fd, Readiness interest) override {
    if (events_.size() <= watched_.size()) events_.resize(2 * events_.size());
    const auto [entry, is_new] = watched_.try_emplace(fd, last_watch_ + 1);
    if (is_new) ++last_watch_;
    epoll_event event{};
    if ((interest & kReadable) != 0) event.events |= EPOLLIN;
    if ((interest & kWritable) != 0) event.events |= EPOLLOUT;
    event.data.u64 = std::uint64_t{entry->second} << 32U | static_cast<std::uint32_t>(fd);
    // The kernel forgets a descriptor that is closed, and may know it still if a child process has a copy.
    const int first = is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    const int second = is_new ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(epoll_, first, fd, &event) == 0 || epoll_ctl(epoll_, second, fd, &event) == 0) return;
    if (errno != ENOMEM && errno != ENOSPC) return;  // a descriptor that is closed already is never ready
    if (is_new) watched_.erase(entry);
    throw std::system_error(errno, std::generic_category());
  }

  void Forget(int fd) override {
    // One that is not watched may have been closed, and be somebody else's by now.
    if (watched_.erase(fd) == 0) return;
    epoll_event ignored{};
    epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &ignored);
  }

  void Wait(int milliseconds, const Report& report) override {
    const int count = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), milliseconds);
    for (int i = 0; i < count; ++i) {
      const epoll_event event = events_[static_cast<std::size_t>(i)];  // a report may watch more
      const int fd = static_cast<int>(event.data.u64 & 0xffffffffU);
      const auto entry = watched_.find(fd);
      // Else it was forgotten a moment ago.
      if (entry == watched_.end() || entry->second != event.data.u64 >> 32U) continue;
      Readiness readiness = 0;
      if ((event.events & EPOLLIN) != 0) readiness |= kReadable;
      if ((event.events & EPOLLOUT) != 0) readiness |= kWritable;
      if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) readiness |= kFailed;
      report(fd, readiness);
    }
  }

 private:
  const int epoll_;
  // By descriptor, which watch it is: tells a descriptor from an older one with its number.
  std::unordered_map<int, std::uint32_t> watched_;
  std::uint32_t last_watch_ = 0;
  // For all that may be ready: whoever is declared late was to be read before.
  std::vector<epoll_event> events_{64};
};

}  // namespace

Result<std::unique_ptr<Poller>> OpenEpollPoller() {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return Status(Code::kInternal, std::generic_category().message(errno));
  try {
    return std::unique_ptr<Poller>(std::make_unique<EpollPoller>(epoll));
  } catch (...) {
    close(epoll);
    throw;
  }
}

}  // namespace warppool::internal
