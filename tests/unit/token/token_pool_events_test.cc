#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "catch.h"
#include "unit/token/pool_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Lines = Pool::Lines;

// How many lines the log has.
auto CountLines(const Pool& pool) {
  return std::count(pool.log.text().begin(), pool.log.text().end(), '\n');
}

// The event of this kind that was told since the last look; there must be one.
Told TheOne(Pool* pool, PoolEventKind kind) {
  auto told = pool->TakeOf(kind);
  REQUIRE(told.size() == 1);
  CHECK(told[0].time == pool->clock.Wall());
  return std::move(told[0]);
}

TEST_CASE("the log tells what becomes of tokens, under their names") {
  Pool pool({"p1", "s1"}, ForGood(2));
  pool.Blame("p1", "refused");
  pool.Succeed("p1");
  pool.Blame("p1", "refused");
  pool.Blame("p1", "refused");
  pool.Meet("s1", Outcome::kAuthRevoked, "expired");
  CHECK_THAT(pool.log.text(),
             ContainsSubstring("INFO Selected token: p1 (priority: PERSONAL)\n") &&
                 ContainsSubstring("WARNING Token failure 1/2: p1: refused\n") &&
                 ContainsSubstring("INFO Token works again: p1: it works, its failures are cleared\n") &&
                 ContainsSubstring("WARNING Token deactivated after 2 failures: p1: refused\n") &&
                 ContainsSubstring("WARNING Token deactivated: s1: expired\n") && !ContainsSubstring("hunter2"));
}

TEST_CASE("each token is told of when it is loaded, in its order") {
  Pool pool({"s1", "p1", "p2"});
  CHECK(pool.told.empty());
  pool.pool.members().TellLoaded();
  CHECK(pool.told.at(0).tier == Tier::kPersonal);
  CHECK(pool.TakeLines() == Lines{"loaded p1", "loaded p2", "loaded s1"});
}

TEST_CASE("who is chosen is told, and a success tells nothing more") {
  Pool pool({"p1"});
  Lease lease = pool.Take();
  const Told told = TheOne(&pool, PoolEventKind::kChosen);
  CHECK(told.token == "p1");
  CHECK(told.tier == Tier::kPersonal);
  CHECK(told.code == Code::kOk);
  CHECK(told.reason == "round_robin");
  CHECK_FALSE(told.until);
  std::move(lease).End({Outcome::kSuccess});
  CHECK(pool.told.empty());
  { const Lease dropped = pool.Take(); }
  CHECK(pool.TakeLines() == Lines{"chosen p1"});
}

TEST_CASE("a failure that is nobody's fault is told as a failure, and no more") {
  const auto outcome = GENERATE(Outcome::kServerError, Outcome::kOverloaded, Outcome::kNetwork, Outcome::kStreamCut,
                                Outcome::kRequestFault, Outcome::kGarbled, Outcome::kMisconfigured,
                                Outcome::kFinishedOtherwise, Outcome::kBlocked, Outcome::kHeld, Outcome::kAuthRejected);
  Pool pool({"p1"});
  Lease lease = pool.Take();
  pool.told.clear();
  std::move(lease).End({outcome, Status(Code::kNetwork, "lost")});
  REQUIRE(pool.told.size() == 1);
  const Told told = TheOne(&pool, PoolEventKind::kAttemptFailed);
  CHECK(told.token == "p1");
  CHECK(told.code == Code::kNetwork);
  CHECK(told.reason == "lost");
  CHECK(told.failures == 0);
  CHECK_THAT(pool.log.text(), ContainsSubstring("WARNING Attempt failed: p1: lost\n"));
}

TEST_CASE("a failure is told with how many there are in a row") {
  Pool pool({"p1", "p2"}, Recovering(3));
  for (int i = 1; i <= 2; ++i) {
    pool.told.clear();
    pool.Blame("p1", "refused");
    CHECK(pool.told.at(1).kind == PoolEventKind::kAttemptFailed);
    const Told told = TheOne(&pool, PoolEventKind::kFailure);
    CHECK(told.token == "p1");
    CHECK(told.code == Code::kUnauthorized);
    CHECK(told.reason == "refused");
    CHECK(told.failures == i);
    CHECK_FALSE(told.until);
  }
  pool.Blame("p1", "refused");
  CHECK(pool.told.back().kind == PoolEventKind::kDisabled);
  CHECK(pool.told.back().failures == 3);
  CHECK(pool.told.back().until == pool.clock.Wall() + 60s);
  CHECK(pool.TakeLines() == Lines{"chosen p1", "attempt failed p1", "failure p1", "disabled p1"});
}

