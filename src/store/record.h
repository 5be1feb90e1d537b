// The record of one token in a store, and its sealed form.
//
// The plaintext is JSON with a "format" number. Members may be added within a format, and a reader ignores those that
// it does not know; a change that an older program could misread needs a new format number. A record that opens is
// authentic, but another version of the library may have written it: each of its members is checked.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "warppool/config.h"
#include "warppool/stats.h"
#include "warppool/status.h"

namespace warppool::internal {

struct StoredJwt {
  Secret text;  // not empty
  WallTime expires;
  std::chrono::seconds life;  // from its issue to its end; kept up to a billion seconds, as the exchange is read
};

struct StoredHealth {
  int failures = 0;  // in a row
  bool disabled = false;
  bool dead = false;  // refused for good; implies disabled
  std::optional<WallTime> cooling_until{};
  Code code = Code::kOk;  // of the failure that `reason` tells of
  std::string reason{};
};

// Times are kept to the millisecond, from 1970 on.
struct StoredToken {
  Secret credential;                 // the refresh token that counts now; not empty
  std::uint64_t serial = 0;          // how often it was replaced
  std::string lineage;               // record key of the first credential of this login: the same in all its records
  std::vector<std::string> trail{};  // keys of the records that this login has in the store, oldest first
  std::optional<StoredJwt> jwt{};
  StoredHealth health{};
  Counters counters{};
  std::optional<WallTime> last_used{};
};

// Sealed under `key_credential`, see seal.h for what it throws.
std::string SealRecord(const StoredToken& token, const Secret& key_credential);

// Fails with kInvalidArgument as Unseal(), when the record is of a later format, and when a member is missing or out of
// its range; the message names the member, and quotes nothing. Any other code says nothing about the record.
Result<StoredToken> OpenRecord(std::string_view sealed, const Secret& key_credential);

}  // namespace warppool::internal
