// The token that a packager builds in.
#pragma once

namespace warppool::internal {

// A refresh token for when WARP_ANONYMOUS_TOKEN is not given: the CMake option WARPPOOL_BUILTIN_ANONYMOUS_TOKEN. Empty:
// none.
const char* BuiltinAnonymousToken();

}  // namespace warppool::internal
