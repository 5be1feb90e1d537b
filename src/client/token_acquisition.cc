#include "client/token_acquisition.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/guarded.h"
#include "base/readable.h"
#include "base/redact.h"
#include "client/failure_report.h"
#include "client/outcome_kinds.h"

namespace warppool::internal {

using std::chrono::milliseconds;

namespace {

// A JWT that others got, and that is refused, is their exchange's affair. This many can only be a service that is
// wrong.
constexpr int kMostStale = 5;
// Another process exchanges the token: after so long another token is taken that is ready.
constexpr std::chrono::seconds kHeldPatience{1};
// A token that rests, and that somebody tries at the moment, is looked at again after this.
constexpr milliseconds kTrialPoll{500};

}  // namespace

void TokenAcquisition::EndWith(const Status& failure) noexcept {
  Guarded([&] {
    End();
    owner_->OnNoneServes(failure);
  });
}

void TokenAcquisition::Start(const Patience& patience) {
  patience_ = patience;
  wanted_.began = services_.dates->Steady();
  Lead();
}

void TokenAcquisition::Start(const Patience& patience, Lease first) {
  patience_ = patience;
  wanted_.began = services_.dates->Steady();
  lease_.emplace(std::move(first));
  BeginAttempt();
}

void TokenAcquisition::Restrict(std::shared_ptr<const TokenRestriction> only) {
  only_ = std::move(only);
  wanted_.only = only_.get();
}

void TokenAcquisition::KeepTo(std::shared_ptr<const Token> token) {
  kept_ = std::move(token);
  wanted_.preferred = kept_.get();
}

// --------------------------------------------------------------------------------------------- Looking for a token --

void TokenAcquisition::Lead() {
  services_.queue->Serve();  // nobody overtakes
  if (ended_) return;        // who was served may have ended it
  if (WaitForService() || WaitForKept()) return;
  TokenPool::Wanted wanted = wanted_;
  wanted.without_exchange |= !ignores_breakers_ && services_.exchange->HoldsUp(this).has_value();
  if (wanted.without_exchange && !wanted_.without_exchange && kept_ && services_.pool->CanServe(*kept_, wanted_)) {
    if (!services_.pool->CanServe(*kept_, wanted) && WaitAt(services_.exchange)) return;
  }
  lease_ = services_.pool->Acquire(wanted);
  if (lease_) return BeginAttempt();
  if (wanted.without_exchange != wanted_.without_exchange && services_.pool->AnyReady(wanted_)) {
    if (WaitAt(services_.exchange)) return;
    lease_ = services_.pool->Acquire(wanted_);
    if (lease_) return BeginAttempt();
  }
  WaitForToken();
}

// True: it waits, or is over.
bool TokenAcquisition::WaitForService() {
  return !ignores_breakers_ && for_agent_ && WaitAt(services_.agent);
}

// The same. Who cannot wait so long, or has waited as long as it may, is to try it at once, if nobody did so lately.
bool TokenAcquisition::WaitAt(CircuitBreaker* breaker) {
  const auto held_up = breaker->HoldsUp(this);
  if (!held_up) return false;
  const milliseconds left = PatienceLeft();
  const bool in_vain = *held_up > left || left <= milliseconds(0);
  if (in_vain && breaker->MayProbeEarly()) {
    is_early_ = true;
    return false;
  }
  WaitAtBreaker(breaker, *held_up);
  return true;
}

// The token of the conversation rests for a moment: that is no reason to leave it.
bool TokenAcquisition::WaitForKept() {
  if (!kept_) return false;
  const auto rest = services_.pool->RestOf(*kept_, wanted_);
  const milliseconds left = PatienceLeft();
  if (!rest || *rest >= left || left <= milliseconds(0)) return false;
  PauseFor(rest->count() > 0 ? *rest : std::min(kTrialPoll, left));
  return true;
}

void TokenAcquisition::WaitAtBreaker(CircuitBreaker* breaker, milliseconds held_up) {
  const milliseconds left = PatienceLeft();
  if (held_up > left || left <= milliseconds(0)) {
    Error error{.code = Code::kOverloaded,
                .message =
                    "the service is overloaded, as other requests found out; this one cannot wait until it is "
                    "asked again",
                .retryable = true};
    if (held_up.count() > 0) error.retry_after = held_up;
    return GiveUp(attempts_.empty() ? Status(std::move(error)) : last_);
  }
  services_.log.Info("The service is overloaded, waiting for {} ms at most", left.count());
  if (attempts_.empty()) owner_->OnWaiting({held_up.count() > 0 ? held_up : left, "the service is overloaded"});
  if (ended_) return;
  breaker_ = breaker;
  PauseFor(LongestWait());
  breaker->Wait(this);
}

void TokenAcquisition::WaitForToken() {
  const Status last = attempts_.empty() ? Status(Code::kNoTokenReady, NoneIsReady()) : last_;
  const auto at_most = TokenComesIn();
  if (!at_most) return GiveUp(last);
  services_.log.Info("No token is ready, waiting for one for {} ms at most", at_most->count());
  if (attempts_.empty()) owner_->OnWaiting({*at_most, NoneIsReady()});
  if (ended_) return;
  last_ = last;
  BeginWait();
  services_.queue->Join(this, {wanted_, only_, services_.clock->Steady() + LongestWait()});
}

// -------------------------------------------------------------------------------------------------------- Using it --

void TokenAcquisition::BeginAttempt() {
  if (lease_->is_probe()) {  // one in a request
    wanted_.may_probe = false;
    wanted_.probed = &lease_->token();
  }
  stale_ = 0;
  serving_ = false;
  first_event_.reset();
  FetchBearer();
}

void TokenAcquisition::FetchBearer() {
  attempt_began_ = services_.clock->Steady();
  std::shared_ptr<Token> token = lease_->share_token();
  if (token->kind() == CredentialKind::kApiKey) return UseBearer({std::move(token), nullptr, true});
  // Whoever tries a disabled token tries it with a new JWT; so does who has been refused twice with those of others.
  if (!lease_->is_probe() && stale_ < 2) {
    const SteadyTime now = services_.dates->Steady();
    auto jwt = TokenRefresher::Cached(token.get(), now);
    // One that should be renewed, but need not be, does as long as the exchange is overloaded.
    const bool spare_exchange = !jwt && !NeedsExchange(*token, now) && services_.exchange->HoldsUp(this);
    if (spare_exchange) jwt = token->UseJwt();
    if (jwt) return UseBearer({std::move(token), std::move(jwt), false});
  }
  if (UsesExchange(*token)) {
    if (is_early_ && IsHeldUp(services_.exchange)) return GiveBackAndLead();
    Enter(services_.exchange);
  }
  ticket_ = services_.refresher->Refresh(
      token, [this](const RefreshResult& result) { Protected([&] { OnRefreshed(result); }); },
      true);  // of the whole exchange's overload the circuit breaker knows
  WatchHeld();
}

// Whether another process has the token, and for how long: not where a conversation stays with it.
void TokenAcquisition::WatchHeld() {
  if (kept_ || !services_.refresher->HasLock()) return;
  timer_ = services_.loop->After(kHeldPatience, [this] {
    timer_ = 0;
    Protected([&] {
      TokenPool::Wanted others = wanted_;
      others.excluded.insert(&lease_->token());
      if (!services_.refresher->WaitsForLock(lease_->token())) return;
      if (!services_.pool->AnyReady(others)) return WatchHeld();
      services_.refresher->Forget(std::exchange(ticket_, 0));
      FailAt(true, {Outcome::kHeld, Status(Code::kNoTokenReady, "another process is exchanging it"), {}});
    });
  });
}

void TokenAcquisition::OnRefreshed(const RefreshResult& result) {
  ticket_ = 0;
  services_.loop->CancelTimer(std::exchange(timer_, 0));
  if (!result.jwt) return FailAt(true, {result.outcome, result.status, result.status.error().retry_after});
  const std::shared_ptr<Token> token = lease_->share_token();
  if (UsesExchange(*token)) {
    // The old JWT may have come back since there was no new one: that shows nothing of the exchange.
    if (result.fresh) services_.exchange->Close();
    services_.exchange->Leave(this, result.status.ok());
    if (ended_) return;  // who was woken may have ended it
  }
  token->MarkUsed();
  UseBearer({token, result.jwt, result.fresh});
}

void TokenAcquisition::Enter(CircuitBreaker* breaker) {
  if (ignores_breakers_) return;
  breaker->Enter(this);
  entered_ = true;
}

void TokenAcquisition::LeaveBreakers(bool exchange_answered, bool agent_answered) noexcept {
  if (!std::exchange(entered_, false)) return;
  services_.exchange->Leave(this, exchange_answered);
  services_.agent->Leave(this, agent_answered);
}

// Whether it may not be sent there now. The early probe is spent here, where it is sent, and not where it was found
// that it may be: there it was not known yet whether a token is ready for it.
bool TokenAcquisition::IsHeldUp(CircuitBreaker* breaker) {
  return !ignores_breakers_ && breaker->HoldsUp(this) && !(is_early_ && breaker->TakeEarlyProbe());
}

void TokenAcquisition::GiveBackAndLead() {
  LeaveBreakers(false, false);
  std::move(*std::exchange(lease_, std::nullopt)).GiveBack();
  Lead();
}

void TokenAcquisition::UseBearer(Bearer bearer) {
  // While it got its bearer, others may have found the service overloaded.
  if (for_agent_ && stale_ == 0 && IsHeldUp(services_.agent)) return GiveBackAndLead();
  if (for_agent_) Enter(services_.agent);
  bearer_ = std::move(bearer);
  owner_->Use(bearer_);
}

void TokenAcquisition::NoteServing() {
  if (std::exchange(serving_, true)) return;
  lease_->NoteServing();
  const TokenPool::Witness witness{&lease_->token(), bearer_.jwt && bearer_.fresh};
  for (const DeferredFailure& deferred : std::exchange(deferred_, {})) services_.pool->Judge(deferred, witness);
  if (for_agent_ && services_.agent->is_open()) services_.agent->Close();
}

void TokenAcquisition::Succeed(Outcome outcome) {
  const std::shared_ptr<const Token> token = lease_->share_token();
  const TokenPool::Witness witness{token.get(), bearer_.jwt && bearer_.fresh};
  if (outcome == Outcome::kSuccess) NoteServing();
  auto deferred = std::exchange(deferred_, {});
  End(outcome);
  for (const DeferredFailure& failure : deferred) services_.pool->Judge(failure, witness);
}

void TokenAcquisition::EndUnused() {
  std::move(*std::exchange(lease_, std::nullopt)).GiveBack();
  End();
}

void TokenAcquisition::Fail(Refusal result) {
  FailAt(false, std::move(result));
}

void TokenAcquisition::FailAt(bool at_exchange, Refusal result) {
  const std::shared_ptr<Token> token = lease_->share_token();
  if (bearer_.token) result.status = Redacted(result.status, bearer_.Text().Reveal());
  result.status = Readable(result.status);
  // A 401 speaks for the JWT it was sent with. Only one that was issued just now speaks for the token.
  const bool unauthorized = result.outcome == Outcome::kAuthRejected && result.status.error().http_status == 401;
  // Of a bearer of the program's any refusal does: the program is told of it, and may have another one.
  const bool tell =
      result.outcome == Outcome::kAuthRejected && !at_exchange && token->kind() == CredentialKind::kCallback;
  if (bearer_.jwt && (unauthorized || tell)) services_.drop_refused(bearer_, result.status);
  if (bearer_.jwt && unauthorized && !bearer_.fresh && ++stale_ <= kMostStale) result.outcome = Outcome::kAuthStale;

  attempts_.push_back({token->name(), result.status.code(), result.status.message()});
  if (result.outcome == Outcome::kAuthStale) {
    services_.log.Info("Attempt failed, once more with a new JWT: {}: {}", token->name(), result.status.message());
    lease_->CountStale();
  } else {
    EndLease(result.outcome, result.status, result.retry_after, at_exchange);
    tried_.push_back(token);
    // One that cools, for its quota or in doubt, is worth another try when that is over.
    const bool may_cool = result.outcome == Outcome::kQuotaExhausted || result.outcome == Outcome::kHeld;
    const bool cools = may_cool && !services_.pool->CanServe(*token, {});
    if (!cools) wanted_.excluded.insert(token.get());
  }
  bearer_ = {};
  last_ = result.status;

  FailoverDecision decision = Decide(token, result, at_exchange);
  const auto step = [&] {
    switch (decision.step) {
      case FailoverDecision::Step::kSameToken:
        return NextStep::kSameToken;
      case FailoverDecision::Step::kNextToken:
        return decision.wait.count() > 0 ? NextStep::kWait : NextStep::kNextToken;
      case FailoverDecision::Step::kWait:
        return NextStep::kWait;
      case FailoverDecision::Step::kGiveUp:
        break;
    }
    return NextStep::kGiveUp;
  };
  owner_->OnAttemptFailed({token->name(), result.status.code(), result.status.message(), step(), decision.wait});
  if (ended_) return;
  if (decision.step != FailoverDecision::Step::kGiveUp || IsPoolFailure(result.outcome)) {
    return Follow(decision, result.status);
  }
  ended_ = true;
  Error error = result.status.error();
  error.token = token->name();
  error.attempts = attempts_;
  owner_->OnNoneServes(Status(std::move(error)));
}

FailoverDecision TokenAcquisition::Decide(const std::shared_ptr<Token>& token, const Refusal& result,
                                          bool at_exchange) {
  TokenPool& pool = *services_.pool;
  FailedAttempt attempt;
  attempt.outcome = result.outcome;
  attempt.token = token.get();
  attempt.unauthorized = result.status.error().http_status == 401;
  attempt.at_exchange = at_exchange && UsesExchange(*token);
  attempt.keeps_token = kept_ && pool.accounts().SameAccount(*kept_, *token);
  attempt.served_lately =
      result.outcome == Outcome::kBlocked ? pool.AnyServedLately() : pool.ServedLatelyOrIsNew(*token);
  attempt.retry_after = result.retry_after;
  attempt.patience = PatienceLeft();
  attempt.unit_random = services_.unit_random();
  attempt.service_is_down = (at_exchange ? services_.exchange : services_.agent)->IsDown();
  if (attempt.keeps_token) {
    TokenPool::Wanted any = wanted_;
    any.excluded.clear();
    attempt.rest = pool.RestOf(*token, any).value_or(milliseconds(0));
  }
  attempt.another_ready = pool.AnyReady(wanted_);
  TokenPool::Wanted without_exchange = wanted_;
  without_exchange.without_exchange = true;
  attempt.another_ready_without_exchange = attempt.another_ready && pool.AnyReady(without_exchange);

  FailoverDecision decision = DecideFailover(services_.failover, attempt, &state_);
  overloaded_ = nullptr;
  if (decision.rules_out) ruled_out_.insert(token.get());
  if (at_exchange && BreaksEveryExchange(result.outcome)) {
    if (!bad_setting_) bad_setting_ = result.status;
    wanted_.without_exchange = true;
  }
  if (at_exchange && !UsesExchange(*token)) {
    LeaveBreakers(false, false);  // a source of the program's says nothing of the service
  } else {
    NoteAtBreakers(decision, result, at_exchange);
  }

  // Without another token that is ready it may be worth waiting for one; after a refusal or a foreign answer, too,
  // whose own wait is not possible: one that is busy has not refused anybody.
  const bool no_exchange = decision.without_exchange || wanted_.without_exchange;
  const bool goes_on = decision.step == FailoverDecision::Step::kNextToken ||
                       (decision.step == FailoverDecision::Step::kGiveUp && LeavesHope(result.outcome)) ||
                       (at_exchange && BreaksEveryExchange(result.outcome));
  if (goes_on && !(no_exchange ? attempt.another_ready_without_exchange : attempt.another_ready)) {
    const auto at_most = TokenComesIn();
    decision.step = at_most ? FailoverDecision::Step::kNextToken : FailoverDecision::Step::kGiveUp;
    decision.wait = at_most.value_or(milliseconds(0));
  }
  return decision;
}

void TokenAcquisition::NoteAtBreakers(const FailoverDecision& decision, const Refusal& result, bool at_exchange) {
  if (result.outcome == Outcome::kAuthStale) return;  // it goes on with the same token
  CircuitBreaker* const breaker = at_exchange ? services_.exchange : services_.agent;
  if (decision.overload) {
    const milliseconds asked = result.retry_after.value_or(milliseconds(0));
    breaker->Open(attempt_began_, std::min(asked, services_.failover.retry_after_limit));
    overloaded_ = breaker;
  }
  // Who had no memory to ask, or to read what came, has learnt nothing.
  const bool learnt = IsAnswer(result.outcome) && result.status.code() != Code::kOutOfMemory;
  const bool answered = !decision.overload && learnt;
  LeaveBreakers(answered && at_exchange, answered && !at_exchange);
}

void TokenAcquisition::Follow(const FailoverDecision& decision, const Status& last) {
  ignores_breakers_ = false;
  is_early_ = false;
  switch (decision.step) {
    case FailoverDecision::Step::kSameToken:
      return FetchBearer();
    case FailoverDecision::Step::kNextToken:
      wanted_.without_exchange |= decision.without_exchange;
      ignores_breakers_ = decision.service_fault;
      return Lead();
    case FailoverDecision::Step::kWait:
      services_.log.Info("Trying again in {} ms", decision.wait.count());
      pause_ = decision;
      if (decision.cut_short && services_.pool->members().AnyOther(wanted_.excluded, wanted_.only)) {
        BeginWait();
        return services_.queue->Join(this, {wanted_, only_, services_.clock->Steady() + decision.wait, false});
      }
      PauseFor(decision.wait);
      breaker_ = overloaded_;
      if (breaker_ != nullptr) breaker_->WaitForClose(this);  // it is over when somebody is served
      return;
    case FailoverDecision::Step::kGiveUp:
      return GiveUp(last);
  }
}

void TokenAcquisition::GiveUp(const Status& last) {
  ended_ = true;
  const FailureReport report{attempts_, wanted_, only_.get(), NoneIsReady(), bad_setting_ ? &*bad_setting_ : nullptr};
  const Status status = AllTokensFailed(report, last, services_.pool);
  services_.log.Error("All tokens failed: {}", status.message());
  owner_->OnNoneServes(status);
}

void TokenAcquisition::EndLease(Outcome outcome, const Status& why, std::optional<milliseconds> cool_for,
                                bool at_exchange) {
  if (cool_for && cool_for->count() <= 0) cool_for.reset();  // a date that is over says nothing
  // Who is told of it may end this acquisition.
  Lease lease = *std::exchange(lease_, std::nullopt);
  auto failure = std::move(lease).End({outcome, why, cool_for, at_exchange, std::exchange(first_event_, {})});
  if (failure) deferred_.push_back(*std::move(failure));
  if (outcome == Outcome::kQuotaExhausted && !cool_for && bearer_.token) services_.ask_quota(bearer_);
}

void TokenAcquisition::End(Outcome outcome, const Status& why, std::optional<milliseconds> cool_for) {
  ended_ = true;
  // Only if there is something to end: an acquisition that is over may be destroyed in any thread.
  if (timer_ != 0) services_.loop->CancelTimer(std::exchange(timer_, 0));
  if (ticket_ != 0) services_.refresher->Forget(std::exchange(ticket_, 0));
  services_.queue->Leave(this);
  if (CircuitBreaker* const breaker = std::exchange(breaker_, nullptr)) breaker->Forget(this);
  // Whatever becomes of the rest: a probe that is not given back would hold up everybody.
  struct Leaving {
    ~Leaving() { acquisition->LeaveBreakers(false, answered); }
    TokenAcquisition* acquisition;
    bool answered;
  };
  const Leaving leaving{this, outcome != Outcome::kCancelled};
  if (lease_) EndLease(outcome, why, cool_for, false);
}

void TokenAcquisition::Pause() {
  LeaveBreakers(false, false);
  if (lease_) lease_->EndTrial();
}

}  // namespace warppool::internal
