#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "catch.h"
#include "unit/token/pool_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

constexpr bool kMayNotProbe = false;

TokenPool::Wanted WithoutExchange() {
  TokenPool::Wanted wanted;
  wanted.without_exchange = true;
  return wanted;
}

TEST_CASE("a half-open token takes its turn, one request at a time") {
  Pool pool({"p1", "p2", "p3"}, Recovering());
  pool.Blame("p2");
  pool.clock.Advance(60s - 1ns);
  CHECK(pool.Turns(4) == "p3 p1 p3 p1");
  pool.clock.Advance(1ns);
  CHECK(pool.StateOf("p2") == TokenState::kHalfOpen);
  Lease probe = pool.Take();
  CHECK(probe.token().name() == "p2");
  CHECK(probe.is_probe());
  CHECK(pool.Turns(4) == "p3 p1 p3 p1");  // nobody else tries it meanwhile
  CHECK(pool.WhyNot("p2") == "half open: a request is trying it");
  SECTION("it succeeds") {
    std::move(probe).End({Outcome::kSuccess});
    CHECK(pool.StateOf("p2") == TokenState::kReady);
    CHECK(pool.Of("p2").failures == 0);
    CHECK(pool.Turns(4) == "p2 p3 p1 p2");
    const Lease first = pool.TakeOne("p2");
    const Lease second = pool.TakeOne("p2");  // a ready one again
    CHECK_FALSE(second.is_probe());
  }
  SECTION("it is refused, by its own fault") {
    pool.Blame(std::move(probe), "again");
    CHECK(pool.freed == 1);  // who waits for the end of the probe need not any more
    CHECK(pool.StateOf("p2") == TokenState::kDisabled);
    CHECK(pool.Of("p2").ready_at == pool.clock.Wall() + 120s);
    CHECK(pool.WhyNot("p2") == "disabled: again");
    CHECK(pool.Turns(2) == "p3 p1");
  }
  SECTION("it ends neutrally") {
    std::move(probe).End({Outcome::kNetwork, Status(Code::kNetwork, "lost")});
    CHECK(pool.StateOf("p2") == TokenState::kHalfOpen);
    CHECK(pool.Turns(3) == "p2 p3 p1");
  }
  SECTION("its lease is dropped") {
    { const Lease dropped = std::move(probe); }
    CHECK(pool.freed == 1);
    CHECK(pool.StateOf("p2") == TokenState::kHalfOpen);
    CHECK(pool.Take().is_probe());
  }
}

TEST_CASE("who may not probe is given no half-open token") {
  Pool pool({"p1", "p2", "s1"}, Recovering());
  pool.Blame("p1");
  pool.Blame("p2");
  pool.clock.Advance(60s);
  CHECK(pool.pool.Acquire({{}, kMayNotProbe})->token().name() == "s1");
  const TokenPool::Wanted not_s1{{&pool.token("s1")}, kMayNotProbe};
  CHECK_FALSE(pool.pool.Acquire(not_s1));
  CHECK_FALSE(pool.pool.AnyReady(not_s1));
  CHECK(pool.pool.AnyReady({{&pool.token("s1")}}));
  CHECK(pool.Take().is_probe());
}

TEST_CASE("who has tried one half-open token may try that one again, and no other") {
  Pool pool({"p1", "p2"}, Recovering());
  pool.Blame("p1");
  pool.Blame("p2");
  TokenPool::Wanted wanted{{}, kMayNotProbe};
  wanted.probed = &pool.token("p2");
  CHECK(pool.pool.WhenReady(wanted).earliest == 60s);
  pool.clock.Advance(60s);
  CHECK(pool.pool.AnyReady(wanted));
  auto probe = pool.pool.Acquire(wanted);
  REQUIRE(probe);
  CHECK(probe->token().name() == "p2");
  CHECK(pool.pool.WhenReady(wanted).busy);
  CHECK_FALSE(pool.pool.Acquire(wanted));
  pool.Blame(*std::move(probe), "refused");
  CHECK(pool.pool.WhenReady(wanted).earliest == 120s);
  wanted.excluded = {wanted.probed};
  CHECK_FALSE(pool.pool.WhenReady(wanted).earliest);
}

TEST_CASE("a half-open token of a better tier goes before a ready one") {
  Pool pool({"p1", "s1"}, Recovering());
  pool.Blame("p1");
  CHECK(pool.Turns(1) == "s1");
  pool.clock.Advance(60s);
  CHECK(pool.Turns(2) == "p1 p1");
}

