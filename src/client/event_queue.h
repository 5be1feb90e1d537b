// The events of a pulled stream, between the I/O thread that brings them and the thread that takes them.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "client/event_sink.h"
#include "platform/wake_up.h"

namespace warppool::internal {

// The sink's functions in the I/O thread, Next() in one thread at a time, the rest in any.
class EventQueue final : public EventSink {
 public:
  // `resume` is called, in the reader's thread, when there is room again after OnEvent() said kPause.
  void SetResume(std::function<void()> resume) { resume_ = std::move(resume); }

  Flow OnEvent(const Event& event) override EXCLUDES(mutex_);
  void OnDone(const Status& status) override EXCLUDES(mutex_);

  Result<Event> Next(std::chrono::milliseconds timeout) EXCLUDES(mutex_);
  Result<int> Descriptor() EXCLUDES(mutex_);

 private:
  Result<Event> Take(std::chrono::milliseconds timeout) EXCLUDES(mutex_);
  void MakeRoom() noexcept EXCLUDES(mutex_);
  void DropTaken() EXCLUDES(mutex_);
  bool RoomAgain() EXCLUDES(mutex_);
  void Signal() REQUIRES(mutex_);  // makes the descriptor say what there is

  std::function<void()> resume_;  // the reader's, set before the first Next()

  Mutex mutex_;
  CondVar changed_;
  std::deque<OwnedEvent> events_ GUARDED_BY(mutex_);
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;  // of those that were not handed out
  bool taken_ GUARDED_BY(mutex_) = false;     // the first event was handed out: it goes at the next call
  bool paused_ GUARDED_BY(mutex_) = false;
  bool signalled_ GUARDED_BY(mutex_) = false;
  std::unique_ptr<WakeUp> wake_up_ GUARDED_BY(mutex_);  // from the first time that its descriptor is asked for
  std::optional<Status> done_ GUARDED_BY(mutex_);
};

}  // namespace warppool::internal
