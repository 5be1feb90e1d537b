// The pool: which token serves next, and what became of it.
//
//   auto lease = pool.Acquire(tried);
//   if (!lease) return Fail(pool.WhyNotReady(tried));
//   ...                                        // use lease->token()
//   std::move(*lease).End({Outcome::kSuccess});
//
// Tiers are tried in their order. In a tier the tokens take turns: the next one is searched for behind the one that was
// served last, in the order of the configuration and past those that are not ready, so that a neighbour that drops out
// or comes back changes nobody else's share.
//
// Any thread. Log lines are written without a lock held.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "token/outcome.h"
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

  const std::shared_ptr<Token>& token() const;

  struct Report {
    Outcome outcome = Outcome::kCancelled;
    Status why{};  // for outcomes that are failures
    std::optional<std::chrono::milliseconds> cool_for{};
  };
  // Ends the lease. With kServerError the result is a charge to be handed to TokenPool::Confirm() if another token then
  // serves the same request.
  struct Charge;
  std::optional<Charge> End(const Report& report) &&;

 private:
  friend class TokenPool;
  struct Member;
  Lease(TokenPool* pool, std::shared_ptr<Member> member, HealthStamp stamp)
      : pool_(pool), member_(std::move(member)), stamp_(stamp) {}

  TokenPool* pool_;
  std::shared_ptr<Member> member_;  // null: ended, or moved from
  HealthStamp stamp_;
};

struct Lease::Charge {
  std::shared_ptr<Member> member;
  PendingCharge pending;
  Status why;
};

struct PoolOptions {
  std::vector<Tier> tier_order;
  HealthOptions health;
};

class TokenPool {
 public:
  using Tokens = std::unordered_set<const Token*>;

  TokenPool(PoolOptions options, const std::vector<TokenConfig>& tokens, const Clock& clock, Logger log);
  ~TokenPool();
  TokenPool(const TokenPool&) = delete;
  TokenPool& operator=(const TokenPool&) = delete;

  // The next ready token that is not among `excluded`; nothing if there is none.
  std::optional<Lease> Acquire(const Tokens& excluded) EXCLUDES(mutex_);
  // Whether Acquire() would find one now.
  bool AnyReady(const Tokens& excluded) const EXCLUDES(mutex_);

  // Another token served the request: the charge becomes a strike, unless the token has proved itself since.
  void Confirm(const Lease::Charge& charge) EXCLUDES(mutex_);

  // Why tokens that are not among `excluded` are not ready, as attempts of a failed request.
  std::vector<Attempt> WhyNotReady(const Tokens& excluded) const EXCLUDES(mutex_);

  // How long until the first cooling token is back; nothing if none cools.
  std::optional<std::chrono::milliseconds> EarliestReady() const EXCLUDES(mutex_);

  PoolStatus Snapshot() const EXCLUDES(mutex_);
  std::shared_ptr<Token> Find(const std::string& name) const EXCLUDES(mutex_);

 private:
  friend class Lease;
  using Member = Lease::Member;

  struct TierMembers {
    Tier tier = Tier::kPersonal;
    std::vector<std::shared_ptr<Member>> members;
    std::size_t last_served = 0;  // position in `members`, which is never filtered: an identity
  };

  // The position of the next one to serve in `tier`; its size if none is ready.
  static std::size_t NextReady(const TierMembers& tier, const Tokens& excluded, SteadyTime now);

  std::optional<Lease::Charge> End(const std::shared_ptr<Member>& member, HealthStamp stamp,
                                   const Lease::Report& report) EXCLUDES(mutex_);
  void LogChange(const Member& member, HealthChange change, int strikes, const Status& why) const;

  const PoolOptions options_;
  const Clock& clock_;
  const Logger log_;

  mutable Mutex mutex_;
  std::vector<TierMembers> tiers_ GUARDED_BY(mutex_);  // in the order in which they are tried
};

}  // namespace warppool
