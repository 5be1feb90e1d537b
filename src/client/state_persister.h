// Keeps in a store what has to outlive the client, and brings it back: at the start, when a token comes, and when
// another process got it.
//
// The store works in a thread of its own. What an exchange issued is written at once, a change of a token's health
// within a moment, counters now and then.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "client/state_records.h"
#include "platform/worker.h"
#include "token/exchange_lock.h"
#include "token/token_pool.h"

namespace warppool::internal {

class StatePersister final : public ExchangeLock {
 public:
  // `patience`: how long an exchange waits while another process exchanges the same token. `save_interval`: as
  // Config::state_save_interval.
  StatePersister(std::shared_ptr<StateStore> store, TokenPool* pool, Executor* executor, const Clock& clock,
                 std::chrono::milliseconds patience, std::chrono::milliseconds save_interval);

  // Brings back what is known of all tokens. Before any other function, in the thread that creates the client. Fails as
  // the store does.
  Status RestoreAll();
  // Brings back what is known of a token that has just come; soon. Any thread.
  void Restore(const std::shared_ptr<Token>& token);

  // Whether the pool has something to save; see TokenPool::SetOnUnsaved(). Any thread.
  void OnUnsaved(bool urgent) noexcept;

  // ExchangeLock
  void Acquire(const std::shared_ptr<Token>& token, Acquired done) override;
  void Keep(const std::shared_ptr<Token>& token, const Issuance& issued, std::function<void()> done) override;
  void Release(const std::shared_ptr<Token>& token) override;

  // The token is gone: its last state is saved. In the executor's thread.
  void Forget(const std::shared_ptr<Token>& token);

  // In the thread that the store works in.
  bool InThread() const { return worker_.InThread(); }

  // When the executor has ended: writes what is left, and ends the thread.
  void Close();

 private:
  struct LockRequest;

  void TryLockSoon(const std::shared_ptr<LockRequest>& request);
  void TryLock(const std::shared_ptr<LockRequest>& request);
  void TryAgainLater(const std::shared_ptr<LockRequest>& request);
  void Answer(const std::shared_ptr<LockRequest>& request, Result<std::optional<SharedKnowledge>> known);
  void SaveSoon(bool urgent);
  void SaveNow();
  void Save(const std::vector<PoolRecords::Kept>& tokens);
  // What `stored` says, taken over.
  void TakeOver(const std::shared_ptr<Token>& token, const StoredToken& stored, bool at_start);
  void LetGo(const std::shared_ptr<Token>& token);
  void Complain(const std::shared_ptr<const Token>& token, const Status& why);

  TokenPool* const pool_;
  Executor* const executor_;
  const Clock& clock_;
  const std::chrono::milliseconds patience_;
  const std::chrono::milliseconds save_interval_;

  // The executor's thread only.
  TimerId save_timer_ = 0;
  bool save_is_urgent_ = false;

  // The worker's thread only, but for the start.
  StateRecords records_;
  std::unordered_map<const Token*, std::string> held_;  // locks

  Worker worker_;
};

}  // namespace warppool::internal
