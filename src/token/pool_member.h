// A token and all that the pool keeps about it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "token/token.h"
#include "token/token_health.h"
#include "warppool/token_pool.h"

namespace warppool {

// Everything but `token` is guarded by the pool's mutex.
struct PoolMember {
  PoolMember(std::string name, const TokenConfig& config, std::size_t tier_index, std::size_t position_in_tier)
      : token(std::move(name), config.tier, config.kind, config.credential),
        tier(tier_index),
        position(position_in_tier) {}

  Token token;
  const std::size_t tier;      // of the roster's
  const std::size_t position;  // in its tier
  int in_flight = 0;
  TokenHealth health;

  // How the roster has filed it.
  TokenState filed_as = TokenState::kDisabled;
  bool blocked = false;                  // in a state to serve, but it has its hands full
  std::optional<SteadyTime> turns_at{};  // when to file it anew

  std::string account{};  // empty: not known
  std::optional<Quota> quota{};
  Status last_error{};    // of the last attempt that failed, whoever was to blame
  Status last_verdict{};  // why it was struck or disabled last
  Status why_cooling{};
};

}  // namespace warppool
