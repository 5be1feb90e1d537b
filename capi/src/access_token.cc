#include "arguments.h"
#include "guard.h"

using warppool::capi::Destroy;
using warppool::capi::ReadOr;

const char* warppool_access_token_value(const warppool_access_token* access_token) {
  return ReadOr(access_token, "", [](const auto& t) { return t.value.c_str(); });
}

const char* warppool_access_token_token(const warppool_access_token* access_token) {
  return ReadOr(access_token, "", [](const auto& t) { return t.bearer.token.c_str(); });
}

int64_t warppool_access_token_expires_ms(const warppool_access_token* access_token) {
  return ReadOr(access_token, int64_t{-1}, [](const auto& t) { return warppool::capi::ToUnixMs(t.bearer.expires); });
}

void warppool_access_token_destroy(warppool_access_token** access_token) {
  Destroy(access_token);
}
