#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "catch.h"
#include "unit/token/pool_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

// p1 and s1 are of one account, p2 is of another one.
struct Shared : Pool {
  explicit Shared(PoolOptions options = Recovering()) : Pool({"p1", "p2", "s1"}, std::move(options)) {
    Tell("p1", "alice");
    Tell("p2", "bob");
    Tell("s1", "alice");
    told.clear();
  }
};

Quota Spent(std::optional<WallTime> next_reset) {
  Quota quota;
  quota.limit = 150;
  quota.used = 150;
  quota.next_reset = ToSystemTime(next_reset);
  return quota;
}

Quota Left(std::int64_t left) {
  Quota quota;
  quota.limit = 150;
  quota.used = 150 - left;
  return quota;
}

TEST_CASE("two tokens that turn out to be one account are told of, once") {
  Pool pool({"p1", "p2", "s1"});
  pool.Tell("p1", "alice");
  pool.Tell("p2", "bob");
  CHECK(pool.TakeOf(PoolEventKind::kSameAccount).empty());
  pool.Tell("s1", "alice");
  const auto told = pool.TakeOf(PoolEventKind::kSameAccount);
  REQUIRE(told.size() == 1);
  CHECK(told[0].token == "s1");
  CHECK(told[0].tier == Tier::kShared);
  CHECK(told[0].code == Code::kOk);
  CHECK(told[0].reason == "belongs to the same account as p1, and shares its quota");
  CHECK(pool.Of("s1").same_account == "p1");
  CHECK(pool.Of("p1").same_account.empty());
  CHECK(pool.Of("p2").same_account.empty());
  CHECK_THAT(pool.log.text(),
             ContainsSubstring("WARNING Token s1 belongs to the same account as p1, and shares its quota\n"));
  pool.Tell("s1", "alice");
  pool.Tell("p1", "alice");
  CHECK(pool.TakeOf(PoolEventKind::kSameAccount).empty());
}

TEST_CASE("an exchange that does not say whose a token is tells nothing, and takes nothing back") {
  Pool pool({"p1", "p2", "p3"});
  pool.Tell("p1", "");
  pool.Tell("p2", "");
  CHECK(pool.Of("p2").same_account.empty());
  pool.Tell("p1", "alice");
  pool.Tell("p2", "alice");
  pool.Tell("p2", "");
  CHECK(pool.Of("p2").same_account == "p1");
  CHECK(pool.Of("p3").same_account.empty());
}

TEST_CASE("a token that changes its account leaves the old one") {
  Shared pool;
  pool.Tell("s1", "bob");
  CHECK(pool.Of("s1").same_account == "p2");
  pool.Meet("p1", Outcome::kQuotaExhausted);
  CHECK(pool.StateOf("s1") == TokenState::kReady);
  pool.Tell("p2", "carol");
  CHECK(pool.Of("s1").same_account.empty());
}

TEST_CASE("when one of an account is without quota all of it cools") {
  Shared pool;
  const auto spender = GENERATE(as<std::string>(), "p1", "s1");
  const std::string other = spender == "p1" ? "s1" : "p1";
  pool.Meet(spender, Outcome::kQuotaExhausted, "used up", 100s);
  for (const std::string& name : {spender, other}) {
    CHECK(pool.StateOf(name) == TokenState::kCooling);
    CHECK(pool.Of(name).ready_at == pool.clock.Wall() + 100s);
    CHECK(pool.Of(name).reason == "used up");
    CHECK(pool.Of(name).failures == 0);
  }
  CHECK(pool.StateOf("p2") == TokenState::kReady);
  const auto told = pool.TakeOf(PoolEventKind::kCooling);
  REQUIRE(told.size() == 2);
  CHECK(told[0].token == spender);
  CHECK(told[1].token == other);
  for (const Told& event : told) {
    CHECK(event.until == pool.clock.Wall() + 100s);
    CHECK(event.reason == "used up");
  }
  pool.clock.Advance(100s);
  CHECK(pool.pool.view().Snapshot().Active() == 3);
}