TEST_CASE("a revoked token is not tried by requests, but by a check") {
  Pool pool({"p1", "s1"}, Recovering());
  pool.Meet("p1", Outcome::kAuthRevoked, "expired");
  pool.clock.Advance(1000h);
  CHECK(pool.Turns(2) == "s1 s1");
  CHECK_FALSE(pool.Of("p1").ready_at);
  auto check = pool.pool.AcquireToken(pool.token("p1"));
  REQUIRE(check);
  CHECK(check->is_probe());
  CHECK(pool.Turns(1) == "s1");
  std::move(*check).End({Outcome::kSuccess});
  CHECK(pool.freed == 1);
  CHECK(pool.Turns(1) == "p1");
}

TEST_CASE("a check that tries a half-open token leaves none to the requests") {
  Pool pool({"p1", "s1"}, Recovering());
  pool.Blame("p1");
  pool.clock.Advance(60s);
  {
    const auto check = pool.pool.AcquireToken(pool.token("p1"));
    REQUIRE(check);
    CHECK(pool.Turns(1) == "s1");
  }
  CHECK(pool.freed == 1);
  CHECK(pool.Turns(1) == "p1");
}

TEST_CASE("a probe that meets a server error is held against the token when another one serves") {
  Pool pool({"p1", "s1"}, Recovering());
  pool.Blame("p1");
  pool.clock.Advance(60s);
  const auto deferred = pool.Meet("p1", Outcome::kServerError, "failed with 500");
  CHECK(pool.Of("p1").ready_at == pool.clock.Wall() + kRest);
  pool.Confirm(deferred);
  CHECK(pool.StateOf("p1") == TokenState::kDisabled);
  CHECK(pool.Of("p1").ready_at == pool.clock.Wall() + 120s);
  CHECK(pool.Turns(1) == "s1");
}

TEST_CASE("a token is recovered by its name, from whatever state") {
  Pool pool({"p1", "s1"}, Recovering(2));
  const auto outcome = GENERATE(Outcome::kAuthRevoked, Outcome::kQuotaExhausted, Outcome::kAuthRejected);
  pool.Suffer("p1", outcome);
  if (outcome == Outcome::kAuthRejected) pool.Suffer("p1", outcome);
  CHECK(pool.Turns(1) == "s1");
  pool.freed = 0;
  CHECK_FALSE(pool.pool.Recover("p2"));
  CHECK_FALSE(pool.pool.Recover(""));
  CHECK(pool.freed == 0);
  CHECK(pool.pool.Recover("p1"));
  CHECK(pool.freed == 1);
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.Of("p1").failures == 0);
  CHECK(pool.Turns(1) == "p1");
  CHECK(pool.pool.Recover("p1"));  // it is there, that is all
  CHECK(pool.freed == 1);
}

TEST_CASE("a recovery clears the failures of a ready token, too") {
  Pool pool({"p1"}, Recovering(3));
  pool.Blame("p1");
  pool.Blame("p1");
  pool.pool.Recover("p1");
  CHECK(pool.Of("p1").failures == 0);
  pool.Blame("p1");
  CHECK(pool.Of("p1").failures == 1);
  CHECK(pool.StateOf("p1") == TokenState::kResting);
}

TEST_CASE("a recovery of all says how many were not ready") {
  Pool pool({"p1", "p2", "s1", "s2", "a1"}, Recovering());
  CHECK(pool.pool.RecoverAll() == 0);
  CHECK(pool.freed == 0);
  pool.Blame("s2");  // half open by then
  pool.clock.Advance(60s);
  pool.Blame("p1");
  pool.Meet("p2", Outcome::kQuotaExhausted);
  pool.Meet("s1", Outcome::kAuthRevoked);
  CHECK(pool.pool.RecoverAll() == 4);
  CHECK(pool.freed == 1);
  CHECK(pool.pool.view().Snapshot().Active() == 5);
  CHECK(pool.pool.RecoverAll() == 0);
}

TEST_CASE("a recovery of all clears what is held against ready tokens, as one by name does, and does not count them") {
  const bool all = GENERATE(false, true);
  const auto recover = [&](Pool* pool) {
    if (all) {
      CHECK(pool->pool.RecoverAll() == 0);
    } else {
      CHECK(pool->pool.Recover("p1"));
    }
  };
  SECTION("failures") {
    Pool pool({"p1"}, Recovering(3));
    pool.Blame("p1");
    pool.LetRest("p1");
    recover(&pool);
    CHECK(pool.Of("p1").failures == 0);
  }
  SECTION("that it is tried by one at a time") {
    Pool pool({"p1"}, Recovering(3));
    pool.Meet("p1", Outcome::kAuthRejected);
    pool.LetRest("p1");
    const Lease trial = pool.Take();
    CHECK_FALSE(pool.pool.Acquire({}));
    recover(&pool);
    CHECK(pool.pool.Acquire({}));
  }
  SECTION("that it comes behind all others") {
    Pool pool({"p1", "p2k"}, Recovering(3));
    const auto deferred = pool.Meet("p1", Outcome::kAuthRejected);
    REQUIRE(deferred);
    pool.pool.Judge(*deferred, {&pool.token("p2k"), true});
    pool.LetRest("p1");
    CHECK(pool.Turns(2) == "p2k p2k");
    recover(&pool);
    CHECK(pool.Turns(2) == "p1 p2k");
  }
}

