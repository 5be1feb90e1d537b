// Asks the program for the bearers that it manages itself, in a thread of their own.
#pragma once

#include <memory>

#include "base/executor.h"
#include "client/bearer.h"
#include "platform/worker.h"
#include "token/exchange_gate.h"

namespace warppool::internal {

class BearerDesk final : public BearerSupply {
 public:
  explicit BearerDesk(Executor* executor) : executor_(executor) {}

  void Supply(const std::shared_ptr<Token>& token, Supplied done) override;

  // The service refused what was supplied. Any thread.
  void TellRefused(const Bearer& bearer, const Status& why);

  // In one of the program's functions.
  bool InThread() const { return worker_.InThread(); }
  // When it returns, none of them runs any more. What nobody has begun to supply is not supplied.
  void Close() {
    worker_.DropRest();
    worker_.Close();
  }

 private:
  Executor* const executor_;
  Worker worker_;
};

}  // namespace warppool::internal