TEST_CASE("whoever joins an account learns what is known of its quota") {
  Pool pool({"p1", "p2"}, Recovering());
  const bool the_first_cools = GENERATE(true, false);
  pool.Tell("p1", "alice");
  const std::string found_it = the_first_cools ? "p1" : "p2";
  pool.Meet(found_it, Outcome::kQuotaExhausted, "used up", 100s);
  pool.Tell("p2", "alice");
  for (const char* name : {"p1", "p2"}) {
    CHECK(pool.StateOf(name) == TokenState::kCooling);
    CHECK(pool.Of(name).ready_at == pool.clock.Wall() + 100s);
    CHECK_THAT(pool.Of(name).reason, Catch::Matchers::EndsWith("used up"));
  }
  CHECK(pool.TakeLines().back() == (the_first_cools ? "pool exhausted p2" : "pool exhausted p1"));
}

TEST_CASE("a cooling that is over is no news to an account") {
  Pool pool({"p1", "p2"}, Recovering());
  pool.Tell("p1", "alice");
  pool.Meet("p1", Outcome::kQuotaExhausted);
  pool.clock.Advance(10s);
  pool.Tell("p2", "alice");
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.StateOf("p2") == TokenState::kReady);
}

TEST_CASE("an account shares its quota, and not the blame") {
  Shared pool;
  pool.Suffer("p1", GENERATE(Outcome::kAuthRejected, Outcome::kAuthRevoked));
  CHECK(pool.StateOf("s1") == TokenState::kReady);
  CHECK(pool.Of("s1").failures == 0);
}

TEST_CASE("a half-open token is not tried while another of its account has found the quota spent") {
  Shared pool;
  pool.Blame("p1");
  pool.clock.Advance(60s);
  REQUIRE(pool.StateOf("p1") == TokenState::kHalfOpen);
  pool.Meet("s1", Outcome::kQuotaExhausted, "used up", 100s);
  CHECK(pool.StateOf("p1") == TokenState::kDisabled);
  CHECK(pool.Of("p1").ready_at == pool.clock.Wall() + 100s);
  CHECK(pool.Turns(2) == "p2 p2");
  pool.clock.Advance(100s);
  CHECK(pool.StateOf("p1") == TokenState::kHalfOpen);
}

TEST_CASE("a token that failed is said to cool for the quota, and not for its failure") {
  Pool pool({"p1", "p2"}, Recovering());
  pool.Tell("p1", "alice");
  pool.Meet("p1", Outcome::kQuotaExhausted, "used up", 100s);
  auto check = pool.pool.AcquireToken(pool.token("p1"));
  REQUIRE(check);
  std::move(*check).End({Outcome::kAuthRevoked, Status(Code::kUnauthorized, "expired")});
  pool.Tell("p2", "alice");
  CHECK(pool.StateOf("p2") == TokenState::kCooling);
  CHECK_THAT(pool.Of("p2").reason, !ContainsSubstring("expired"));  // it has not
}

TEST_CASE("a recovery by hand lifts the cooling of the account, and nothing else of the others") {
  Shared pool;
  pool.Meet("p1", Outcome::kQuotaExhausted, "used up", 100s);
  SECTION("of the one that found it") {
    pool.pool.Recover("p1");
  }
  SECTION("of the one that was told") {
    pool.pool.Recover("s1");
  }
  CHECK(pool.pool.view().Snapshot().Active() == 3);
  CHECK(pool.freed == 1);
  const auto told = pool.TakeOf(PoolEventKind::kRecovered);
  REQUIRE(told.size() == 2);
  CHECK(told[0].reason == "by hand");

  pool.Meet("s1", Outcome::kAuthRevoked);
  pool.pool.Recover("p1");
  CHECK(pool.StateOf("s1") == TokenState::kDisabled);
}

TEST_CASE("what the service says of a quota is kept for all of its account") {
  Shared pool;
  pool.pool.accounts().NoteQuota(pool.token("p1"), Left(40), false);
  for (const char* name : {"p1", "s1"}) {
    REQUIRE(pool.Of(name).quota);
    CHECK(pool.Of(name).quota->Remaining() == 40);
  }
  CHECK_FALSE(pool.Of("p2").quota);
  pool.Tell("p2", "alice");
  REQUIRE(pool.Of("p2").quota);
  CHECK(pool.Of("p2").quota->Remaining() == 40);
}

