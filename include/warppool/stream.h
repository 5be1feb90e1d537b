// One request's stream of events. Two ways to take them:
//
// Pushed: Client::Start(request, callbacks). The callbacks run in the client's I/O thread, one at a time: `on_event`
// for each event, then `on_done` exactly once. They must return promptly, since every stream of the client waits
// meanwhile.
//
// Pulled: Client::Start(request), then
//
//   auto event = stream->Next(std::chrono::milliseconds(-1));
//   for (; event.ok(); event = stream->Next(std::chrono::milliseconds(-1))) Handle(*event);
//   if (event.code() != warppool::Code::kEnd) Fail(event.status());
//
// Reading slowly slows this transfer down and no other; nothing is dropped.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "warppool/event.h"
#include "warppool/status.h"

namespace warppool {

namespace internal {
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
  explicit Stream(std::shared_ptr<internal::StreamImpl> impl);
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

  // Pulled streams only. A file descriptor that is readable while Next(0) would not return kTimeout, for poll, epoll,
  // asyncio or libuv. It belongs to the stream: neither read nor close it. Fails with kMisuse, or kInternal when the
  // process has no descriptor left.
  Result<int> Descriptor();

  // Ends the stream with kCancelled, soon. Any thread, inside callbacks too. Nothing happens if it has ended.
  void Cancel();

  // Pushed streams only: after on_event has returned kPause. Any thread, inside callbacks too.
  void Resume();

 private:
  std::shared_ptr<internal::StreamImpl> impl_;
};

}  // namespace warppool
