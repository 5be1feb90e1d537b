// What the pool tells of itself. Nothing here changes anything, but for noticing that time has passed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "token/pool_state.h"
#include "token/token_restriction.h"
#include "warppool/stats.h"
#include "warppool/token_pool.h"

namespace warppool::internal {

// Any thread.
class PoolView {
 public:
  explicit PoolView(PoolState* state) : state_(state) {}

  PoolStatus Snapshot() EXCLUDES(state_->mutex);
  std::optional<TokenStatus> StatusOf(const Token& token) EXCLUDES(state_->mutex);
  Stats Statistics() EXCLUDES(state_->mutex);
  std::vector<TokenExplanation> Explain() EXCLUDES(state_->mutex);
  // Why tokens that are not among `excluded` cannot serve, as attempts of a failed request. `only`: of those that it
  // allows; null: of all.
  std::vector<Attempt> WhyNotReady(const TokenSet& excluded, const TokenRestriction* only = nullptr)
      EXCLUDES(state_->mutex);

 private:
  TokenStatus StatusOf(const PoolMember& member, SteadyTime now) const REQUIRES(state_->mutex);
  TokenStats StatsOf(const PoolMember& member, SteadyTime now) const REQUIRES(state_->mutex);
  std::string WhyOf(const PoolMember& member, int turn, SteadyTime now) const REQUIRES(state_->mutex);

  PoolState* const state_;
};

}  // namespace warppool::internal
