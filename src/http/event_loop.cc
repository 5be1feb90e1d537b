#include "http/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace warppool {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestWait{60'000};

template <typename Function, typename... Args>
void RunGuarded(const Function& function, Args... args) noexcept {
  try {
    function(args...);
  } catch (...) {  // NOLINT(bugprone-empty-catch): documented at Run()
  }
}

}  // namespace

EventLoop::~EventLoop() {
  if (epoll_ >= 0) close(epoll_);
  if (wake_ >= 0) close(wake_);
}

Status EventLoop::Open() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_;
  if (epoll_ < 0 || wake_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
    return {Code::kInternal, "cannot open a descriptor for the I/O thread: " + std::generic_category().message(errno)};
  }
  return {};
}

void EventLoop::Run() {
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  std::array<epoll_event, 64> events;
  while (RunPosted()) {
    RunTimers();
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), WaitMilliseconds());
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == wake_) {
        std::uint64_t ignored = 0;
        while (read(wake_, &ignored, sizeof ignored) > 0) {
        }
      } else if (watched_.count(fd) != 0) {  // else: forgotten by a handler a moment ago
        RunGuarded(io_handler_, fd, events[static_cast<std::size_t>(i)].events);
      }
    }
  }
}

void EventLoop::Stop() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
  }
  Wake();
}

bool EventLoop::Post(std::function<void()> task) {
  Reserved reserved;
  reserved.push_back(std::move(task));
  return Post(&reserved);
}

bool EventLoop::Post(Reserved* task) noexcept {
  {
    MutexLock lock(&mutex_);
    if (stopped_) return false;
    const bool first = posted_.empty();
    posted_.splice(posted_.end(), *task);
    if (!first) return true;  // whoever posted the first one wakes the loop
  }
  Wake();
  return true;
}

bool EventLoop::RunPosted() {
  // What these post in turn waits for the next round: they must not starve timers and descriptors.
  Reserved tasks;
  bool stopped = false;
  {
    MutexLock lock(&mutex_);
    tasks.swap(posted_);
    stopped = stopped_;  // then these are the last
  }
  for (const auto& task : tasks) RunGuarded(task);
  return !stopped;
}

TimerId EventLoop::After(milliseconds delay, std::function<void()> task) {
  const TimerId id = ++last_timer_;
  const SteadyTime when = DeadlineIn(delay);
  timers_.emplace(std::make_pair(when, id), std::move(task));
  timer_times_.emplace(id, when);
  return id;
}

void EventLoop::CancelTimer(TimerId id) {
  const auto it = timer_times_.find(id);
  if (it == timer_times_.end()) return;
  timers_.erase({it->second, id});
  timer_times_.erase(it);
}

void EventLoop::RunTimers() {
  // Those that are due now, and no timer that they set: one that keeps setting itself must not starve the descriptors.
  const SteadyTime now = std::chrono::steady_clock::now();
  const TimerId last = last_timer_;
  while (!timers_.empty()) {
    const auto first = timers_.begin();
    if (first->first.first > now || first->first.second > last) return;
    const auto task = std::move(first->second);
    timer_times_.erase(first->first.second);
    timers_.erase(first);
    RunGuarded(task);
  }
}

int EventLoop::WaitMilliseconds() const {
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->first.first - std::chrono::steady_clock::now();
  // Rounded up: waking too early would only mean to ask again.
  return static_cast<int>(std::clamp(std::chrono::ceil<milliseconds>(left), milliseconds(0), kLongestWait).count());
}

void EventLoop::Watch(int fd, std::uint32_t interest) {
  epoll_event event{};
  event.events = interest;
  event.data.fd = fd;
  if (interest == 0) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &event);  // may be closed already
    watched_.erase(fd);
    return;
  }
  const bool known = watched_.count(fd) != 0;
  if (known && epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0) epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  if (!known && epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
  watched_[fd] = interest;
}

void EventLoop::Wake() const {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is awake anyway.
  [[maybe_unused]] const auto written = write(wake_, &one, sizeof one);
}

}  // namespace warppool
