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

TEST_CASE("wherever the store fails, it holds the old state or the new one, and the next time makes up for it") {
  const bool fails_late = GENERATE(false, true);
  bool failed = true;
  for (int call = 1; failed; ++call) {
    INFO("call " << call << (fails_late ? ", late" : ""));
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
    failed = !p.Save().ok();
    store->fail_in = 0;

    const StoredToken between = Process(store, "fake-0").FindIt();
    const bool is_new = between.counters.requests == 10;
    CHECK((is_new || failed));
    CHECK(between.counters.requests == (is_new ? 10 : 3));
    CHECK(between.health.disabled == is_new);
    REQUIRE(p.Save().ok());
    const StoredToken after = Process(store, "fake-0").FindIt();
    CHECK(after.credential.Reveal() == "fake-1");
    CHECK(after.serial == 1);
    CHECK(after.counters.requests == 10);
    CHECK(after.health.disabled);
    REQUIRE(call < 20);
  }
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

TEST_CASE("an API key that is refused for good is marked in the record, and whoever is well again lifts that") {
  const auto store = NewStore();
  Process p(store, "wk-1.fake");
  p.token = std::make_shared<Token>("PERSONAL_fake", Tier::kPersonal, CredentialKind::kApiKey, Secret("wk-1.fake"));
  p.kept.health_changed = p.kept.disabled = p.kept.revoked = true;
  p.kept.why = Status(Code::kUnauthorized, "the account is gone");
  REQUIRE(p.Save().ok());
  CHECK(IsRevoked(p.FindIt()));
  p.kept.disabled = p.kept.revoked = false;
  REQUIRE(p.Save().ok());
  CHECK_FALSE(IsRevoked(p.FindIt()));
}

TEST_CASE("whether a refresh token is refused for good is no matter of what is saved of its health") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  p.kept.health_changed = p.kept.disabled = p.kept.revoked = true;
  p.kept.why = Status(Code::kUnauthorized, "the account is blocked");
  REQUIRE(p.Save().ok());
  CHECK_FALSE(IsRevoked(p.FindIt()));
  CHECK(p.FindIt().health.disabled);
  CHECK(p.FindIt().health.reason == "the account is blocked");
}

}  // namespace
}  // namespace warppool::internal
