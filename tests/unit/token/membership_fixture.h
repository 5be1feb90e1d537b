// What the tests of a pool's membership share.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fingerprint.h"
#include "unit/token/pool_fixture.h"

namespace warppool::internal {

// As in Pool: named so, and of the tier that the name says.
inline TokenConfig ConfigOf(const std::string& name) {
  return Pool::Configs({name})[0];
}

inline TokenConfig Unnamed(std::string_view credential, Tier tier = Tier::kPersonal) {
  return {Secret(credential), tier, CredentialKind::kRefreshToken, ""};
}

inline TokenConfig Supplied(std::string name, Tier tier = Tier::kPersonal) {
  TokenConfig config{Secret(), tier, CredentialKind::kCallback, std::move(name)};
  config.bearer_source.supply = [](const std::string&) -> Result<SuppliedBearer> {
    return SuppliedBearer{Secret("hunter2-supplied"), {}};
  };
  return config;
}

// Two credentials whose fingerprints begin with the same six digits.
inline std::pair<std::string, std::string> Colliding() {
  std::map<std::string, std::string> seen;
  for (int i = 0;; ++i) {
    const std::string credential = "hunter2-" + std::to_string(i);
    const auto [other, is_new] = seen.emplace(Hex(FingerprintOf(Secret(credential))).substr(0, 6), credential);
    if (!is_new) return {other->second, credential};
  }
}

// All that a program sees of the tokens: "p1 p2 | s1", in their order.
inline std::string Names(Pool* pool) {
  std::string names;
  Tier tier = Tier::kPersonal;
  for (const TokenStatus& token : pool->pool.view().Snapshot().tokens) {
    if (!names.empty()) names += token.tier == tier ? " " : " | ";
    tier = token.tier;
    names += token.name;
  }
  return names;
}

}  // namespace warppool::internal
