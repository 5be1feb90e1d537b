#include "client/event_queue.h"

#include <utility>

#include "base/clock.h"

namespace warppool::internal {
namespace {

// How far the transfer runs ahead of its reader.
constexpr std::size_t kPauseAt = 1U << 20U;
constexpr std::size_t kResumeAt = kPauseAt / 2;

}  // namespace

Flow EventQueue::OnEvent(const Event& event) {
  Flow flow = Flow::kContinue;
  {
    MutexLock lock(&mutex_);
    bytes_ += events_.emplace_back(event).bytes();
    if (bytes_ >= kPauseAt) {
      paused_ = true;
      flow = Flow::kPause;
    }
    Signal();
  }
  changed_.NotifyAll();
  return flow;
}

void EventQueue::OnDone(const Status& status) {
  {
    MutexLock lock(&mutex_);
    done_ = status;
    Signal();
  }
  changed_.NotifyAll();
}

Result<Event> EventQueue::Next(std::chrono::milliseconds timeout) {
  DropTaken();
  Result<Event> event = Take(timeout);
  // Now and not at the next call: a reader that waits for the descriptor may not come back before there is more.
  if (RoomAgain()) MakeRoom();
  return event;
}

Result<Event> EventQueue::Take(std::chrono::milliseconds timeout) {
  MutexLock lock(&mutex_);
  const auto until = DeadlineIn(timeout);
  while (events_.empty() && !done_) {
    if (timeout.count() < 0) {
      changed_.Wait(&mutex_);
    } else if (!changed_.WaitUntil(&mutex_, until)) {
      break;
    }
  }
  if (!events_.empty()) {
    taken_ = true;
    bytes_ -= events_.front().bytes();
    Signal();
    return events_.front().get();
  }
  if (!done_) return Status(Code::kTimeout, "no event came in time");
  return done_->ok() ? Status(Code::kEnd, "the answer is complete") : *done_;
}

void EventQueue::MakeRoom() noexcept {
  try {
    resume_();
  } catch (...) {  // tried again at the next call
    MutexLock lock(&mutex_);
    paused_ = true;
  }
}

void EventQueue::DropTaken() {
  MutexLock lock(&mutex_);
  if (std::exchange(taken_, false)) events_.pop_front();
}

bool EventQueue::RoomAgain() {
  MutexLock lock(&mutex_);
  if (!paused_ || bytes_ > kResumeAt) return false;
  paused_ = false;
  return true;
}

Result<int> EventQueue::Descriptor() {
  MutexLock lock(&mutex_);
  if (!wake_up_) {
    auto opened = OpenWakeUp();
    if (!opened.ok()) return Status(opened.code(), "no descriptor: " + opened.status().message());
    wake_up_ = *std::move(opened);
    Signal();
  }
  return wake_up_->descriptor();
}

void EventQueue::Signal() {
  if (!wake_up_) return;
  const std::size_t waiting = events_.size() - (taken_ ? 1 : 0);
  const bool readable = waiting > 0 || done_.has_value();
  if (readable == signalled_) return;
  if (readable) {
    wake_up_->Signal();
  } else {
    wake_up_->Clear();
  }
  signalled_ = readable;
}

}  // namespace warppool::internal
