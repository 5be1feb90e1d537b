// That a login has one record, whichever of its credentials a process knows, and that nobody's change is lost.
#include "store/login_records.h"

#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "unit/store/login_records_fixture.h"

namespace warppool::internal {
namespace {

using Catch::Matchers::ContainsSubstring;

std::shared_ptr<OpenStore> NewOpenStore() {
  return std::make_shared<OpenStore>();
}

TEST_CASE("an empty store has no record, and is not written to for that") {
  const auto store = NewOpenStore();
  LoginProcess p(store, "fake-0");
  CHECK_FALSE(p.Read());
  CHECK(p.Commit({}).is_made);
  CHECK(store->commits == 0);
}

TEST_CASE("the first change makes the record, of the configured credential and nothing else") {
  const auto store = NewOpenStore();
  LoginProcess p(store, "fake-0");
  int calls = 0;
  const auto outcome = p.Commit({{p.login, [&](StoredToken* record) {
                                    ++calls;
                                    CHECK(record->credential.Reveal() == "fake-0");
                                    CHECK(record->serial == 0);
                                    CHECK(record->links.empty());
                                    CHECK(record->counters.requests == 0);
                                    record->counters.requests = 5;
                                    return true;
                                  }}});
  CHECK(outcome.status.ok());
  CHECK(outcome.is_made);
  CHECK(calls == 1);
  CHECK(store->records.size() == 1);
  CHECK(KindAt(*store, "fake-0") == "record");
  LoginProcess next(store, "fake-0");
  CHECK(next.ReadIt().credential.Reveal() == "fake-0");
  CHECK(next.ReadIt().counters.requests == 5);
  CHECK_FALSE(LoginProcess(store, "fake-other").Read());
  for (const auto& [key, sealed] : store->records) CHECK_THAT(key + sealed, !ContainsSubstring("fake-"));
}

TEST_CASE("an edit that has nothing to change writes nothing") {
  const auto store = NewOpenStore();
  LoginProcess p(store, "fake-0");
  p.Count(1);
  const auto before = store->records;
  const auto outcome = p.Commit({{p.login, [](StoredToken* record) {
                                    record->counters.requests = 7;
                                    return false;
                                  }}});
  CHECK(outcome.status.ok());
  CHECK(outcome.is_made);
  CHECK(store->commits == 1);
  CHECK(store->records == before);
}

TEST_CASE("what has to survive is what the store is asked for") {
  const auto durability = GENERATE(StateDurability::kPowerLoss, StateDurability::kProcess);
  const auto store = NewOpenStore();
  LoginProcess p(store, "fake-0");
  REQUIRE(p.records.Commit({p.Counting(1)}, durability).is_made);
  CHECK(store->asked_for == durability);
}

TEST_CASE("each credential that a login ever had leads to its record") {
  const auto store = NewOpenStore();
  LoginProcess p(store, "fake-0");
  for (int i = 1; i <= 6; ++i) p.Rotate("fake-" + std::to_string(i));
  CHECK(store->records.size() == 7);
  CHECK(KindAt(*store, "fake-0") == "record");
  for (int i = 0; i <= 6; ++i) {
    INFO("configured: " << i);
    if (i > 0) CHECK(KindAt(*store, "fake-" + std::to_string(i)) == "link to fake-0");
    LoginProcess later(store, "fake-" + std::to_string(i));
    CHECK(later.ReadIt().credential.Reveal() == "fake-6");
    CHECK(later.ReadIt().serial == 6);
    later.Count(1);
  }
  CHECK(p.ReadIt().counters.requests == 7);
  CHECK(store->records.size() == 7);
}

TEST_CASE("processes that know different credentials of a login change the same record") {
  const auto store = NewOpenStore();
  LoginProcess first(store, "fake-0");
  first.Rotate("fake-1");
  LoginProcess second(store, "fake-1");
  for (int i = 2; i < 20; ++i) {
    LoginProcess& turn = i % 2 == 0 ? second : first;
    CHECK(turn.ReadIt().credential.Reveal() == "fake-" + std::to_string(i - 1));
    turn.Rotate("fake-" + std::to_string(i));
  }
  CHECK(LoginProcess(store, "fake-0").ReadIt().serial == 19);
  CHECK(LoginProcess(store, "fake-1").ReadIt().credential.Reveal() == "fake-19");
}

TEST_CASE("a process whose configured credential leads nowhere finds the record by the one that it has since") {
  const auto store = NewOpenStore();
  LoginProcess first(store, "fake-0");
  first.Rotate("fake-1");
  LoginProcess second(store, "fake-new");
  second.login.present = Secret("fake-1");
  CHECK(second.ReadIt().serial == 1);
  second.Count(3);
  CHECK(first.ReadIt().counters.requests == 3);
  // From now on it leads there, too.
  CHECK(KindAt(*store, "fake-new") == "link to fake-0");
}

TEST_CASE("a login has at most 32 links, and the configured credential's is one of them") {
  const auto store = NewOpenStore();
  LoginProcess(store, "fake-0").Rotate("fake-1");
  LoginProcess p(store, "fake-1");
  LoginProcess idle(store, "fake-2");
  for (int i = 2; i <= 100; ++i) {
    p.Rotate("fake-" + std::to_string(i));
    REQUIRE(store->records.size() <= 33);
    if (i == 2) CHECK(idle.ReadIt().serial == 2);
  }
  CHECK(store->records.size() == 33);
  const StoredToken record = LoginProcess(store, "fake-1").ReadIt();
  CHECK(record.serial == 100);
  CHECK(record.links.size() == 32);
  for (const std::string& key : record.links) CHECK(store->records.count(key) == 1);
  CHECK(LoginProcess(store, "fake-0").ReadIt().serial == 100);  // the record itself
  CHECK(LoginProcess(store, "fake-80").ReadIt().serial == 100);
  CHECK_FALSE(LoginProcess(store, "fake-50").Read());
  // One whose link has gone meanwhile is back as soon as it knows a later one.
  CHECK_FALSE(idle.Read());
  idle.login.present = Secret("fake-99");
  idle.Count(1);
  CHECK(KindAt(*store, "fake-2") == "link to fake-0");
  CHECK(store->records.size() == 33);
}

TEST_CASE("edits of several logins are one commit") {
  const auto store = NewOpenStore();
  LoginProcess one(store, "fake-one");
  LoginProcess two(store, "fake-two");
  REQUIRE(one.Commit({one.Counting(1), two.Rotating("fake-two-new"), one.Counting(2)}).is_made);
  CHECK(store->commits == 1);
  CHECK(store->writes == 1);
  CHECK(one.ReadIt().counters.requests == 3);  // the second edit goes on from the first
  CHECK(two.ReadIt().credential.Reveal() == "fake-two-new");
}

TEST_CASE("two edits of one login by different credentials go on from each other in one commit") {
  const auto store = NewOpenStore();
  LoginProcess old(store, "fake-0");
  LoginProcess young(store, "fake-1");
  SECTION("that are known to be one") {
    old.Rotate("fake-1");
    REQUIRE(old.Commit({old.Counting(1), young.Counting(2), old.Counting(4)}).is_made);
  }
  SECTION("that become one in this very commit") {
    REQUIRE(old.Commit({old.Counting(1), old.Rotating("fake-1"), young.Counting(2), old.Counting(4)}).is_made);
  }
  CHECK(old.ReadIt().counters.requests == 7);
  CHECK(young.ReadIt().counters.requests == 7);
  CHECK(young.ReadIt().serial == 1);
}

TEST_CASE("when somebody comes between, the edit is made of the newer record") {
  const auto store = NewOpenStore();
  LoginProcess p(store, "fake-0");
  LoginProcess other(store, "fake-0");
  std::vector<std::uint64_t> seen;
  const LoginRecords::Edit edit{p.login, [&](StoredToken* record) {
                                  seen.push_back(record->counters.requests);
                                  record->counters.requests += 1;
                                  return true;
                                }};
  SECTION("who makes the record") {
    store->between = [&] { other.Count(10); };
    CHECK(p.Commit({edit}).is_made);
    CHECK(seen == std::vector<std::uint64_t>{0, 10});
    CHECK(p.ReadIt().counters.requests == 11);
  }
  SECTION("who changes it") {
    other.Count(10);
    store->between = [&] { other.Rotate("fake-1"); };
    CHECK(p.Commit({edit}).is_made);
    CHECK(seen == std::vector<std::uint64_t>{10, 10});
    CHECK(p.ReadIt().counters.requests == 11);
    CHECK(p.ReadIt().credential.Reveal() == "fake-1");
  }
  SECTION("and who removes it") {
    other.Count(10);
    store->between = [&] { store->records.clear(); };
    CHECK(p.Commit({edit}).is_made);
    CHECK(seen == std::vector<std::uint64_t>{10, 0});
    CHECK(p.ReadIt().counters.requests == 1);
  }
  SECTION("who changes another one of this commit") {
    LoginProcess third(store, "fake-third");
    store->between = [&] { third.Count(10); };
    CHECK(p.Commit({edit, third.Counting(1)}).is_made);
    CHECK(seen == std::vector<std::uint64_t>{0, 0});
    CHECK(p.ReadIt().counters.requests == 1);
    CHECK(third.ReadIt().counters.requests == 11);
  }
}

TEST_CASE("an edit between which somebody comes each time is given up, and not made") {
  const auto store = NewOpenStore();
  LoginProcess p(store, "fake-0");
  LoginProcess other(store, "fake-0");
  bool is_others_turn = false;
  store->always_between = [&] {
    if (is_others_turn) return;
    is_others_turn = true;
    other.Count(1);
    is_others_turn = false;
  };
  const auto outcome = p.Commit({p.Counting(1'000)});
  CHECK(outcome.status.code() == Code::kTimeout);
  CHECK_FALSE(outcome.is_made);
  CHECK(p.ReadIt().counters.requests < 1'000);
}

TEST_CASE("threads with different credentials of a login count, and lose no step") {
  const std::shared_ptr<StateStore> store = NewMemoryStore();
  LoginProcess first(store, "fake-0");
  first.Rotate("fake-1");
  first.Rotate("fake-2");
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      LoginRecords own(store, [](const LoginCredentials&, const Status&) {});
      const Secret credential("fake-" + std::to_string(i));
      for (int step = 0; step < 30; ++step) {
        own.Commit({{{credential, credential},
                     [](StoredToken* record) {
                       ++record->counters.requests;
                       return true;
                     }}},
                   StateDurability::kProcess);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(first.ReadIt().counters.requests == 90);
}

}  // namespace
}  // namespace warppool::internal
