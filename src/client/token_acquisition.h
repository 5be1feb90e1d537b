// The search for a token that serves: leases one, gets it a bearer, lets its owner use that, reports how it went, and
// goes on as the failover policy says. When there is none, or the service is overloaded, it waits.
//
//   Use(bearer) -> the owner tries -> Succeed(), or Fail(...) -> Use(the next bearer) ... or OnNoneServes(why)
//
// Everything in the I/O thread. The owner must outlive it, and be kept alive by whoever calls into the two.
#pragma once

#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "base/guarded.h"
#include "base/log.h"
#include "client/bearer.h"
#include "client/circuit_breaker.h"
#include "client/failover_policy.h"
#include "client/wait_queue.h"
#include "http/refusal.h"
#include "token/token_pool.h"
#include "token/token_refresher.h"
#include "warppool/event.h"

namespace warppool::internal {

// What all acquisitions of a client share; a test has its own.
struct AcquisitionServices {
  TokenPool* pool = nullptr;
  WaitQueue* queue = nullptr;
  TokenRefresher* refresher = nullptr;
  CircuitBreaker* agent = nullptr;
  CircuitBreaker* exchange = nullptr;
  Executor* loop = nullptr;
  const Clock* clock = nullptr;
  const Clock* dates = nullptr;  // by which JWTs, cooling and rests end
  Logger log{};
  FailoverOptions failover{};
  std::chrono::milliseconds max_wait{};  // in all, for who has no deadline
  std::function<double()> unit_random{};
  // The service refused the bearer: it is forgotten.
  std::function<void(const Bearer&, const Status&)> drop_refused{};
  // A quota is used up, and nobody has said until when.
  std::function<void(const Bearer&)> ask_quota{};
  // No token is ready: other processes are asked whether they got something new for those that are refused for good.
  std::function<void()> review_revoked{};
  // Whether one of the two is under way for a token that would do: it may come sooner than the pool knows.
  std::function<bool(const TokenPool::Wanted&)> may_come{};
};

// How long an acquisition may wait.
struct Patience {
  bool for_tokens = true;                // false: not for a token
  std::optional<SteadyTime> deadline{};  // of the whole; nothing: AcquisitionServices::max_wait, all waits together
};

class TokenAcquisition final : private WaitQueue::Waiter, private CircuitBreaker::Waiter {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void Use(const Bearer& bearer) = 0;
    // The program is told of each failed attempt; it may cancel the acquisition there.
    virtual void OnAttemptFailed(const AttemptFailed& event) = 0;
    virtual void OnWaiting(const Waiting& event) = 0;  // as above; before the first attempt
    virtual void OnNoneServes(const Status& why) = 0;  // it is over
  };

  // `for_agent`: the bearer is used at the agent, and not just handed out.
  TokenAcquisition(const AcquisitionServices* services, Owner* owner, bool for_agent = true)
      : services_(*services), owner_(owner), for_agent_(for_agent) {}
  ~TokenAcquisition() override { End(); }
  TokenAcquisition(const TokenAcquisition&) = delete;
  TokenAcquisition& operator=(const TokenAcquisition&) = delete;

  void Start(const Patience& patience);
  void Start(const Patience& patience, Lease first);  // with a token that was leased already

  // Only these tokens serve; null: all. Before Start().
  void Restrict(std::shared_ptr<const TokenRestriction> only);

  // Tokens of `token`'s account come first from now on, and a fault of nobody's is no reason to leave it.
  void KeepTo(std::shared_ptr<const Token> token);

  // The first event of the answer is there: the token serves, whatever comes later.
  void NoteServing();
  // The program has paused, for who knows how long: others may find out meanwhile what it was to find out.
  void Pause();
  // The answer has begun, so long after it was asked for.
  void NoteFirstEvent(std::chrono::milliseconds time) { first_event_ = time; }

  // How the last use went. Success ends the acquisition.
  void Succeed(Outcome outcome = Outcome::kSuccess);
  void Fail(Refusal result);
  // Ends the acquisition; a lease that is held reports `outcome`.
  // The bearer was wanted, and nothing was tried with it: over, as if its token had not been taken.
  void EndUnused();
  void End(Outcome outcome = Outcome::kCancelled, const Status& why = {},
           std::optional<std::chrono::milliseconds> cool_for = {});

  // What was tried so far, for an error that ends the acquisition from outside.
  const std::vector<Attempt>& attempts() const { return attempts_; }

