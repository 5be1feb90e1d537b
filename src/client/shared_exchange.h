// The exchange lock over a store: what exchange_rule.h decides, committed to the login's record, with a time limit for
// the store.
//
// The store works in a thread of its own. A call that takes longer than the limit makes the store absent until it
// returns: exchanges go on without it, what they bring is written when it is back, and nobody is taken for revoked
// meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "platform/worker.h"
#include "store/exchange_rule.h"
#include "store/login_records.h"
#include "token/exchange_lock.h"

namespace warppool::internal {

struct SharedExchangeOptions {
  std::chrono::milliseconds store_limit{};     // for a call of the store
  std::chrono::milliseconds patience{};        // how long an exchange waits while another process has the lock
  std::chrono::milliseconds renewed_for{};     // a holder that takes longer may be overtaken
  std::function<std::uint64_t()> draw_number;  // at random, not 0
};

// Is told in the store's thread.
class SharedExchangeObserver {
 public:
  virtual ~SharedExchangeObserver() = default;
  virtual void OnStoreFailed(const std::shared_ptr<const Token>& token, const Status& why) = 0;
  // A token that was refused for good, here or elsewhere, may be tried again: another process has got something new.
  virtual void OnLifted(const std::shared_ptr<Token>& token) = 0;
};

class SharedExchange final : public ExchangeLock {
 public:
  // `worker`: the store's thread, in which `records` is used. `dates`: by which JWTs end.
  SharedExchange(SharedExchangeOptions options, LoginRecords* records, SharedExchangeObserver* observer,
                 Executor* executor, Worker* worker, const Clock& clock, const Clock& dates);

  // ExchangeLock
  void Acquire(const std::shared_ptr<Token>& token, Admitted done) override;
  void Keep(const std::shared_ptr<Token>& token, const Secret& sent, const Issuance& issued,
            std::function<void()> done) override;
  void Judge(const std::shared_ptr<Token>& token, const Secret& sent, Admitted done) override;
  void Release(const std::shared_ptr<Token>& token) override;

  // The rest in the store's thread, or before it starts.

  // The token's record says that it is revoked: it is sent once more by whoever tries it all the same.
  void NoteRevoked(const std::shared_ptr<Token>& token);
  // Looks after those that are revoked or in doubt; once a minute.
  void Review();
  // Writes what is not written yet. Whether nothing is left.
  bool WriteUnwritten(const std::shared_ptr<Token>& token);
  // The token is gone; what it has under way is brought to its end.
  void Forget(const Token* token);
  // Gives everything back.
  void Close();

 private:
  // An answer that the store has not got yet.
  struct Unwritten {
    Secret sent;
    Secret got;
    std::optional<StoredJwt> jwt{};
  };
  // The lock as somebody who waits for it has seen it.
  struct Sight {
    std::uint64_t number = 0;
    std::uint64_t renewal = 0;
    std::chrono::milliseconds unchanged{};
    SteadyTime at{};
  };
  // All about one token.
  struct Exchange {
    std::shared_ptr<Token> token;  // so that its address stays its own
    std::optional<ExchangeTurn> turn{};
    SteadyTime renewed_until{};
    bool tried_configured = false;
    std::string revoked{};  // key of the credential that is known to be refused for good
    std::string doubted{};  // key of the credential whose refusal is in doubt
    std::vector<Unwritten> unwritten{};
    Sight sight{};
    std::map<std::uint64_t, std::chrono::milliseconds> owed{};  // how long each owed answer has been seen
    SteadyTime owed_at{};
    bool is_forgotten = false;
  };
  struct Call;

  Exchange& ExchangeOf(const std::shared_ptr<Token>& token);
  LoginCredentials LoginOf(const Token& token) const { return {token.configured(), token.credential()}; }
  // Whether the record's JWT spares the token an exchange.
  std::shared_ptr<const Jwt> UsefulJwt(const Token& token, const StoredToken& record) const;
  LoginRecords::Outcome Change(const Exchange& exchange, const std::function<bool(StoredToken*)>& change,
                               StateDurability durability);

  void RunLimited(const std::shared_ptr<Token>& token, std::function<Result<ExchangeAdmission>()> work, Admitted done,
                  const ExchangeAdmission& absent, bool gives_back);
  void PostToStore(TimerId timer, std::function<void()> task);
  void TellExecutor(const std::function<void()>& task);
  void AcquireWithin(const std::shared_ptr<Token>& token, SteadyTime until, Admitted done);

  Result<ExchangeAdmission> TryTake(const std::shared_ptr<Token>& token);
  Result<ExchangeAdmission> TryJudge(const std::shared_ptr<Token>& token, const Secret& sent);
  ExchangeAdmission Admit(Exchange* exchange, ExchangeStep step, const StoredToken& record,
                          std::shared_ptr<const Jwt> jwt);
  bool Overtakes(Exchange* exchange, const StoredToken& record) const;
  void GiveBack(Exchange* exchange);
  void Renew(const Token* token, std::uint64_t number);
  void ReviewOne(Exchange* exchange);
  ExchangeAdmission Absent(const Token& token) const;

  const SharedExchangeOptions options_;
  LoginRecords* const records_;
  SharedExchangeObserver* const observer_;
  Executor* const executor_;
  Worker* const worker_;
  const Clock& clock_;
  const Clock& dates_;

  // The executor's thread only.
  int overdue_ = 0;  // calls of the store that have not returned within the limit

  // The store's thread only, but for the start.
  std::unordered_map<const Token*, Exchange> exchanges_;
};

}  // namespace warppool::internal
