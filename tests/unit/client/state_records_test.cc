// Which record of a login is the newest, and what a failing store leaves.
#include "client/state_records.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "catch.h"
#include "unit/client/records_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

// A record under the credential `key`, which says that `credential` counts.
void Put(FaultyStore* store, std::string_view key, std::string_view credential, std::uint64_t serial) {
  StoredToken stored;
  stored.credential = Secret(credential);
  stored.serial = serial;
  stored.lineage = KeyOf("fake-0");
  store->records[KeyOf(key)] = SealRecord(stored, Secret(key));
}

TEST_CASE("an empty store knows nothing, and is not written to") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  CHECK_FALSE(p.Find());
  CHECK(store->writes == 0);
  CHECK(p.records.Save(std::vector<PoolRecords::Kept>{}).ok());
  CHECK(store->writes == 0);
}

TEST_CASE("what is kept comes back, in the next process") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  p.kept.health_changed = true;
  p.kept.failures = 2;
  p.kept.cooling_until = p.clock.Wall() + 1h;
  p.kept.why = Status(Code::kQuotaExhausted, "spent");
  p.kept.counters.requests = 5;
  p.kept.last_used = p.clock.Wall();
  REQUIRE(p.Save().ok());
  REQUIRE(p.Exchange("fake-0", "fake-jwt").ok());
  const StoredToken stored = Process(store, "fake-0").FindIt();
  CHECK(stored.credential.Reveal() == "fake-0");
  CHECK(stored.serial == 0);
  CHECK(stored.lineage == KeyOf("fake-0"));
  CHECK(stored.health.failures == 2);
  CHECK(stored.health.cooling_until == p.clock.Wall() + 1h);
  CHECK(stored.health.code == Code::kQuotaExhausted);
  CHECK(stored.health.reason == "spent");
  CHECK(stored.counters.requests == 5);
  CHECK(stored.last_used == p.clock.Wall());
  REQUIRE(stored.jwt);
  CHECK(stored.jwt->text.Reveal() == "fake-jwt");
  CHECK(stored.jwt->expires == p.clock.Wall() + 1h);
  CHECK(stored.jwt->life == 1h);
  CHECK_FALSE(Process(store, "fake-other").Find());
  CHECK(store->locks.empty());
  for (const auto& [key, sealed] : store->records) CHECK_THAT(key + sealed, !ContainsSubstring("fake-"));
}

TEST_CASE("each credential that a login ever had leads to the newest") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  constexpr int kRotations = 6;
  for (int i = 1; i <= kRotations; ++i) REQUIRE(p.Exchange("fake-" + std::to_string(i)).ok());
  for (int i = 0; i <= kRotations; ++i) {
    INFO("configured: " << i);
    Process later(store, "fake-" + std::to_string(i));
    const StoredToken stored = later.FindIt();
    CHECK(stored.credential.Reveal() == "fake-6");
    CHECK(stored.serial == kRotations);
    CHECK(stored.lineage == KeyOf("fake-0"));
    // All of them are kept apart by the same lock.
    CHECK(later.records.ExchangeLock(later.token) == p.records.ExchangeLock(p.token));
  }
}

TEST_CASE("two processes with different credentials of a login follow each other's exchanges") {
  const auto store = NewStore();
  Process first(store, "fake-0");
  REQUIRE(first.Exchange("fake-1").ok());
  Process second(store, "fake-1");
  second.Restore();
  for (int i = 2; i < 20; ++i) {
    Process& turn = i % 2 == 0 ? second : first;
    const StoredToken known = turn.FindIt();
    CHECK(known.credential.Reveal() == "fake-" + std::to_string(i - 1));
    CHECK(known.serial == static_cast<std::uint64_t>(i - 1));
    turn.token->Adopt(known.credential, known.serial);
    REQUIRE(turn.Exchange("fake-" + std::to_string(i)).ok());
  }
  CHECK(Process(store, "fake-0").FindIt().credential.Reveal() == "fake-19");
  CHECK(Process(store, "fake-1").FindIt().credential.Reveal() == "fake-19");
}

TEST_CASE("of records that disagree the higher serial counts") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  SECTION("that of the configured credential") {
    p.token->Adopt(Secret("fake-2"), 2);
    Put(store.get(), "fake-2", "fake-2", 2);
    Put(store.get(), "fake-0", "fake-9", 9);
  }
  SECTION("that of the present one") {
    p.token->Adopt(Secret("fake-2"), 2);
    Put(store.get(), "fake-2", "fake-9", 9);
    Put(store.get(), "fake-0", "fake-1", 1);
  }
  SECTION("that of one on the way") {
    Put(store.get(), "fake-0", "fake-9", 9);
    Put(store.get(), "fake-9", "fake-1", 1);  // an old record must not lead back
    Put(store.get(), "fake-1", "fake-1", 1);
  }
  const StoredToken stored = p.FindIt();
  CHECK(stored.credential.Reveal() == "fake-9");
  CHECK(stored.serial == 9);
}

