#include "arguments.h"
#include "guard.h"

using warppool::TokenExplanation;
using warppool::capi::ReadOr;

namespace {

const TokenExplanation* At(const warppool_explanation* explanation, size_t index) noexcept {
  if (explanation == nullptr || index >= explanation->tokens.size()) return nullptr;
  return &explanation->tokens[index];
}

}  // namespace

size_t warppool_explanation_count(const warppool_explanation* explanation) {
  return ReadOr(explanation, size_t{0}, [](const auto& e) { return e.tokens.size(); });
}

const char* warppool_explanation_token(const warppool_explanation* explanation, size_t index) {
  return ReadOr(At(explanation, index), "", [](const auto& token) { return token.name.c_str(); });
}

warppool_tier warppool_explanation_tier(const warppool_explanation* explanation, size_t index) {
  return ReadOr(At(explanation, index), static_cast<warppool_tier>(0), [](const auto& token) { return token.tier; });
}

int32_t warppool_explanation_turn(const warppool_explanation* explanation, size_t index) {
  return ReadOr(At(explanation, index), int32_t{0}, [](const auto& token) { return token.turn; });
}

const char* warppool_explanation_reason(const warppool_explanation* explanation, size_t index) {
  return ReadOr(At(explanation, index), "", [](const auto& token) { return token.reason.c_str(); });
}

int64_t warppool_explanation_until_ms(const warppool_explanation* explanation, size_t index) {
  return ReadOr(At(explanation, index), int64_t{-1},
                [](const auto& token) { return warppool::capi::ToUnixMs(token.until); });
}

void warppool_explanation_destroy(warppool_explanation** explanation) {
  warppool::capi::Destroy(explanation);
}
