// The error of a request that no token served: which code it has, and what it says of each token.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "token/token_pool.h"
#include "warppool/status.h"

namespace warppool::internal {

struct FailureReport {
  const std::vector<Attempt>& attempts;
  const TokenPool::Wanted& wanted;
  const TokenRestriction* only = nullptr;  // who might serve; null: all
  const char* none_is_ready = "";
  const Status* bad_setting = nullptr;  // which breaks every exchange
};

// `last`: what the last attempt met, or why there was none.
Status AllTokensFailed(const FailureReport& report, const Status& last, TokenPool* pool);

}  // namespace warppool::internal