TEST_CASE("records that lead in a circle are left at last") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  Put(store.get(), "fake-0", "fake-1", 3);
  Put(store.get(), "fake-1", "fake-0", 3);
  CHECK(p.FindIt().serial == 3);
  CHECK(p.complaints.empty());
}

TEST_CASE("a record that does not open is told, and set aside") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  const std::string key = KeyOf("fake-0");
  SECTION("damaged") {
    Put(store.get(), "fake-0", "fake-0", 1);
    store->records[key].back() ^= 1;
  }
  SECTION("of another credential") {
    Put(store.get(), "fake-1", "fake-1", 1);
    store->records[key] = store->records[KeyOf("fake-1")];
  }
  SECTION("nonsense") {
    store->records[key] = "nonsense";
  }
  SECTION("empty") {
    store->records[key] = "";
  }
  const std::string damaged = store->records[key];
  CHECK_FALSE(p.Find());
  REQUIRE(p.complaints.size() == 1);
  CHECK_THAT(p.complaints[0], StartsWith("PERSONAL_fake: a record in the store does not open, and is set aside: "));
  CHECK_THAT(p.complaints[0], !ContainsSubstring("fake-"));
  CHECK(store->records.count(key) == 0);
  CHECK(store->records[key + ".aside"] == damaged);
  CHECK_FALSE(p.Find());
  CHECK(p.complaints.size() == 1);
  p.kept.counters.requests = 3;
  REQUIRE(p.Save().ok());
  CHECK(p.FindIt().counters.requests == 3);
}

TEST_CASE("the way goes on from the records that open") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  REQUIRE(p.Exchange("fake-1").ok());
  REQUIRE(p.Exchange("fake-2").ok());
  store->records[KeyOf("fake-0")] = "nonsense";
  CHECK(p.FindIt().credential.Reveal() == "fake-2");  // by the present one
  CHECK(p.complaints.size() == 1);
  REQUIRE(p.Save().ok());
  CHECK(Process(store, "fake-0").FindIt().credential.Reveal() == "fake-2");
}

TEST_CASE("a login's records are the last 32, and the configured credential's is one of them") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  for (int i = 1; i <= 100; ++i) {
    REQUIRE(p.Exchange("fake-" + std::to_string(i)).ok());
    REQUIRE(store->records.size() <= 32);
  }
  const StoredToken stored = Process(store, "fake-0").FindIt();
  CHECK(stored.credential.Reveal() == "fake-100");
  CHECK(stored.trail.size() == 32);
  CHECK(store->records.size() == 32);
  for (const std::string& key : stored.trail) CHECK(store->records.count(key) == 1);
  CHECK_FALSE(Process(store, "fake-50").Find());
  CHECK(Process(store, "fake-80").FindIt().serial == 100);
}

TEST_CASE("a JWT that was refused here does not stay in the store, and one that others got does") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  REQUIRE(p.Exchange("fake-0", "fake-jwt-1").ok());
  p.token->DropJwt("fake-jwt-1");
  SECTION("refused") {
    REQUIRE(p.Save().ok());
    CHECK_FALSE(p.FindIt().jwt);
  }
  SECTION("replaced meanwhile") {
    Process other(store, "fake-0");
    REQUIRE(other.Exchange("fake-0", "fake-jwt-2").ok());
    REQUIRE(p.Save().ok());
    REQUIRE(p.FindIt().jwt);
    CHECK(p.FindIt().jwt->text.Reveal() == "fake-jwt-2");
  }
}

TEST_CASE("an answer without a JWT leaves the one that is there") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  REQUIRE(p.Exchange("fake-0", "fake-jwt").ok());
  REQUIRE(p.Exchange("fake-1").ok());
  REQUIRE(p.FindIt().jwt);
  CHECK(p.FindIt().jwt->text.Reveal() == "fake-jwt");
}

TEST_CASE("tokens without a credential are not kept") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  p.token = std::make_shared<Token>("PERSONAL_fake", Tier::kPersonal, CredentialKind::kCallback, Secret());
  CHECK(p.Save().ok());
  CHECK(store->records.empty());
  CHECK(store->writes == 0);
}

