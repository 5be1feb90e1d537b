// Stores that 0.1.0 wrote: each credential of a login had a record of its own there.

#include <fmt/format.h>

#include <string>
#include <vector>

#include "catch.h"
#include "unit/store/login_records_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kUsedAt{1'795'574'100'123ms};

// A record under the key of `key`, as 0.1.0 wrote it.
struct OldRecord {
  std::string_view key;
  std::string_view credential;
  int serial = 0;
  int requests = 0;
  bool is_dead = false;
};

void PutOld(OpenStore* store, const OldRecord& old) {
  const std::string text = fmt::format(
      R"({{"format":1,"credential":"{}","serial":{},"lineage":"{}","trail":["{}"],)"
      R"("jwt":{{"text":"fake.jwt.text","expires":1795577700123,"life":3600}},)"
      R"("health":{{"strikes":2,"disabled":true,"dead":{},"cooling_until":1795575900123,"code":{},"reason":"spent"}},)"
      R"("counters":{{"requests":{},"strikes":4,"refreshes":3,"outcomes":{{"success":8,"auth_dead":1}},)"
      R"("first_event":{{"sum":1234,"100":5,"more":1}}}},"last_used":1795574100123}})",
      old.credential, old.serial, RecordKeyOf("fake-0"), RecordKeyOf(old.key), old.is_dead,
      static_cast<int>(Code::kQuotaExhausted), old.requests);
  store->records[RecordKeyOf(old.key)] = Seal(Secret(old.key), text);
}

// A login that was replaced twice: 0.1.0 had fake-0 in its configuration, and later another one that had fake-2.
std::shared_ptr<OpenStore> StoreOf010() {
  auto store = std::make_shared<OpenStore>();
  PutOld(store.get(), {"fake-0", "fake-2", 2, 5});
  PutOld(store.get(), {"fake-1", "fake-2", 2, 4});
  PutOld(store.get(), {"fake-2", "fake-2", 2, 9});
  return store;
}

void CheckNothingLost(const StoredToken& record, std::uint64_t requests) {
  CHECK(record.credential.Reveal() == "fake-2");
  CHECK(record.serial == 2);
  REQUIRE(record.jwt);
  CHECK(record.jwt->text.Reveal() == "fake.jwt.text");
  CHECK(record.jwt->expires == kUsedAt + 1h);
  CHECK(record.jwt->life == 1h);
  CHECK(record.health.failures == 2);
  CHECK(record.health.disabled);
  CHECK(record.health.cooling_until == kUsedAt + 30min);
  CHECK(record.health.code == Code::kQuotaExhausted);
  CHECK(record.health.reason == "spent");
  CHECK(record.exchange.refused.empty());
  CHECK(record.counters.requests == requests);
  CHECK(record.counters.failures == 4);
  CHECK(record.counters.refreshes == 3);
  CHECK(record.counters.outcomes[static_cast<std::size_t>(Outcome::kSuccess)] == 8);
  CHECK(record.counters.outcomes[static_cast<std::size_t>(Outcome::kAuthRevoked)] == 1);
  CHECK(record.counters.first_event.sum == 1234ms);
  CHECK(record.last_used == kUsedAt);
}

TEST_CASE("each credential of a login of 0.1.0 leads to what was known last, and reading writes nothing") {
  const auto store = StoreOf010();
  for (const char* configured : {"fake-0", "fake-1", "fake-2"}) {
    INFO(configured);
    LoginProcess p(store, configured);
    CheckNothingLost(p.ReadIt(), 9);
    CHECK(p.complaints.empty());
  }
  CHECK(store->commits == 0);
}

