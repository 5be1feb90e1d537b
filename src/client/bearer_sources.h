// Asks the program for the bearers that it manages itself. A call that hangs holds up those of its own token, and no
// other ones, as long as there are fewer than kMostCalls: each has a thread of its own. What hangs cannot be ended:
// whoever closes waits for it.
#pragma once

#include <memory>

#include "base/executor.h"
#include "client/bearer.h"
#include "platform/worker_pool.h"
#include "token/exchange_lock.h"

namespace warppool::internal {

class BearerSources final : public BearerSupply {
 public:
  explicit BearerSources(Executor* executor) : executor_(executor) {}

  static constexpr std::size_t kMostCalls = 8;

  void Supply(const std::shared_ptr<Token>& token, Supplied done) override;

  // The service refused what was supplied. Told before the next call for a bearer of its token. Any thread.
  void TellRefused(const Bearer& bearer, const Status& why);

  // In one of the program's functions.
  bool InThread() const { return workers_.InThread(); }
  // When it returns, none of them runs any more. What nobody has begun to supply is not supplied.
  void Close() {
    workers_.DropRest();
    workers_.Close();
  }

 private:
  Executor* const executor_;
  WorkerPool workers_{kMostCalls};
};

}  // namespace warppool::internal
