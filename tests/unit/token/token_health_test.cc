#include "token/token_health.h"

#include <chrono>
#include <string>

#include "catch.h"
#include "unit/token/health_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

TEST_CASE("each outcome does to a healthy token what it should") {
  struct Row {
    Outcome outcome;
    HealthChange change;
    TokenState state;
    int failures;
  };
  const auto row = GENERATE(values<Row>({
      {Outcome::kSuccess, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kAccepted, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kAuthStale, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kAuthRejected, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kAuthRevoked, HealthChange::kDisabled, TokenState::kDisabled, 0},
      {Outcome::kQuotaExhausted, HealthChange::kCooling, TokenState::kCooling, 0},
      {Outcome::kServerError, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kOverloaded, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kNetwork, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kStreamCut, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kRequestFault, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kGarbled, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kMisconfigured, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kBlocked, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kHeld, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kFinishedOtherwise, HealthChange::kNone, TokenState::kReady, 0},
      {Outcome::kCancelled, HealthChange::kNone, TokenState::kReady, 0},
  }));
  INFO(static_cast<int>(row.outcome));
  Patient token;
  CHECK(token.Report(row.outcome) == row.change);
  CHECK(token.state() == row.state);
  CHECK(token.health.failures() == row.failures);
  CHECK(token.health.total_failures() == static_cast<std::uint64_t>(row.failures));
  CHECK(token.health.successes() == 0);  // see Serve()
}

TEST_CASE("what is no token's fault never disables one, however often") {
  const Outcome outcome = GENERATE(Outcome::kAuthStale, Outcome::kOverloaded, Outcome::kNetwork, Outcome::kStreamCut,
                                   Outcome::kRequestFault, Outcome::kGarbled, Outcome::kMisconfigured,
                                   Outcome::kBlocked, Outcome::kHeld, Outcome::kFinishedOtherwise, Outcome::kCancelled);
  Patient token;
  for (int i = 0; i < 1000; ++i) token.Report(outcome);
  CHECK(token.state() == TokenState::kReady);
  CHECK(token.health.failures() == 0);
}

TEST_CASE("a refusal or a server error that nobody confirms never disables, however often") {
  const Outcome outcome = GENERATE(Outcome::kAuthRejected, Outcome::kServerError);
  Patient token;
  for (int i = 0; i < 1000; ++i) {
    token.Refuse(token.Begin(), outcome);
    CHECK(token.state() == TokenState::kResting);
    token.LetRest();
  }
  CHECK(token.state() == TokenState::kReady);
  CHECK(token.health.failures() == 0);
  CHECK(token.health.total_failures() == 0);
}

TEST_CASE("the third failure in a row disables") {
  Patient token;
  CHECK(token.BlameAndRest() == HealthChange::kFailure);
  CHECK(token.BlameAndRest() == HealthChange::kFailure);
  CHECK(token.state() == TokenState::kReady);
  CHECK(token.Blame() == HealthChange::kDisabled);
  CHECK(token.state() == TokenState::kDisabled);
  CHECK(token.health.failures() == 3);
  CHECK(token.health.total_failures() == 3);
}

TEST_CASE("a disabled token that is tried and refused has one more failure, but not more than disabled") {
  Patient token;
  token.FailOften();
  CHECK(token.Blame() == HealthChange::kProbeFailed);
  CHECK(token.state() == TokenState::kDisabled);
  CHECK(token.health.failures() == 3);
  CHECK(token.health.total_failures() == 4);
}

TEST_CASE("how many failures disable is configurable") {
  Patient token;
  token.options.max_failures = 1;
  CHECK(token.Blame() == HealthChange::kDisabled);
}

TEST_CASE("a token that serves has its failures cleared, not the count of all") {
  Patient token;
  token.BlameAndRest();
  token.BlameAndRest();
  CHECK(token.Succeed() == HealthChange::kCleared);
  CHECK(token.health.failures() == 0);
  CHECK(token.health.total_failures() == 2);
  CHECK(token.Succeed() == HealthChange::kNone);
  token.BlameAndRest();
  token.BlameAndRest();
  CHECK(token.state() == TokenState::kReady);
}

TEST_CASE("a token serves with the first event: what its stream meets later takes nothing back") {
  Patient token;
  token.BlameAndRest();
  const HealthStamp stamp = token.Begin();
  CHECK(token.Serve(stamp) == HealthChange::kCleared);
  CHECK(token.health.successes() == 1);
  CHECK(token.Report(Outcome::kStreamCut, stamp) == HealthChange::kNone);
  CHECK(token.health.failures() == 0);
  CHECK(token.health.successes() == 1);
}

TEST_CASE("an exchange that accepts the credential clears the failures, and counts as no request served") {
  Patient token;
  token.BlameAndRest();
  CHECK(token.Report(Outcome::kAccepted) == HealthChange::kCleared);
  CHECK(token.health.failures() == 0);
  CHECK(token.health.successes() == 0);
  CHECK_FALSE(token.health.ServedLately(token.clock.Steady()));
}

TEST_CASE("a burst of leases that all meet one fault is one failure") {
  Patient token;
  const HealthStamp together = token.Begin();
  CHECK(token.Blame(together) == HealthChange::kFailure);
  for (int i = 0; i < 100; ++i) CHECK(token.Blame(together) == HealthChange::kNone);
  CHECK(token.health.failures() == 1);
  token.LetRest();
  CHECK(token.Blame() == HealthChange::kFailure);
}

TEST_CASE("a stamp from before a cleared failure is stale, too") {
  Patient token;
  const HealthStamp before = token.Begin();
  token.BlameAndRest();
  token.Succeed();
  CHECK(token.Blame(before) == HealthChange::kNone);
  CHECK(token.health.failures() == 0);
}