TEST_CASE("one whose cooling is over needs no recovery") {
  Pool pool({"p1", "p2"}, Recovering());
  pool.Meet("p1", Outcome::kQuotaExhausted);
  pool.clock.Advance(10s);
  CHECK(pool.pool.RecoverAll() == 0);
}

TEST_CASE("what a probe from before a recovery finds does not count") {
  Pool pool({"p1"}, Recovering());
  pool.Blame("p1");
  pool.clock.Advance(60s);
  Lease probe = pool.Take();
  pool.pool.Recover("p1");
  pool.Blame(std::move(probe), "refused");
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.Of("p1").in_flight == 0);
}

// ------------------------------------------------------------------------------------------------------ WhenReady() --

TEST_CASE("the outlook is the first of those that will do") {
  Pool pool({"p1", "p2", "s1"}, Recovering());
  using Outlook = std::optional<std::chrono::milliseconds>;
  CHECK(pool.pool.WhenReady({}).earliest == Outlook());
  pool.Blame("p1");                                              // 60 s
  pool.Meet("p2", Outcome::kQuotaExhausted, "used up", 5000ms);  // 5 s
  pool.Meet("s1", Outcome::kAuthRevoked);                        // never
  pool.clock.Advance(1s);
  CHECK(pool.pool.WhenReady({}).earliest == 4s);
  CHECK_FALSE(pool.pool.WhenReady({}).busy);
  CHECK(pool.pool.WhenReady({{&pool.token("p2")}}).earliest == 59s);
  CHECK(pool.pool.WhenReady({{&pool.token("p2")}, kMayNotProbe}).earliest == Outlook());
  CHECK(pool.pool.WhenReady({{&pool.token("p1")}, kMayNotProbe}).earliest == 4s);
  CHECK(pool.pool.WhenReady({{&pool.token("p1"), &pool.token("p2")}}).earliest == Outlook());
  CHECK(pool.pool.WhenReady(WithoutExchange()).earliest == Outlook());  // none has a JWT
  pool.GiveJwt("p1", 60s);
  CHECK(pool.pool.WhenReady(WithoutExchange()).earliest == 59s);
}

TEST_CASE("the outlook is never too early") {
  Pool pool({"p1"}, Recovering());
  pool.Meet("p1", Outcome::kQuotaExhausted, "used up", 1000ms);
  pool.clock.Advance(999ms + 1us);
  CHECK(pool.pool.WhenReady({}).earliest == 1ms);  // not 0: who waits that long must find it
  pool.clock.Advance(1ms);
  CHECK(pool.pool.AnyReady({}));
}

TEST_CASE("what cannot be foreseen is that one is busy") {
  Pool pool({"p1", "s1"}, With(Strategy::kRoundRobin, 1));
  CHECK_FALSE(pool.pool.WhenReady({}).busy);
  const Lease lease = pool.Take();
  CHECK(pool.pool.WhenReady({}).busy);
  CHECK_FALSE(pool.pool.WhenReady({}).earliest);
  CHECK_FALSE(pool.pool.WhenReady({{&pool.token("p1")}}).busy);
  CHECK_FALSE(pool.pool.WhenReady(WithoutExchange()).busy);
}

TEST_CASE("one that is being tried is busy for those who may try it") {
  Pool pool({"p1"}, Recovering());
  pool.Blame("p1");
  pool.clock.Advance(60s);
  const Lease probe = pool.Take();
  CHECK(pool.pool.WhenReady({}).busy);
  CHECK_FALSE(pool.pool.WhenReady({{}, kMayNotProbe}).busy);
}