TEST_CASE("while another process has the store nothing is written") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  p.kept.counters.requests = 3;
  store->locks.insert("records");
  CHECK(p.Save().code() == Code::kTimeout);
  CHECK(p.Exchange("fake-1").code() == Code::kTimeout);
  CHECK(store->records.empty());
  CHECK(store->locks.count("records") == 1);  // it is not ours to open
  store->locks.clear();
  REQUIRE(p.Save().ok());
  CHECK(store->locks.empty());
  const StoredToken stored = Process(store, "fake-0").FindIt();
  CHECK(stored.credential.Reveal() == "fake-1");
  CHECK(stored.serial == 1);
  CHECK(stored.counters.requests == 3);
}

TEST_CASE("wherever the store fails, it holds the old state or the new one, and the next time makes up for it") {
  const bool fails_late = GENERATE(false, true);
  const bool rotates = GENERATE(false, true);
  bool failed = true;
  for (int call = 1; failed; ++call) {
    INFO("call " << call << (fails_late ? ", late" : "") << (rotates ? ", an exchange" : ""));
    const auto store = NewStore();
    Process p(store, "fake-0");
    p.kept.counters.requests = 3;
    REQUIRE(p.Save().ok());
    REQUIRE(p.Exchange("fake-1", "fake-jwt-1").ok());
    p.kept.counters.requests = 10;
    p.kept.health_changed = true;
    p.kept.disabled = true;
    store->fail_in = call;
    store->fails_late = fails_late;
    failed = rotates ? !p.Exchange("fake-2", "fake-jwt-2").ok() : !p.Save().ok();
    store->fail_in = 0;
    CHECK(store->locks.empty());

    const StoredToken between = Process(store, "fake-0").FindIt();
    const bool is_new = rotates ? between.serial == 2 : between.counters.requests == 10;
    CHECK((is_new || failed));
    if (rotates) {
      CHECK(between.credential.Reveal() == (is_new ? "fake-2" : "fake-1"));
      CHECK(between.jwt->text.Reveal() == (is_new ? "fake-jwt-2" : "fake-jwt-1"));
    } else {
      CHECK(between.counters.requests == (is_new ? 10 : 3));
      CHECK(between.health.disabled == is_new);
    }
    REQUIRE(p.Save().ok());
    const StoredToken after = Process(store, "fake-0").FindIt();
    CHECK(after.credential.Reveal() == (rotates ? "fake-2" : "fake-1"));
    CHECK(after.serial == (rotates ? 2 : 1));
    CHECK(after.counters.requests == 10);
    CHECK(after.health.disabled);
    REQUIRE(call < 20);
  }
}

TEST_CASE("a rotation that could not be kept is made up for by the next one, too") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  store->locks.insert("records");
  CHECK_FALSE(p.Exchange("fake-1").ok());
  CHECK_FALSE(p.Exchange("fake-2").ok());
  store->locks.clear();
  REQUIRE(p.Exchange("fake-3").ok());
  for (const char* configured : {"fake-0", "fake-2", "fake-3"}) {
    const StoredToken stored = Process(store, configured).FindIt();
    CHECK(stored.credential.Reveal() == "fake-3");
    CHECK(stored.serial == 3);
    CHECK(stored.serial == p.token->serial());
  }
}

TEST_CASE("a failing read is no empty store") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  REQUIRE(p.Exchange("fake-1").ok());
  Process later(store, "fake-0");
  for (const int call : {1, 2}) {  // the configured one's record, the one that it leads to
    store->fail_in = call;
    CHECK(later.records.Find(later.token).status().code() == Code::kInternal);
  }
  CHECK(later.FindIt().serial == 1);
  CHECK(later.complaints.empty());
}

TEST_CASE("a JWT that comes back lives for what is left of it") {
  FakeClock clock;
  const StoredJwt stored{Secret("fake-jwt"), clock.Wall() + 600s, 3600s};
  const auto jwt = ReviveJwt(stored, clock.Steady(), clock.Wall());
  REQUIRE(jwt != nullptr);
  CHECK(jwt->text.Reveal() == "fake-jwt");
  CHECK(jwt->expires_at == clock.Steady() + 600s);
  CHECK(jwt->refresh_at == clock.Steady() + 300s);  // as far before its end as when it was new
  CHECK(jwt->expires_at_wall == stored.expires);
  CHECK(jwt->life == 3600s);
  SECTION("nothing") {
    CHECK(ReviveJwt(stored, clock.Steady(), stored.expires) == nullptr);
    CHECK(ReviveJwt(stored, clock.Steady(), stored.expires + 1h) == nullptr);
  }
  SECTION("no more than all of it, should the clock have been put back") {
    const auto long_ago = ReviveJwt(stored, clock.Steady(), stored.expires - 48h);
    CHECK(long_ago->expires_at == clock.Steady() + 3600s);
    CHECK(long_ago->expires_at_wall == stored.expires - 47h);
  }
}

}  // namespace
}  // namespace warppool::internal
