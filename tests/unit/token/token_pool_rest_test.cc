// A token that was refused is left alone for a moment, and then tried by one request at a time.
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "catch.h"
#include "unit/token/pool_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Lines = Pool::Lines;

TEST_CASE("a token that was refused is passed over for five seconds") {
  const Outcome outcome = GENERATE(Outcome::kAuthRejected, Outcome::kServerError);
  Pool pool({"p1", "p2", "s1"}, Recovering(3));
  pool.Meet("p1", outcome, "refused");
  CHECK(pool.StateOf("p1") == TokenState::kResting);
  CHECK(pool.Of("p1").ready_at == pool.clock.Wall() + 5s);
  CHECK(pool.Of("p1").reason == "refused");
  CHECK(pool.WhyNot("p1") == "resting: refused");
  CHECK(pool.Explained("p1").until == pool.clock.Wall() + 5s);
  CHECK(pool.Turns(3) == "p2 p2 p2");
  pool.clock.Advance(5s - 1ns);
  CHECK(pool.Turns(1) == "p2");
  pool.clock.Advance(1ns);
  CHECK(pool.Turns(2) == "p1 p2");
  CHECK(pool.Of("p1").reason.empty());
}

TEST_CASE("one request at a time tries a token that has rested") {
  Pool pool({"p1", "p2"}, With(Strategy::kFillFirst));
  pool.Meet("p1", Outcome::kAuthRejected);
  pool.clock.Advance(5s);
  Lease trial = pool.Take();
  CHECK(trial.token().name() == "p1");
  CHECK_FALSE(trial.is_probe());
  CHECK(pool.Turns(2) == "p2 p2");
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.WhyNot("p1") == "it was refused, and another request is trying it");
  CHECK(pool.Explained("p1").turn == 0);
  CHECK(pool.pool.WhenReady({pool.AllBut("p1")}).busy);
  CHECK(pool.freed == 0);
  SECTION("it serves: all may have it from its first event on") {
    trial.NoteServing();
    CHECK(pool.freed == 1);
    const Lease other = pool.Take();
    CHECK(other.token().name() == "p1");
    CHECK(pool.Take().token().name() == "p1");
  }
  SECTION("it ends without a word: the next one tries it") {
    std::move(trial).End({Outcome::kNetwork, Status(Code::kNetwork, "lost")});
    CHECK(pool.freed == 1);
    const Lease next = pool.Take();
    CHECK(next.token().name() == "p1");
    CHECK(pool.Take().token().name() == "p2");
  }
  SECTION("it is refused again: one more rest, and no failure") {
    std::move(trial).End({Outcome::kAuthRejected, Status(Code::kUnauthorized, "again")});
    CHECK(pool.freed == 1);  // who waits for it need not any more
    CHECK(pool.StateOf("p1") == TokenState::kResting);
    CHECK(pool.pool.WhenReady({pool.AllBut("p1")}).earliest == 5s);
    CHECK(pool.Of("p1").failures == 0);
  }
  SECTION("it is dropped") {
    { const Lease dropped = std::move(trial); }
    CHECK(pool.Take().token().name() == "p1");
  }
}

TEST_CASE("an old request that serves ends the rest, and the trial of others") {
  Pool pool({"p1", "p2"}, With(Strategy::kFillFirst));
  Lease early = pool.Take();
  auto check = pool.pool.AcquireToken(pool.token("p1"));
  pool.Meet("p1", Outcome::kAuthRejected);
  SECTION("while it rests") {
    CHECK(pool.Turns(1) == "p2");
    early.NoteServing();
    CHECK(pool.StateOf("p1") == TokenState::kReady);
    CHECK(pool.Turns(1) == "p1");
  }
  SECTION("while another one tries it") {
    const Lease trial = pool.TakeOne("p1");
    CHECK(pool.Take().token().name() == "p2");
    early.NoteServing();
    CHECK(pool.freed == 1);
    CHECK(pool.Take().token().name() == "p1");
  }
  SECTION("with its end, when nobody noted its first event") {
    const Lease trial = pool.TakeOne("p1");
    std::move(early).End({Outcome::kSuccess});
    CHECK(pool.freed == 1);
    CHECK(pool.Take().token().name() == "p1");
  }
  SECTION("a check whose credential is accepted does, too") {
    const Lease trial = pool.TakeOne("p1");
    std::move(*check).End({Outcome::kAccepted});
    CHECK(pool.Take().token().name() == "p1");
  }
}

