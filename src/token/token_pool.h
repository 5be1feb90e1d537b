// The pool: which token serves next, and what became of it.
//
//   auto lease = pool.Acquire({tried});
//   if (!lease) return Fail(pool.WhyNotReady(tried));
//   ...                                        // use lease->token()
//   std::move(*lease).End({Outcome::kSuccess});
//
// Tiers are tried in their order; in a tier the strategy says whose turn it is (rotation.h). A look for a token costs
// the same however many there are, and however many of them cannot serve: those are out of the rotation, and come back
// at a time that is known, or by a recovery.
//
// Any thread. The program is told what happens (pool_reporter.h) without a lock held.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "token/outcome.h"
#include "token/pool_reporter.h"
#include "token/roster.h"
#include "token/token.h"
#include "token/token_health.h"
#include "warppool/token_pool.h"

namespace warppool {

class TokenPool;

// The right to use a token, and the duty to say how it went: exactly one report. One that is dropped without a report
// reports kCancelled. Not thread-safe; must not outlive the pool.
class Lease {
 public:
  Lease(Lease&& other) noexcept = default;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();

  Token& token() const { return member_->token; }
  std::shared_ptr<Token> share_token() const { return {member_, &member_->token}; }
  bool is_probe() const { return stamp_.is_probe; }
  SteadyTime began() const { return began_; }

  struct Report {
    Outcome outcome = Outcome::kCancelled;
    Status why{};  // for outcomes that are failures
    std::optional<std::chrono::milliseconds> cool_for{};
    bool at_exchange = false;  // and not at the agent
  };
  // Ends the lease. With kServerError the result is a charge to be handed to TokenPool::Confirm() if another token then
  // serves the same request.
  struct Charge {
    std::shared_ptr<PoolMember> member;
    PendingCharge pending;
    Status why;
    bool at_exchange;
    std::uint64_t refreshes;  // the member's by then: an exchange that succeeds later lets a charge of one lapse

    const Token& token() const { return member->token; }
  };
  std::optional<Charge> End(const Report& report) &&;

 private:
  friend class TokenPool;
  Lease(TokenPool* pool, std::shared_ptr<PoolMember> member, HealthStamp stamp, SteadyTime began, bool is_request)
      : pool_(pool), member_(std::move(member)), stamp_(stamp), began_(began), is_request_(is_request) {}

  TokenPool* pool_;
  std::shared_ptr<PoolMember> member_;  // null: ended, or moved from
  HealthStamp stamp_;
  SteadyTime began_;
  bool is_request_;  // and not a check, which takes nobody's turn and counts for no limit
};

struct PoolOptions {
  std::vector<Tier> tier_order;
  HealthOptions health;
  Strategy strategy = Strategy::kRoundRobin;
  int max_in_flight = 0;  // 0: no limit
};

class TokenPool {
 public:
  using Tokens = std::unordered_set<const Token*>;

  // Which tokens will do.
  struct Wanted {
    Tokens excluded{};
    bool may_probe = true;          // a half-open one will do, too
    bool without_exchange = false;  // only those whose bearer is there already
    const Token* probed = nullptr;  // without may_probe: a half-open one that will do, since it was tried before

    bool AnyProbe() const { return may_probe || probed != nullptr; }
  };

  // When one of them will.
  struct Outlook {
    std::optional<std::chrono::milliseconds> earliest{};  // nothing: none will by the passing of time
    bool busy = false;                                    // one has its hands full: it may be any moment
  };

  TokenPool(PoolOptions options, const std::vector<TokenConfig>& tokens, const Clock& clock, PoolReporter reporter);
  ~TokenPool();
  TokenPool(const TokenPool&) = delete;
  TokenPool& operator=(const TokenPool&) = delete;

  // `on_freed` is called, in any thread and without a lock held, when a token can serve that could not, other than by
  // the passing of time. Before the first lease.
  void SetOnFreed(std::function<void()> on_freed) { on_freed_ = std::move(on_freed); }

  // Tells of each token that it is there.
  void TellLoaded() const EXCLUDES(mutex_);