TEST_CASE("with the first change a login of 0.1.0 has one record, to which all its credentials lead") {
  const auto store = StoreOf010();
  const auto configured = GENERATE(as<std::string>(), "fake-0", "fake-1", "fake-2");
  LoginProcess p(store, configured);
  p.Count(1);
  CHECK(store->commits == 1);
  CHECK(KindAt(*store, "fake-2") == "record");
  if (configured != "fake-2") CHECK(KindAt(*store, configured) == "link to fake-2");
  for (const char* each : {"fake-0", "fake-1", "fake-2"}) {
    INFO(each);
    CheckNothingLost(LoginProcess(store, each).ReadIt(), 10);
    LoginProcess(store, each).Count(0);
  }
  CHECK(KindAt(*store, "fake-0") == "link to fake-2");
  CHECK(KindAt(*store, "fake-1") == "link to fake-2");
  // And so they do when the service replaces it again.
  p.Rotate("fake-3");
  for (const char* each : {"fake-0", "fake-1", "fake-2", "fake-3"}) {
    INFO(each);
    CHECK(LoginProcess(store, each).ReadIt().credential.Reveal() == "fake-3");
    CHECK(LoginProcess(store, each).ReadIt().counters.requests == 10);
  }
  CHECK(store->records.size() == 4);
}

TEST_CASE("an old record on the way does not undo what the one that it leads to has learned since") {
  const auto store = StoreOf010();
  LoginProcess young(store, "fake-2");
  young.Count(1);
  SECTION("in counters") {
    LoginProcess(store, "fake-0").Count(2);
    CheckNothingLost(young.ReadIt(), 12);
  }
  SECTION("in credentials") {
    young.Rotate("fake-3");
    LoginProcess(store, "fake-0").Count(2);
    CHECK(young.ReadIt().credential.Reveal() == "fake-3");
    CHECK(young.ReadIt().counters.requests == 12);
  }
}

TEST_CASE("of records of 0.1.0 that disagree the one counts whose credential was replaced more often") {
  const auto store = std::make_shared<OpenStore>();
  PutOld(store.get(), {"fake-0", "fake-9", 9, 5});
  PutOld(store.get(), {"fake-9", "fake-1", 1, 1});  // it must not lead back
  PutOld(store.get(), {"fake-1", "fake-1", 1, 1});
  LoginProcess p(store, "fake-0");
  CHECK(p.ReadIt().credential.Reveal() == "fake-9");
  CHECK(p.ReadIt().serial == 9);
  p.Count(1);
  CHECK(p.ReadIt().credential.Reveal() == "fake-9");
  CHECK(LoginProcess(store, "fake-9").ReadIt().counters.requests == 6);
}

TEST_CASE("what an old record knows is kept where the record that it leads to is gone") {
  const auto store = StoreOf010();
  SECTION("removed") {
    store->records.erase(RecordKeyOf("fake-2"));
  }
  SECTION("damaged") {
    store->records[RecordKeyOf("fake-2")] = "nonsense";
  }
  LoginProcess p(store, "fake-0");
  CheckNothingLost(p.ReadIt(), 5);
  p.Count(1);
  CHECK(KindAt(*store, "fake-0") == "link to fake-2");
  CheckNothingLost(LoginProcess(store, "fake-0").ReadIt(), 6);
  CheckNothingLost(LoginProcess(store, "fake-1").ReadIt(), 6);
  CheckNothingLost(LoginProcess(store, "fake-2").ReadIt(), 6);
}

TEST_CASE("records of 0.1.0 that lead in a circle are left at last, and become one") {
  const auto store = std::make_shared<OpenStore>();
  PutOld(store.get(), {"fake-0", "fake-1", 3, 5});
  PutOld(store.get(), {"fake-1", "fake-0", 3, 5});
  LoginProcess first(store, "fake-0");
  LoginProcess second(store, "fake-1");
  CHECK(first.ReadIt().serial == 3);
  CHECK(first.complaints.empty());
  first.Count(1);
  second.Count(1);
  CHECK(first.ReadIt().counters.requests == 7);
  CHECK(second.ReadIt().counters.requests == 7);
}

TEST_CASE("who was refused for good in the days of 0.1.0 is still, by the credential that was") {
  const auto store = std::make_shared<OpenStore>();
  PutOld(store.get(), {"fake-0", "fake-1", 1, 5, true});
  PutOld(store.get(), {"fake-1", "fake-1", 1, 5, true});
  LoginProcess p(store, "fake-0");
  CHECK(p.ReadIt().exchange.refused == RecordKeyOf("fake-1"));
  CHECK_FALSE(p.ReadIt().health.disabled);
  p.Count(1);
  CHECK(p.ReadIt().exchange.refused == RecordKeyOf("fake-1"));
}

}  // namespace
}  // namespace warppool::internal