TEST_CASE("a check may try a token that rests, and what it finds out counts at once") {
  Pool pool({"p1", "s1"}, Recovering(3));
  pool.Meet("p1", Outcome::kAuthRejected);
  auto check = pool.pool.AcquireToken(pool.token("p1"));
  REQUIRE(check);
  CHECK_FALSE(check->is_probe());
  std::move(*check).End({Outcome::kAccepted});
  CHECK(pool.freed == 1);
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.Turns(1) == "p1");
}

TEST_CASE("a recovery by hand ends the trial of others") {
  Pool pool({"p1", "p2"}, With(Strategy::kFillFirst));
  pool.Meet("p1", Outcome::kAuthRejected);
  const Lease trial = pool.TakeOne("p1");
  CHECK(pool.Take().token().name() == "p2");
  pool.pool.Recover("p1");
  CHECK(pool.freed == 1);
  CHECK(pool.Take().token().name() == "p1");
}

TEST_CASE("a check beside the trial of a request does not end that") {
  Pool pool({"p1", "p2"}, With(Strategy::kFillFirst));
  pool.Meet("p1", Outcome::kAuthRejected);
  Lease trial = pool.TakeOne("p1");
  auto check = pool.pool.AcquireToken(pool.token("p1"));
  REQUIRE(check);
  SECTION("the check ends first") {
    std::move(*check).End({Outcome::kNetwork, Status(Code::kNetwork, "lost")});
    CHECK(pool.Take().token().name() == "p2");
    std::move(trial).End({Outcome::kNetwork, Status(Code::kNetwork, "lost")});
    CHECK(pool.Take().token().name() == "p1");
  }
  SECTION("the trial ends first: the next one may try it") {
    std::move(trial).End({Outcome::kNetwork, Status(Code::kNetwork, "lost")});
    const Lease next = pool.Take();
    CHECK(next.token().name() == "p1");
    std::move(*check).End({Outcome::kNetwork, Status(Code::kNetwork, "lost")});
    CHECK(pool.Take().token().name() == "p2");
  }
}

TEST_CASE("the only token of a pool does not rest after a server error, but after a refusal") {
  Pool pool({"p1"}, Recovering(3));
  pool.Meet("p1", Outcome::kServerError);
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  const Lease one = pool.Take();
  CHECK(pool.Take().token().name() == "p1");  // nor is it on trial
  pool.Meet("p1", Outcome::kAuthRejected);
  CHECK(pool.StateOf("p1") == TokenState::kResting);
  pool.LetRest("p1");
  pool.Succeed("p1");
  const auto second = GENERATE(as<std::string>(), "p2", "s1");
  REQUIRE(pool.pool.members().Add(Pool::Configs({second})[0]).ok());
  pool.Meet("p1", Outcome::kServerError);
  CHECK(pool.StateOf("p1") == TokenState::kResting);
}

TEST_CASE("a rest exhausts neither a tier nor the pool, and is told to nobody") {
  Pool pool({"p1", "s1"}, Recovering(1));
  const auto first = pool.Meet("p1", Outcome::kAuthRejected);
  const auto second = pool.Meet("s1", Outcome::kServerError);
  CHECK_FALSE(pool.pool.Acquire({}));
  CHECK(pool.TakeLines() == Lines{"chosen p1", "attempt failed p1", "chosen s1", "attempt failed s1"});
  SECTION("nor does its end") {
    pool.clock.Advance(5s);
    CHECK(pool.Turns(1) == "p1");
    CHECK(pool.TakeLines() == Lines{"chosen p1"});
  }
  SECTION("a failure does") {
    pool.Confirm(first);
    CHECK(pool.TakeLines() == Lines{"failure p1", "disabled p1", "tier exhausted p1 PERSONAL"});
    pool.Confirm(second);
    CHECK(pool.TakeLines() == Lines{"failure s1", "disabled s1", "tier exhausted s1 SHARED", "pool exhausted s1"});
  }
  SECTION("a quota that is spent meanwhile does") {
    std::move(*pool.pool.AcquireToken(pool.token("p1")))
        .End({Outcome::kQuotaExhausted, Status(Code::kQuotaExhausted, "spent"), 60s});
    const auto lines = pool.TakeLines();
    CHECK(lines.back() == "tier exhausted p1 PERSONAL");
  }
}

