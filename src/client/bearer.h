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

}  // namespace warppool::internal
