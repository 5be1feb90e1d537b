// What LoadConfig() does, with the constant of the build as an argument.
#pragma once

#include <string_view>

#include "warppool/config.h"

namespace warppool::internal {

// `builtin_anonymous_token` is used where WARP_ANONYMOUS_TOKEN is not given; empty: none is.
Result<Config> LoadConfigWith(const LoadOptions& options, std::string_view builtin_anonymous_token);

}  // namespace warppool::internal
