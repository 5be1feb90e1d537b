#include "arguments.h"
#include "guard.h"
#include "quota.h"

using warppool::Status;
using warppool::TokenStatus;
using warppool::capi::Destroy;
using warppool::capi::ReadOr;
using warppool::capi::ToUnixMs;

size_t warppool_pool_status_count(const warppool_pool_status* status) {
  return ReadOr(status, size_t{0}, [](const auto& s) { return s.status.tokens.size(); });
}

size_t warppool_pool_status_active(const warppool_pool_status* status) {
  return ReadOr(status, size_t{0}, [](const auto& s) { return s.status.Active(); });
}

const char* warppool_pool_status_summary(const warppool_pool_status* status) {
  return ReadOr(status, "", [](const auto& s) { return s.summary.c_str(); });
}

warppool_code warppool_pool_status_token(const warppool_pool_status* status, size_t index, warppool_token_info* info,
                                         warppool_error** error) {
  return warppool::capi::Guard(error, [&] {
    if (Status checked = warppool::capi::NotNull({{status, "status"}, {info, "info"}}); !checked.ok()) return checked;
    if (index >= status->status.tokens.size()) {
      return warppool::capi::Invalid("index", "must be less than the number of tokens");
    }
    const TokenStatus& token = status->status.tokens[index];
    warppool_token_info filled = WARPPOOL_TOKEN_INFO_INIT;
    filled.name = token.name.c_str();
    filled.tier = static_cast<warppool_tier>(token.tier);
    filled.kind = static_cast<warppool_credential_kind>(token.kind);
    filled.state = static_cast<warppool_token_state>(token.state);
    filled.failures = token.failures;
    filled.in_flight = token.in_flight;
    filled.last_error = warppool::capi::ToC(token.last_error);
    filled.served = token.served;
    filled.total_failures = token.total_failures;
    filled.refreshes = token.refreshes;
    filled.last_error_message = token.last_error_message.c_str();
    filled.ready_at_ms = ToUnixMs(token.ready_at);
    filled.jwt_expires_ms = ToUnixMs(token.jwt_expires);
    filled.reason = token.reason.c_str();
    filled.same_account = token.same_account.c_str();
    warppool::capi::FillQuota(token.quota, &filled);
    constexpr size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_token_info, jwt_expires_ms);
    return warppool::capi::WriteStruct(filled, kFirst, "info", info);
  });
}

void warppool_pool_status_destroy(warppool_pool_status** status) {
  Destroy(status);
}