TEST_CASE("when the quota comes back is better asked than assumed") {
  Shared pool;
  pool.Meet("p1", Outcome::kQuotaExhausted);  // for 10 s, it is assumed
  const int freed_before = pool.freed;
  const auto reset = GENERATE(5s, 3600s);
  pool.pool.accounts().NoteQuota(pool.token("p1"), Spent(pool.clock.Wall() + reset), false);
  for (const char* name : {"p1", "s1"}) {
    CHECK(pool.StateOf(name) == TokenState::kCooling);
    CHECK(pool.Of(name).ready_at == pool.clock.Wall() + reset);
  }
  CHECK(pool.freed > freed_before);  // who waits has to look anew
  pool.clock.Advance(reset);
  CHECK(pool.pool.view().Snapshot().Active() == 3);
}

TEST_CASE("a service that says no hour, or one that cannot be, leaves what is assumed") {
  Shared pool;
  pool.Meet("p1", Outcome::kQuotaExhausted);
  SECTION("none") {
    pool.pool.accounts().NoteQuota(pool.token("p1"), Spent(std::nullopt), false);
  }
  SECTION("one that is over, though the quota is not back") {
    pool.pool.accounts().NoteQuota(pool.token("p1"), Spent(pool.clock.Wall() - 1s), false);
  }
  SECTION("the same, and asked to lift") {
    pool.pool.accounts().NoteQuota(pool.token("p1"), Spent(pool.clock.Wall() - 1s), true);
  }
  CHECK(pool.StateOf("p1") == TokenState::kCooling);
  CHECK(pool.Of("p1").ready_at == pool.clock.Wall() + 10s);
}

TEST_CASE("an hour beyond all reason does not overflow") {
  Shared pool;
  pool.Meet("p1", Outcome::kQuotaExhausted);
  Quota quota = Spent(std::nullopt);
  quota.next_reset = std::chrono::system_clock::time_point::max();
  pool.pool.accounts().NoteQuota(pool.token("p1"), quota, false);
  CHECK(pool.StateOf("p1") == TokenState::kCooling);
  CHECK(pool.Of("p1").ready_at <= pool.clock.Wall() + 24h * 366);
}

TEST_CASE("a quota that is left lifts a cooling only if asked to") {
  Shared pool;
  pool.Meet("p1", Outcome::kQuotaExhausted);
  Quota quota = Left(1);
  SECTION("something is left") {}
  SECTION("of a bonus") {
    quota = Spent(std::nullopt);
    quota.bonus = 7;
  }
  SECTION("without a limit") {
    quota = Spent(std::nullopt);
    quota.unlimited = true;
  }
  pool.pool.accounts().NoteQuota(pool.token("s1"), quota, false);  // its books may not show the refusal yet
  CHECK(pool.StateOf("p1") == TokenState::kCooling);
  CHECK(pool.StateOf("s1") == TokenState::kCooling);
  pool.told.clear();
  pool.pool.accounts().NoteQuota(pool.token("s1"), quota, true);
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.StateOf("s1") == TokenState::kReady);
  const auto told = pool.TakeOf(PoolEventKind::kRecovered);
  REQUIRE(told.size() == 2);
  CHECK(told[0].reason == "its quota is back");
}

TEST_CASE("a quota query never cools a ready token") {
  Shared pool;
  pool.pool.accounts().NoteQuota(pool.token("p1"), Spent(pool.clock.Wall() + 3600s), GENERATE(true, false));
  CHECK(pool.pool.view().Snapshot().Active() == 3);
  CHECK(pool.told.empty());
  CHECK(pool.freed == 0);
}

TEST_CASE("a quota query brings no disabled token back") {
  Shared pool;
  pool.Meet("p1", Outcome::kAuthRevoked);
  pool.pool.accounts().NoteQuota(pool.token("p1"), Left(100), true);
  CHECK(pool.StateOf("p1") == TokenState::kDisabled);
}

TEST_CASE("a stranger's token changes nothing") {
  Shared pool;
  const Token stranger("p9", Tier::kPersonal, CredentialKind::kRefreshToken, Secret("hunter2"));
  pool.pool.accounts().NoteQuota(stranger, Left(100), true);
  pool.pool.accounts().NoteRefreshed(stranger, MakeJwt(Secret("hunter2"), 60s, pool.clock.Steady(), pool.clock.Wall()),
                                     true, "x");
  CHECK(pool.told.empty());
}

}  // namespace
}  // namespace warppool::internal
