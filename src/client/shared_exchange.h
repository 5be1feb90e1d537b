// The exchange lock over a store: the exchanges as the store has them (stored_exchanges.h), with a time limit for the
// store, and a wait for other holders.
//
// While a call of the store takes longer than the limit, exchanges go on without it; what they bring is written when it
// is back, and nobody is taken for revoked meanwhile.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "client/store_calls.h"
#include "client/stored_exchanges.h"

namespace warppool::internal {

struct SharedExchangeOptions {
  std::chrono::milliseconds store_limit{};  // for a call of the store
  std::chrono::milliseconds patience{};     // how long an exchange waits while another process has the lock
  StoredExchanges::Options exchanges{};
};

class SharedExchange final : public ExchangeLock {
 public:
  // `worker`: the store's thread, in which `records` is used. `dates`: by which JWTs end.
  SharedExchange(SharedExchangeOptions options, LoginRecords* records, StoredExchangesObserver* observer,
                 Executor* executor, Worker* worker, const Clock& clock, const Clock& dates);

  // ExchangeLock
  void Acquire(const std::shared_ptr<Token>& token, Admitted done) override;
  void Keep(const std::shared_ptr<Token>& token, const Secret& sent, const Issuance& issued,
            std::function<void()> done) override;
  void Judge(const std::shared_ptr<Token>& token, const Secret& sent, Admitted done) override;
  void Release(const std::shared_ptr<Token>& token) override;

  // In the store's thread, or before it starts.
  StoredExchanges& exchanges() { return exchanges_; }

 private:
  void AcquireWithin(const std::shared_ptr<Token>& token, SteadyTime until, Admitted done);
  void TryAgain(const std::shared_ptr<Token>& token, SteadyTime until, const Admitted& done);
  void Answer(Admitted done, ExchangeAdmission admission);

  const std::chrono::milliseconds patience_;
  Executor* const executor_;
  Worker* const worker_;
  const Clock& clock_;
  StoreCalls calls_;           // the executor's thread only
  StoredExchanges exchanges_;  // the store's thread only, but for the start
};

}  // namespace warppool::internal
