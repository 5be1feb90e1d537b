// When a JWT ends: of the input as a whole token, and of a well-formed token with the input as its payload.
#include "token/jwt.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/base64url.h"
#include "promise.h"

namespace warppool::internal {
namespace {

using std::chrono::seconds;

void CheckJwt(const Jwt& jwt, std::string_view text, SteadyTime now, WallTime wall_now) {
  Promise(jwt.text.Reveal() == text, "a JWT keeps its text");
  Promise(jwt.life >= seconds(0) && jwt.life <= kMaxJwtLife, "a life is bounded");
  Promise(jwt.expires_at == now + jwt.life && jwt.expires_at_wall == wall_now + jwt.life, "both clocks agree");
  Promise(jwt.refresh_at >= now && jwt.refresh_at <= jwt.expires_at, "it is refreshed before its end");
  Promise(jwt.refresh_at >= jwt.expires_at - seconds(300), "it is not refreshed more than 5 minutes before its end");
}

void Check(std::string_view text, std::optional<seconds> told_life) {
  const auto claims = ReadJwtClaims(text);
  if (claims) {
    constexpr seconds kLatest{1'000'000'000'000};
    Promise(claims->expires_at >= seconds(0) && claims->expires_at <= kLatest, "an end can be counted with");
    Promise(!claims->issued_at || (*claims->issued_at >= seconds(0) && *claims->issued_at <= kLatest),
            "a beginning can be counted with");
  }
  const SteadyTime now{std::chrono::hours(1000)};
  const WallTime wall_now{std::chrono::hours(400'000)};
  const Jwt by_claims = MakeJwt(Secret(text), std::nullopt, now, wall_now);
  CheckJwt(by_claims, text, now, wall_now);
  if (!claims) Promise(by_claims.life == seconds(3600), "what says nothing lives for Firebase's hour");
  CheckJwt(MakeJwt(Secret(text), told_life, now, wall_now), text, now, wall_now);
}

}  // namespace
}  // namespace warppool::internal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace warppool::internal;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  // What the exchange says of its life may be any number.
  std::int64_t told = 0;
  std::memcpy(&told, input.data(), std::min(input.size(), sizeof told));

  Check(input, seconds(told));
  const std::string padded = EncodeBase64Url(input);
  const std::string header = EncodeBase64Url(R"({"alg":"none"})");
  Check(header + "." + padded + ".fake", seconds(told));
  const std::string bare = padded.substr(0, padded.find('='));
  const auto claims = ReadJwtClaims(header + "." + bare + ".");
  const auto padded_claims = ReadJwtClaims("." + padded + ".");
  Promise(
      claims.has_value() == padded_claims.has_value() && (!claims || claims->expires_at == padded_claims->expires_at),
      "padding and the other parts change nothing");
  return 0;
}
