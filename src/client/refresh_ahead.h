// Renews the JWT of one token between two requests, for nobody in particular.
#pragma once

#include <memory>
#include <optional>

#include "client/core.h"
#include "token/token_pool.h"

namespace warppool::internal {

// The I/O thread only.
class RefreshAhead final : public Operation, public std::enable_shared_from_this<RefreshAhead> {
 public:
  RefreshAhead(std::shared_ptr<Core> core, std::shared_ptr<Token> token)
      : core_(std::move(core)), token_(std::move(token)) {}

  void Begin() override;
  void Stop() override { Finish({}); }

 private:
  void Finish(const Lease::Report& report);

  const std::shared_ptr<Core> core_;
  const std::shared_ptr<Token> token_;
  std::optional<Lease> lease_;
  TokenRefresher::Ticket ticket_ = 0;
  bool finished_ = false;
};

}  // namespace warppool::internal
