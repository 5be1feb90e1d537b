#include <map>
#include <set>

#include "base/clock.h"
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

  Status Write(const std::vector<StateChange>& changes) override EXCLUDES(mutex_) {
    return Guarded([&]() -> Status {
      for (const StateChange& change : changes) {
        if (Status status = CheckRecordKey(change.key); !status.ok()) return status;
      }
      MutexLock lock(&mutex_);
      auto records = records_;  // all of the changes or none, should the memory end between two of them
      for (const StateChange& change : changes) {
        if (change.value) {
          records.insert_or_assign(change.key, *change.value);
        } else {
          records.erase(change.key);
        }
      }
      records_.swap(records);
      return {};
    });
  }

  Result<bool> Lock(const std::string& name, std::chrono::milliseconds timeout) override EXCLUDES(mutex_) {
    return Guarded([&]() -> Result<bool> {
      if (Status status = CheckRecordKey(name); !status.ok()) return status;
      const SteadyTime until = DeadlineIn(timeout);
      MutexLock lock(&mutex_);
      while (!held_.insert(name).second) {
        if (RealClock().Steady() >= until) return false;
        unlocked_.WaitUntil(&mutex_, until);
      }
      return true;
    });
  }

  void Unlock(const std::string& name) noexcept override EXCLUDES(mutex_) {
    {
      MutexLock lock(&mutex_);
      held_.erase(name);
    }
    unlocked_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar unlocked_;
  std::map<std::string, std::string> records_ GUARDED_BY(mutex_);
  std::set<std::string> held_ GUARDED_BY(mutex_);
};

}  // namespace
}  // namespace warppool::internal

namespace warppool {

std::shared_ptr<StateStore> NewMemoryStore() {
  return std::make_shared<internal::MemoryStore>();
}

}  // namespace warppool
