// What a refusal does before anybody knows whose fault it was: the token rests, is tried by one request at a time, and
// may come behind all others.
#include <chrono>
#include <optional>

#include "catch.h"
#include "unit/token/health_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a token that was refused rests for five seconds") {
  const Outcome outcome = GENERATE(Outcome::kAuthRejected, Outcome::kServerError);
  Patient token;
  token.Refuse(token.Begin(), outcome);
  CHECK(token.state() == TokenState::kResting);
  CHECK(token.turns_in() == 5s);
  token.clock.Advance(5s - 1ns);
  CHECK(token.state() == TokenState::kResting);
  token.clock.Advance(1ns);
  CHECK(token.state() == TokenState::kReady);
  CHECK(token.health.failures() == 0);
}

TEST_CASE("the last refusal is the one that the rest begins with") {
  Patient token;
  const HealthStamp late = token.Begin();
  token.Refuse();
  token.clock.Advance(3s);
  token.Refuse(late);
  CHECK(token.turns_in() == kRest);
}

TEST_CASE("a token that has rested is tried by one request at a time, until it serves") {
  Patient token;
  CHECK_FALSE(token.Begin().is_trial);
  token.Refuse();
  token.LetRest();
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(token.health.IsBeingTried(token.clock.Steady()));
    const HealthStamp trial = token.Begin();
    CHECK(trial.is_trial);
    CHECK_FALSE(trial.is_probe);
    CHECK(token.health.IsBeingTried(token.clock.Steady()));
    CHECK(token.state() == TokenState::kReady);
    if (i == 1) {
      token.Refuse(trial);
      CHECK(token.turns_in() == kRest);  // once more
      CHECK_FALSE(token.health.IsBeingTried(token.clock.Steady()));
      token.LetRest();
    } else {
      token.Report(Outcome::kNetwork, trial);  // which says nothing
    }
  }
  const HealthStamp trial = token.Begin();
  token.Serve(trial);
  CHECK_FALSE(token.health.IsBeingTried(token.clock.Steady()));  // from its first event on
  CHECK_FALSE(token.Begin().is_trial);
  CHECK_FALSE(token.turns_in());
}

TEST_CASE("whoever serves ends the rest, be it a request from before") {
  Patient token;
  const HealthStamp early = token.Begin();
  token.Refuse();
  SECTION("a request") {
    token.Serve(early);
  }
  SECTION("a check whose credential is accepted") {
    token.Report(Outcome::kAccepted, early);
  }
  SECTION("a recovery by hand") {
    CHECK(token.Recover());
  }
  CHECK(token.state() == TokenState::kReady);
  CHECK_FALSE(token.turns_in());
  CHECK_FALSE(token.Begin().is_trial);
}

TEST_CASE("a refusal from before a recovery has no token rest") {
  Patient token;
  const HealthStamp stamp = token.Begin();
  SECTION("by hand") {
    token.Recover();
  }
  SECTION("by a probe") {
    token.FailOften();
    token.Succeed();
  }
  token.Refuse(stamp);
  CHECK(token.state() == TokenState::kReady);
  CHECK_FALSE(token.Begin().is_trial);
}

TEST_CASE("the end of an old request is not that of the trial") {
  Patient token;
  const HealthStamp before = token.Begin();
  token.Refuse();
  token.LetRest();
  const HealthStamp trial = token.Begin();
  token.Report(Outcome::kNetwork, before);
  CHECK(token.health.IsBeingTried(token.clock.Steady()));
  token.Report(Outcome::kNetwork, trial);
  CHECK_FALSE(token.health.IsBeingTried(token.clock.Steady()));
}

TEST_CASE("the end of a trial from before the token served is not that of the next one") {
  Patient token;
  const HealthStamp early = token.Begin();
  token.Refuse();
  token.LetRest();
  const HealthStamp old = token.Begin();
  token.Serve(early);
  token.Refuse();
  token.LetRest();
  const HealthStamp trial = token.Begin();
  CHECK(trial.is_trial);
  token.Report(Outcome::kCancelled, old);
  CHECK(token.health.IsBeingTried(token.clock.Steady()));
  token.Report(Outcome::kCancelled, trial);
  CHECK_FALSE(token.health.IsBeingTried(token.clock.Steady()));
}

TEST_CASE("what cools and rests is back when both are over") {
  Patient token;
  const auto cooling = GENERATE(3s, 8s);
  const HealthStamp other = token.Begin();
  token.Refuse();
  token.Report(Outcome::kQuotaExhausted, other, cooling);
  CHECK(token.state() == TokenState::kCooling);
  CHECK(token.turns_in() == std::max<std::chrono::seconds>(cooling, kRest));
  token.clock.Advance(3s);
  CHECK(token.state() == (cooling == 3s ? TokenState::kResting : TokenState::kCooling));
  token.clock.Advance(*token.turns_in());
  CHECK(token.state() == TokenState::kReady);
  CHECK(token.Begin().is_trial);
}

