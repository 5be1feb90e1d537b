#include "warppool/state_store.h"

#include "base/guarded.h"

namespace warppool {

Result<bool> StateStore::Commit(const std::vector<StateChange>& changes, StateDurability durability) {
  return internal::Guarded([&]() -> Result<bool> {
    const std::lock_guard<std::mutex> lock(commit_mutex_);
    for (const StateChange& change : changes) {
      const auto present = Read(change.key);
      if (!present.ok()) return present.status();
      if (*present != change.before) return false;
    }
    if (Status status = Write(changes, durability); !status.ok()) return status;
    return true;
  });
}

}  // namespace warppool
