// What a store keeps of the pool: taken out when it has changed, put in when a token comes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "token/pool_state.h"

namespace warppool::internal {

// Any thread.
class PoolRecords {
 public:
  // What a store keeps of a token, and the pool knows.
  struct Kept {
    std::shared_ptr<Token> token;
    bool health_changed = false;  // and what follows up to `why` is news
    int failures = 0;
    bool disabled = false;
    bool revoked = false;                        // for good
    std::optional<WallTime> cooling_until{};     // nothing: it does not cool
    std::chrono::milliseconds cooling_for{};     // from now
    std::chrono::milliseconds recovery_delay{};  // the last one; 0: there was none
    Status why{};                                // of its being disabled, else of its cooling
    Counters counters{};
    bool counts_for_tier = true;  // Restore(): and not just for the token
    std::optional<WallTime> last_used{};
  };

  explicit PoolRecords(PoolState* state) : state_(state) {}

  // Those of whom something is to be kept that was not taken yet.
  std::vector<Kept> TakeUnsaved() EXCLUDES(state_->mutex);
  // They could not be kept: once more the next time.
  void PutBackUnsaved(const std::vector<Kept>& tokens) EXCLUDES(state_->mutex);
  // What was kept of a token that has just come: its counters are added, and its health is taken over unless it has
  // shown one of its own. Who was disabled is half open at once, and behind all others if it was refused for good.
  void Restore(const Kept& kept, const std::string& what) EXCLUDES(state_->mutex);
  // It was refused for good, but that may be another process's doing: it is left alone for a moment.
  void NoteInDoubt(const Token& token) EXCLUDES(state_->mutex);
  // The store does not do what it should. `token` may be null.
  void NoteStoreFailed(const std::shared_ptr<const Token>& token, const Status& why);

 private:
  PoolState* const state_;
};

}  // namespace warppool::internal
