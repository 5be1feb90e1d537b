// When the pool's state goes into the store. The store works in a thread of its own, and is awaited by its calls.
#include "client/state_persister.h"

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "catch.h"
#include "unit/client/records_fixture.h"
#include "unit/token/membership_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

// One that has its readers wait, once.
class SlowStore final : public StateStore {
 public:
  explicit SlowStore(std::shared_ptr<FaultyStore> records) : records_(std::move(records)) {}

  Result<std::optional<std::string>> Read(const std::string& key) override {
    if (std::exchange(waits, false)) {
      reading.set_value();
      go_on.get_future().wait();
    }
    return records_->Read(key);
  }
  Status Write(const std::vector<StateChange>& changes, StateDurability durability) override {
    return records_->Write(changes, durability);
  }

  bool waits = false;
  std::promise<void> reading;
  std::promise<void> go_on;

 private:
  const std::shared_ptr<FaultyStore> records_;
};

struct Keeping {
  Keeping() {
    pool.on_unsaved = [this](bool urgent) { keeper.OnUnsaved(urgent); };
    pool.on_gone = [this](const std::shared_ptr<Token>& token) { keeper.Forget(token); };
  }
  void Advance(std::chrono::milliseconds by) {
    executor.RunPosted();
    executor.Advance(by);
  }
  std::uint64_t Requests(const std::string& name) {
    return Process(records, "hunter2-" + name).FindIt().counters.requests;
  }

  std::shared_ptr<FaultyStore> records = std::make_shared<FaultyStore>();
  std::shared_ptr<SlowStore> store = std::make_shared<SlowStore>(records);
  Pool pool{{"p1", "p2"}, Recovering()};
  FakeExecutor executor{&pool.clock};
  StatePersister keeper{store, &pool.pool, &executor, pool.clock, pool.clock, {5s, 30s, {30s, [] { return 7U; }}}, 10s};
};

TEST_CASE("what a token counts while it is being restored is added to what it had") {
  Keeping k;
  Process before(k.records, "hunter2-p3");
  before.kept.counters.requests = 100;
  REQUIRE(before.Save().ok());
  k.store->waits = true;
  REQUIRE(k.pool.pool.members().Add(ConfigOf("p3")).ok());
  k.keeper.Restore(k.pool.pool.members().Find("p3"));
  k.executor.RunPosted();
  k.store->reading.get_future().wait();
  CHECK(k.pool.Turns(3) == "p1 p2 p3");
  k.Advance(10s);  // it is time to save
  k.store->go_on.set_value();
  k.keeper.Close();
  CHECK(k.Requests("p1") == 1);
  CHECK(k.Requests("p3") == 101);
}

TEST_CASE("counters are saved at leisure, health soon, and what is left at the end") {
  Keeping k;
  k.pool.Succeed("p1");
  k.executor.RunPosted();
  REQUIRE(k.executor.timers() == 1);
  SECTION("at the end") {
    k.keeper.Close();
    CHECK(k.Requests("p1") == 1);
    CHECK(k.records->writes == 1);
  }
  SECTION("soon") {
    k.pool.Blame("p2");
    k.executor.RunPosted();
    CHECK(k.executor.timers() == 1);
    k.Advance(1s);
    CHECK(k.executor.timers() == 0);
    k.keeper.Close();
    CHECK(Process(k.records, "hunter2-p2").FindIt().health.disabled);
  }
  SECTION("at leisure") {
    k.Advance(1s);
    CHECK(k.executor.timers() == 1);
    k.Advance(9s);
    CHECK(k.executor.timers() == 0);
    k.keeper.Close();
    CHECK(k.Requests("p1") == 1);
  }
}

TEST_CASE("a token that is gone is saved once more") {
  Keeping k;
  k.pool.Succeed("p1");
  REQUIRE(k.pool.pool.members().Remove("p1").ok());
  k.keeper.Close();
  CHECK(k.Requests("p1") == 1);
}

}  // namespace
}  // namespace warppool::internal
