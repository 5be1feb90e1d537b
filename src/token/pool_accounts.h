// What is known of the tokens' accounts: which belong together, what their quotas are, and what exchanges brought.
#pragma once

#include <string>

#include "token/jwt.h"
#include "token/pool_state.h"
#include "warppool/quota.h"

namespace warppool::internal {

// Any thread.
class PoolAccounts {
 public:
  explicit PoolAccounts(PoolState* state) : state_(state) {}

  // Whether the two belong to one account, as far as is known; a token does to its own.
  bool SameAccount(const Token& a, const Token& b) const EXCLUDES(state_->mutex);

  // Another process exchanged it: its JWT, and maybe its new refresh token, were taken over.
  void NoteAdopted(const Token& token, bool rotated) EXCLUDES(state_->mutex);
  // A JWT was issued for it. `account`: whose; empty if the exchange does not say.
  void NoteRefreshed(const Token& token, const Jwt& jwt, bool rotated, const std::string& account)
      EXCLUDES(state_->mutex);
  // The service replaced its refresh token, without a JWT.
  void NoteRotated(const Token& token) EXCLUDES(state_->mutex);
  // What the service says of its account's quota. It never sends a token to cool that the service has not refused: an
  // account may be served beyond its limit. `lifts_cooling`: if something is left, the token need not cool; not
  // so right after a refusal, which the service's books may not show yet.
  void NoteQuota(const Token& token, const Quota& quota, bool lifts_cooling) EXCLUDES(state_->mutex);

 private:
  void JoinAccount(PoolMember* member, const std::string& account, SteadyTime now, PoolNews* news)
      REQUIRES(state_->mutex);

  PoolState* const state_;
};

}  // namespace warppool::internal
