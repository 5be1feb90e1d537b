// The pool: which token serves next, and what became of it.
//
//   auto lease = pool.Acquire({tried});
//   if (!lease) return Fail(pool.WhyNotReady(tried));
//   ...                                        // use lease->token()
//   std::move(*lease).End({Outcome::kSuccess});
//
// Tiers are tried in their order; in a tier the strategy says whose turn it is (selector.h). A look for a token costs
// the same however many there are, and however many of them cannot serve: those are not among its candidates, and come
// back at a time that is known, or by a recovery.
//
// Any thread. The program is told what happens (pool_reporter.h) without a lock held.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "token/pool_reporter.h"
#include "token/roster.h"
#include "token/token.h"
#include "token/token_health.h"
#include "token/token_restriction.h"
#include "warppool/stats.h"
#include "warppool/token_pool.h"

namespace warppool::internal {

class TokenPool;

// Who says more is wrong, and must not overflow a time point.
inline constexpr std::chrono::hours kLongestCooling{24 * 366};

// A refusal or a server error of which it is not known yet whether it was the token's own fault.
struct DeferredFailure {
  std::shared_ptr<PoolMember> member;
  DeferredVerdict verdict;
  Status why;
  Outcome outcome;
  bool at_exchange;
  std::uint64_t refreshes;  // the token's by then: an exchange that succeeds later lets one of an exchange lapse
  SteadyTime time;          // when it was met

