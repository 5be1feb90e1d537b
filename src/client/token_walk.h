// The search for a token that serves: leases one, gets it a bearer, lets its owner use that, reports how it went, and
// goes on as the failover policy says. When there is none, it waits for one.
//
//   Use(bearer) -> the owner tries -> Succeed(), or Fail(...) -> Use(the next bearer) ... or OnWalkFailed(why)
//
// Everything in the I/O thread. The owner must outlive it, and be kept alive by whoever calls into the two.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "client/bearer.h"
#include "client/core.h"
#include "client/failover_policy.h"
#include "client/wait_queue.h"
#include "http/refusal.h"
#include "token/token_pool.h"
#include "warppool/event.h"

namespace warppool::internal {

// How long a walk may wait for a token.
struct Patience {
  bool waits = true;                     // false: not at all
  std::optional<SteadyTime> deadline{};  // of the whole; nothing: Config::max_token_wait for tokens
};

class TokenWalk final : private WaitQueue::Waiter {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void Use(const Bearer& bearer) = 0;
    // The program is told of each failed attempt; it may cancel the walk there.
    virtual void OnAttemptFailed(const AttemptFailed& event) = 0;
    virtual void OnWaiting(const Waiting& event) = 0;  // as above; before the first attempt
    virtual void OnWalkFailed(const Status& why) = 0;  // the walk is over
  };

  TokenWalk(Core* core, Owner* owner) : core_(core), owner_(owner), policy_(core->failover()) {}
  ~TokenWalk() override { End(); }
  TokenWalk(const TokenWalk&) = delete;
  TokenWalk& operator=(const TokenWalk&) = delete;

  void Start(const Patience& patience);
  void Start(const Patience& patience, Lease first);  // with a token that was leased already

  // Only these tokens serve; null: all. Before Start().
  void Restrict(std::shared_ptr<const TokenRestriction> only);

  // Tokens of `token`'s account come first from now on, and a fault of nobody's is no reason to leave it.
  void KeepTo(std::shared_ptr<const Token> token);

  // How the last use went. Success ends the walk, and makes failures of the server errors on the way.
  void Succeed(Outcome outcome = Outcome::kSuccess);
  void Fail(Refusal result);
  // Ends the walk; a lease that is held reports `outcome`.
  void End(Outcome outcome = Outcome::kCancelled, const Status& why = {},
           std::optional<std::chrono::milliseconds> cool_for = {});

  // The answer has begun, so long after it was asked for.
  void NoteFirstEvent(std::chrono::milliseconds time) { first_event_ = time; }

  // What was tried so far, for an error that ends the walk from outside.
  const std::vector<Attempt>& attempts() const { return attempts_; }

 private:
  void Lead(bool after_wait);  // leases a token, waits for one, or gives up
  void GetBearer();
  void OnRefreshed(const RefreshResult& result);
  void UseBearer(Bearer bearer);
  void FetchBearer();
  void FailAt(bool at_exchange, Refusal result);
  Decision Decide(const Refusal& result, bool at_exchange);
  void Follow(const Decision& decision, const Status& last);
  void GiveUp(const Status& last);
  void EndLease(Outcome outcome, const Status& why, std::optional<std::chrono::milliseconds> cool_for,
                bool at_exchange);

  // That there will be a token in time.
  struct Prospect {
    std::chrono::milliseconds at_most;
    bool rests;  // all that there is to wait for is one that rests; else nobody knows when one is free
  };
  std::optional<Prospect> TokenComesIn();
  // Those that a wait is no use for: they are ready, and failed all the same. Of those that were tried and rest now,
  // each may serve when it is back.
  TokenPool::Tokens NoUse();
  void AwaitToken(const Status& last);
  const char* NoneIsReady() const;
  void Pause(const Decision& decision);
  void EndPause();
  void OnToken(Lease lease) noexcept override;
  void OnNoToken(WaitQueue::NoToken why) noexcept override;
  // The time that is left for it; nothing: no wait is allowed.
  std::optional<std::chrono::milliseconds> PatienceLeft();
  SteadyTime PatienceEnd();

  // Calls `call`. What it throws ends the walk, and the owner hears of it.
  template <typename Call>
  void Protected(const Call& call) noexcept;

  Core* const core_;
  Owner* const owner_;
  FailoverPolicy policy_;

  Patience patience_;
  bool ended_ = false;
  std::optional<Lease> lease_;
  Bearer bearer_;
  int stale_ = 0;  // how many JWTs of this lease were refused that were not issued for it
  TokenRefresher::Ticket ticket_ = 0;
  TimerId timer_ = 0;
  struct PauseState {
    bool new_pass;
  };
  std::optional<PauseState> pause_;        // waits for the service or the network
  std::optional<SteadyTime> waits_until_;  // without a deadline
  Status last_;                            // what the last attempt met

  TokenPool::Wanted wanted_;           // excluded: tried in this pass
  TokenPool::Tokens ruled_out_;        // for good; part of them
  std::optional<Status> bad_setting_;  // the exchange cannot work; only tokens that need none are left
  std::optional<std::chrono::milliseconds> first_event_;  // of this lease
  std::shared_ptr<const TokenRestriction> only_;          // who may serve; null: all
  std::shared_ptr<const Token> kept_;                     // see KeepTo()
  std::vector<std::shared_ptr<const Token>> tried_;       // so that the addresses in the sets above stay theirs
  std::vector<Lease::Charge> charges_;
  std::vector<Attempt> attempts_;
};

}  // namespace warppool::internal
