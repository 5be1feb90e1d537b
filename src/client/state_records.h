// The records of a client's tokens in a store: which of them belong to one login, what the newest says, and how what
// happens here is merged with what others wrote.
//
// A login has one credential after the other. Its state is written under the credential that the user configured and
// under the one that counts now; when the service replaces a credential, under that one, too. So whichever of them
// stands in a configuration leads, by way of the records, to the newest; of two that speak of one login the higher
// serial wins.
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

// One thread at a time. What goes wrong with a single record is told, and that record set aside.
class StateRecords {
 public:
  // `token` may be null.
  using Complaint = std::function<void(const std::shared_ptr<const Token>& token, const Status& why)>;

  StateRecords(std::shared_ptr<StateStore> store, Complaint complain)
      : store_(std::move(store)), complain_(std::move(complain)) {}

  // What is kept of the token's login; nothing, if nothing is.
  Result<std::optional<StoredToken>> Find(const std::shared_ptr<Token>& token);
  // It is taken over. Which of its counters are not in the pool yet: those that this process did not write itself.
  Counters NoteRestored(const std::shared_ptr<Token>& token, const StoredToken& stored);

  // Writes what the pool knows. Counters of other processes are added to, and their health stands where this process
  // knows nothing newer.
  Status Save(const std::vector<PoolRecords::Kept>& tokens);
  // Writes what an exchange issued.
  Status Save(const std::shared_ptr<Token>& token, const Issuance& issued);

  void Forget(const Token& token) { known_.erase(&token); }

  // What keeps two exchanges of the login apart: the name of a lock.
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
  // The newest, or one that begins here.
  // `spent`, if it is not null: what the store took for the newest credential, and is not.
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