TEST_CASE("a late success counts, but does not bring a disabled token back") {
  Patient token;
  const HealthStamp early = token.Begin();
  token.FailOften();
  CHECK(token.Succeed(early) == HealthChange::kNone);
  CHECK(token.state() == TokenState::kDisabled);
  CHECK(token.health.failures() == 3);  // disabled for a reason that can still be seen
  CHECK(token.health.successes() == 1);
}

TEST_CASE("the final word on a credential disables at once, an old lease's word as well") {
  Patient token;
  const HealthStamp before = token.Begin();
  token.BlameAndRest();
  CHECK(token.Report(Outcome::kAuthRevoked, before) == HealthChange::kDisabled);
  CHECK(token.state() == TokenState::kDisabled);
  CHECK(token.Report(Outcome::kAuthRevoked) == HealthChange::kNone);
  token.clock.Advance(1000h);
  CHECK(token.state() == TokenState::kDisabled);
}

TEST_CASE("the final word is told once, and outlasts the failures") {
  Patient token;
  token.FailOften();
  CHECK(token.Report(Outcome::kAuthRevoked) == HealthChange::kDisabled);  // from now on, for good
  CHECK(token.Report(Outcome::kAuthRevoked) == HealthChange::kNone);
  CHECK(token.health.total_failures() == 3);
}

TEST_CASE("another generation's word on the credential is not this one's") {
  Patient token;
  HealthStamp other = token.Begin();
  ++other.generation;
  CHECK(token.Report(Outcome::kAuthRevoked, other) == HealthChange::kNone);
  CHECK(token.Blame(other) == HealthChange::kNone);
  CHECK(token.Report(Outcome::kQuotaExhausted, other) == HealthChange::kNone);
  CHECK(token.state() == TokenState::kReady);
}

TEST_CASE("a spent quota cools until its time, without a failure") {
  Patient token;
  SECTION("that the service told") {
    token.Report(Outcome::kQuotaExhausted, token.Begin(), 5s);
    CHECK(token.health.cooling_until() == token.clock.Steady() + 5s);
    token.clock.Advance(5s - 1ns);
  }
  SECTION("of the configuration") {
    token.Report(Outcome::kQuotaExhausted);
    token.clock.Advance(10s - 1ns);
  }
  CHECK(token.state() == TokenState::kCooling);
  token.clock.Advance(1ns);
  CHECK(token.state() == TokenState::kReady);
  CHECK(token.health.failures() == 0);
}

TEST_CASE("of two words about the quota the longer rest counts") {
  Patient token;
  const HealthStamp stamp = token.Begin();
  token.Report(Outcome::kQuotaExhausted, stamp, 60s);
  token.Report(Outcome::kQuotaExhausted, stamp, 5s);
  token.clock.Advance(59s);
  CHECK(token.state() == TokenState::kCooling);
  token.clock.Advance(1s);
  CHECK(token.state() == TokenState::kReady);
}

TEST_CASE("a spent quota says nothing about a disabled token") {
  Patient token;
  token.Report(Outcome::kAuthRevoked);
  CHECK(token.Report(Outcome::kQuotaExhausted) == HealthChange::kNone);
  CHECK(token.state() == TokenState::kDisabled);
}

TEST_CASE("a refusal or a server error becomes a failure when it is confirmed, once") {
  const Outcome outcome = GENERATE(Outcome::kAuthRejected, Outcome::kServerError);
  Patient token;
  const DeferredVerdict verdict = token.Refuse(token.Begin(), outcome);
  CHECK(token.health.failures() == 0);
  CHECK(token.Confirm(verdict) == HealthChange::kFailure);
  CHECK(token.health.failures() == 1);
  CHECK(token.Confirm(verdict) == HealthChange::kNone);
  CHECK(token.health.failures() == 1);
}

TEST_CASE("a deferred failure lapses when the token has served, has had a failure, or is gone since") {
  Patient token;
  const HealthStamp stamp = token.Begin();
  const HealthStamp other = token.Begin();
  const DeferredVerdict verdict = token.Refuse(stamp);
  SECTION("it has served") {
    token.Serve(other);
  }
  SECTION("it has had a failure") {
    token.Blame(other);
  }
  SECTION("revoked") {
    token.Report(Outcome::kAuthRevoked, other);
  }
  SECTION("recovered by hand") {
    token.Recover();
  }
  const int failures = token.health.failures();
  CHECK(token.Confirm(verdict) == HealthChange::kNone);
  CHECK(token.health.failures() == failures);
  if (token.health.revoked()) return;  // whoever does not serve has no place among the others
  token.SetBack(verdict);
  CHECK_FALSE(token.is_set_back());
}

TEST_CASE("what served before the refusal does not let it lapse") {
  Patient token;
  const HealthStamp stamp = token.Begin();
  token.Succeed();
  CHECK(token.Blame(stamp) == HealthChange::kFailure);
}

TEST_CASE("states have names") {
  CHECK(std::string(TokenStateName(TokenState::kReady)) == "ready");
  CHECK(std::string(TokenStateName(TokenState::kCooling)) == "cooling");
  CHECK(std::string(TokenStateName(TokenState::kDisabled)) == "disabled");
  CHECK(std::string(TokenStateName(TokenState::kHalfOpen)) == "half open");
  CHECK(std::string(TokenStateName(TokenState::kResting)) == "resting");
  CHECK(std::string(TokenStateName(static_cast<TokenState>(0))) == "unknown");
}

}  // namespace
}  // namespace warppool::internal
