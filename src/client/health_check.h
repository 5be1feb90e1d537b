// The active health check: refreshes each token and asks for its quota, a few at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/handoff.h"
#include "client/core.h"
#include "client/quota_queries.h"
#include "token/token_pool.h"

namespace warppool::internal {

// Begin(), Stop() and what follows from them in the I/O thread; Wait() in another one.
class HealthCheck final : public Operation, public std::enable_shared_from_this<HealthCheck> {
 public:
  HealthCheck(std::shared_ptr<Core> core, const HealthCheckOptions& options);

  void Begin() override;
  void Stop() override {
    Finish(Guarded([] { return Status(Code::kCancelled, "the client was closed before the check was through"); }));
  }

  Result<HealthReport> Wait() { return *report_.Wait(std::chrono::milliseconds(-1)); }

 private:
  // One token's check.
  struct Patient {
    std::shared_ptr<Token> token;
    std::optional<Lease> lease{};
    TokenRefresher::Ticket ticket = 0;
    bool over = false;
    bool passed = false;  // the service has accepted it
    bool refreshed = false;
    std::optional<DeferredFailure> deferred{};  // it was refused, or met a server error
    Status problem{};
    Status quota_problem{};
  };

  void CheckMore();
  void Check(std::size_t i);
  void OnRefreshed(std::size_t i, const RefreshResult& result);
  void AskQuota(std::size_t i, const Bearer& bearer, bool proven);
  void OnQuota(std::size_t i, const Bearer& bearer, const QuotaQueries::Answer& answer, bool proven);
  void Conclude(std::size_t i, Outcome outcome, const Status& problem, bool at_exchange = false) noexcept;
  // A refusal counts if another one of them that it can be compared with has passed.
  void JudgeRefusals();
  template <typename Step>
  void Guard(std::size_t i, const Step& step) noexcept;
  void Finish(const Status& why_not_all);

  const std::shared_ptr<Core> core_;
  const HealthCheckOptions options_;
  std::vector<Patient> patients_;
  std::size_t next_ = 0;  // whose check begins next
  std::size_t under_way_ = 0;
  std::size_t over_ = 0;
  TimerId timer_ = 0;
  bool finished_ = false;
  Handoff<Result<HealthReport>> report_;
};

// What the pool knows by itself.
HealthReport PassiveHealth(TokenPool* pool);

}  // namespace warppool::internal
