#include "client/token_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/guarded.h"
#include "base/redact.h"

namespace warppool {
namespace {

// A JWT that others got, and that is refused, is their exchange's affair. This many can only be a service that is
// wrong.
constexpr int kMostStale = 5;

// Whether it is the end of all tokens, not just of this request.
bool IsPoolFailure(Outcome outcome) {
  switch (outcome) {
    case Outcome::kRequestFault:
    case Outcome::kGarbled:
    case Outcome::kMisconfigured:
    case Outcome::kFinishedOtherwise:
    case Outcome::kCancelled:
    case Outcome::kSuccess:
    case Outcome::kAccepted:
      return false;
    default:
      return true;
  }
}

// What an exchange meets that says nothing of the token.
bool IsFaultOfExchange(Outcome outcome) {
  return outcome == Outcome::kOverloaded || outcome == Outcome::kNetwork || outcome == Outcome::kBlocked;
}

NextStep StepOf(const Decision& decision) {
  switch (decision.step) {
    case Decision::Step::kSameToken:
      return NextStep::kSameToken;
    case Decision::Step::kNextToken:
      return NextStep::kNextToken;
    case Decision::Step::kWait:
    case Decision::Step::kAwaitToken:
      return NextStep::kWait;
    case Decision::Step::kGiveUp:
      break;
  }
  return NextStep::kGiveUp;
}

// The code of what each token met last, if they all met the same.
Code CommonCode(const std::vector<Attempt>& attempts) {
  std::vector<std::pair<std::string, Code>> last;
  for (const Attempt& attempt : attempts) {
    const auto same = [&](const auto& entry) { return entry.first == attempt.token; };
    const auto it = std::find_if(last.begin(), last.end(), same);
    if (it == last.end()) {
      last.emplace_back(attempt.token, attempt.code);
    } else {
      it->second = attempt.code;
    }
  }
  const bool all_same =
      std::all_of(last.begin(), last.end(), [&](const auto& e) { return e.second == last[0].second; });
  return all_same && !last.empty() ? last[0].second : Code::kAllTokensFailed;
}

}  // namespace

template <typename Call>
void TokenWalk::Protected(const Call& call) noexcept {
  Status failure;
  try {
    call();
    return;
  } catch (const std::bad_alloc&) {
    failure = Status::OutOfMemory();
  } catch (...) {
    failure = Guarded([] { return Status(Code::kInternal, "unexpected"); });
  }
  Guarded([&] {
    End();
    owner_->OnWalkFailed(failure);
  });
}

void TokenWalk::Start(const Patience& patience) {
  patience_ = patience;
  Lead(false);
}

void TokenWalk::Start(const Patience& patience, Lease first) {
  patience_ = patience;
  lease_.emplace(std::move(first));
  GetBearer();
}

void TokenWalk::Restrict(std::shared_ptr<const TokenRestriction> only) {
  only_ = std::move(only);
  wanted_.only = only_.get();
}

const char* TokenWalk::NoneIsReady() const {
  if (!only_) return "no token is ready";
  // Those that it was started for may have been removed, or moved to other tiers.
  return core_->pool().HasAny(*only_) ? "no token that may serve this request is ready"
                                      : "no token that may serve this request is left";
}

void TokenWalk::KeepTo(std::shared_ptr<const Token> token) {
  kept_ = std::move(token);
  wanted_.preferred = kept_.get();
}

void TokenWalk::Lead(bool after_wait) {
  core_->queue().Serve();  // nobody overtakes
  if (ended_) return;      // who was served may have ended it
  lease_ = core_->pool().Acquire(wanted_);
  if (!lease_ && after_wait && policy_.may_repeat()) {
    wanted_.excluded = ruled_out_;
    lease_ = core_->pool().Acquire(wanted_);
  }
  if (lease_) return GetBearer();

  // There is none, or others were faster.
  const Status last = attempts_.empty() ? Status(Code::kNoTokenReady, NoneIsReady()) : last_;
  const auto wait = TokenComesIn();
  if (!wait) return GiveUp(last);
  core_->log().Info("No token is ready, waiting for one for {} ms at most", wait->at_most.count());
  owner_->OnWaiting({wait->at_most, NoneIsReady()});
  if (!ended_) AwaitToken(last);
}

void TokenWalk::GetBearer() {
  if (lease_->is_probe()) {  // one in a request
    wanted_.may_probe = false;
    wanted_.probed = &lease_->token();
  }
  stale_ = 0;
  first_event_.reset();
  FetchBearer();
}

void TokenWalk::FetchBearer() {
  std::shared_ptr<Token> token = lease_->share_token();
  if (token->kind() == CredentialKind::kApiKey) return UseBearer({std::move(token), nullptr, true});
  // Whoever tries a disabled token tries it with a new JWT; so does who has been refused twice with those of others.
  if (!lease_->is_probe() && stale_ < 2) {
    auto jwt = TokenRefresher::Cached(token.get(), core_->dates().Steady());
    if (jwt) return UseBearer({std::move(token), std::move(jwt), false});
  }
  ticket_ = core_->refresher().Refresh(
      token, [this](const RefreshResult& result) { Protected([&] { OnRefreshed(result); }); });
}

void TokenWalk::OnRefreshed(const RefreshResult& result) {
  ticket_ = 0;
  if (result.jwt) {
    lease_->token().MarkUsed();
    return UseBearer({lease_->share_token(), result.jwt, result.fresh});
  }
  FailAt(true, {result.outcome, result.status, result.status.error().retry_after});
}

void TokenWalk::UseBearer(Bearer bearer) {
  bearer_ = std::move(bearer);
  owner_->Use(bearer_);
}

void TokenWalk::Succeed(Outcome outcome) {
  const bool proven_exchange = bearer_.jwt && bearer_.fresh;
  const std::shared_ptr<const Token> served = lease_->share_token();
  End(outcome);
  for (const Lease::Charge& charge : charges_) {
    // Who has overcome its own error has shown nothing about itself, and who was served without an exchange nothing
    // about exchanges.
    if (&charge.token() == served.get() || (charge.at_exchange && !proven_exchange)) continue;
    core_->pool().Confirm(charge);
  }
}

void TokenWalk::Fail(Refusal result) {
  FailAt(false, std::move(result));
}

void TokenWalk::FailAt(bool at_exchange, Refusal result) {
  const std::shared_ptr<Token> token = lease_->share_token();
  if (bearer_.token) result.status = Redacted(result.status, bearer_.Text().Reveal());
  // A 401 speaks for the JWT it was sent with. Only one that was issued just now speaks for the token.
  const bool unauthorized = result.outcome == Outcome::kAuthRejected && result.status.error().http_status == 401;
  // Of a bearer of the program's any refusal does: the program is told of it, and may have another one.
  const bool tell =
      result.outcome == Outcome::kAuthRejected && !at_exchange && token->kind() == CredentialKind::kCallback;
  if (bearer_.jwt && (unauthorized || tell)) core_->DropRefused(bearer_, result.status);
  if (bearer_.jwt && unauthorized && !bearer_.fresh && ++stale_ <= kMostStale) result.outcome = Outcome::kAuthStale;

  attempts_.push_back({token->name(), result.status.code(), result.status.message()});
  if (result.outcome == Outcome::kAuthStale) {
    core_->log().Info("Attempt failed, once more with a new JWT: {}: {}", token->name(), result.status.message());
    lease_->CountStale();
  } else {
    EndLease(result.outcome, result.status, result.retry_after, at_exchange);
    tried_.push_back(token);
    wanted_.excluded.insert(token.get());
    if (FailoverPolicy::RulesOutToken(result.outcome)) ruled_out_.insert(token.get());
  }
  bearer_ = {};
  last_ = result.status;

  policy_.KeepToken(kept_ && core_->pool().SameAccount(*kept_, *token));
  const Decision decision = Decide(result, at_exchange);
  owner_->OnAttemptFailed(
      {token->name(), result.status.code(), result.status.message(), StepOf(decision), decision.wait});
  if (ended_) return;
  if (decision.step != Decision::Step::kGiveUp || IsPoolFailure(result.outcome)) return Follow(decision, result.status);
  ended_ = true;
  Error error = result.status.error();
  error.token = token->name();
  error.attempts = attempts_;
  owner_->OnWalkFailed(Status(std::move(error)));
}

Decision TokenWalk::Decide(const Refusal& result, bool at_exchange) {
  // A setting that breaks every exchange does not break tokens that need none.
  const bool no_exchange_works =
      at_exchange && (result.outcome == Outcome::kMisconfigured || result.outcome == Outcome::kGarbled);
  if (no_exchange_works) {
    wanted_.without_exchange = true;
    if (!bad_setting_) bad_setting_ = result.status;
    if (core_->pool().AnyReady(wanted_)) return {Decision::Step::kNextToken};
    const auto wait = TokenComesIn();
    if (wait && (!wait->rests || policy_.SpendWait())) return {Decision::Step::kAwaitToken, wait->at_most};
  }
  if (!IsPoolFailure(result.outcome)) return {};
  if (at_exchange && IsFaultOfExchange(result.outcome)) {
    // It holds up only tokens that need one.
    wanted_.without_exchange = true;
    if (core_->pool().AnyReady(wanted_)) {
      policy_.NoteFaultOfExchange();
      return {Decision::Step::kNextToken};
    }
  }
  // Those that need no exchange have been tried: it goes on with the others.
  if (!bad_setting_ && wanted_.without_exchange && !core_->pool().AnyReady(wanted_)) wanted_.without_exchange = false;
  std::optional<std::chrono::milliseconds> time_left;
  if (patience_.deadline) {
    time_left = std::chrono::floor<std::chrono::milliseconds>(*patience_.deadline - core_->clock().Steady());
  }
  const Decision decision =
      policy_.Next(result.outcome, core_->pool().AnyReady(wanted_), result.retry_after, core_->UnitRandom(), time_left);
  if (decision.step != Decision::Step::kGiveUp) return decision;
  // Of those that are ready, so many have met it that the others would, too.
  if (result.outcome == Outcome::kBlocked && core_->pool().AnyReady(wanted_)) return {};
  const auto wait = TokenComesIn();
  if (!wait || (wait->rests && !policy_.SpendWait())) return {};
  return {Decision::Step::kAwaitToken, wait->at_most};
}

void TokenWalk::Follow(const Decision& decision, const Status& last) {
  switch (decision.step) {
    case Decision::Step::kSameToken:
      return FetchBearer();
    case Decision::Step::kNextToken:
      return Lead(false);
    case Decision::Step::kWait:
      core_->log().Info("Trying again in {} ms", decision.wait.count());
      return Pause(decision);
    case Decision::Step::kAwaitToken:
      core_->log().Info("No other token is ready, waiting for one for {} ms at most", decision.wait.count());
      return AwaitToken(last);
    case Decision::Step::kGiveUp:
      return GiveUp(last);
  }
}

std::optional<std::chrono::milliseconds> TokenWalk::PatienceLeft() {
  if (!patience_.waits) return std::nullopt;
  const auto left = PatienceEnd() - core_->clock().Steady();
  if (left <= left.zero()) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(left);
}

SteadyTime TokenWalk::PatienceEnd() {
  if (patience_.deadline) return *patience_.deadline;
  // Without a deadline the patience begins when it is needed for the first time.
  if (!waits_until_) waits_until_ = core_->clock().Steady() + core_->config().max_token_wait;
  return *waits_until_;
}

std::optional<TokenWalk::Prospect> TokenWalk::TokenComesIn() {
  const auto patience = PatienceLeft();
  if (!patience) return std::nullopt;
  TokenPool::Wanted wanted = wanted_;
  wanted.excluded = NoUse();
  const auto outlook = core_->pool().WhenReady(wanted);
  if (outlook.earliest && *outlook.earliest < *patience) return Prospect{*outlook.earliest, !outlook.busy};
  // A quota that is asked for may be back sooner than is assumed.
  if (outlook.busy || core_->quota_desk().Asking(wanted.excluded, wanted_.only)) return Prospect{*patience, false};
  return std::nullopt;
}

void TokenWalk::AwaitToken(const Status& last) {
  last_ = last;
  wanted_.excluded = NoUse();
  core_->queue().Join(this, {wanted_, only_, PatienceEnd()});
}

TokenPool::Tokens TokenWalk::NoUse() {
  TokenPool::Tokens tokens = core_->pool().InGoodHealth(wanted_.excluded);
  tokens.insert(ruled_out_.begin(), ruled_out_.end());
  return tokens;
}

void TokenWalk::Pause(const Decision& decision) {
  pause_ = PauseState{decision.new_pass};
  wanted_.excluded = NoUse();
  if (decision.cut_short && core_->pool().AnyOther(wanted_.excluded, wanted_.only)) {
    return core_->queue().Join(this, {wanted_, only_, core_->clock().Steady() + decision.wait, false});
  }
  timer_ = core_->loop().After(decision.wait, [this] {
    timer_ = 0;
    Protected([&] { EndPause(); });
  });
}

void TokenWalk::EndPause() {
  if (pause_->new_pass) {
    wanted_.excluded = ruled_out_;
    wanted_.without_exchange = bad_setting_.has_value();
  }
  pause_.reset();
  Lead(true);
}

void TokenWalk::OnToken(Lease lease) noexcept {
  Protected([&] {
    pause_.reset();
    lease_.emplace(std::move(lease));
    GetBearer();
  });
}

void TokenWalk::OnNoToken(WaitQueue::NoToken why) noexcept {
  Protected([&] {
    if (why == WaitQueue::NoToken::kOutOfMemory) throw std::bad_alloc();
    if (pause_) return EndPause();
    GiveUp(last_);
  });
}

void TokenWalk::GiveUp(const Status& last) {
  ended_ = true;
  Error error = bad_setting_ ? bad_setting_->error() : last.error();
  if (!attempts_.empty() && !bad_setting_) error.code = CommonCode(attempts_);
  if (error.code == Code::kAllTokensFailed) error.message = "every token failed, for different reasons";
  if (only_) {
    if (attempts_.empty()) error.message = NoneIsReady();  // it may have waited for one that is gone
    error.message += fmt::format("; who may serve is restricted by the request's {}", only_->What());
  }
  error.attempts = attempts_;
  const auto was_tried = [&](const std::string& token) {
    return std::any_of(attempts_.begin(), attempts_.end(), [&](const Attempt& a) { return a.token == token; });
  };
  for (Attempt& attempt : core_->pool().WhyNotReady(wanted_.excluded, wanted_.only)) {
    if (!was_tried(attempt.token)) error.attempts.push_back(std::move(attempt));
  }
  TokenPool::Wanted anything;
  anything.only = wanted_.only;
  const auto earliest = core_->pool().WhenReady(anything).earliest;
  if (earliest) {
    error.retryable = true;
    error.retry_after = std::min(*earliest, error.retry_after.value_or(*earliest));
  }
  // The last word of a service that refused many is not the word of one token.
  if (error.attempts.size() > 1) error.token.clear();
  const Status status(std::move(error));
  core_->log().Error("All tokens failed: {}", status.message());
  owner_->OnWalkFailed(status);
}

void TokenWalk::EndLease(Outcome outcome, const Status& why, std::optional<std::chrono::milliseconds> cool_for,
                         bool at_exchange) {
  if (cool_for && cool_for->count() <= 0) cool_for.reset();  // a date that is over says nothing
  // Who is told of it may end this walk.
  Lease lease = *std::exchange(lease_, std::nullopt);
  auto charge = std::move(lease).End({outcome, why, cool_for, at_exchange, std::exchange(first_event_, {})});
  if (charge) charges_.push_back(*std::move(charge));
  if (outcome == Outcome::kQuotaExhausted && !cool_for && bearer_.token) core_->quota_desk().AskAfterRefusal(bearer_);
}

void TokenWalk::End(Outcome outcome, const Status& why, std::optional<std::chrono::milliseconds> cool_for) {
  ended_ = true;
  // Only if there is something to end: a walk that is over may be destroyed in any thread.
  if (timer_ != 0) core_->loop().CancelTimer(std::exchange(timer_, 0));
  if (ticket_ != 0) core_->refresher().Forget(std::exchange(ticket_, 0));
  core_->queue().Leave(this);
  if (lease_) EndLease(outcome, why, cool_for, false);
}

}  // namespace warppool
