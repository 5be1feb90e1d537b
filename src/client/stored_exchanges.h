// The exchanges of this process as they stand in a store: what exchange_rule.h decides, committed to the logins'
// records.
//
// What a commit did not bring to the store stays here, and is tried again until it is there: an answer first, and only
// then the lock is given back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "platform/worker.h"
#include "store/exchange_rule.h"
#include "store/login_records.h"
#include "token/exchange_lock.h"

namespace warppool::internal {

// Is told in the store's thread.
class StoredExchangesObserver {
 public:
  virtual ~StoredExchangesObserver() = default;
  virtual void OnStoreFailed(const std::shared_ptr<const Token>& token, const Status& why) = 0;
  // A token that was refused for good, here or elsewhere, may be tried again: another process has got something new.
  virtual void OnLifted(const std::shared_ptr<Token>& token) = 0;
};

// In the store's thread, or before it starts.
class StoredExchanges {
 public:
  struct Options {
    std::chrono::milliseconds renewed_for{};     // a holder that takes longer may be overtaken
    std::function<std::uint64_t()> draw_number;  // at random, not 0
    std::chrono::milliseconds renew_every{kRenewEvery};
    std::chrono::milliseconds settle_after{1'000};  // what the store did not take; the pause doubles
  };

  // `worker`: the thread itself. `dates`: by which JWTs end.
  StoredExchanges(Options options, LoginRecords* records, StoredExchangesObserver* observer, Worker* worker,
                  const Clock& clock, const Clock& dates);

  // As ExchangeLock's, but that Take() does not wait for another holder. Without the store they give what Absent() and
  // Doubt() do.
  ExchangeAdmission Take(const std::shared_ptr<Token>& token);
  ExchangeAdmission Judge(const std::shared_ptr<Token>& token, const Secret& sent);
  void Keep(const std::shared_ptr<Token>& token, const Secret& sent, const Issuance& issued);
  // The exchange is over: what is left of it is brought to its end.
  void End(const std::shared_ptr<Token>& token);

  static ExchangeAdmission Absent(const Token& token);
  static ExchangeAdmission Doubt();

  // The token's record says that it is revoked: it is sent once more by whoever tries it all the same.
  void NoteRevoked(const std::shared_ptr<Token>& token);
  // Looks after those that are revoked or in doubt, and after who owes an answer.
  void Review();
  // Whether the token has got something that the store has not.
  bool HasUnwritten(const Token& token) const;
  // The token is gone; what it has under way is brought to its end.
  void Forget(const Token* token);
  // The end of this process's part.
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
    bool may_have_lock = false;  // a commit said so, or its end is not known
    bool is_over = false;        // the turn: there is nothing left but to give back
    SteadyTime renewed_until{};
    bool tried_configured = false;
    std::string revoked{};  // key of the credential that is known to be refused for good
    std::string doubted{};  // key of the credential whose refusal is in doubt
    std::vector<Unwritten> unwritten{};
    Sight sight{};
    // Numbers that owe an answer, and how long each has been seen.
    std::map<std::uint64_t, std::chrono::milliseconds> owed{};
    SteadyTime owed_at{};
    bool is_forgotten = false;
  };

  Exchange& ExchangeOf(const std::shared_ptr<Token>& token);
  LoginRecords::Edit EditOf(const Exchange& exchange, std::function<bool(StoredToken*)> change) const;
  // Whether it was made. The observer hears of a failure.
  bool Change(const Exchange& exchange, const std::function<bool(StoredToken*)>& change, StateDurability durability);
  // Whether the record's JWT spares the token an exchange.
  std::shared_ptr<const Jwt> UsefulJwt(const Token& token, const StoredToken& record) const;
  bool Overtakes(Exchange* exchange, const StoredToken& record) const;
  bool NoteOwed(const Exchange& exchange, StoredToken* record,
                std::map<std::uint64_t, std::chrono::milliseconds>* owed) const;
  void HasSeenOwed(Exchange* exchange, const StoredToken& record,
                   const std::map<std::uint64_t, std::chrono::milliseconds>& owed);

  void BeginTurn(Exchange* exchange);
  void Hold(Exchange* exchange);
  void RenewLater();
  void Renew();
  ExchangeAdmission Admit(Exchange* exchange, ExchangeStep step, const StoredToken& record,
                          std::shared_ptr<const Jwt> jwt);

  // Whether nothing is left to be brought to the store.
  bool Settle(Exchange* exchange);
  bool WriteUnwritten(Exchange* exchange);
  bool GiveBack(Exchange* exchange);
  void EndTurn(Exchange* exchange);
  void SettleOrLater(Exchange* exchange);
  void SettleLater();
  void SettleAll();
  void ReviewOne(Exchange* exchange);

  const Options options_;
  LoginRecords* const records_;
  StoredExchangesObserver* const observer_;
  Worker* const worker_;
  const Clock& clock_;
  const Clock& dates_;

  std::unordered_map<const Token*, Exchange> exchanges_;
  bool renews_later_ = false;
  bool settles_later_ = false;
  std::chrono::milliseconds settle_pause_{};
};

}  // namespace warppool::internal
