#include <map>

#include "base/guarded.h"
#include "base/mutex.h"
#include "store/record_key.h"
#include "warppool/state_store.h"

namespace warppool::internal {
namespace {

class MemoryStore final : public StateStore {
 public:
  Result<std::optional<std::string>> Read(const std::string& key) override EXCLUDES(mutex_) {
    return Guarded([&]() -> Result<std::optional<std::string>> {
      if (Status status = CheckRecordKey(key); !status.ok()) return status;
      MutexLock lock(&mutex_);
      const auto found = records_.find(key);
      if (found == records_.end()) return std::optional<std::string>();
      return std::optional<std::string>(found->second);
    });
  }

  Status Write(const std::vector<StateChange>& changes, StateDurability /*durability*/) override EXCLUDES(mutex_) {
    return Change(changes, false).status();
  }
  Result<bool> Commit(const std::vector<StateChange>& changes, StateDurability /*durability*/) override
      EXCLUDES(mutex_) {
    return Change(changes, true);
  }

 private:
  Result<bool> Change(const std::vector<StateChange>& changes, bool compares) EXCLUDES(mutex_) {
    return Guarded([&]() -> Result<bool> {
      for (const StateChange& change : changes) {
        if (Status status = CheckRecordKey(change.key); !status.ok()) return status;
      }
      MutexLock lock(&mutex_);
      auto records = records_;  // all of the changes or none, should the memory end between two of them
      for (const StateChange& change : changes) {
        const auto present = records_.find(change.key);
        const bool is_as_before =
            present == records_.end() ? !change.before : change.before && *change.before == present->second;
        if (compares && !is_as_before) return false;
        if (change.value) {
          records.insert_or_assign(change.key, *change.value);
        } else {
          records.erase(change.key);
        }
      }
      records_.swap(records);
      return true;
    });
  }

  Mutex mutex_;
  std::map<std::string, std::string> records_ GUARDED_BY(mutex_);
};

}  // namespace
}  // namespace warppool::internal

namespace warppool {

std::shared_ptr<StateStore> NewMemoryStore() {
  return std::make_shared<internal::MemoryStore>();
}

}  // namespace warppool
