// The records of a client's tokens in a store: finds out which records belong to one login and which of them is the
// newest, and merges what happens in this process with what other processes wrote.
//
// The service replaces the credential of a login now and then. The state of the login is written under the credential
// that the user configured and under the present one, and at each replacement under the credential that is replaced,
// too. So each credential that a configuration may hold leads to the newest record. If two records belong to one login,
// the one with the higher serial counts.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/record.h"
#include "token/exchange_lock.h"
#include "token/token_pool.h"
#include "warppool/state_store.h"

namespace warppool::internal {

// To be used in one thread at a time. A record that cannot be read is reported and set aside, and the others are used.
class StateRecords {
 public:
  // `token` may be null.
  using Complaint = std::function<void(const std::shared_ptr<const Token>& token, const Status& why)>;

  StateRecords(std::shared_ptr<StateStore> store, Complaint complain)
      : store_(std::move(store)), complain_(std::move(complain)) {}

  // What the store has of the token's login; nothing if it has nothing.
  Result<std::optional<StoredToken>> Find(const std::shared_ptr<Token>& token);
  // The pool takes `stored` over. Returns those of its counters that are not in the pool yet: those that this process
  // did not write itself.
  Counters NoteRestored(const std::shared_ptr<Token>& token, const StoredToken& stored);

  // Writes what the pool knows. Counters are added to those of other processes; the health that they wrote stays where
  // this process knows nothing newer.
  Status Save(const std::vector<PoolRecords::Kept>& tokens);
  // Writes what an exchange issued.
  Status Save(const std::shared_ptr<Token>& token, const Issuance& issued);

  void Forget(const Token& token) { known_.erase(&token); }

  // The name of the lock that keeps two processes from exchanging the login's credential at the same time.
  std::string ExchangeLock(const std::shared_ptr<Token>& token);

  StateStore& store() { return *store_; }

 private:
  // What this process knows of the records of a token.
  struct Known {
    std::shared_ptr<Token> token;  // so that its address stays its own
    std::string lineage;
    Counters counted;  // of the pool's, what is in the store
  };

  Known& KnownOf(const std::shared_ptr<Token>& token);
  Result<std::optional<StoredToken>> ReadOne(const std::shared_ptr<Token>& token, const Secret& credential);
  // The newest record, or a first one if there is none. `spent`, if it is not null: receives the credential that the
  // store takes for the newest, if it is not.
  Result<StoredToken> Newest(const std::shared_ptr<Token>& token, Secret* spent);
  void Complain(const std::shared_ptr<Token>& token, const Status& why);
  // `stored` under its configured and its present credential, and under `more`, if it is not empty.
  void Write(const Token& token, StoredToken* stored, const Secret& more, std::vector<StateChange>* changes);
  bool Holds(const StateChange& change);
  template <typename Change>
  Status UnderLock(const Change& change);

  const std::shared_ptr<StateStore> store_;
  const Complaint complain_;
  bool is_locked_ = false;                                             // the records, by this
  std::vector<std::pair<std::shared_ptr<Token>, Status>> complaints_;  // to be told when they are not
  std::unordered_map<const Token*, Known> known_;
};

// A JWT that came back from a store; null: it has ended.
std::shared_ptr<const Jwt> ReviveJwt(const StoredJwt& stored, SteadyTime now, WallTime wall_now);

}  // namespace warppool::internal