TEST_CASE("who is refused for good is disabled without a failure, and without an end") {
  Pool pool({"p1", "p2"}, Recovering());
  pool.Meet("p1", Outcome::kAuthRevoked, "expired");
  CHECK(pool.told.back().reason == "expired");
  CHECK(pool.told.back().code == Code::kUnauthorized);
  CHECK(pool.told.back().failures == 0);
  CHECK_FALSE(pool.told.back().until);
  CHECK(pool.TakeLines() == Lines{"chosen p1", "attempt failed p1", "disabled p1"});
}

TEST_CASE("a probe that fails is told as disabled once more") {
  Pool pool({"p1", "p2"}, Recovering());
  pool.Blame("p1", "refused");
  pool.clock.Advance(60s);
  pool.told.clear();
  SECTION("with the next time to try it") {
    pool.Blame("p1", "refused again");
    CHECK(pool.told.back().until == pool.clock.Wall() + 120s);
    CHECK(pool.told.back().reason == "refused again");
    CHECK_THAT(pool.log.text(), ContainsSubstring("deactivated again, it was tried and failed: p1: refused again\n"));
  }
  SECTION("for good: that is no failure") {
    pool.Meet("p1", Outcome::kAuthRevoked, "expired");
    CHECK_FALSE(pool.told.back().until);
    CHECK_THAT(pool.log.text(), ContainsSubstring("Token deactivated: p1: expired\n"));
  }
  CHECK(pool.TakeLines() == Lines{"chosen p1", "attempt failed p1", "disabled p1"});
}

TEST_CASE("a spent quota is told with its end, and the end when it is seen") {
  Pool pool({"p1", "p2"}, Recovering());
  pool.Meet("p1", Outcome::kQuotaExhausted, "used up", 5s);
  CHECK(pool.told.back().reason == "used up");
  CHECK(pool.told.back().until == pool.clock.Wall() + 5s);
  CHECK(pool.TakeLines() == Lines{"chosen p1", "attempt failed p1", "cooling p1"});
  pool.clock.Advance(5s);
  CHECK(pool.told.empty());  // nobody has looked yet
  pool.Turns(1);
  const Told told = TheOne(&pool, PoolEventKind::kRecovered);
  CHECK(told.token == "p1");
  CHECK(told.code == Code::kOk);
  CHECK(told.reason == "its cooling is over");
}

TEST_CASE("each way back to ready is told with its reason") {
  Pool pool({"p1", "p2"}, Recovering());
  std::string reason;
  SECTION("by hand") {
    pool.Meet("p1", Outcome::kAuthRevoked);
    pool.told.clear();
    pool.pool.Recover("p1");
    reason = "by hand";
  }
  SECTION("all by hand") {
    pool.Blame("p1");
    pool.told.clear();
    pool.pool.RecoverAll();
    reason = "by hand";
  }
  SECTION("by a probe") {
    pool.Blame("p1");
    pool.clock.Advance(60s);
    pool.told.clear();
    pool.Succeed("p1");
    reason = "it was tried, and accepted";
  }
  const Told told = TheOne(&pool, PoolEventKind::kRecovered);
  CHECK(told.token == "p1");
  CHECK(told.reason == reason);
  CHECK(told.failures == 0);
  CHECK_THAT(pool.log.text(), ContainsSubstring("INFO Token works again: p1: " + reason + "\n"));
}

TEST_CASE("a token that is half open is not ready, and nothing is told of it") {
  Pool pool({"p1", "p2"}, Recovering());
  pool.Blame("p1");
  pool.clock.Advance(60s);
  pool.told.clear();
  CHECK(pool.StateOf("p1") == TokenState::kHalfOpen);
  CHECK(pool.told.empty());
}

