#include "arguments.h"
#include "guard.h"

using warppool::capi::ReadOr;

warppool_pool_event::warppool_pool_event(const warppool::PoolEvent& from)
    : event(from), token(from.token), reason(from.reason) {}

warppool_pool_event_kind warppool_pool_event_get_kind(const warppool_pool_event* event) {
  return ReadOr(event, WARPPOOL_POOL_EVENT_NONE, [](const auto& e) { return e.event.kind; });
}

const char* warppool_pool_event_token(const warppool_pool_event* event) {
  return ReadOr(event, "", [](const auto& e) { return e.token.c_str(); });
}

warppool_tier warppool_pool_event_tier(const warppool_pool_event* event) {
  constexpr auto kNone = static_cast<warppool_tier>(0);
  return ReadOr(event, kNone, [](const auto& e) { return e.event.tier; });
}

warppool_code warppool_pool_event_code(const warppool_pool_event* event) {
  return ReadOr(event, WARPPOOL_OK, [](const auto& e) { return e.event.code; });
}

const char* warppool_pool_event_reason(const warppool_pool_event* event) {
  return ReadOr(event, "", [](const auto& e) { return e.reason.c_str(); });
}

int32_t warppool_pool_event_failures(const warppool_pool_event* event) {
  return ReadOr(event, int32_t{0}, [](const auto& e) { return e.event.failures; });
}

int64_t warppool_pool_event_until_ms(const warppool_pool_event* event) {
  return ReadOr(event, int64_t{-1}, [](const auto& e) { return warppool::capi::ToUnixMs(e.event.until); });
}

int64_t warppool_pool_event_time_ms(const warppool_pool_event* event) {
  return ReadOr(event, int64_t{-1}, [](const auto& e) { return warppool::capi::ToUnixMs(e.event.time); });
}
