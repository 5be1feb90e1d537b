#include "client/event_queue.h"

#include <array>
#include <utility>

#include "base/clock.h"

namespace warppool::internal {
namespace {

// How far the transfer runs ahead of its reader.
constexpr std::size_t kPauseAt = 1U << 20U;
constexpr std::size_t kResumeAt = kPauseAt / 2;

// The views of each event.
auto ViewsOf(StreamStarted& e) {
  return std::array{&e.token, &e.conversation_id, &e.request_id, &e.run_id};
}
auto ViewsOf(TextDelta& e) {
  return std::array{&e.message_id, &e.text};
}
auto ViewsOf(TextReplaced& e) {
  return std::array{&e.message_id, &e.text};
}
auto ViewsOf(ReasoningDelta& e) {
  return std::array{&e.message_id, &e.text};
}
auto ViewsOf(ReasoningReplaced& e) {
  return std::array{&e.message_id, &e.text};
}
auto ViewsOf(MessageAdded& e) {
  return std::array{&e.task_id, &e.message_id, &e.json};
}
auto ViewsOf(MessageReplaced& e) {
  return std::array{&e.task_id, &e.message_id, &e.json};
}
auto ViewsOf(MessageAppended& e) {
  return std::array{&e.task_id, &e.message_id, &e.field, &e.text};
}
auto ViewsOf(MessageRetracted& e) {
  return std::array{&e.task_id, &e.message_id};
}
auto ViewsOf(ToolCall& e) {
  return std::array{&e.task_id, &e.message_id, &e.id, &e.tool, &e.name, &e.server_id, &e.arguments, &e.bytes};
}
auto ViewsOf(TodoList& e) {
  return std::array{&e.task_id, &e.json};
}
auto ViewsOf(TaskCreated& e) {
  return std::array{&e.task_id, &e.parent_id, &e.description};
}
auto ViewsOf(TaskChanged& e) {
  return std::array{&e.task_id, &e.field, &e.value};
}
auto ViewsOf(TaskRetracted& e) {
  return std::array{&e.task_id};
}
auto ViewsOf(Suggestions& e) {
  return std::array{&e.json};
}
auto ViewsOf(NewConversationSuggested& e) {
  return std::array{&e.message_id};
}
auto ViewsOf(AttemptFailed& e) {
  return std::array{&e.token, &e.message};
}
auto ViewsOf(Waiting& e) {
  return std::array{&e.reason};
}
auto ViewsOf(ConversationMoved& e) {
  return std::array{&e.from_token, &e.to_token};
}
auto ViewsOf(Finished& e) {
  return std::array{&e.message};
}
auto ViewsOf(RawEvent& e) {
  return std::array{&e.bytes};
}
auto ViewsOf(UnknownEvent& e) {
  return std::array{&e.kind, &e.bytes};
}

// Calls `visit` with each view of `event`.
template <typename Visit>
void ForEachView(Event* event, const Visit& visit) {
  std::visit(
      [&](auto& e) {
        for (std::string_view* const view : ViewsOf(e)) visit(view);
      },
      *event);
}

}  // namespace

OwnedEvent::OwnedEvent(const Event& event) : event_(event) {
  std::size_t size = 0;
  ForEachView(&event_, [&](const std::string_view* view) { size += view->size(); });
  storage_.reserve(size);  // so that what the views look at stays where it is
  ForEachView(&event_, [&](std::string_view* view) {
    const std::size_t at = storage_.size();
    storage_.append(*view);
    *view = std::string_view(storage_).substr(at);
  });
}

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