  // The next one that will do; nothing if there is none now.
  std::optional<Lease> Acquire(const Wanted& wanted) EXCLUDES(mutex_);
  // This very one, for checks; nothing if it is disabled and somebody tries it already, or at all if not even_disabled.
  std::optional<Lease> AcquireToken(const std::string& name, bool even_disabled = true) EXCLUDES(mutex_);
  // Those of `tokens` that are ready, be they busy or not.
  Tokens InGoodHealth(const Tokens& tokens) EXCLUDES(mutex_);
  // Whether there is any that is not among `tokens`, be it ready or not.
  bool AnyOther(const Tokens& tokens) const EXCLUDES(mutex_);
  // Whether Acquire() would find one now.
  bool AnyReady(const Wanted& wanted) EXCLUDES(mutex_);
  Outlook WhenReady(const Wanted& wanted) EXCLUDES(mutex_);
  // Why tokens that are not among `excluded` cannot serve, as attempts of a failed request.
  std::vector<Attempt> WhyNotReady(const Tokens& excluded) EXCLUDES(mutex_);

  // Another token served the request: the charge becomes a strike, unless its token has proved itself since.
  void Confirm(const Lease::Charge& charge) EXCLUDES(mutex_);

  // A JWT was issued for it. `account`: whose; empty if the exchange does not say.
  void NoteRefreshed(const Token& token, const Jwt& jwt, bool rotated, const std::string& account) EXCLUDES(mutex_);
  // The service replaced its refresh token, without a JWT.
  void NoteRotated(const Token& token) EXCLUDES(mutex_);
  // What the service says of its account's quota. It never sends a token to cool that the service has not refused: an
  // account may be served beyond its limit. `lifts_cooling`: if something is left, the token need not cool; not
  // so right after a refusal, which the service's books may not show yet.
  void NoteQuota(const Token& token, const Quota& quota, bool lifts_cooling) EXCLUDES(mutex_);

  // By hand. False: there is no such token.
  bool Recover(const std::string& name) EXCLUDES(mutex_);
  int RecoverAll() EXCLUDES(mutex_);

  PoolStatus Snapshot() EXCLUDES(mutex_);
  std::vector<TokenExplanation> Explain() EXCLUDES(mutex_);
  std::shared_ptr<Token> Find(const std::string& name) const EXCLUDES(mutex_);

 private:
  friend class Lease;
  using Member = PoolMember;
  using Notices = std::vector<PoolNotice>;

  // What a call has to tell when the lock is released.
  struct News {
    Notices notices{};
    Notices exhausted{};  // told last: they follow from the others
    bool freed = false;
  };
  void Tell(const News& news) const;

  std::optional<Lease::Charge> End(const std::shared_ptr<Member>& member, const Lease& lease,
                                   const Lease::Report& report) EXCLUDES(mutex_);

  static bool Suits(const Member& member, const Wanted& wanted, SteadyTime now);
  Lease Begin(const std::shared_ptr<Member>& member, SteadyTime now, bool is_request) REQUIRES(mutex_);
  void TellChosen(const Lease& lease) const;
  // Files those whose time has come: before `filed_as` is read, or a token chosen.
  void Wake(SteadyTime now, News* news) REQUIRES(mutex_);
  // Files `member`, and notes if it was the last one that was ready; `why` it is not any more, if it is not.
  void Refile(Member* member, SteadyTime now, const Status& why, News* news) REQUIRES(mutex_);
  // Draws the consequences of a change of `member`'s health.
  void Settle(Member* member, HealthChange change, SteadyTime now, const Status& why, News* news) REQUIRES(mutex_);
  void ShareCooling(Member* member, SteadyTime now, const Status& why, News* news) REQUIRES(mutex_);
  void JoinAccount(Member* member, const std::string& account, SteadyTime now, News* news) REQUIRES(mutex_);
  void NoteRecovered(Member* member, SteadyTime now, News* news) REQUIRES(mutex_);

  // Whether one that would do has its hands full.
  bool AnyBlocked(const Wanted& wanted, SteadyTime now) const REQUIRES(mutex_);
  TokenStatus StatusOf(const Member& member, SteadyTime now) const REQUIRES(mutex_);
  std::string WhyOf(const Member& member, int turn) const REQUIRES(mutex_);
  std::shared_ptr<const Token> Share(const Member& member) const REQUIRES(mutex_);
  std::optional<WallTime> WallTimeOf(std::optional<SteadyTime> time, SteadyTime now) const;

  const PoolOptions options_;
  const Clock& clock_;
  const PoolReporter reporter_;
  std::function<void()> on_freed_;

  mutable Mutex mutex_;
  Roster roster_ GUARDED_BY(mutex_);
};

}  // namespace warppool
