#include "http/event_loop.h"

#include <algorithm>
#include <system_error>

namespace warppool::internal {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestWait{60'000};

// RunPosted() runs at most so many generations of tasks, each posted by the one before, and then returns to timers and
// descriptors. What other threads post meanwhile waits for the next round: they may post without end.
constexpr int kGenerationsAtOnce = 4;

// What is called before the loop waits found no memory, and may have left something undone: it is called again soon.
constexpr milliseconds kRepeatedWait{20};

// False: it threw.
template <typename Function, typename... Args>
bool RunGuarded(const Function& function, Args... args) noexcept {
  try {
    function(args...);
    return true;
  } catch (...) {  // NOLINT(bugprone-empty-catch): documented at Run()
    return false;
  }
}

}  // namespace

Status EventLoop::Open() {
  const auto failed = [](const Status& why) {
    return Status(Code::kInternal, "cannot open a descriptor for the I/O thread: " + why.message());
  };
  auto poller = OpenPoller();
  if (!poller.ok()) return failed(poller.status());
  auto wake = OpenWakeUp();
  if (!wake.ok()) return failed(wake.status());
  poller_ = *std::move(poller);
  wake_ = *std::move(wake);
  try {
    poller_->Watch(wake_->descriptor(), kReadable);
  } catch (const std::system_error& error) {
    return failed({Code::kInternal, error.code().message()});
  }
  return {};
}

void EventLoop::Run() {
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  const Poller::Report report = [this](int fd, Readiness readiness) {
    if (fd == wake_->descriptor()) return wake_->Clear();
    static_cast<void>(RunGuarded(io_handler_, fd, readiness));
  };
  while (true) {
    if (!RunPosted()) return;
    const bool prepared = !before_wait_ || RunGuarded(before_wait_);
    const SteadyTime now = std::chrono::steady_clock::now();
    poller_->Wait(HasPosted() ? 0 : WaitMilliseconds(now, prepared ? kLongestWait : kRepeatedWait), report);
    RunTimers(now);
  }
}

void EventLoop::Stop() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
  }
  wake_->Signal();
}

bool EventLoop::Post(std::function<void()> task) {
  Reserved reserved;
  reserved.push_back(std::move(task));
  return Post(&reserved);
}

bool EventLoop::Post(Reserved* task) noexcept {
  const bool from_outside = !InThread();
  {
    MutexLock lock(&mutex_);
    if (stopped_) return false;
    Reserved& posted = from_outside ? posted_ : posted_inside_;
    const bool first = posted.empty();
    posted.splice(posted.end(), *task);
    if (!from_outside || !first) return true;  // the loop looks before it waits, and the first one wakes it
  }
  wake_->Signal();
  return true;
}

bool EventLoop::RunPosted() {
  for (int i = 0; i < kGenerationsAtOnce; ++i) {
    Reserved tasks;
    bool stopped = false;
    {
      MutexLock lock(&mutex_);
      stopped = stopped_;  // then these are the last
      tasks.swap(posted_inside_);
      if (i == 0 || stopped) tasks.splice(tasks.end(), posted_);
    }
    if (on_round_ && (i == 0 || !tasks.empty())) static_cast<void>(RunGuarded(on_round_));
    for (const auto& task : tasks) static_cast<void>(RunGuarded(task));
    if (stopped) return false;
    if (tasks.empty()) break;
  }
  return true;
}

bool EventLoop::HasPosted() {
  MutexLock lock(&mutex_);
  return stopped_ || !posted_.empty() || !posted_inside_.empty();
}

TimerId EventLoop::After(milliseconds delay, std::function<void()> task) {
  return timers_.Add(DeadlineIn(delay), std::move(task));
}

void EventLoop::RunTimers(SteadyTime now) {
  // No timer that they set: one that keeps setting itself must not starve the descriptors.
  const std::uint64_t last = timers_.last_number();
  while (!timers_.empty() && timers_.first_due() <= now && timers_.first_number() <= last) {
    static_cast<void>(RunGuarded(timers_.TakeFirst()));
  }
}

int EventLoop::WaitMilliseconds(SteadyTime now, milliseconds longest) const {
  if (timers_.empty()) return longest == kLongestWait ? -1 : static_cast<int>(longest.count());
  const auto left = timers_.first_due() - now;
  // Rounded up: waking too early would only mean to ask again.
  return static_cast<int>(std::clamp(std::chrono::ceil<milliseconds>(left), milliseconds(0), longest).count());
}

void EventLoop::Watch(int fd, Readiness interest) {
  if (interest == 0) {
    poller_->Forget(fd);
  } else {
    poller_->Watch(fd, interest);
  }
}

}  // namespace warppool::internal
