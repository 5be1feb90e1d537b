// The store in memory, and what a store of the program's has that brings no more than reading and writing.
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "catch.h"
#include "unit/store/store_fixture.h"
#include "warppool/state_store.h"

namespace warppool::internal {
namespace {

TEST_CASE("a memory store has what was written last, whoever asks") {
  const auto store = NewMemoryStore();
  CHECK(ValueOf(*store, "a") == "(none)");
  REQUIRE(WriteTo(*store, {{"a", "1"}, {"b", std::string("\0\xFF", 2)}, {"a", "2"}}).ok());
  const auto other_client = store;
  CHECK(ValueOf(*other_client, "a") == "2");
  CHECK(ValueOf(*other_client, "b") == std::string("\0\xFF", 2));
  REQUIRE(WriteTo(*store, {{"a", std::nullopt}, {"missing", std::nullopt}, {"b", ""}}).ok());
  CHECK(ValueOf(*store, "a") == "(none)");
  CHECK(ValueOf(*store, "b").empty());
  CHECK(ValueOf(*NewMemoryStore(), "b") == "(none)");
}

TEST_CASE("a memory store refuses what is no key, and changes nothing then") {
  const auto store = NewMemoryStore();
  const auto key = GENERATE(from_range(BadKeys()));
  CHECK(store->Read(key).code() == Code::kInvalidArgument);
  CHECK(WriteTo(*store, {{"a", "1"}, {key, "1"}}).code() == Code::kInvalidArgument);
  CHECK(store->Commit({{"a", "1"}, {key, "1"}}, StateDurability::kProcess).code() == Code::kInvalidArgument);
  CHECK(ValueOf(*store, "a") == "(none)");
}

TEST_CASE("a memory store commits what nobody has changed meanwhile, all of it or nothing") {
  const auto store = NewMemoryStore();
  CheckCommits(*store);
  CHECK_FALSE(store->IsForManyProcesses());
}

void CheckThreadsLoseNoStep(StateStore& store) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] { CountUp(store, "own" + std::to_string(i), 200); });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(ValueOf(store, "shared") == "800");
  for (int i = 0; i < 4; ++i) CHECK(ValueOf(store, "own" + std::to_string(i)) == "200");
}

TEST_CASE("threads that count by commits in a memory store lose no step") {
  CheckThreadsLoseNoStep(*NewMemoryStore());
}

// As a program would write one that it shares with nobody.
class PlainStore : public StateStore {
 public:
  Result<std::optional<std::string>> Read(const std::string& key) override EXCLUDES(mutex_) {
    MutexLock lock(&mutex_);
    if (!failure.ok() && fails_reading) return failure;
    const auto found = records_.find(key);
    return found == records_.end() ? std::optional<std::string>() : std::optional<std::string>(found->second);
  }
  Status Write(const std::vector<StateChange>& changes, StateDurability durability) override EXCLUDES(mutex_) {
    MutexLock lock(&mutex_);
    if (!failure.ok()) return failure;
    asked_for = durability;
    for (const StateChange& change : changes) {
      if (change.value) {
        records_.insert_or_assign(change.key, *change.value);
      } else {
        records_.erase(change.key);
      }
    }
    return {};
  }

  Status failure{};
  bool fails_reading = false;
  StateDurability asked_for = StateDurability::kPowerLoss;

 private:
  Mutex mutex_;
  std::map<std::string, std::string> records_ GUARDED_BY(mutex_);
};

TEST_CASE("a store that only reads and writes commits all the same, for one process") {
  PlainStore store;
  CheckCommits(store);
  CHECK_FALSE(store.IsForManyProcesses());
  for (const StateDurability durability : {StateDurability::kProcess, StateDurability::kPowerLoss}) {
    REQUIRE(store.Commit({{"a", "6", ValueOf(store, "a")}}, durability).ok());
    CHECK(store.asked_for == durability);
  }
}

TEST_CASE("threads that count by commits in a store that only reads and writes lose no step") {
  PlainStore store;
  CheckThreadsLoseNoStep(store);
}

TEST_CASE("where a store that only reads and writes fails, the commit fails alike") {
  PlainStore store;
  store.fails_reading = GENERATE(false, true);
  REQUIRE(WriteTo(store, {{"a", "1"}}).ok());
  store.failure = Status(Code::kNetwork, "the vault is away");
  CHECK(CommitTo(store, {{"a", "2", "1"}}) == "network: the vault is away");
  store.failure = {};
  CHECK(ValueOf(store, "a") == "1");
}

TEST_CASE("what a store throws on the way of a commit is a failure of the commit") {
  class Throwing final : public PlainStore {
    Status Write(const std::vector<StateChange>&, StateDurability) override { throw std::runtime_error("lost"); }
  };
  Throwing store;
  CHECK(store.Commit({{"a", "1"}}, StateDurability::kProcess).code() == Code::kInternal);
  CHECK(ValueOf(store, "a") == "(none)");
}

}  // namespace
}  // namespace warppool::internal
