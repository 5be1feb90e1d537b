// Asks the program for the bearers that it manages itself. A call that hangs holds up those of its own token, and no
// other ones, as long as there are fewer than kMostCalls: each has a thread of its own. What hangs cannot be ended:
// whoever closes waits for it.
#pragma once

#include <memory>
#include <utility>

#include "client/bearer.h"
#include "http/event_loop.h"
#include "platform/worker_pool.h"
#include "token/exchange_lock.h"

namespace warppool::internal {

class BearerSources final : public BearerSupply {
 public:
  static constexpr std::size_t kMostCalls = 8;

  explicit BearerSources(EventLoop* loop) : loop_(loop), workers_(kMostCalls) {}
  BearerSources(EventLoop* loop, WorkerPool::StartThread start_thread)
      : loop_(loop), workers_(kMostCalls, std::move(start_thread)) {}

  // A call for which there is no thread or no memory has failed as one that finds no network: the token is not to
  // blame.
  void Supply(const std::shared_ptr<Token>& token, Supplied done) override;

  // The service refused what was supplied. Told before the next call for a bearer of its token; when no thread can be
  // started for it, then with that call. What there is no memory for is not told. Any thread.
  void TellRefused(const Bearer& bearer, const Status& why) noexcept;

  // In one of the program's functions.
  bool InThread() const { return workers_.InThread(); }
  // When it returns, none of them runs any more. What nobody has begun to supply is not supplied.
  void Close() {
    workers_.DropRest();
    workers_.Close();
  }

 private:
  EventLoop* const loop_;
  WorkerPool workers_;
};

}  // namespace warppool::internal