TEST_CASE("one that waited for a token is told whether that was refused since it came") {
  Patient token;
  const SteadyTime before = token.clock.Steady();
  CHECK_FALSE(token.health.RefusedSince(before));
  token.clock.Advance(1s);
  token.Refuse();
  const SteadyTime then = token.clock.Steady();
  CHECK(token.health.RefusedSince(before));
  CHECK_FALSE(token.health.RefusedSince(then));
  token.LetRest();
  CHECK(token.health.RefusedSince(before));  // until it serves
  const HealthStamp trial = token.Begin();
  token.Serve(trial);
  CHECK_FALSE(token.health.RefusedSince(before));
}

// ------------------------------------------------------------------------------------------------ Behind all others --

TEST_CASE("a token is set back for a minute, twice as long each time, for an hour at most, until it serves") {
  Patient token;
  for (const auto time : {1min, 2min, 4min, 8min, 16min, 32min, 60min, 60min}) {
    token.SetBack(token.Refuse());
    CHECK(token.is_set_back());
    CHECK(token.health.set_back_until() == token.clock.Steady() + time);
    token.clock.Advance(time - 1ns);
    CHECK(token.is_set_back());
    token.clock.Advance(1ns);
    CHECK_FALSE(token.is_set_back());
  }
  SECTION("it serves") {
    token.Serve(token.Begin());
  }
  SECTION("its credential is accepted") {
    token.Report(Outcome::kAccepted);
  }
  SECTION("it is recovered by hand") {
    token.Recover();
  }
  token.SetBack(token.Refuse());
  CHECK(token.health.set_back_until() == token.clock.Steady() + 1min);
}

TEST_CASE("who serves is behind nobody any more") {
  Patient token;
  token.SetBack(token.Refuse());
  SECTION("it serves") {
    token.LetRest();
    token.Serve(token.Begin());
  }
  SECTION("it is recovered by hand") {
    token.Recover();
  }
  CHECK_FALSE(token.is_set_back());
}

TEST_CASE("of several that prove nothing at a time one sets back") {
  Patient token;
  const HealthStamp one = token.Begin();
  const HealthStamp other = token.Begin();
  token.SetBack(token.Refuse(one));
  token.SetBack(token.Refuse(other));
  CHECK(token.health.set_back_until() == token.clock.Steady() + 1min);
}

TEST_CASE("what was held against a token by then does not set it back") {
  Patient token;
  const HealthStamp one = token.Begin();
  const HealthStamp other = token.Begin();
  const DeferredVerdict verdict = token.Refuse(one);
  SECTION("it has served since") {
    token.Serve(other);
  }
  SECTION("it has had a failure since") {
    token.Blame(other);
  }
  SECTION("it was recovered since") {
    token.Recover();
  }
  token.SetBack(verdict);
  CHECK_FALSE(token.is_set_back());
}

TEST_CASE("to be set back is no failure, and no reason not to serve") {
  Patient token;
  token.SetBack(token.Refuse());
  token.LetRest();
  CHECK(token.is_set_back());
  CHECK(token.state() == TokenState::kReady);
  CHECK(token.health.failures() == 0);
}

// -------------------------------------------------------------------------------------------- Lately, and at first --

TEST_CASE("a token served lately until ten minutes after it served last") {
  Patient token;
  CHECK_FALSE(token.health.ServedLately(token.clock.Steady()));
  const HealthStamp stamp = token.Begin();
  CHECK_FALSE(token.health.ServedLately(token.clock.Steady()));
  token.Serve(stamp);
  token.clock.Advance(10min - 1ns);
  CHECK(token.health.ServedLately(token.clock.Steady()));
  token.Report(Outcome::kSuccess, stamp);  // its end is not its beginning
  token.clock.Advance(1ns);
  CHECK_FALSE(token.health.ServedLately(token.clock.Steady()));
}

TEST_CASE("a late event of a disabled token's old request is still an event") {
  Patient token;
  const HealthStamp early = token.Begin();
  token.FailOften();
  token.Serve(early);
  CHECK(token.health.ServedLately(token.clock.Steady()));
}

TEST_CASE("a token is new for a minute after it was used first, whatever it met") {
  Patient token;
  CHECK_FALSE(token.health.IsNew(token.clock.Steady()));
  token.Refuse();
  CHECK(token.health.IsNew(token.clock.Steady()));
  token.clock.Advance(30s);
  token.Refuse();
  token.clock.Advance(30s - 1ns);
  CHECK(token.health.IsNew(token.clock.Steady()));
  token.clock.Advance(1ns);
  CHECK_FALSE(token.health.IsNew(token.clock.Steady()));
  token.Begin();
  CHECK_FALSE(token.health.IsNew(token.clock.Steady()));  // never again
}

}  // namespace
}  // namespace warppool::internal
