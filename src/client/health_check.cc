#include "client/health_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/guarded.h"
#include "base/rfc3339.h"

namespace warppool::internal {
namespace {

constexpr const char* kNotInTime = "it was not through when the time for the check was over";

}  // namespace

HealthCheck::HealthCheck(std::shared_ptr<Core> core, const HealthCheckOptions& options)
    : core_(std::move(core)), options_(options) {
  for (auto& token : core_->pool().members().All()) patients_.push_back({std::move(token)});
}

void HealthCheck::Begin() {
  if (finished_) return;
  const auto self = shared_from_this();
  const Status begun = Guarded([&] {
    if (options_.timeout.count() >= 0) {
      timer_ = core_->loop().After(options_.timeout, [this] {
        timer_ = 0;
        Finish(Guarded([] { return Status(Code::kTimeout, kNotInTime); }));
      });
    }
    CheckMore();
    return Status();
  });
  if (!begun.ok()) Finish(begun);
}

void HealthCheck::CheckMore() {
  while (!finished_ && under_way_ < static_cast<std::size_t>(options_.concurrency) && next_ < patients_.size()) {
    const std::size_t i = next_++;
    ++under_way_;
    Guard(i, [&] { Check(i); });
  }
  if (over_ == patients_.size()) Finish({});
}

void HealthCheck::Check(std::size_t i) {
  Patient& patient = patients_[i];
  const std::shared_ptr<Token>& token = patient.token;
  patient.lease = core_->pool().AcquireToken(*token);
  if (!patient.lease) return Conclude(i, Outcome::kCancelled, {Code::kNoTokenReady, "a request is trying it just now"});
  if (token->kind() == CredentialKind::kApiKey) return AskQuota(i, {token, nullptr, true}, false);
  patient.ticket = core_->refresher().Refresh(token, [this, i](const RefreshResult& result) {
    patients_[i].ticket = 0;
    const auto self = shared_from_this();
    Guard(i, [&] { OnRefreshed(i, result); });
  });
}

void HealthCheck::OnRefreshed(std::size_t i, const RefreshResult& result) {
  if (!result.status.ok()) {
    // A refusal does not count while the old JWT serves, here as elsewhere.
    return Conclude(i, result.jwt ? Outcome::kCancelled : result.outcome, result.status, true);
  }
  patients_[i].refreshed = result.fresh;
  AskQuota(i, {patients_[i].token, result.jwt, result.fresh}, true);
}

void HealthCheck::AskQuota(std::size_t i, const Bearer& bearer, bool proven) {
  core_->quota_queries().Ask(bearer, true,
                             [weak = weak_from_this(), i, bearer, proven](const QuotaQueries::Answer& answer) {
                               const auto self = weak.lock();
                               if (self) self->Guard(i, [&] { self->OnQuota(i, bearer, answer, proven); });
                             });
}

// `proven`: the service has issued a JWT for it. That is enough where quotas are not told.
void HealthCheck::OnQuota(std::size_t i, const Bearer& bearer, const QuotaQueries::Answer& answer, bool proven) {
  if (patients_[i].over) return;
  const auto* refusal = std::get_if<Refusal>(&answer);
  if (refusal == nullptr) return Conclude(i, Outcome::kAccepted, {});
  if (refusal->outcome == Outcome::kAuthRevoked) return Conclude(i, refusal->outcome, refusal->status);
  if (refusal->outcome == Outcome::kAuthRejected) {
    // A 401 speaks for the bearer. A 403 may be for this one query: it is told, but nobody is blamed, or cleared.
    const bool speaks_for_bearer = refusal->status.error().http_status == 401;
    if (speaks_for_bearer && bearer.jwt) core_->DropRefused(bearer, refusal->status);
    // One that another process got may be old.
    const bool speaks_for_token = speaks_for_bearer && (bearer.fresh || !bearer.jwt);
    return Conclude(i, speaks_for_token ? Outcome::kAuthRejected : Outcome::kCancelled, refusal->status);
  }
  patients_[i].quota_problem = refusal->status;
  if (proven) return Conclude(i, Outcome::kAccepted, {});
  Conclude(i, Outcome::kCancelled, refusal->status);
}

void HealthCheck::Conclude(std::size_t i, Outcome outcome, const Status& problem, bool at_exchange) noexcept {
  Patient& patient = patients_[i];
  if (std::exchange(patient.over, true)) return;
  patient.passed = outcome == Outcome::kAccepted;
  ++over_;
  --under_way_;
  patient.problem = problem;
  Guarded([&] {
    if (!patient.lease) return;
    patient.deferred = std::move(*patient.lease).End({outcome, problem, problem.error().retry_after, at_exchange});
  });
  patient.lease.reset();
  CheckMore();
}

// What `step` throws is what is wrong with the token.
template <typename Step>
void HealthCheck::Guard(std::size_t i, const Step& step) noexcept {
  const Status done = Guarded([&] {
    step();
    return Status();
  });
  if (!done.ok()) Conclude(i, Outcome::kCancelled, done);
}

void HealthCheck::JudgeRefusals() {
  for (const Patient& refused : patients_) {
    if (!refused.deferred) continue;
    const auto witness = std::find_if(patients_.begin(), patients_.end(), [&](const Patient& other) {
      const bool same_kind = other.token->kind() == refused.token->kind();
      return other.passed && (other.refreshed || !refused.deferred->at_exchange) &&
             (same_kind || refused.deferred->outcome == Outcome::kServerError);
    });
    if (witness == patients_.end()) continue;
    core_->pool().Judge(*refused.deferred, {witness->token.get(), witness->refreshed});
  }
}

void HealthCheck::Finish(const Status& why_not_all) {
  if (std::exchange(finished_, true)) return;
  const auto self = shared_from_this();
  core_->loop().CancelTimer(std::exchange(timer_, 0));
  report_.Bring(Guarded([&]() -> Result<HealthReport> {
    HealthReport report;
    for (Patient& patient : patients_) {
      if (patient.over) continue;
      patient.problem = why_not_all;
      core_->refresher().Forget(std::exchange(patient.ticket, 0));
      patient.lease.reset();
      patient.over = true;
    }
    JudgeRefusals();
    for (const Patient& patient : patients_) {
      auto status = core_->pool().view().StatusOf(*patient.token);
      if (!status) continue;  // removed meanwhile
      report.tokens.push_back({patient.problem.ok(), *std::move(status), patient.problem, patient.quota_problem});
    }
    return report;
  }));
  core_->Retire(this);
}

HealthReport PassiveHealth(TokenPool* pool) {
  HealthReport report;
  for (TokenStatus& token : pool->view().Snapshot().tokens) {
    TokenHealthResult& result = report.tokens.emplace_back();
    result.healthy = token.state == TokenState::kReady;
    if (!result.healthy) {
      result.problem = Status({.code = Code::kNoTokenReady,
                               .message = fmt::format("{}: {}", TokenStateName(token.state), token.reason),
                               .token = token.name});
    }
    result.token = std::move(token);
  }
  return report;
}

}  // namespace warppool::internal

