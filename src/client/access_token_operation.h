// Gets a bearer for a program that speaks HTTP itself, from the first token that gives one.
#pragma once

#include <memory>
#include <optional>

#include "base/guarded.h"
#include "base/handoff.h"
#include "client/core.h"
#include "client/token_acquisition.h"

namespace warppool::internal {

class AccessTokenOperation final : public Operation,
                                   public std::enable_shared_from_this<AccessTokenOperation>,
                                   private TokenAcquisition::Owner {
 public:
  // `first`: leased already, without a JWT that could be handed out at once.
  AccessTokenOperation(std::shared_ptr<Core> core, const Patience& patience, std::optional<Lease> first);

  void Begin() override;
  void Stop() override {
    Finish(Guarded([] { return Status(Code::kCancelled, "the client was closed"); }));
  }

  // Negative: without limit. kTimeout when it is not there in time; it then goes on, for the next who asks.
  // Not in the I/O thread.
  Result<BearerToken> Wait(std::chrono::milliseconds timeout);

 private:
  void Use(const Bearer& bearer) override;
  void OnAttemptFailed(const AttemptFailed& /*event*/) override {}
  void OnWaiting(const Waiting& /*event*/) override {}
  void OnNoneServes(const Status& why) override { Finish(why); }
  void Finish(Result<BearerToken> result);

  const std::shared_ptr<Core> core_;
  const Patience patience_;
  std::optional<Lease> first_;
  TokenAcquisition acquisition_;
  bool finished_ = false;  // I/O thread
  Handoff<Result<BearerToken>> result_;
};

// What is handed out for a bearer.
BearerToken ToBearerToken(const Bearer& bearer);

}  // namespace warppool::internal
