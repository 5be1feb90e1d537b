// What all parts of the pool share: the tokens under one lock, and what is to be told when it is released.
//
// The parts: who serves (token_pool.h), who there is (pool_membership.h), whose accounts they are (pool_accounts.h),
// what is told of them (pool_view.h), and what a store keeps (pool_records.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "token/pool_member.h"
#include "token/pool_reporter.h"
#include "token/registry.h"
#include "token/token_health.h"
#include "warppool/stats.h"

namespace warppool::internal {

// The tokens that a request leaves out: mostly none, and a std::set costs next to nothing then.
using TokenSet = std::set<const Token*>;

// Who says more is wrong, and must not overflow a time point.
inline constexpr std::chrono::hours kLongestCooling{24 * 366};

struct PoolOptions {
  std::vector<Tier> tier_order;
  HealthOptions health;
  Strategy strategy = Strategy::kRoundRobin;
  int max_in_flight = 0;  // 0: no limit
};

// Who hears what the pool does. Any thread, without a lock held.
class PoolListener {
 public:
  virtual ~PoolListener() = default;
  // A token can serve that could not, other than by the passing of time.
  virtual void OnFreed() = 0;
  // A token is no member any more.
  virtual void OnGone(const std::shared_ptr<Token>& token) = 0;
  // Whether there is a store, which has to hear of changes: nothing is gathered for it otherwise.
  virtual bool keeps_records() const = 0;
  // There is something for PoolRecords::TakeUnsaved(): the first time since the last one, and again when it becomes
  // `urgent`: the health of a token changed, and not just its counters.
  virtual void OnUnsaved(bool urgent) = 0;
};

// What a call has to tell when the lock is released. Most calls have nothing to tell: the lists come into being when
// they are first asked for.
class PoolNews {
 public:
  std::vector<PoolNotice>& notices() { return lists().notices; }
  std::vector<PoolNotice>& exhausted() { return lists().exhausted; }
  std::vector<std::shared_ptr<Token>>& gone() { return lists().gone; }
  bool empty() const { return lists_ == nullptr && !freed && !unsaved; }

  bool freed = false;
  bool unsaved = false;  // there is something to keep
  bool urgent = false;

 private:
  friend struct PoolState;
  struct Lists {
    std::vector<PoolNotice> notices;
    std::vector<PoolNotice> exhausted;  // told last: they follow from the others
    std::vector<std::shared_ptr<Token>> gone;
  };

  Lists& lists() {
    if (!lists_) lists_ = std::make_unique<Lists>();
    return *lists_;
  }

  std::unique_ptr<Lists> lists_;
};

// Any thread.
struct PoolState {
  // `who` may be null.
  PoolState(PoolOptions with, const Clock& by, PoolReporter to, PoolListener* who)
      : clock(by), reporter(std::move(to)), listener(who), options(std::move(with)) {}
  PoolState(const PoolState&) = delete;
  PoolState& operator=(const PoolState&) = delete;

  // Files those whose time has come: before `filed_as` is read, or a token chosen.
  void Wake(SteadyTime now, PoolNews* news) REQUIRES(mutex) {
    if (registry.AnyDue(now)) WakeDue(now, news);
  }
  // Files `member`, and notes if it was the last one that was ready; `why` it is not any more, if it is not.
  void Refile(PoolMember* member, SteadyTime now, const Status& why, PoolNews* news) REQUIRES(mutex);
  // Draws the consequences of a change of `member`'s health.
  void Settle(PoolMember* member, HealthChange change, SteadyTime now, const Status& why, PoolNews* news)
      REQUIRES(mutex);
  // The quota of `member` is used up: that of the others of its account is, too.
  void ShareCooling(PoolMember* member, SteadyTime now, const Status& why, PoolNews* news) REQUIRES(mutex);
  // Notes that a store has to hear of it.
  void MarkUnsaved(PoolMember* member, bool urgent, PoolNews* news) REQUIRES(mutex);
  // Where `member` counts for its tier.
  Counters& CountersOf(PoolMember* member) REQUIRES(mutex) {
    return member->is_member ? member->counters : retired[member->token.tier()];
  }
  void Tell(const PoolNews& news) const EXCLUDES(mutex) {
    if (!news.empty()) TellAll(news);
  }

  static std::shared_ptr<const Token> Share(const PoolMember& member) {
    return {member.shared_from_this(), &member.token};
  }
  std::optional<WallTime> WallTimeOf(std::optional<SteadyTime> time, SteadyTime now) const;

  const Clock& clock;
  const PoolReporter reporter;
  PoolListener* const listener;

  mutable Mutex mutex;
  PoolOptions options GUARDED_BY(mutex);
  Registry registry GUARDED_BY(mutex);
  std::uint64_t last_id GUARDED_BY(mutex) = 0;
  std::map<Tier, Counters> retired GUARDED_BY(mutex);  // what tokens count that are not in the tier any more
  // The last refusals and server errors, whoever met them.
  struct Met {
    SteadyTime time;
    Outcome outcome;
    std::shared_ptr<const PoolMember> member;
  };
  std::deque<Met> met GUARDED_BY(mutex);
  std::vector<std::shared_ptr<PoolMember>> unsaved GUARDED_BY(mutex);
  bool unsaved_told GUARDED_BY(mutex) = false;
  bool urgent_told GUARDED_BY(mutex) = false;

 private:
  void WakeDue(SteadyTime now, PoolNews* news) REQUIRES(mutex);
  void TellAll(const PoolNews& news) const EXCLUDES(mutex);
};

}  // namespace warppool::internal
