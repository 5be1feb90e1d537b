// What a request is sent with.
#pragma once

#include <memory>

#include "token/token.h"

namespace warppool::internal {

struct Bearer {
  std::shared_ptr<Token> token;
  std::shared_ptr<const Jwt> jwt;  // null: the credential itself is the bearer
  bool fresh = false;              // issued for this very request

  Secret Text() const { return jwt ? jwt->text : token->credential(); }
};

// Whether its bearer comes from the token exchange.
inline bool UsesExchange(const Token& token) {
  return token.kind() == CredentialKind::kRefreshToken;
}
// And whether there is none that lives at `now`.
inline bool NeedsExchange(const Token& token, SteadyTime now) {
  if (!UsesExchange(token)) return false;
  const auto jwt = token.jwt();
  return !jwt || jwt->expires_at <= now;
}

}  // namespace warppool::internal
