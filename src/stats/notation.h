// What JSON and Prometheus write alike.
#pragma once

#include <array>
#include <chrono>

#include "warppool/token_pool.h"

namespace warppool::internal {

inline constexpr std::array kTokenStates{TokenState::kReady, TokenState::kCooling, TokenState::kDisabled,
                                         TokenState::kHalfOpen, TokenState::kResting};

// In one word, as the outcomes are; TokenStateName() is for people.
inline const char* TokenStateLabel(TokenState state) noexcept {
  return state == TokenState::kHalfOpen ? "half_open" : TokenStateName(state);
}

inline double Seconds(std::chrono::milliseconds time) {
  return static_cast<double>(time.count()) / 1000;  // divided: 50 ms are the double next to 0.05
}

}  // namespace warppool::internal