TEST_CASE("those that rest are waited for") {
  Pool pool({"p1", "p2"}, Recovering(3));
  pool.Meet("p1", Outcome::kAuthRejected);
  pool.clock.Advance(1s);
  pool.Meet("p2", Outcome::kServerError);
  CHECK(pool.pool.WhenReady({}).earliest == 4s);
  CHECK(pool.pool.WhenReady({{&pool.token("p1")}}).earliest == 5s);
  pool.clock.Advance(4s);
  CHECK(pool.pool.AnyReady({}));
}

TEST_CASE("who waited for a token that was refused meanwhile shares that, unless it served lately") {
  Pool pool({"p1", "s1"}, Recovering(3));
  const bool served_lately = GENERATE(false, true);
  if (served_lately) pool.Succeed("p1");
  pool.clock.Advance(1s);
  TokenPool::Wanted before;
  before.began = pool.clock.Steady();
  before.excluded = {&pool.token("s1")};
  pool.clock.Advance(1s);
  pool.Meet("p1", Outcome::kAuthRejected);
  TokenPool::Wanted after = before;
  after.began = pool.clock.Steady();
  using Earliest = std::optional<std::chrono::milliseconds>;
  CHECK(pool.pool.WhenReady(after).earliest == 5s);
  CHECK(pool.pool.WhenReady(before).earliest == (served_lately ? Earliest(5s) : Earliest()));
  CHECK(pool.pool.RestOf(pool.token("p1"), after) == 5s);
  CHECK(pool.pool.RestOf(pool.token("p1"), before) == (served_lately ? Earliest(5s) : Earliest()));
  pool.clock.Advance(5s);
  {
    const Lease trial = pool.TakeOne("p1");
    CHECK(pool.pool.WhenReady(after).busy);
    CHECK(pool.pool.WhenReady(before).busy == served_lately);
  }
  CHECK(pool.pool.AnyReady(before));  // what is there is taken
}

TEST_CASE("how long a token rests is asked of those that would do otherwise") {
  Pool pool({"p1", "p2"}, Recovering(1));
  const Token& token = pool.token("p1");
  CHECK_FALSE(pool.pool.RestOf(token, {}));
  const auto deferred = pool.Meet("p1", Outcome::kAuthRejected);
  pool.clock.Advance(1ms);
  CHECK(pool.pool.RestOf(token, {}) == 4999ms);
  CHECK_FALSE(pool.pool.RestOf(token, {{&token}}));
  pool.clock.Advance(1us);
  CHECK(pool.pool.RestOf(token, {}) == 4999ms);  // never too short
  pool.clock.Advance(5s);
  CHECK_FALSE(pool.pool.RestOf(token, {}));
  {
    const Lease trial = pool.TakeOne("p1");
    CHECK(pool.pool.RestOf(token, {}) == 0ms);  // as long as it takes
  }
  CHECK_FALSE(pool.pool.RestOf(token, {}));
  pool.Confirm(deferred);
  CHECK(pool.StateOf("p1") == TokenState::kDisabled);
  CHECK_FALSE(pool.pool.RestOf(token, {}));
  pool.Meet("p2", Outcome::kQuotaExhausted);
  CHECK_FALSE(pool.pool.RestOf(pool.token("p2"), {}));
}

// -------------------------------------------------------------------------------------------- Lately, and at first --

TEST_CASE("a token that served lately, or is new, is told from others") {
  Pool pool({"p1", "p2"}, Recovering(3));
  CHECK_FALSE(pool.pool.ServedLatelyOrIsNew(pool.token("p1")));
  CHECK_FALSE(pool.pool.AnyServedLately());
  Lease lease = pool.TakeOne("p1");
  CHECK(pool.pool.ServedLatelyOrIsNew(pool.token("p1")));  // new
  CHECK_FALSE(pool.pool.AnyServedLately());
  pool.clock.Advance(1min);
  CHECK_FALSE(pool.pool.ServedLatelyOrIsNew(pool.token("p1")));
  lease.NoteServing();
  CHECK(pool.pool.ServedLatelyOrIsNew(pool.token("p1")));
  CHECK(pool.pool.AnyServedLately());
  CHECK_FALSE(pool.pool.ServedLatelyOrIsNew(pool.token("p2")));
  pool.clock.Advance(10min);
  CHECK_FALSE(pool.pool.ServedLatelyOrIsNew(pool.token("p1")));
  CHECK_FALSE(pool.pool.AnyServedLately());
}