  const Token& token() const { return member->token; }
};

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
    bool at_exchange = false;                                // and not at the agent
    std::optional<std::chrono::milliseconds> first_event{};  // how long it took to come, since the request was sent
  };
  // The first event of the answer is there: the token serves, and what was held against it is cleared. The outcome
  // follows at the end.
  void NoteServing();
  // Ends the lease. After a refusal or a server error the result is for TokenPool::Judge(), if another token then
  // serves the same request.
  std::optional<DeferredFailure> End(const Report& report) &&;
  // It was not used: as if it had not been taken.
  void GiveBack() &&;
  // A JWT that others got for it was refused; it goes on with a new one.
  void CountStale();

 private:
  friend class TokenPool;
  Lease(TokenPool* pool, std::shared_ptr<PoolMember> member, HealthStamp stamp, SteadyTime began, bool is_request)
      : pool_(pool), member_(std::move(member)), stamp_(stamp), began_(began), is_request_(is_request) {}

  TokenPool* pool_;
  std::shared_ptr<PoolMember> member_;  // null: ended, or moved from
  HealthStamp stamp_;
  SteadyTime began_;
  bool is_request_;  // and not a check, which takes nobody's turn and counts for no limit
  bool served_ = false;
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
    // Whoever is this one, or else of its account, comes first, whosever turn it is.
    const Token* preferred = nullptr;
    // When the request began. It does not wait for a token that was tried since then, and refused, unless that served
    // lately.
    SteadyTime began = SteadyTime::max();
    // No other token will do, whatever the above says. Null: any. Must outlive the call.
    const TokenRestriction* only = nullptr;

    bool AnyProbe() const { return may_probe || probed != nullptr; }
  };

  // When one of them will.
  struct Outlook {
    std::optional<std::chrono::milliseconds> earliest{};  // nothing: none will by the passing of time
    bool busy = false;                                    // one has its hands full: it may be any moment
  };

  // What a store keeps of a token, and the pool knows.
  struct Kept {
    std::shared_ptr<Token> token;
    bool health_changed = false;  // and what follows up to `why` is news
    int failures = 0;
    bool disabled = false;
    bool revoked = false;                     // for good
    std::optional<WallTime> cooling_until{};  // nothing: it does not cool
    Status why{};                             // of its being disabled, else of its cooling
    Counters counters{};
    bool counts_for_tier = true;  // Restore(): and not just for the token
    std::optional<WallTime> last_used{};
  };

  TokenPool(PoolOptions options, const std::vector<TokenConfig>& tokens, const Clock& clock, PoolReporter reporter);
  ~TokenPool();
  TokenPool(const TokenPool&) = delete;
  TokenPool& operator=(const TokenPool&) = delete;

  // `on_freed` is called, in any thread and without a lock held, when a token can serve that could not, other than by
  // the passing of time. Before the first lease.
  void SetOnFreed(std::function<void()> on_freed) { on_freed_ = std::move(on_freed); }

  // `on_gone` is called, in any thread and without a lock held, when a token is no member any more. Before the first
  // lease.
  void SetOnGone(std::function<void(const std::shared_ptr<Token>&)> on_gone) { on_gone_ = std::move(on_gone); }

  // For who keeps what the pool knows: `on_unsaved` is called, in any thread and without a lock held, when there is
  // something for TakeUnsaved(), the first time since the last one, and again when it becomes `urgent`: the health of
  // a token changed, and not just its counters. Before the first lease.
  void SetOnUnsaved(std::function<void(bool urgent)> on_unsaved) { on_unsaved_ = std::move(on_unsaved); }
  // Those of whom something is to be kept that was not taken yet.
  std::vector<Kept> TakeUnsaved() EXCLUDES(mutex_);
  // They could not be kept: once more the next time.
  void PutBackUnsaved(const std::vector<Kept>& tokens) EXCLUDES(mutex_);
  // What was kept of a token that has just come: its counters are added, and its health is taken over unless it has
  // shown one of its own. Who was disabled is half open at once.
  void Restore(const Kept& kept, const std::string& what) EXCLUDES(mutex_);
  // The store does not do what it should. `token` may be null.
  void NoteStoreFailed(const std::shared_ptr<const Token>& token, const Status& why);

  // Tells of each token that it is there.
  void TellLoaded() const EXCLUDES(mutex_);

  // The next one that will do; nothing if there is none now.
  std::optional<Lease> Acquire(const Wanted& wanted) EXCLUDES(mutex_);
  // This very one, for checks; nothing if it is gone, if it is disabled and somebody tries it already, or at all if not
  // even_disabled.
  std::optional<Lease> AcquireToken(const Token& token, bool even_disabled = true) EXCLUDES(mutex_);
  // The one with this Token::key(); null: there is none.
  std::shared_ptr<const Token> FindKey(const std::string& key) const EXCLUDES(mutex_);
  // Whether the two belong to one account, as far as is known; a token does to its own.
  bool SameAccount(const Token& a, const Token& b) const EXCLUDES(mutex_);
  // Whether Acquire() could find this very one now.
  bool CanServe(const Token& token, const Wanted& wanted) EXCLUDES(mutex_);
  // For how long `token`, which would do otherwise, is left alone after a refusal, or is being tried by others;
  // nothing: it is not.
  std::optional<std::chrono::milliseconds> RestOf(const Token& token, const Wanted& wanted) EXCLUDES(mutex_);
  // Whether `token` served lately, or is new: a refusal may be the service's fault. And whether any did.
  bool ServedLatelyOrIsNew(const Token& token) const EXCLUDES(mutex_);
  bool AnyServedLately() const EXCLUDES(mutex_);
  // Whether there is any that is not among `tokens`, be it ready or not. `only` as in Wanted.
  bool AnyOther(const Tokens& tokens, const TokenRestriction* only = nullptr) const EXCLUDES(mutex_);
  // Whether Acquire() would find one now.
  bool AnyReady(const Wanted& wanted) EXCLUDES(mutex_);
  Outlook WhenReady(const Wanted& wanted) EXCLUDES(mutex_);
  // Grows when what WhenReady() says may have changed other than by tokens that became busy or free.
  std::uint64_t StateChanges() const EXCLUDES(mutex_);
  // Why tokens that are not among `excluded` cannot serve, as attempts of a failed request. `only` as in Wanted.
  std::vector<Attempt> WhyNotReady(const Tokens& excluded, const TokenRestriction* only = nullptr) EXCLUDES(mutex_);

  // Who may serve a request with these Request::tiers and Request::tokens, which also say what is refused. Null: all.
  // A name stands for the token that has it now. The tier is the one that a token is in when it is chosen.
  Result<std::shared_ptr<const TokenRestriction>> Restrict(const std::vector<Tier>& tiers,
                                                           const std::vector<std::string>& names) const
      EXCLUDES(mutex_);
  // Whether there is such a token, be it ready or not.
  bool HasAny(const TokenRestriction& only) const EXCLUDES(mutex_);
  // Whether `token` or another one of its account is such a token.
  bool Concerns(const Token& token, const TokenRestriction& only) const EXCLUDES(mutex_);

  // Who has shown that a request can be served.
  struct Witness {
    const Token* token = nullptr;
    bool refreshed = false;  // after an exchange of its own
  };
  // `witness` served the request that `deferred` refused. It becomes a failure if the witness is of the same kind, and
  // if nothing says that the service refuses whom it likes; nothing if its token has proved itself since. A witness of
  // another kind shows little: the token comes behind all others for a while.
  void Judge(const DeferredFailure& deferred, const Witness& witness) EXCLUDES(mutex_);

  // Another process exchanged it: its JWT, and maybe its new refresh token, were taken over.
  void NoteAdopted(const Token& token, bool rotated) EXCLUDES(mutex_);
  // A JWT was issued for it. `account`: whose; empty if the exchange does not say.
  void NoteRefreshed(const Token& token, const Jwt& jwt, bool rotated, const std::string& account) EXCLUDES(mutex_);
  // The service replaced its refresh token, without a JWT.
  void NoteRotated(const Token& token) EXCLUDES(mutex_);
  // What the service says of its account's quota. It never sends a token to cool that the service has not refused: an
  // account may be served beyond its limit. `lifts_cooling`: if something is left, the token need not cool; not
  // so right after a refusal, which the service's books may not show yet.
  void NoteQuota(const Token& token, const Quota& quota, bool lifts_cooling) EXCLUDES(mutex_);

  // Membership. What is wrong with a call changes nothing, and comes back as kInvalidArgument. The names are as in
  // Client, and so is what each does.
  Result<std::shared_ptr<Token>> Add(const TokenConfig& config) EXCLUDES(mutex_);
  Status Remove(const std::string& name) EXCLUDES(mutex_);
  Result<std::string> Rename(const std::string& name, const std::string& wanted) EXCLUDES(mutex_);
  Result<std::string> Move(const std::string& name, Tier tier) EXCLUDES(mutex_);
  Result<std::shared_ptr<Token>> Replace(const std::string& name, TokenConfig config) EXCLUDES(mutex_);
  // All at once. `added`: those that were not there, and those with another credential.
  ReloadResult Reload(PoolOptions options, const std::vector<TokenConfig>& tokens,
                      std::vector<std::shared_ptr<Token>>* added) EXCLUDES(mutex_);

  // By hand. False: there is no such token.
  bool Recover(const std::string& name) EXCLUDES(mutex_);
  int RecoverAll() EXCLUDES(mutex_);

  PoolStatus Snapshot() EXCLUDES(mutex_);
  std::optional<TokenStatus> StatusOf(const Token& token) EXCLUDES(mutex_);
  Stats Statistics() EXCLUDES(mutex_);
  std::vector<std::shared_ptr<Token>> All() const EXCLUDES(mutex_);
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
    std::vector<std::shared_ptr<Token>> gone{};
    bool freed = false;
    bool unsaved = false;  // there is something to keep
    bool urgent = false;
  };
  void Tell(const News& news) const;

  std::optional<DeferredFailure> End(const std::shared_ptr<Member>& member, const Lease& lease,
                                     const Lease::Report& report) EXCLUDES(mutex_);
  void NoteServing(Member* member, HealthStamp stamp) EXCLUDES(mutex_);
  void GiveBack(Member* member, const Lease& lease) EXCLUDES(mutex_);
  // After a refusal, or a server error.
  void LeaveAlone(const std::shared_ptr<Member>& member, HealthStamp stamp, Outcome outcome, SteadyTime now)
      REQUIRES(mutex_);
  // Whether a token that served lately met the same as `deferred` in the minute before, or since then.
  bool IsFlapping(const DeferredFailure& deferred) const REQUIRES(mutex_);

  // As Suits(), and there is something to wait for.
  static bool IsWorthAWait(const Member& member, const Wanted& wanted, SteadyTime now);
  static bool Suits(const Member& member, const Wanted& wanted, SteadyTime now);
  // Null: none will do now.
  const std::shared_ptr<Member>* FindNext(const Wanted& wanted, SteadyTime now) const REQUIRES(mutex_);
  bool AnyMayServe(const TokenRestriction& only) const REQUIRES(mutex_);
  // Null: none of those that are preferred can serve.
  Member* FindPreferred(const Wanted& wanted, SteadyTime now) const REQUIRES(mutex_);
  Lease Begin(const std::shared_ptr<Member>& member, SteadyTime now, bool is_request) REQUIRES(mutex_);
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
  TokenStats StatsOf(const Member& member, SteadyTime now) const REQUIRES(mutex_);
  std::string WhyOf(const Member& member, int turn, SteadyTime now) const REQUIRES(mutex_);
  static std::shared_ptr<const Token> Share(const Member& member);
  std::optional<WallTime> WallTimeOf(std::optional<SteadyTime> time, SteadyTime now) const;

  // Where `member` counts for its tier.
  Counters& CountersOf(Member* member) REQUIRES(mutex_) {
    return member->is_member ? member->counters : retired_[member->token.tier()];
  }
  void CountStale(Member* member) EXCLUDES(mutex_);
  // Notes that a store has to hear of it.
  void MarkUnsaved(Member* member, bool urgent, News* news) REQUIRES(mutex_);

  // Membership.
  Roster::Options RosterOptions() const REQUIRES(mutex_);
  Status FaultOf(const TokenConfig& config, const Member* replaced) const REQUIRES(mutex_);
  std::string NameFor(const TokenConfig& config, const Member* replaced) const REQUIRES(mutex_);
  void Retire(Member* member, News* news) REQUIRES(mutex_);
  void Release(Member* member, News* news) REQUIRES(mutex_);
  void MoveTo(Member* member, Tier tier) REQUIRES(mutex_);
  void Arrange(const Roster::Members& members, SteadyTime now, News* news) REQUIRES(mutex_);
  // Gives an id to those that have none.
  void Identify(const Roster::Members& members) REQUIRES(mutex_);
  std::vector<Member*> Match(const Roster::Members& before, const std::vector<TokenConfig>& tokens) const
      REQUIRES(mutex_);
  bool Adapt(Member* member, const TokenConfig& config, const std::string& name, News* news) REQUIRES(mutex_);
  void Inherit(const Member& old, Member* member) REQUIRES(mutex_);
  static void NoteChanged(const Member& member, std::string what, News* news);

  const Clock& clock_;
  const PoolReporter reporter_;
  std::function<void()> on_freed_;
  std::function<void(const std::shared_ptr<Token>&)> on_gone_;
  std::function<void(bool urgent)> on_unsaved_;  // empty: nobody keeps anything

  mutable Mutex mutex_;
  PoolOptions options_ GUARDED_BY(mutex_);
  Roster roster_ GUARDED_BY(mutex_);
  std::uint64_t last_id_ GUARDED_BY(mutex_) = 0;
  std::map<Tier, Counters> retired_ GUARDED_BY(mutex_);  // what tokens count that are not in the tier any more
  // The last refusals and server errors, whoever met them.
  struct Met {
    SteadyTime time;
    Outcome outcome;
    std::shared_ptr<const Member> member;
  };
  std::deque<Met> met_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Member>> unsaved_ GUARDED_BY(mutex_);
  bool unsaved_told_ GUARDED_BY(mutex_) = false;
  bool urgent_told_ GUARDED_BY(mutex_) = false;
};

}  // namespace warppool::internal
