// The pool: which token serves next, and what became of it.
//
//   auto lease = pool.Acquire({tried});
//   if (!lease) return Fail(pool.view().WhyNotReady(tried));
//   ...                                        // use lease->token()
//   std::move(*lease).End({Outcome::kSuccess});
//
// Tiers are tried in their order; in a tier the strategy says whose turn it is (selector.h). A look for a token costs
// the same however many there are, and however many of them cannot serve: those are not among its candidates, and come
// back at a time that is known, or by a recovery.
//
// What else there is: see pool_state.h. Any thread. The program is told what happens (pool_reporter.h) without a lock
// held.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "token/lease.h"
#include "token/pool_accounts.h"
#include "token/pool_membership.h"
#include "token/pool_records.h"
#include "token/pool_state.h"
#include "token/pool_view.h"
#include "token/token_restriction.h"

namespace warppool::internal {

class TokenPool {
 public:
  using Tokens = TokenSet;

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
    bool ready = false;                                   // one serves now: its time came since somebody looked last
  };

  // `listener` may be null.
  TokenPool(PoolOptions options, const std::vector<TokenConfig>& tokens, const Clock& clock, PoolReporter reporter,
            PoolListener* listener = nullptr);
  TokenPool(const TokenPool&) = delete;
  TokenPool& operator=(const TokenPool&) = delete;

  PoolMembership& members() { return members_; }
  const PoolMembership& members() const { return members_; }
  PoolAccounts& accounts() { return accounts_; }
  PoolView& view() { return view_; }
  PoolRecords& records() { return records_; }

  // The next one that will do; nothing if there is none now.
  std::optional<Lease> Acquire(const Wanted& wanted) EXCLUDES(state_.mutex);
  // This very one, for checks; nothing if it is gone, if it is disabled and somebody tries it already, or at all if not
  // even_disabled.
  std::optional<Lease> AcquireToken(const Token& token, bool even_disabled = true) EXCLUDES(state_.mutex);

  // Who has shown that a request can be served.
  struct Witness {
    const Token* token = nullptr;
    bool refreshed = false;  // after an exchange of its own
  };
  // `witness` served the request that `deferred` refused. It becomes a failure if the witness is of the same kind, and
  // if nothing says that the service refuses whom it likes; nothing if its token has proved itself since. A witness of
  // another kind shows little: the token comes behind all others for a while.
  void Judge(const DeferredFailure& deferred, const Witness& witness) EXCLUDES(state_.mutex);

  // By hand. False: there is no such token.
  bool Recover(const std::string& name) EXCLUDES(state_.mutex);
  int RecoverAll() EXCLUDES(state_.mutex);

  // Whether Acquire() would find one now.
  bool AnyReady(const Wanted& wanted) EXCLUDES(state_.mutex);
  // Whether Acquire() could find this very one now.
  bool CanServe(const Token& token, const Wanted& wanted) EXCLUDES(state_.mutex);
  // For how long `token`, which would do otherwise, is left alone after a refusal, or is being tried by others;
  // nothing: it is not.
  std::optional<std::chrono::milliseconds> RestOf(const Token& token, const Wanted& wanted) EXCLUDES(state_.mutex);
  // Whether `token` served lately, or is new: a refusal may be the service's fault. And whether any did.
  bool ServedLatelyOrIsNew(const Token& token) const EXCLUDES(state_.mutex);
  bool AnyServedLately() const EXCLUDES(state_.mutex);
  Outlook WhenReady(const Wanted& wanted) EXCLUDES(state_.mutex);
  // Grows when what WhenReady() says may have changed other than by tokens that became busy or free.
  std::uint64_t StateChanges() const EXCLUDES(state_.mutex);

 private:
  friend class Lease;

  // What this throws has given the token back.
  std::optional<DeferredFailure> End(const std::shared_ptr<PoolMember>& member, const Lease& lease,
                                     const Lease::Report& report) EXCLUDES(state_.mutex);
  std::optional<DeferredFailure> TakeReport(const std::shared_ptr<PoolMember>& member, const Lease& lease,
                                            const Lease::Report& report) EXCLUDES(state_.mutex);
  void GiveUp(PoolMember* member, const HealthStamp& stamp) EXCLUDES(state_.mutex);
  void NoteServing(PoolMember* member, const HealthStamp& stamp) EXCLUDES(state_.mutex);
  void EndTrial(PoolMember* member, const HealthStamp& stamp) EXCLUDES(state_.mutex);
  void GiveBack(PoolMember* member, const Lease& lease) EXCLUDES(state_.mutex);
  // After a refusal, or a server error.
  void LeaveAlone(const std::shared_ptr<PoolMember>& member, const HealthStamp& stamp, Outcome outcome, SteadyTime now)
      REQUIRES(state_.mutex);
  // Whether a token that served lately met the same as `deferred` in the minute before, or since then.
  bool IsFlapping(const DeferredFailure& deferred) const REQUIRES(state_.mutex);

  // As Suits(), and there is something to wait for.
  static bool IsWorthAWait(const PoolMember& member, const Wanted& wanted, SteadyTime now);
  static bool Suits(const PoolMember& member, const Wanted& wanted, SteadyTime now);
  // Null: none will do now.
  const std::shared_ptr<PoolMember>* FindNext(const Wanted& wanted, SteadyTime now) const REQUIRES(state_.mutex);
  // Null: none of those that are preferred can serve.
  PoolMember* FindPreferred(const Wanted& wanted, SteadyTime now) const REQUIRES(state_.mutex) {
    return wanted.preferred == nullptr ? nullptr : FindOfAccount(*wanted.preferred, wanted, now);
  }
  // Null: neither `token` nor any other one of its account can.
  PoolMember* FindOfAccount(const Token& token, const Wanted& wanted, SteadyTime now) const REQUIRES(state_.mutex);
  // Begins a lease of `member`. It is made where it stays: each move of one costs some nanoseconds.
  void Begin(const std::shared_ptr<PoolMember>& member, SteadyTime now, bool is_request, std::optional<Lease>* lease)
      REQUIRES(state_.mutex);
  bool RecoverOne(PoolMember* member, SteadyTime now, PoolNews* news) REQUIRES(state_.mutex);
  void NoteRecovered(PoolMember* member, SteadyTime now, PoolNews* news) REQUIRES(state_.mutex);
  // Whether one that would do has its hands full.
  bool AnyBlocked(const Wanted& wanted, SteadyTime now) const REQUIRES(state_.mutex);
  void CountStale(PoolMember* member) EXCLUDES(state_.mutex);

  PoolState state_;
  PoolMembership members_{&state_};
  PoolAccounts accounts_{&state_};
  PoolView view_{&state_};
  PoolRecords records_{&state_};
};

}  // namespace warppool::internal
