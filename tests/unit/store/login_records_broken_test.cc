// What becomes of a login's record when records are damaged, lead nowhere, or the store fails.

#include <string>
#include <vector>

#include "catch.h"
#include "unit/store/login_records_fixture.h"

namespace warppool::internal {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

constexpr const char* kComplaint = "internal: a record in the store does not open, and is set aside: ";

std::shared_ptr<OpenStore> BreakableStore() {
  return std::make_shared<OpenStore>();
}

void PutLink(OpenStore* store, std::string_view from, std::string_view to) {
  store->records[RecordKeyOf(from)] = SealLink(Secret(to), Secret(from));
}

TEST_CASE("a record that does not open is told, and set aside, and the login begins anew") {
  const bool is_read_first = GENERATE(true, false);
  const auto store = BreakableStore();
  LoginProcess p(store, "fake-0");
  const std::string key = RecordKeyOf("fake-0");
  p.Count(5);
  SECTION("damaged") {
    store->records[key].back() ^= 1;
  }
  SECTION("of another credential") {
    LoginProcess other(store, "fake-1");
    other.Count(7);
    store->records[key] = store->records[RecordKeyOf("fake-1")];
  }
  SECTION("nonsense") {
    store->records[key] = "nonsense";
  }
  SECTION("empty") {
    store->records[key] = "";
  }
  SECTION("without what it must have") {
    store->records[key] = Seal(Secret("fake-0"), R"({"format":2,"credential":"fake-0"})");
  }
  const std::string damaged = store->records[key];
  if (is_read_first) {
    CHECK_FALSE(p.Read());
    CHECK(store->records.count(key) == 0);
    CHECK_FALSE(p.Read());
  }
  store->commits = 0;
  p.Count(3);
  CHECK(store->commits == 1);  // with the new record
  CHECK(store->records[key + ".aside"] == damaged);
  REQUIRE(p.complaints.size() == 1);
  CHECK_THAT(p.complaints[0], StartsWith(kComplaint) && !ContainsSubstring("fake-"));
  CHECK(p.ReadIt().counters.requests == 3);
  CHECK(p.complaints.size() == 1);
}

TEST_CASE("a record of a later version is left alone, and so is the login") {
  const auto store = BreakableStore();
  LoginProcess p(store, "fake-0");
  const std::string key = RecordKeyOf("fake-0");
  const std::string later = Seal(Secret("fake-0"), R"({"format":3,"credential":"fake-0"})");
  store->records[key] = later;
  CHECK(p.records.Read(p.login).code() == Code::kInvalidConfig);
  const auto outcome = p.Commit({p.Counting(3)});
  CHECK(outcome.status.code() == Code::kInvalidConfig);
  CHECK_FALSE(outcome.is_made);
  CHECK(store->records.size() == 1);
  CHECK(store->records[key] == later);
  CHECK(p.complaints.empty());
}

TEST_CASE("each record that is set aside has a place of its own") {
  const auto store = BreakableStore();
  LoginProcess p(store, "fake-0");
  const std::string key = RecordKeyOf("fake-0");
  for (const char* nonsense : {"first nonsense", "second nonsense"}) {
    store->records[key] = nonsense;
    p.Count(1);
  }
  CHECK(store->records[key + ".aside"] == "first nonsense");
  CHECK(store->records[key + ".aside-2"] == "second nonsense");
}

TEST_CASE("a link that does not open is told, and set aside, and leads to the record again with the next change") {
  const auto store = BreakableStore();
  LoginProcess p(store, "fake-0");
  p.Rotate("fake-1");
  const std::string key = RecordKeyOf("fake-1");
  store->records[key] = "nonsense";
  SECTION("that of the configured credential") {
    LoginProcess young(store, "fake-1");
    CHECK_FALSE(young.Read());
    CHECK(young.complaints.size() == 1);
    p.Count(1);
  }
  SECTION("that of the present one") {
    p.Count(1);
    CHECK(p.complaints.size() == 1);
  }
  CHECK(store->records[key + ".aside"] == "nonsense");
  CHECK(KindAt(*store, "fake-1") == "link to fake-0");
  CHECK(LoginProcess(store, "fake-1").ReadIt().counters.requests == 1);
}

TEST_CASE("where the configured credential's record is damaged, the present one leads on") {
  const auto store = BreakableStore();
  LoginProcess(store, "fake-0").Rotate("fake-1");
  LoginProcess p(store, "fake-1");
  p.Rotate("fake-2");
  store->records[RecordKeyOf("fake-1")] = "nonsense";
  CHECK(p.ReadIt().serial == 2);
  CHECK(p.complaints.size() == 1);
  p.Count(1);
  CHECK(KindAt(*store, "fake-1") == "link to fake-0");
}

TEST_CASE("those whose links lead to a record that is gone make one, and not two") {
  const auto store = BreakableStore();
  LoginProcess old(store, "fake-0");
  old.Rotate("fake-1");
  old.Rotate("fake-2");
  LoginProcess young(store, "fake-1");
  LoginProcess youngest(store, "fake-2");
  SECTION("damaged") {
    store->records[RecordKeyOf("fake-0")] = "nonsense";
  }
  SECTION("removed") {
    store->records.erase(RecordKeyOf("fake-0"));
  }
  CHECK_FALSE(young.Read());
  young.Count(1);
  youngest.Count(2);
  old.Count(4);
  CHECK(KindAt(*store, "fake-0") == "record");
  for (LoginProcess* each : {&old, &young, &youngest}) CHECK(each->ReadIt().counters.requests == 7);
}

TEST_CASE("links that lead in a circle are left, and the next change breaks it") {
  const auto store = BreakableStore();
  PutLink(store.get(), "fake-0", "fake-1");
  PutLink(store.get(), "fake-1", "fake-2");
  PutLink(store.get(), "fake-2", "fake-0");
  LoginProcess first(store, "fake-0");
  LoginProcess second(store, "fake-1");
  CHECK_FALSE(first.Read());
  CHECK_FALSE(second.Read());
  CHECK(first.complaints.empty());
  first.Count(1);
  second.Count(2);
  CHECK(first.ReadIt().counters.requests == 3);
  CHECK(second.ReadIt().counters.requests == 3);
}

TEST_CASE("who replaces a damaged record in the moment that it is set aside is not undone") {
  const auto store = BreakableStore();
  LoginProcess p(store, "fake-0");
  LoginProcess other(store, "fake-0");
  store->records[RecordKeyOf("fake-0")] = "nonsense";
  store->between = [&] { other.Count(5); };
  CHECK(p.ReadIt().counters.requests == 5);
  CHECK(store->records[RecordKeyOf("fake-0") + ".aside"] == "nonsense");
}

TEST_CASE("a damaged record that cannot be set aside is told, and does not count") {
  const auto store = BreakableStore();
  LoginProcess p(store, "fake-0");
  store->records[RecordKeyOf("fake-0")] = "nonsense";
  store->fail_in = 5;  // it, what is aside, both again for the commit, and the write
  CHECK_FALSE(p.Read());
  REQUIRE(p.complaints.size() == 2);
  CHECK_THAT(p.complaints[0], StartsWith(kComplaint));
  CHECK(p.complaints[1] == "network: the vault is full");
  CHECK(store->records[RecordKeyOf("fake-0")] == "nonsense");
}

TEST_CASE("a read that fails is no empty store") {
  const auto store = BreakableStore();
  LoginProcess(store, "fake-0").Rotate("fake-1");
  LoginProcess p(store, "fake-1");
  for (const int call : {1, 2}) {  // the link, the record
    store->throws = GENERATE(false, true);
    store->fail_in = call;
    const auto read = p.records.Read(p.login);
    CHECK(read.code() == (store->throws ? Code::kInternal : Code::kNetwork));
  }
  CHECK(p.ReadIt().serial == 1);
  CHECK(p.complaints.empty());
}

TEST_CASE("a write that fails and was made counts as made") {
  const auto store = BreakableStore();
  LoginProcess p(store, "fake-0");
  p.Count(1);
  store->fail_in = 3;  // a read of the record, the same for the commit, and the write
  store->fails_late = GENERATE(false, true);
  const auto outcome = p.Commit({p.Counting(2)});
  CHECK(outcome.status.ToString() == "network: the vault is full");
  CHECK(outcome.is_made == store->fails_late);
  CHECK(p.ReadIt().counters.requests == (store->fails_late ? 3 : 1));
}

TEST_CASE("a write that fails in a store that cannot be asked about it counts as not made") {
  class Gone final : public StateStore {
   public:
    Result<std::optional<std::string>> Read(const std::string&) override {
      if (is_gone) return Status(Code::kNetwork, "the vault is away");
      return std::optional<std::string>();
    }
    Status Write(const std::vector<StateChange>&, StateDurability) override {
      is_gone = true;
      return {Code::kNetwork, "the vault went away"};
    }
    bool is_gone = false;
  };
  LoginProcess p(std::make_shared<Gone>(), "fake-0");
  const auto outcome = p.Commit({p.Counting(2)});
  CHECK(outcome.status.message() == "the vault went away");
  CHECK_FALSE(outcome.is_made);
}

TEST_CASE("wherever the store fails, each login of a commit has the old state, or each has the new one") {
  const bool fails_late = GENERATE(false, true);
  const bool throws = GENERATE(false, true);
  const bool is_damaged = GENERATE(false, true);
  bool failed = true;
  int failures = 0;
  for (int call = 1; failed; ++call) {
    INFO("call " << call << (fails_late ? ", late" : "") << (is_damaged ? ", a link is damaged" : ""));
    const auto store = BreakableStore();
    LoginProcess one(store, "fake-one");
    LoginProcess two(store, "fake-two");
    one.Rotate("fake-one-1");
    two.Count(1);
    if (is_damaged) store->records[RecordKeyOf("fake-one-1")] = "nonsense";
    const auto change = [&] { return one.Commit({one.Rotating("fake-one-2"), two.Counting(10)}); };
    store->fail_in = call;
    store->fails_late = fails_late;
    store->throws = throws;
    const auto outcome = change();
    failed = store->fail_in == 0 && !outcome.status.ok();
    failures += failed ? 1 : 0;
    store->fail_in = 0;

    const StoredToken first = LoginProcess(store, "fake-one").ReadIt();
    const StoredToken second = LoginProcess(store, "fake-two").ReadIt();
    const bool is_new = first.serial == 2;
    CHECK(first.credential.Reveal() == (is_new ? "fake-one-2" : "fake-one-1"));
    CHECK(second.counters.requests == (is_new ? 11 : 1));
    CHECK(LoginProcess(store, "fake-one-2").Read().has_value() == is_new);
    CHECK(outcome.is_made == is_new);
    CHECK((failed || is_new));
    if (!is_new) {
      REQUIRE(change().is_made);
      CHECK(LoginProcess(store, "fake-one").ReadIt().serial == 2);
      CHECK(LoginProcess(store, "fake-two").ReadIt().counters.requests == 11);
    }
    REQUIRE(call < 30);
  }
  CHECK(failures > 4);
}

}  // namespace
}  // namespace warppool::internal
