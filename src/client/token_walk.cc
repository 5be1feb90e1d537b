#include "client/token_walk.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/guarded.h"
#include "base/redact.h"

namespace warppool {
namespace {

// Whether it is the end of all tokens, not just of this request.
bool IsPoolFailure(Outcome outcome) {
  switch (outcome) {
    case Outcome::kRequestFault:
    case Outcome::kGarbled:
    case Outcome::kMisconfigured:
    case Outcome::kFinishedOtherwise:
    case Outcome::kCancelled:
    case Outcome::kSuccess:
      return false;
    default:
      return true;
  }
}

bool ChangesHealth(Outcome outcome) {
  return outcome == Outcome::kAuthRejected || outcome == Outcome::kAuthDead || outcome == Outcome::kQuotaExhausted;
}

NextStep StepOf(const Decision& decision) {
  switch (decision.step) {
    case Decision::Step::kSameToken:
      return NextStep::kSameToken;
    case Decision::Step::kNextToken:
      return NextStep::kNextToken;
    case Decision::Step::kWait:
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

void TokenWalk::Start() {
  Lead();
}

void TokenWalk::Start(Lease first) {
  lease_.emplace(std::move(first));
  GetBearer();
}

void TokenWalk::Lead() {
  lease_ = core_->pool().Acquire(tried_);
  if (!lease_ && policy_.may_repeat() && tried_.size() > ruled_out_.size()) {
    tried_ = ruled_out_;
    lease_ = core_->pool().Acquire(tried_);
  }
  if (!lease_) return GiveUp(NoneReady());
  stale_once_ = false;
  GetBearer();
}

void TokenWalk::GetBearer() {
  const std::shared_ptr<Token>& token = lease_->token();
  if (token->kind() == CredentialKind::kApiKey) return UseBearer({token, nullptr, true});
  if (auto jwt = core_->refresher().Cached(*token)) return UseBearer({token, std::move(jwt), false});
  ticket_ = core_->refresher().Refresh(
      token, [this](const RefreshResult& result) { Protected([&] { OnRefreshed(result); }); });
}

void TokenWalk::OnRefreshed(const RefreshResult& result) {
  ticket_ = 0;
  if (result.jwt) return UseBearer({lease_->token(), result.jwt, result.fresh});
  Fail({result.outcome, result.status, result.status.error().retry_after});
}

void TokenWalk::UseBearer(Bearer bearer) {
  bearer_ = std::move(bearer);
  owner_->Use(bearer_);
}

void TokenWalk::Succeed() {
  End(Outcome::kSuccess);
  for (const Lease::Charge& charge : charges_) core_->pool().Confirm(charge);
}

void TokenWalk::Fail(AttemptResult result) {
  const std::shared_ptr<Token> token = lease_->token();
  if (bearer_.token) result.status = Redacted(result.status, bearer_.Text().Reveal());
  // A 401 speaks for the JWT it was sent with. Only one that was issued just now speaks for the token.
  const bool unauthorized = result.outcome == Outcome::kAuthRejected && result.status.error().http_status == 401;
  if (unauthorized && bearer_.jwt) {
    token->DropJwt(bearer_.jwt->text.Reveal());
    if (!bearer_.fresh && !std::exchange(stale_once_, true)) result.outcome = Outcome::kAuthStale;
  }
  bearer_ = {};

  const bool is_stale = result.outcome == Outcome::kAuthStale;
  attempts_.push_back({token->name(), result.status.code(), result.status.message()});
  if (!is_stale) {
    if (auto charge = std::move(*lease_).End({result.outcome, result.status, result.retry_after})) {
      charges_.push_back(std::move(*charge));
    }
    lease_.reset();
    tried_.insert(token.get());
    if (FailoverPolicy::RulesOutToken(result.outcome)) ruled_out_.insert(token.get());
  }
  const bool another_ready = core_->pool().AnyReady(tried_);
  const Decision decision = policy_.Next(result.outcome, another_ready, result.retry_after, core_->UnitRandom());
  if (!ChangesHealth(result.outcome) && result.outcome != Outcome::kCancelled) {  // of the others the pool speaks
    core_->log().Warning("Attempt failed: {}: {}", token->name(), result.status.message());
  }
  owner_->OnAttemptFailed(
      {token->name(), result.status.code(), result.status.message(), StepOf(decision), decision.wait});
  if (ended_) return;
  if (decision.step == Decision::Step::kGiveUp && !IsPoolFailure(result.outcome)) {
    ended_ = true;
    Error error = result.status.error();
    error.token = token->name();
    error.attempts = attempts_;
    owner_->OnWalkFailed(Status(std::move(error)));
    return;
  }
  Follow(decision, result.status);
}

void TokenWalk::Follow(const Decision& decision, const Status& last) {
  switch (decision.step) {
    case Decision::Step::kSameToken:
      return GetBearer();
    case Decision::Step::kNextToken:
      return Lead();
    case Decision::Step::kWait:
      if (decision.new_pass) tried_ = ruled_out_;
      core_->log().Info("Trying again in {} ms", decision.wait.count());
      timer_ = core_->loop().After(decision.wait, [this] {
        timer_ = 0;
        Protected([&] { Lead(); });
      });
      return;
    case Decision::Step::kGiveUp:
      return GiveUp(last);
  }
}

Status TokenWalk::NoneReady() const {
  return {Code::kNoTokenReady, attempts_.empty() ? "every token is disabled or cooling" : "no other token is ready"};
}

void TokenWalk::GiveUp(const Status& last) {
  ended_ = true;
  Error error = last.error();
  const std::size_t tried = attempts_.size();
  if (tried > 0) error.code = CommonCode(attempts_);
  if (error.code == Code::kAllTokensFailed) error.message = "every token failed, for different reasons";
  error.attempts = attempts_;
  for (Attempt& attempt : core_->pool().WhyNotReady(tried_)) error.attempts.push_back(std::move(attempt));
  if (const auto earliest = core_->pool().EarliestReady(); earliest && !error.retry_after) {
    error.retryable = true;
    error.retry_after = earliest;
  }
  // The last word of a service that refused many is not the word of one token.
  if (error.attempts.size() > 1) error.token.clear();
  const Status status(std::move(error));
  core_->log().Error("All tokens failed: {}", status.message());
  owner_->OnWalkFailed(status);
}

void TokenWalk::End(Outcome outcome, const Status& why) {
  ended_ = true;
  // Only if there is something to end: a walk that is over may be destroyed in any thread.
  if (timer_ != 0) core_->loop().CancelTimer(std::exchange(timer_, 0));
  if (ticket_ != 0) core_->refresher().Forget(std::exchange(ticket_, 0));
  if (lease_) std::move(*lease_).End({outcome, why, std::nullopt});
  lease_.reset();
}

}  // namespace warppool
