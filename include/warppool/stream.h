// One request's stream of events. Two ways to take them:
//
// Pushed: Client::Start(request, callbacks). The callbacks run in the client's I/O thread, one at a time: `on_event`
// for each event, then `on_done` exactly once. They must return promptly, since every stream of the client waits
// meanwhile.
//
// Pulled: Client::Start(request), then
//
//   for (const warppool::Event& event : *stream) Handle(event);
//   if (!stream->status().ok()) Fail(stream->status());
//
// or event by event, with a limit for each, by Stream::Next().
//
// Reading slowly slows this transfer down and no other; nothing is dropped.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>

#include "warppool/event.h"
#include "warppool/status.h"

namespace warppool {

namespace internal {
class ClientImpl;
class StreamImpl;
}  // namespace internal

// What a push callback wants next. The numbers are stable and the same in C (warppool_flow).
enum class Flow : int {
  kContinue = 0,
  kPause = 1,   // no further event until Stream::Resume()
  kCancel = 2,  // as Stream::Cancel()
};

// May call anything of the client and its streams but what waits (Client::Ask, AccessToken and Close, Stream::Next:
// these return kMisuse here). An exception out of a callback ends the stream with kInternal and goes no further.
struct StreamCallbacks {
  std::function<Flow(const Event&)> on_event;  // may be empty: only the end matters
  std::function<void(const Status&)> on_done;  // may be empty. The last call for this stream; OK: the agent is done
};

class Stream {
 public:
  // What a range-for loop goes over: the events of a pulled stream, waiting for each of them as long as it takes.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Event;
    using difference_type = std::ptrdiff_t;
    using pointer = const Event*;
    using reference = const Event&;

    Iterator() = default;  // the end
    reference operator*() const { return *event_; }
    pointer operator->() const { return &*event_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.stream_ == b.stream_; }
    friend bool operator!=(const Iterator& a, const Iterator& b) { return a.stream_ != b.stream_; }

   private:
    friend class Stream;
    explicit Iterator(Stream* stream) : stream_(stream) { ++*this; }
    Stream* stream_ = nullptr;
    std::optional<Event> event_{};
  };

  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Cancels the stream if it still runs: `on_done` is called with kCancelled before this returns, and no callback of
  // it runs afterwards. Any thread; inside a callback, too (`on_done` is then called from within).
  ~Stream();

  // Pulled streams only (else kMisuse). One thread at a time.
  //
  // The next event; waits for it at most `timeout` (0: only look; negative: for ever).
  //   kTimeout     none came in time; the stream goes on, ask again
  //   kEnd         the answer is complete; every later call returns this
  //   any other    the stream failed or was cancelled; every later call returns the same
  Result<Event> Next(std::chrono::milliseconds timeout);

  // The same as Next(-1) until that fails; what it fails with is the stream's status(). Once: what has been read does
  // not come again.
  Iterator begin() { return Iterator(this); }
  Iterator end() { return {}; }
  // How the loop ended: OK if the answer is complete; else why it failed, or was cancelled.
  const Status& status() const { return status_; }

  // Pulled streams only. A file descriptor that is readable while Next(0) would not return kTimeout, for poll, epoll,
  // asyncio or libuv. It belongs to the stream: neither read nor close it. Fails with kMisuse, or kInternal when the
  // process has no descriptor left.
  Result<int> Descriptor();

  // Ends the stream with kCancelled, soon. Any thread, inside callbacks too. Nothing happens if it has ended.
  void Cancel();

  // Pushed streams only: after on_event has returned kPause. Any thread, inside callbacks too.
  void Resume();

 private:
  friend class internal::ClientImpl;
  explicit Stream(std::shared_ptr<internal::StreamImpl> impl);

  std::shared_ptr<internal::StreamImpl> impl_;
  Status status_;
};

}  // namespace warppool
