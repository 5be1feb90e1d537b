// Keeps in a store what has to outlive the client, and brings it back: at the start, when a token comes, and when
// another process got it.
//
// The store works in a thread of its own. What an exchange issued is written at once (shared_exchange.h), a change of a
// token's health within a moment, counters now and then.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "client/shared_exchange.h"
#include "client/state_records.h"
#include "platform/worker.h"
#include "token/token_pool.h"

namespace warppool::internal {

class StatePersister final : private StoredExchangesObserver {
 public:
  // `save_interval`: as Config::state_save_interval.
  StatePersister(std::shared_ptr<StateStore> store, TokenPool* pool, Executor* executor, const Clock& clock,
                 const Clock& dates, SharedExchangeOptions options, std::chrono::milliseconds save_interval);

  bool is_for_many_processes() const { return is_for_many_processes_; }
  ExchangeLock* exchange_lock() { return &exchange_; }

  // Brings back what is known of all tokens. Before any other function. Fails as the store does; but one that takes too
  // long is not waited for: what it has is taken over when it comes.
  Status RestoreAll();
  // Brings back what is known of a token that has just come; soon. Any thread.
  void Restore(const std::shared_ptr<Token>& token);

  // Whether the pool has something to save; see TokenPool::SetOnUnsaved(). Any thread.
  void OnUnsaved(bool urgent) noexcept;

  // Looks from now on after tokens that are refused for good, or in doubt, once a minute. In the executor's thread.
  void Begin();
  // Does so at once; `done` is called when it is over, or takes too long, unless it is under way already. The same
  // thread.
  void ReviewNow(std::function<void()> done) noexcept;
  bool is_reviewing() const { return is_reviewing_; }
  // The token is gone: its last state is saved. In the executor's thread.
  void Forget(const std::shared_ptr<Token>& token);

  // In the thread that the store works in.
  bool InThread() const { return worker_.InThread(); }

  // When the executor has ended: writes what is left, and ends the thread.
  void Close();

 private:
  // StoredExchangesObserver
  void OnStoreFailed(const std::shared_ptr<const Token>& token, const Status& why) override;
  void OnLifted(const std::shared_ptr<Token>& token) override;

  // The login's record cannot be used.
  void OnBroken(const LoginCredentials& login, const Status& why);
  void EndReview(const std::function<void()>& done);
  void SaveSoon(bool urgent);
  void SaveNow();
  void Save(const std::vector<PoolRecords::Kept>& tokens);
  // What the store says of a token, taken over.
  Status TakeOver(const std::shared_ptr<Token>& token, bool at_start);
  Status TakeOverAll();

  TokenPool* const pool_;
  Executor* const executor_;
  const Clock& dates_;
  const std::chrono::milliseconds save_interval_;
  const std::chrono::milliseconds store_limit_;
  const bool is_for_many_processes_;

  // The executor's thread only.
  TimerId save_timer_ = 0;
  bool save_is_urgent_ = false;
  bool is_reviewing_ = false;
  TimerId review_timer_ = 0;

  // The worker's thread only.
  LoginRecords logins_;
  StateRecords records_;

  Worker worker_;
  SharedExchange exchange_;
};

}  // namespace warppool::internal
