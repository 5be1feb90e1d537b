// An account's quota, for the two structs that have it.
#pragma once

#include <optional>

#include "arguments.h"
#include "warppool/token_pool.h"

namespace warppool::capi {

// Leaves `info` as its initialiser made it where there is none.
template <typename Info>
void FillQuota(const std::optional<Quota>& quota, Info* info) {
  if (!quota) return;
  info->has_quota = 1;
  info->quota_unlimited = quota->unlimited ? 1 : 0;
  info->quota_limit = quota->limit;
  info->quota_used = quota->used;
  info->quota_bonus = quota->bonus;
  info->quota_remaining = quota->Remaining();
  info->quota_next_reset_ms = ToUnixMs(quota->next_reset);
}

}  // namespace warppool::capi