TEST_CASE("a refresh is told with the JWT's end, and a rotation beside it") {
  Pool pool({"p1"});
  pool.Tell("p1", "alice");
  CHECK(pool.told.at(0).until == pool.clock.Wall() + 3600s);
  CHECK(pool.TakeLines() == Lines{"refreshed p1"});
  CHECK_THAT(pool.log.text(), ContainsSubstring("INFO Refreshed JWT: p1 (valid for 3600 s)\n"));
  pool.Tell("p1", "alice", true);
  CHECK_FALSE(pool.told.at(1).until);
  CHECK(pool.told.at(1).reason == "the service replaced the refresh token");
  CHECK(pool.TakeLines() == Lines{"refreshed p1", "rotated p1"});
  CHECK_THAT(pool.log.text(), ContainsSubstring("refresh token rotated") &&
                                  ContainsSubstring("Refresh token replaced by the service: p1"));
}

TEST_CASE("a rotation that comes without a JWT is told, too") {
  Pool pool({"p1"});
  pool.pool.accounts().NoteRotated(pool.token("p1"));
  CHECK(pool.told.at(0).reason == "the service replaced the refresh token");
  CHECK(pool.TakeLines() == Lines{"rotated p1"});
}

TEST_CASE("a tier and the pool are exhausted at the very failure that takes the last one") {
  Pool pool({"p1", "p2", "s1"}, Recovering());
  pool.Blame("p1");
  CHECK(pool.TakeLines() == Lines{"chosen p1", "attempt failed p1", "failure p1", "disabled p1"});
  pool.Meet("p2", Outcome::kQuotaExhausted);
  CHECK(pool.TakeLines() == Lines{"chosen p2", "attempt failed p2", "cooling p2", "tier exhausted p2 PERSONAL"});
  pool.Meet("s1", Outcome::kAuthRevoked);
  CHECK(pool.told.back().code == Code::kUnauthorized);
  CHECK(pool.told.back().reason == pool.told.at(2).reason);
  CHECK(pool.TakeLines() ==
        Lines{"chosen s1", "attempt failed s1", "disabled s1", "tier exhausted s1 SHARED", "pool exhausted s1"});
  CHECK_THAT(pool.log.text(), ContainsSubstring("WARNING No token is ready any more in tier PERSONAL\n") &&
                                  ContainsSubstring("ERROR No token is ready any more\n"));
  // Nothing of what follows takes a token that was ready.
  CHECK_FALSE(pool.pool.Acquire({}));
  CHECK(pool.TakeLines() == Lines{});
  pool.clock.Advance(10s);
  CHECK(pool.Turns(1) == "p2");
  CHECK(pool.TakeLines() == Lines{"recovered p2", "chosen p2"});
  pool.Blame("p2");  // and again
  CHECK(pool.TakeLines().back() == "pool exhausted p2");
  pool.clock.Advance(60s);
  pool.Blame("p1");  // a probe: there was none that was ready
  CHECK(pool.TakeLines() == Lines{"chosen p1", "attempt failed p1", "disabled p1"});
}

TEST_CASE("a token that has its hands full does not exhaust its tier") {
  Pool pool({"p1"}, With(Strategy::kRoundRobin, 1));
  const Lease lease = pool.Take();
  CHECK_FALSE(pool.pool.Acquire({}));
  CHECK(pool.TakeLines() == Lines{"chosen p1"});
}

TEST_CASE("one whose cooling has ended unnoticed counts when another one fails") {
  Pool pool({"p1", "p2"}, Recovering());
  pool.Meet("p1", Outcome::kQuotaExhausted, "used up", 5s);
  Lease lease = pool.Take();
  std::optional<DeferredFailure> deferred;
  const bool at_once = GENERATE(true, false);
  if (!at_once) deferred = std::move(lease).End({Outcome::kServerError, Status(Code::kServerError, "500")});
  pool.told.clear();
  pool.clock.Advance(5s);  // p1 is ready again, and nobody has looked
  if (at_once) {
    std::move(lease).End({Outcome::kAuthRevoked, Status(Code::kUnauthorized, "expired")});
  } else {
    pool.Confirm(deferred);
  }
  CHECK(pool.TakeOf(PoolEventKind::kPoolExhausted).empty());
  CHECK_THAT(pool.log.text(), !ContainsSubstring("No token is ready any more"));
  CHECK(pool.Turns(1) == "p1");
}

