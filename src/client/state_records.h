// What a client knows of its tokens' health, and counts, as a part of their records in a store: merges what happens in
// this process with what other processes wrote.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "store/login_records.h"
#include "token/token_pool.h"

namespace warppool::internal {

// To be used in one thread at a time.
class StateRecords {
 public:
  // `records` must outlive it.
  explicit StateRecords(LoginRecords* records) : records_(records) {}

  // What the store has of the token's login; nothing if it has nothing.
  Result<std::optional<StoredToken>> Find(const Token& token) {
    return records_->Read({token.configured(), token.credential()});
  }
  // The pool takes `stored` over. Returns those of its counters that are not in the pool yet: those that this process
  // did not write itself.
  Counters NoteRestored(const std::shared_ptr<Token>& token, const StoredToken& stored);

  // Writes what the pool knows. Counters are added to those of other processes; the health that they wrote stays where
  // this process knows nothing newer.
  Status Save(const std::vector<PoolRecords::Kept>& tokens);

  void Forget(const Token& token) { known_.erase(&token); }

 private:
  // What this process knows of the record of a token.
  struct Known {
    std::shared_ptr<Token> token;  // so that its address stays its own
    Counters counted;              // of the pool's, what is in the store
  };

  Known& KnownOf(const std::shared_ptr<Token>& token);
  void Merge(const PoolRecords::Kept& kept, const Known& known, StoredToken* stored) const;

  LoginRecords* const records_;
  std::unordered_map<const Token*, Known> known_;
};

// A store that was emptied, or put back to what it was before, has lost what this process got: it gets it again.
void MakeUpForLoss(const Token& token, StoredToken* stored);

// A JWT that came back from a store; null: it has ended.
std::shared_ptr<const Jwt> ReviveJwt(const StoredJwt& stored, SteadyTime now, WallTime wall_now);

}  // namespace warppool::internal
