// The poller by poll(2), and the choice between the two.
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <unordered_map>
#include <utility>
#include <vector>

#include "platform/poller.h"

namespace warppool::internal {
namespace {

// After a poll() that the system refuses, for want of memory, say. It may work again; to ask at once would only burn
// time.
constexpr int kPause = 10;  // milliseconds

class PollPoller final : public Poller {
 public:
  void Watch(int fd, Readiness interest) override {
    const auto [place, is_new] = places_.try_emplace(fd, entries_.size());
    if (is_new) {
      try {
        entries_.push_back({fd, 0, 0});
      } catch (...) {
        places_.erase(place);
        throw;
      }
    }
    pollfd& entry = entries_[place->second];
    entry.fd = fd;  // may have been hidden
    entry.events = 0;
    if ((interest & kReadable) != 0) entry.events |= POLLIN;
    if ((interest & kWritable) != 0) entry.events |= POLLOUT;
  }

  void Forget(int fd) override {
    const auto place = places_.find(fd);
    if (place == places_.end()) return;
    const std::size_t index = place->second;
    places_.erase(place);
    if (index + 1 < entries_.size()) {
      entries_[index] = entries_.back();
      places_.find(NumberOf(entries_[index]))->second = index;
    }
    entries_.pop_back();
  }

  void Wait(int milliseconds, const Report& report) override {
    int left = poll(entries_.data(), static_cast<nfds_t>(entries_.size()), milliseconds);
    if (left < 0 && errno != EINTR) poll(nullptr, 0, milliseconds < 0 ? kPause : std::min(milliseconds, kPause));
    // Backwards, because Forget() moves the last entry down: those above `index` are done, so that none is left out.
    for (std::size_t index = entries_.size(); left > 0 && index-- > 0;) {
      if (index >= entries_.size()) continue;
      pollfd& entry = entries_[index];
      const short events = std::exchange(entry.revents, short{0});
      if (events == 0) continue;
      --left;
      if ((events & POLLNVAL) != 0) {
        entry.fd = Hidden(entry.fd);
        continue;
      }
      Readiness readiness = 0;
      if ((events & POLLIN) != 0) readiness |= kReadable;
      if ((events & POLLOUT) != 0) readiness |= kWritable;
      if ((events & (POLLERR | POLLHUP)) != 0) readiness |= kFailed;
      report(entry.fd, readiness);
    }
  }

 private:
  // A descriptor that was closed and not forgotten keeps its entry, with a number that poll() passes over: it would
  // report the entry in each round.
  static int Hidden(int fd) { return -1 - fd; }
  static int NumberOf(const pollfd& entry) { return entry.fd < 0 ? -1 - entry.fd : entry.fd; }

  std::vector<pollfd> entries_;                  // kept from round to round
  std::unordered_map<int, std::size_t> places_;  // by descriptor, where its entry is
};

}  // namespace

Result<std::unique_ptr<Poller>> OpenPollPoller() {
  return std::unique_ptr<Poller>(std::make_unique<PollPoller>());
}

Result<std::unique_ptr<Poller>> OpenPoller() {
#if defined(WARPPOOL_POLLER_EPOLL)
  return OpenEpollPoller();
#else
  return OpenPollPoller();
#endif
}

}  // namespace warppool::internal
