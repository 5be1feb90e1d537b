// The variables that bring tokens, merged into one list.
#pragma once

#include <string_view>
#include <vector>

#include "base/log.h"
#include "config/settings.h"
#include "warppool/config.h"

namespace warppool::internal {

// Each token once, by tier: where several variables bring the same token, it belongs to the highest tier that is used.
// `builtin_anonymous` stands in where WARP_ANONYMOUS_TOKEN is not given; empty: nothing does.
//
// Fails with kInvalidConfig, naming variable and position, or with kNoTokens, naming the variables to set.
Result<std::vector<TokenConfig>> ReadTokenVariables(const Settings& settings, const std::vector<Tier>& tier_order,
                                                    std::string_view builtin_anonymous, const Logger& logger);

}  // namespace warppool::internal
