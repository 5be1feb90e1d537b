#include "token/jwt.h"

#include <algorithm>
#include <string>

#include "base/base64url.h"
#include "base/json.h"
#include "base/wipe.h"
#include "platform/read_double.h"

namespace warppool::internal {
namespace {

using std::chrono::seconds;

constexpr seconds kFirebaseLife{3600};
constexpr seconds kMaxRefreshLead{300};

std::optional<seconds> ReadSeconds(const std::string* text) {
  if (text == nullptr) return std::nullopt;
  const auto value = ReadDouble(*text);  // NumericDate may have a fraction
  if (!value || *value <= 0 || *value > 1e12) return std::nullopt;
  return seconds(static_cast<seconds::rep>(*value));
}

}  // namespace

std::optional<JwtClaims> ReadJwtClaims(std::string_view jwt) {
  const std::size_t first = jwt.find('.');
  const std::size_t second = first == std::string_view::npos ? first : jwt.find('.', first + 1);
  if (second == std::string_view::npos || jwt.find('.', second + 1) != std::string_view::npos) return std::nullopt;

  std::string payload;
  const WipedAtEnd wiped(&payload);
  if (DecodeBase64Url(jwt.substr(first + 1, second - first - 1), &payload)) return std::nullopt;
  const auto json = FlatJson::Parse(payload);
  if (!json) return std::nullopt;
  const auto expires_at = ReadSeconds(json->Find("exp"));
  if (!expires_at) return std::nullopt;
  return JwtClaims{ReadSeconds(json->Find("iat")), *expires_at};
}

Jwt MakeJwt(Secret text, std::optional<seconds> life, SteadyTime now, WallTime wall_now, seconds kept) {
  if (!life) {
    const auto claims = ReadJwtClaims(text.Reveal());
    if (!claims) {
      life = kFirebaseLife;
    } else if (claims->issued_at) {
      life = claims->expires_at - *claims->issued_at;
    } else {
      life = claims->expires_at - std::chrono::floor<seconds>(wall_now.time_since_epoch());
      kept = kKeptAnyway;
    }
  }
  const seconds bounded = std::clamp(*life, seconds(0), kMaxJwtLife);
  const std::chrono::milliseconds fifth = std::chrono::milliseconds(bounded) / 5;
  const auto lead = std::min<std::chrono::milliseconds>(fifth, kMaxRefreshLead);
  return {std::move(text), now + std::max<std::chrono::milliseconds>(bounded - lead, kept),
          now + std::max(bounded, kept), wall_now + bounded, bounded};
}

}  // namespace warppool::internal