 private:
  using milliseconds = std::chrono::milliseconds;

  // Looking for a token. What returns a bool waits, or has ended it, if that is true.
  void Lead();  // leases one, waits, or gives up
  bool WaitForService();
  bool WaitForKept();
  bool WaitAt(CircuitBreaker* breaker);
  void WaitForToken();
  void WaitAtBreaker(CircuitBreaker* breaker, milliseconds held_up);

  // Using it.
  void BeginAttempt();
  void FetchBearer();
  void WatchHeld();
  void OnRefreshed(const RefreshResult& result);
  void UseBearer(Bearer bearer);
  bool IsHeldUp(CircuitBreaker* breaker);
  void GiveBackAndLead();
  void Enter(CircuitBreaker* breaker);
  void LeaveBreakers(bool exchange_answered, bool agent_answered) noexcept;
  void FailAt(bool at_exchange, Refusal result);
  FailoverDecision Decide(const std::shared_ptr<Token>& token, const Refusal& result, bool at_exchange);
  void NoteAtBreakers(const FailoverDecision& decision, const Refusal& result, bool at_exchange);
  void Follow(const FailoverDecision& decision, const Status& last);
  void GiveUp(const Status& last);
  void EndLease(Outcome outcome, const Status& why, std::optional<milliseconds> cool_for, bool at_exchange);

  // Waiting.
  milliseconds PatienceLeft() const;
  milliseconds LongestWait() const;  // a wait that lasts as long as there is patience
  const char* NoneIsReady() const;
  // At most how long there is no token, if one comes in time.
  std::optional<milliseconds> TokenComesIn();
  void BeginWait() { wait_began_ = services_.clock->Steady(); }
  void EndWait();
  void EndPause();
  void PauseFor(milliseconds time);
  void OnToken(Lease lease) noexcept override;
  void OnNoToken(WaitQueue::NoToken why) noexcept override;
  void OnBreaker() noexcept override;

  // Calls `call`. What it throws ends the acquisition, and the owner hears of it.
  template <typename Call>
  void Protected(const Call& call) noexcept;
  void EndWith(const Status& failure) noexcept;

  const AcquisitionServices& services_;
  Owner* const owner_;
  const bool for_agent_;

  Patience patience_;
  bool ended_ = false;
  FailoverState state_;
  // The last attempt met a fault of the service's: another token is tried at once, whatever is remembered of it.
  bool ignores_breakers_ = false;
  bool is_early_ = false;  // the next attempt probes before the time, if nobody else does so before it is sent

  // The attempt that is under way.
  std::optional<Lease> lease_;
  Bearer bearer_;
  int stale_ = 0;         // how many JWTs of this lease were refused that were not issued for it
  bool serving_ = false;  // see NoteServing()
  bool entered_ = false;  // a circuit breaker
  SteadyTime attempt_began_{};
  TokenRefresher::Ticket ticket_ = 0;
  std::optional<milliseconds> first_event_;  // of this lease

  // The wait that is under way.
  TimerId timer_ = 0;
  std::optional<SteadyTime> wait_began_;
  std::optional<FailoverDecision> pause_;  // before trying again
  CircuitBreaker* overloaded_ = nullptr;   // whose overload the last attempt met; null: none
  CircuitBreaker* breaker_ = nullptr;      // where it waits
  SteadyTime::duration waited_{};          // so far, all waits together

  // What was tried.
  TokenPool::Wanted wanted_;                         // excluded: tried in this pass
  TokenPool::Tokens ruled_out_;                      // for good; part of them
  std::optional<Status> bad_setting_;                // the exchange cannot work; only tokens that need none are left
  std::shared_ptr<const TokenRestriction> only_;     // who may serve; null: all
  std::shared_ptr<const Token> kept_;                // see KeepTo()
  std::vector<std::shared_ptr<const Token>> tried_;  // so that the addresses in the sets above stay theirs
  std::vector<DeferredFailure> deferred_;            // until somebody serves
  std::vector<Attempt> attempts_;
  Status last_;  // what the last attempt met
};

template <typename Call>
void TokenAcquisition::Protected(const Call& call) noexcept {
  try {
    call();
  } catch (const std::bad_alloc&) {
    EndWith(Status::OutOfMemory());
  } catch (...) {
    EndWith(Guarded([] { return Status(Code::kInternal, "unexpected"); }));
  }
}

}  // namespace warppool::internal