TEST_CASE("that a token is busy or free is no change of a state, all else is one") {
  Pool pool({"p1", "p2", "s1"}, With(Strategy::kRoundRobin, 1));
  std::uint64_t before = pool.pool.StateChanges();
  const auto changed = [&] { return std::exchange(before, pool.pool.StateChanges()) != before; };
  Lease lease = pool.TakeOne("p1");
  CHECK_FALSE(changed());
  std::move(lease).End({Outcome::kSuccess});
  pool.Meet("p1", Outcome::kOverloaded);
  CHECK_FALSE(changed());
  Lease late = pool.TakeOne("p1");
  std::move(late).End({Outcome::kQuotaExhausted, Status(Code::kQuotaExhausted, "used up"), 10s});
  CHECK(changed());
  Quota quota;
  quota.limit = 1;
  quota.used = 1;
  quota.next_reset = ToSystemTime(pool.clock.Wall() + 20s);
  pool.pool.accounts().NoteQuota(pool.token("p1"), quota, false);  // later: the state is the same
  CHECK(changed());
  CHECK_FALSE(changed());
  pool.clock.Advance(20s);
  CHECK(pool.pool.AnyReady({}));
  CHECK(changed());
  pool.Meet("p2", Outcome::kAuthRevoked);
  CHECK(changed());
  CHECK(pool.pool.Recover("p2"));
  CHECK(changed());
  CHECK(pool.pool.members().Remove("s1").ok());
  CHECK(changed());
}

TEST_CASE("the busy one is found among many that are not") {
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) names.push_back((i < 100 ? "p" : "s") + std::to_string(i));
  Pool pool(names, With(Strategy::kFillFirst, 1));
  const Token* const last = &pool.token("s199");
  const auto all_but_it = pool.AllBut("s199");
  Lease lease = pool.TakeOne("s199");
  CHECK(pool.pool.WhenReady({}).busy);
  CHECK(pool.pool.WhenReady({all_but_it}).busy);
  CHECK_FALSE(pool.pool.WhenReady({{last}}).busy);
  std::move(lease).End({Outcome::kSuccess});
  CHECK_FALSE(pool.pool.WhenReady({}).busy);
  lease = pool.TakeOne("p70");
  CHECK(pool.pool.members().Remove("p3").ok());  // those behind it move up
  CHECK(pool.pool.WhenReady({}).busy);
  CHECK_FALSE(pool.pool.WhenReady({{&pool.token("p70")}}).busy);
}

// --------------------------------------------------------------------------------- what late leases have to report --

TEST_CASE("a half-open token that turns out to be without quota is not tried before that is back") {
  Pool pool({"p1", "s1"}, Recovering());
  Lease late = pool.TakeOne("p1");
  pool.Blame("p1");
  pool.clock.Advance(60s);
  REQUIRE(pool.StateOf("p1") == TokenState::kHalfOpen);
  std::move(late).End({Outcome::kQuotaExhausted, Status(Code::kQuotaExhausted, "used up"), 100s});
  CHECK(pool.StateOf("p1") == TokenState::kDisabled);
  CHECK(pool.Take().token().name() == "s1");
  CHECK(pool.pool.WhenReady({{&pool.token("s1")}}).earliest == 100s);
  pool.clock.Advance(100s);
  CHECK(pool.Take().token().name() == "p1");
}

TEST_CASE("a cooling that turns out to be longer moves the outlook") {
  Pool pool({"p1"}, Recovering());
  Lease late = pool.TakeOne("p1");
  pool.Meet("p1", Outcome::kQuotaExhausted, "used up", 10s);
  std::move(late).End({Outcome::kQuotaExhausted, Status(Code::kQuotaExhausted, "used up"), 3600s});
  CHECK(pool.pool.WhenReady({}).earliest == 3600s);
  CHECK(pool.Of("p1").ready_at == pool.clock.Wall() + 3600s);
  CHECK(pool.Explained("p1").until == pool.clock.Wall() + 3600s);
}

TEST_CASE("a late quota of a disabled token moves the outlook") {
  Pool pool({"p1"}, Recovering());
  Lease late = pool.TakeOne("p1");
  pool.Blame("p1");
  std::move(late).End({Outcome::kQuotaExhausted, Status(Code::kQuotaExhausted, "used up"), 3600s});
  CHECK(pool.pool.WhenReady({}).earliest == 3600s);
}

TEST_CASE("a success that took long says nothing about a cooling that is over by then") {
  Pool pool({"p1"}, With(Strategy::kRoundRobin, 1));
  Lease lease = pool.Take();
  pool.Tell("p1", "one account");
  auto check = pool.pool.AcquireToken(pool.token("p1"));
  REQUIRE(check);
  std::move(*check).End({Outcome::kQuotaExhausted, Status(Code::kQuotaExhausted, "used up"), 5s});
  pool.clock.Advance(6s);
  REQUIRE(pool.StateOf("p1") == TokenState::kReady);
  pool.TakeLines();
  pool.freed = 0;
  std::move(lease).End({Outcome::kSuccess});
  CHECK(pool.TakeLines() == Pool::Lines{});
  CHECK(pool.freed == 1);  // or those who wait for it would never hear of it
}

}  // namespace
}  // namespace warppool::internal
