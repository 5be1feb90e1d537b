// What the unit tests share: a clock, a thread and a network that stand still until the test moves them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base64url.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "http/transport.h"

namespace warppool::internal {

// Any thread: a worker may look at it while the test moves it. It sleeps and is set, too: then the wall clock alone
// moves.
class FakeClock final : public Clock {
 public:
  FakeClock() = default;
  FakeClock(const FakeClock& other) : passed_(other.passed_.load()), wall_(other.wall_.load()) {}
  FakeClock& operator=(const FakeClock& other) {
    passed_ = other.passed_.load();
    wall_ = other.wall_.load();
    return *this;
  }

  SteadyTime Steady() const override {
    if (reads_ > 0 && --reads_ == 0) passed_ += jump_;
    return SteadyTime(std::chrono::hours(1)) + Passed();
  }
  WallTime Wall() const override {
    return WallTime(std::chrono::seconds(1'700'000'000)) + std::chrono::floor<WallTime::duration>(Passed()) +
           WallTime::duration(wall_.load());
  }
  void Advance(SteadyTime::duration by) { passed_ += by.count(); }
  // Time passes before the read with this number, from 1 on, and after the one before.
  void AdvanceBeforeRead(int number, SteadyTime::duration by) {
    jump_ = by.count();
    reads_ = number;
  }
  // The machine sleeps, and the monotonic clock stands.
  void Sleep(WallTime::duration by) { wall_ += by.count(); }
  // The wall clock is set, forward or back.
  void SetWall(WallTime::duration by) { wall_ += by.count(); }

 private:
  SteadyTime::duration Passed() const { return SteadyTime::duration(passed_.load()); }

  mutable std::atomic<SteadyTime::rep> passed_{0};
  mutable std::atomic<int> reads_{0};  // until time passes; 0: it does not
  std::atomic<SteadyTime::rep> jump_{0};
  std::atomic<WallTime::rep> wall_{0};
};

// Runs nothing by itself: the test's thread is the executor's thread.
class FakeExecutor final : public Executor {
 public:
  explicit FakeExecutor(FakeClock* clock) : clock_(clock) {}

  bool Post(std::function<void()> task) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    posted_.push_back(std::move(task));
    return true;
  }
  TimerId After(std::chrono::milliseconds delay, std::function<void()> task) override {
    timers_.emplace(std::make_pair(clock_->Steady() + delay, ++last_timer_), std::move(task));
    return last_timer_;
  }
  void CancelTimer(TimerId id) override {
    for (auto it = timers_.begin(); it != timers_.end(); ++it) {
      if (it->first.second != id) continue;
      timers_.erase(it);
      return;
    }
  }
  bool InThread() const override { return true; }

  void RunPosted() {
    while (const auto task = TakePosted()) task();
  }
  // Lets time pass, and runs what falls due on the way.
  void Advance(std::chrono::milliseconds by) {
    const SteadyTime until = clock_->Steady() + by;
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
      const auto first = timers_.begin();
      const auto task = std::move(first->second);
      if (clock_->Steady() < first->first.first) clock_->Advance(first->first.first - clock_->Steady());
      timers_.erase(first);
      task();
    }
    clock_->Advance(until - clock_->Steady());
  }
  std::size_t timers() const { return timers_.size(); }

 private:
  std::function<void()> TakePosted() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (posted_.empty()) return nullptr;
    auto task = std::move(posted_.front());
    posted_.pop_front();
    return task;
  }

  FakeClock* const clock_;
  std::mutex mutex_;
  std::deque<std::function<void()>> posted_;  // by any thread
  std::map<std::pair<SteadyTime, TimerId>, std::function<void()>> timers_;
  TimerId last_timer_ = 0;
};

// Keeps what is sent, in order; the test plays the server.
class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(FakeExecutor* executor) : executor_(executor) {}

  Executor& executor() override { return *executor_; }
  TransferId Start(HttpRequest request, HttpHandler* handler) override {
    transfers_.push_back({std::move(request), handler, false});
    return transfers_.size();
  }
  void Cancel(TransferId id) noexcept override {
    Transfer& transfer = transfers_.at(static_cast<std::size_t>(id) - 1);
    if (transfer.handler == nullptr) return;
    transfer.handler = nullptr;
    transfer.cancelled = true;
  }
  void Pause(TransferId) override {}
  void Resume(TransferId) override {}

  std::size_t started() const { return transfers_.size(); }
  const HttpRequest& request(std::size_t i) const { return transfers_.at(i).request; }
  bool cancelled(std::size_t i) const { return transfers_.at(i).cancelled; }

  // What the server does about transfer `i`. Nothing reaches one that is over.
  void Head(std::size_t i, int status, std::vector<std::pair<std::string, std::string>> headers = {}) {
    if (HttpHandler* handler = transfers_.at(i).handler) handler->OnHead({status, std::move(headers)});
  }
  void Body(std::size_t i, std::string_view bytes) {
    if (HttpHandler* handler = transfers_.at(i).handler) handler->OnBody(bytes);
  }
  void Done(std::size_t i, TransferError error = TransferError::kNone, const std::string& detail = "") {
    HttpHandler* handler = std::exchange(transfers_.at(i).handler, nullptr);
    if (handler != nullptr) handler->OnDone({error, detail});
  }
  void Answer(std::size_t i, int status, std::string_view body,
              std::vector<std::pair<std::string, std::string>> headers = {}) {
    Head(i, status, std::move(headers));
    Body(i, body);
    Done(i);
  }

  // Ends what is left, as the real one does.
  void Shutdown() {
    for (std::size_t i = 0; i < transfers_.size(); ++i) Done(i, TransferError::kStopped, "stopped");
  }

 private:
  struct Transfer {
    HttpRequest request;
    HttpHandler* handler;  // null: over
    bool cancelled;
  };

  FakeExecutor* const executor_;
  std::deque<Transfer> transfers_;  // a handler may start another one: no references may break
};

// Log lines, one behind the other.
class LogLines {
 public:
  Logger logger() {
    return Logger([this](const LogRecord& record) {
      text_ += std::string(LogLevelName(record.level)) + " " + std::string(record.message) + "\n";
    });
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// A JWT with these claims, and no signature to speak of.
inline std::string FakeJwt(std::string_view claims) {
  std::string payload = EncodeBase64Url(claims);
  while (!payload.empty() && payload.back() == '=') payload.pop_back();
  return "e30." + payload + ".c2lnbmF0dXJl";
}

}  // namespace warppool::internal