TEST_CASE("the first event of an answer clears the failures, and is told once") {
  Pool pool({"p1", "p2"}, Recovering(3));
  pool.Blame("p1");
  Lease lease = pool.TakeOne("p1");
  pool.told.clear();
  lease.NoteServing();
  CHECK(pool.Of("p1").failures == 0);
  CHECK(pool.TakeLines() == Lines{"recovered p1"});
  lease.NoteServing();
  std::move(lease).End({Outcome::kSuccess});
  CHECK(pool.told.empty());
  CHECK(pool.Of("p1").served == 1);
}

TEST_CASE("the end of an answer shows no more than its first event did") {
  Pool pool({"p1", "p2"}, Recovering(3));
  Lease lease = pool.TakeOne("p1");
  lease.NoteServing();
  const auto deferred = pool.Meet("p1", Outcome::kAuthRejected);
  lease.NoteServing();
  CHECK(pool.StateOf("p1") == TokenState::kResting);
  std::move(lease).End({Outcome::kSuccess});
  CHECK(pool.StateOf("p1") == TokenState::kResting);
  pool.Confirm(deferred);
  CHECK(pool.Of("p1").failures == 1);
}

TEST_CASE("a probe has passed with the first event, whatever its stream meets later") {
  Pool pool({"p1", "p2"}, Recovering(1));
  pool.Blame("p1");
  pool.clock.Advance(60s);
  Lease probe = pool.TakeOne("p1");
  REQUIRE(probe.is_probe());
  probe.NoteServing();
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.freed == 1);
  std::move(probe).End({Outcome::kStreamCut, Status(Code::kConnectionLost, "cut")});
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.Of("p1").failures == 0);
}

// ------------------------------------------------------------------------------------------------------ GiveBack() --

TEST_CASE("a lease that is given back was never taken") {
  Pool pool({"p1", "p2"}, With(Strategy::kFillFirst, 1));
  const auto requests = [&] { return pool.pool.view().Statistics().total.requests; };
  pool.Succeed("p1");
  Lease lease = pool.Take();
  CHECK(pool.Of("p1").in_flight == 1);
  CHECK(requests() == 2);
  pool.freed = 0;
  std::move(lease).GiveBack();
  CHECK(pool.freed == 1);
  CHECK(pool.Of("p1").in_flight == 0);
  CHECK(requests() == 1);
  CHECK(pool.pool.view().Statistics().total.Of(Outcome::kCancelled) == 0);
  CHECK(pool.Turns(1) == "p1");
  { const Lease moved = std::move(lease); }  // nothing is left to report
  CHECK(pool.pool.view().Statistics().total.Of(Outcome::kCancelled) == 0);
}

TEST_CASE("a trial or a probe that is given back is left to the next one") {
  Pool pool({"p1", "p2"}, Recovering(1));
  const bool probe = GENERATE(false, true);
  const auto deferred = pool.Meet("p1", Outcome::kAuthRejected);
  if (probe) pool.Confirm(deferred);
  pool.clock.Advance(60s);
  Lease lease = pool.TakeOne("p1");
  CHECK(lease.is_probe() == probe);
  CHECK_FALSE(pool.pool.Acquire({pool.AllBut("p1")}));
  std::move(lease).GiveBack();
  CHECK(pool.freed == 1);
  CHECK(pool.TakeOne("p1").is_probe() == probe);
}

TEST_CASE("a lease of a token that is gone can be given back") {
  Pool pool({"p1", "p2"}, Recovering(1));
  Lease lease = pool.TakeOne("p1");
  REQUIRE(pool.pool.members().Remove("p1").ok());
  std::move(lease).GiveBack();
  CHECK(pool.pool.view().Statistics().total.requests == 0);
}

}  // namespace
}  // namespace warppool::internal
