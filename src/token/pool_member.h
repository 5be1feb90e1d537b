// A token and all that the pool keeps about it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/clock.h"
#include "token/token.h"
#include "token/token_health.h"
#include "warppool/stats.h"
#include "warppool/token_pool.h"

namespace warppool::internal {

// Everything but `token` is guarded by the pool's mutex.
struct PoolMember : std::enable_shared_from_this<PoolMember> {
  PoolMember(std::string name, const TokenConfig& config)
      : token(std::move(name), config.tier, config.kind, config.credential, config.bearer_source),
        has_automatic_name(config.name.empty()) {
    Schedule mine;
    mine.emplace(SteadyTime(), this);
    due_node = mine.extract(mine.begin());
  }

  // Members by the time at which they are to be filed anew.
  using Schedule = std::set<std::pair<SteadyTime, PoolMember*>>;

  Token token;
  // Its own in this pool, whatever it is called, and kept when its credential is replaced. 0: none yet.
  std::uint64_t id = 0;
  bool has_automatic_name;
  TokenHealth health;
  int in_flight = 0;

  // Where it stands in the registry, and how it is filed there.
  bool is_member = false;    // no more, once it was removed
  std::size_t tier = 0;      // of the registry's
  std::size_t position = 0;  // in its tier
  bool set_back = false;     // among those who come behind all others
  TokenState filed_as = TokenState::kDisabled;
  bool blocked = false;                  // in a state to serve, but it has its hands full
  std::optional<SteadyTime> turns_at{};  // when to file it anew, if not before
  Schedule::node_type due_node{};        // for the registry's schedule, while it is not there: filing takes no memory

  std::string account{};  // empty: not known
  std::optional<Quota> quota{};
  Status last_error{};    // of the last attempt that failed, whoever was to blame
  Status last_verdict{};  // why a failure counted against it, or it was disabled, last
  Status why_cooling{};

  Counters counters{};
  bool has_inherited = false;  // `counters`, from the credential before
  Counters elsewhere{};        // of them, what counts for tiers that it was moved away from
  std::optional<SteadyTime> last_used{};
  bool unsaved = false;         // listed by the pool as one that a store has to hear of
  bool unsaved_health = false;  // and not just of its counters
};

}  // namespace warppool::internal
