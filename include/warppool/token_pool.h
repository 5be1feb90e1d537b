// What the pool knows of its tokens.
//
// A token's name is the one its configuration gave, or its tier and the first hex digits of the SHA-256 of its
// credential, PERSONAL_3fa9c1 (longer where two would collide): the same at every start, and useless to a thief.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "warppool/config.h"
#include "warppool/status.h"

namespace warppool {

// The numbers are stable and the same in C (warppool_token_state).
enum class TokenState : int {
  kReady = 1,
  kCooling = 2,   // its quota is used up; ready again at `ready_at`
  kDisabled = 3,  // too many failures in a row, or refused for good
};

// "ready", "cooling", "disabled". Never NULL. Any thread.
const char* TokenStateName(TokenState state) noexcept;

struct TokenStatus {
  std::string name;
  Tier tier = Tier::kPersonal;
  CredentialKind kind = CredentialKind::kRefreshToken;
  TokenState state = TokenState::kReady;
  int strikes = 0;              // failures in a row that it was blamed for
  int in_flight = 0;            // requests that use it now
  std::uint64_t served = 0;     // requests that it brought to a good end
  std::uint64_t blamed = 0;     // strikes in all, those that a success has cleared included
  std::uint64_t refreshes = 0;  // JWTs that were issued for it
  Code last_error = Code::kOk;  // of the last attempt that failed, whoever was to blame
  std::string last_error_message{};
  std::optional<std::chrono::system_clock::time_point> ready_at{};     // kCooling: when it is back
  std::optional<std::chrono::system_clock::time_point> jwt_expires{};  // there is a JWT, valid until then
};

struct PoolStatus {
  std::vector<TokenStatus> tokens;  // in tier order; in a tier, in the order of the configuration

  int Active() const;           // tokens that are ready
  std::string Summary() const;  // "5/6 active (PERSONAL: 3/4, SHARED: 2)"; "4" for 4/4
};

}  // namespace warppool
