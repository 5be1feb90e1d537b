// Which tokens may serve a request (Request::tiers, Request::tokens).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "warppool/config.h"

namespace warppool::internal {

// Made by TokenPool::Restrict(), and immutable from then on.
struct TokenRestriction {
  std::vector<Tier> tiers{};            // empty: all
  std::vector<std::uint64_t> tokens{};  // PoolMember::id, in order; empty: all

  bool Allows(Tier tier) const { return tiers.empty() || std::find(tiers.begin(), tiers.end(), tier) != tiers.end(); }
  bool Allows(Tier tier, std::uint64_t id) const {
    return Allows(tier) && (tokens.empty() || std::binary_search(tokens.begin(), tokens.end(), id));
  }

  // Of the request: what restricts it, for messages.
  const char* What() const {
    if (tokens.empty()) return "tiers";
    return tiers.empty() ? "tokens" : "tiers and tokens";
  }
};

}  // namespace warppool::internal
