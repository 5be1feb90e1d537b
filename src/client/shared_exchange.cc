#include "client/shared_exchange.h"

#include <utility>

#include "base/guarded.h"

namespace warppool::internal {
namespace {

using Kind = ExchangeAdmission::Kind;

// How often an exchange looks whether the one of another process is over.
constexpr std::chrono::milliseconds kPoll{50};

}  // namespace

SharedExchange::SharedExchange(SharedExchangeOptions options, LoginRecords* records, StoredExchangesObserver* observer,
                               Executor* executor, Worker* worker, const Clock& clock, const Clock& dates)
    : patience_(options.patience),
      executor_(executor),
      worker_(worker),
      clock_(clock),
      calls_(executor, worker, options.store_limit),
      exchanges_(std::move(options.exchanges), records, observer, worker, clock, dates) {}

void SharedExchange::Answer(Admitted done, ExchangeAdmission admission) {
  executor_->Post([done = std::move(done), admission = std::move(admission)] { done(admission); });
}

void SharedExchange::Acquire(const std::shared_ptr<Token>& token, Admitted done) {
  AcquireWithin(token, clock_.Steady() + patience_, std::move(done));
}

void SharedExchange::AcquireWithin(const std::shared_ptr<Token>& token, SteadyTime until, Admitted done) {
  if (calls_.IsAbsent()) return Answer(std::move(done), StoredExchanges::Absent(*token));
  const auto answer = std::make_shared<Result<ExchangeAdmission>>(Status::OutOfMemory());
  const auto take = [this, token, answer] {
    *answer = Guarded([&]() -> Result<ExchangeAdmission> { return exchanges_.Take(token); });
    if (!answer->ok()) exchanges_.End(token);
  };
  // Should it come too late, whoever goes on without the store gives the lock back in the end.
  calls_.Run(take, [this, token, until, answer, done = std::move(done)](bool in_time) {
    if (!in_time) return done(StoredExchanges::Absent(*token));
    const bool is_held = answer->ok() && (*answer)->kind == Kind::kHeld;
    if (!is_held || clock_.Steady() >= until) return done(*answer);
    TryAgain(token, until, done);
  });
}

void SharedExchange::TryAgain(const std::shared_ptr<Token>& token, SteadyTime until, const Admitted& done) {
  const Status later = Guarded([&] {
    executor_->After(kPoll, [this, token, until, done] {
      const Status begun = Guarded([&] {
        AcquireWithin(token, until, done);
        return Status();
      });
      if (!begun.ok()) done(begun);
    });
    return Status();
  });
  if (!later.ok()) done(later);
}

void SharedExchange::Judge(const std::shared_ptr<Token>& token, const Secret& sent, Admitted done) {
  // Who is told so without the store does not release what it has there.
  const auto in_doubt = [this, token](const Admitted& told) {
    Guarded([&] { Release(token); });
    told(StoredExchanges::Doubt());
  };
  if (calls_.IsAbsent()) {
    executor_->Post([in_doubt, done = std::move(done)] { in_doubt(done); });
    return;
  }
  const auto answer = std::make_shared<Result<ExchangeAdmission>>(Status::OutOfMemory());
  const auto judge = [this, token, sent, answer] {
    *answer = Guarded([&]() -> Result<ExchangeAdmission> { return exchanges_.Judge(token, sent); });
    if (!answer->ok()) exchanges_.End(token);
  };
  calls_.Run(judge, [in_doubt, answer, done = std::move(done)](bool in_time) {
    if (in_time) return done(*answer);
    in_doubt(done);
  });
}

void SharedExchange::Keep(const std::shared_ptr<Token>& token, const Secret& sent, const Issuance& issued,
                          std::function<void()> done) {
  const auto keep = [this, token, sent, issued] { exchanges_.Keep(token, sent, issued); };
  if (!calls_.IsAbsent()) return calls_.Run(keep, [done = std::move(done)](bool /*in_time*/) { done(); });
  worker_->Post(keep);  // it is written however late
  executor_->Post(std::move(done));
}

void SharedExchange::Release(const std::shared_ptr<Token>& token) {
  worker_->Post([this, token] { exchanges_.End(token); });
}

}  // namespace warppool::internal
