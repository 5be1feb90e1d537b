// The record of one login in a store, and its sealed form.
//
// A login has one record, under the key of the credential that it was first known by, and sealed under that one. The
// service replaces credentials: under the key of each later one there is a link, which leads to the record.
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
  std::optional<WallTime> cooling_until{};
  std::chrono::milliseconds cooling_for{};     // from its beginning: no wrong clock makes it longer; 0: not known
  std::chrono::milliseconds recovery_delay{};  // the last one; 0: there was none
  Code code = Code::kOk;                       // of the failure that `reason` tells of
  std::string reason{};
};

// A number of the lock whose holder was overtaken: what it sent may still be answered.
struct OwedAnswer {
  std::uint64_t number = 0;
  std::chrono::milliseconds seen{};  // how long somebody has seen it here, awake
};

// How processes make one exchange out of many: exchange_rule.h.
struct StoredExchange {
  std::vector<Secret> candidates{};  // may be good where the credential is not, the newest last
  std::string refused{};             // key of the credential that is refused for good; empty: none
  std::uint64_t number = 0;          // of who has the lock; 0: nobody
  std::uint64_t renewal = 0;         // changes for as long as they are alive
  std::vector<OwedAnswer> owed{};
};

// Times are kept to the millisecond, from 1970 on.
struct StoredToken {
  Secret credential;                 // the refresh token that counts now; not empty
  std::uint64_t serial = 0;          // how often it was replaced
  std::vector<std::string> links{};  // the keys of those that lead here, the oldest first
  std::optional<StoredJwt> jwt{};
  StoredExchange exchange{};
  StoredHealth health{};
  Counters counters{};
  std::optional<WallTime> last_used{};
};

// Sealed under `key_credential`, see seal.h for what they throw.
std::string SealRecord(const StoredToken& token, const Secret& key_credential);
std::string SealLink(const Secret& leads_to, const Secret& key_credential);

struct OpenedRecord {
  StoredToken token;
  // Not empty: it is under the key of this credential, and `token` is of no use, or (a record of format 1, which had
  // one for each credential) what was known before.
  Secret leads_to{};
};

// Fails with kInvalidArgument as Unseal(), and when a member is missing or out of its range; the message names the
// member, and quotes nothing. kInvalidConfig: the record is of a later format, and is to be left alone. Any other code
// says nothing about the record.
Result<OpenedRecord> OpenRecord(std::string_view sealed, const Secret& key_credential);

}  // namespace warppool::internal
