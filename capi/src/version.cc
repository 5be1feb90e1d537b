#include "warppool/version.h"

#include <string_view>

#include "warppool.h"
#include "warppool/config.h"
#include "warppool/log.h"
#include "warppool/status.h"
#include "warppool/token_pool.h"

const char* warppool_version(void) {
  return warppool::Version();
}

const char* warppool_code_name(warppool_code code) {
  return warppool::CodeName(static_cast<warppool::Code>(code));
}

const char* warppool_log_level_name(warppool_log_level level) {
  return warppool::LogLevelName(static_cast<warppool::LogLevel>(level));
}

const char* warppool_tier_name(warppool_tier tier) {
  return warppool::TierName(static_cast<warppool::Tier>(tier));
}

const char* warppool_strategy_name(warppool_strategy strategy) {
  return warppool::StrategyName(static_cast<warppool::Strategy>(strategy));
}

const char* warppool_pool_event_kind_name(warppool_pool_event_kind kind) {
  return warppool::PoolEventKindName(static_cast<warppool::PoolEventKind>(kind));
}

const char* warppool_token_state_name(warppool_token_state state) {
  return warppool::TokenStateName(static_cast<warppool::TokenState>(state));
}
