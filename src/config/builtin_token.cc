// The build gives this file alone the token, so that it is on no other compiler's command line.
#include "config/builtin_token.h"

#ifndef WARPPOOL_BUILTIN_ANONYMOUS_TOKEN
#define WARPPOOL_BUILTIN_ANONYMOUS_TOKEN ""
#endif

namespace warppool::internal {

const char* BuiltinAnonymousToken() {
  return WARPPOOL_BUILTIN_ANONYMOUS_TOKEN;
}

}  // namespace warppool::internal