TEST_CASE("a success that took long does not exhaust a pool whose tokens are ready") {
  Pool pool({"p1"}, With(Strategy::kLeastInFlight));
  Lease slow = pool.Take();
  pool.Meet("p1", Outcome::kQuotaExhausted, "used up", 5s);
  pool.clock.Advance(5s);
  CHECK(pool.Turns(1) == "p1");
  pool.told.clear();
  std::move(slow).End({Outcome::kSuccess});
  CHECK(pool.TakeLines() == Lines{});
}

TEST_CASE("one attempt is one line of the log, and what follows from it has its own") {
  struct Row {
    Outcome outcome;
    int max_failures;
  };
  const auto row = GENERATE(values<Row>({{Outcome::kAuthRejected, 3},
                                         {Outcome::kAuthRejected, 1},
                                         {Outcome::kAuthRevoked, 1},
                                         {Outcome::kQuotaExhausted, 1},
                                         {Outcome::kNetwork, 1},
                                         {Outcome::kServerError, 3},
                                         {Outcome::kServerError, 1}}));
  Pool pool({"p1", "p2"}, ForGood(row.max_failures));
  Lease lease = pool.Take();
  const auto before = CountLines(pool);
  const auto deferred = std::move(lease).End({row.outcome, Status(Code::kUnauthorized, "why")});
  CHECK(CountLines(pool) == before + 1);
  if (!deferred) return;
  pool.Confirm(deferred);
  CHECK(CountLines(pool) == before + 2);  // that it was its own fault is known later
}

TEST_CASE("a sink that throws harms nobody, and every event is told all the same") {
  Pool pool({"p1", "p2"}, Recovering());
  pool.on_event = [](const PoolEvent&) { throw std::runtime_error("the program's own"); };
  pool.pool.members().TellLoaded();
  pool.Blame("p1");
  pool.pool.Recover("p1");
  pool.Tell("p1", "alice", true);
  pool.Tell("p2", "alice");
  CHECK(pool.Turns(2) == "p2 p1");
  CHECK(pool.TakeLines() == Lines{"loaded p1", "loaded p2", "chosen p1", "attempt failed p1", "failure p1",
                                  "disabled p1", "recovered p1", "refreshed p1", "rotated p1", "refreshed p2",
                                  "same account p2", "chosen p2", "chosen p1"});
}

TEST_CASE("a sink may ask the pool, which holds no lock while it tells") {
  Pool pool({"p1", "p2"}, Recovering());
  std::string summary;
  pool.on_event = [&](const PoolEvent& event) {
    if (event.kind == PoolEventKind::kDisabled) summary = pool.pool.view().Snapshot().Summary();
  };
  pool.Blame("p1");
  CHECK(summary == "1/2 active (PERSONAL: 1/2)");
}

TEST_CASE("no event and no line holds a credential") {
  Pool pool({"p1", "s1k"}, Recovering());
  pool.pool.members().TellLoaded();
  for (const char* name : {"p1", "s1k"}) {
    pool.Blame(name);
    pool.pool.Recover(name);
    pool.Tell(name, name, true);
    pool.Meet(name, Outcome::kQuotaExhausted);
  }
  for (const Told& event : pool.told) CHECK_THAT(event.token + event.reason, !ContainsSubstring("hunter2"));
  CHECK_THAT(pool.log.text(), !ContainsSubstring("hunter2"));
}

TEST_CASE("kinds of events have names") {
  CHECK(std::string(PoolEventKindName(PoolEventKind::kLoaded)) == "loaded");
  CHECK(std::string(PoolEventKindName(PoolEventKind::kSameAccount)) == "same account");
  CHECK(std::string(PoolEventKindName(PoolEventKind::kPoolExhausted)) == "pool exhausted");
  CHECK(std::string(PoolEventKindName(static_cast<PoolEventKind>(0))) == "unknown");
}

}  // namespace
}  // namespace warppool::internal