namespace warppool {

using internal::ToWallTime;
using internal::WriteRfc3339;

int HealthReport::Healthy() const {
  return static_cast<int>(std::count_if(tokens.begin(), tokens.end(), [](const auto& t) { return t.healthy; }));
}

std::string HealthReport::ToString() const {
  std::string text = fmt::format("=== Token pool health check ===\nHealthy tokens: {}/{}\n", Healthy(), tokens.size());
  if (const std::size_t ill = tokens.size() - static_cast<std::size_t>(Healthy()); ill > 0) {
    text += fmt::format("Unhealthy tokens: {}\n", ill);
  }
  for (const TokenHealthResult& result : tokens) {
    const TokenStatus& token = result.token;
    text += fmt::format("{} {} ({}): failures={}, active={}", result.healthy ? "ok  " : "FAIL", token.name,
                        TierName(token.tier), token.failures, token.state == TokenState::kReady);
    if (token.state != TokenState::kReady) {
      text += fmt::format(", state={}", TokenStateName(token.state));
      if (result.healthy) text += fmt::format(" ({})", token.reason);
    }
    if (token.ready_at) text += fmt::format(", again at {}", WriteRfc3339(ToWallTime(*token.ready_at)));
    if (token.quota && token.quota->unlimited) text += ", quota=unlimited";
    if (token.quota && !token.quota->unlimited) {
      text += fmt::format(", quota={} of {} left", token.quota->Remaining() - token.quota->bonus, token.quota->limit);
      if (token.quota->bonus > 0) text += fmt::format(", bonus={}", token.quota->bonus);
    }
    if (token.quota && token.quota->next_reset) {
      text += fmt::format(", reset={}", WriteRfc3339(ToWallTime(*token.quota->next_reset)));
    }
    if (!token.same_account.empty()) text += fmt::format(", same account as {}", token.same_account);
    if (!result.problem.ok()) text += fmt::format(": {}", result.problem.message());
    if (!result.quota_problem.ok()) text += fmt::format(" (quota not known: {})", result.quota_problem.message());
    text += "\n";
  }
  return text;
}

}  // namespace warppool
