// A token's health that comes back from where it was kept.

#include <chrono>
#include <functional>
#include <optional>

#include "catch.h"
#include "unit/token/health_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a health that was good comes back as it was") {
  Patient p;
  p.health.Restore(TokenHealth::Standing::kGood, 2, {}, {}, p.clock.Steady());
  CHECK(p.state() == TokenState::kReady);
  CHECK(p.health.failures() == 2);
  CHECK(p.health.total_failures() == 0);  // what was is not counted again
  CHECK(p.Blame() == HealthChange::kDisabled);
}

TEST_CASE("a restart has the disabled tried at once, and then as ever") {
  Patient p;
  const bool by_itself = GENERATE(false, true);
  if (by_itself) {
    p.options.recovery_delay = 60s;
    p.options.recovery_max_delay = 240s;
  }
  p.health.Restore(TokenHealth::Standing::kDisabled, 3, {}, {}, p.clock.Steady());
  CHECK(p.state() == TokenState::kHalfOpen);
  CHECK(p.health.disabled());
  CHECK_FALSE(p.health.revoked());
  CHECK(p.may_probe());
  const HealthStamp probe = p.Begin();
  CHECK(probe.is_probe);
  CHECK_FALSE(p.may_probe());
  SECTION("it works again") {
    CHECK(p.Succeed(probe) == HealthChange::kRecovered);
    CHECK(p.state() == TokenState::kReady);
    CHECK(p.health.failures() == 0);
  }
  SECTION("it is refused, and that is confirmed: its delay is that of any first time, or only people help it") {
    CHECK(p.Blame(probe) == HealthChange::kProbeFailed);
    CHECK(p.state() == TokenState::kDisabled);
    CHECK(p.turns_in() == (by_itself ? std::optional<SteadyTime::duration>(60s) : std::nullopt));
  }
  SECTION("it is refused, and nobody confirms that: after a rest the next one may try") {
    p.Refuse(probe);
    CHECK(p.turns_in() == kRest);
    p.clock.Advance(kRest);
    CHECK(p.may_probe());
  }
  SECTION("it is refused for good: only people help it") {
    CHECK(p.Report(Outcome::kAuthRevoked, probe) == HealthChange::kDisabled);
    CHECK(p.state() == TokenState::kDisabled);
    CHECK_FALSE(p.turns_in());
  }
  SECTION("nobody is to blame: the next one may try") {
    CHECK(p.Report(Outcome::kNetwork, probe) == HealthChange::kNone);
    CHECK(p.may_probe());
  }
}

TEST_CASE("who was revoked may be tried at once, and comes behind all others") {
  Patient p;
  p.health.Restore(TokenHealth::Standing::kRevoked, 0, {}, {}, p.clock.Steady());
  CHECK(p.state() == TokenState::kHalfOpen);
  CHECK(p.health.revoked());
  CHECK(p.health.IsSetBack(p.clock.Steady()));
  const HealthStamp probe = p.Begin();
  CHECK(probe.is_probe);
  SECTION("it serves") {
    CHECK(p.Succeed(probe) == HealthChange::kRecovered);
    CHECK_FALSE(p.health.revoked());
    CHECK_FALSE(p.health.IsSetBack(p.clock.Steady()));
  }
  SECTION("it is refused for good once more: only people help it") {
    CHECK(p.Report(Outcome::kAuthRevoked, probe) == HealthChange::kDisabled);
    CHECK(p.Report(Outcome::kAuthRevoked, probe) == HealthChange::kNone);
    CHECK(p.state() == TokenState::kDisabled);
    CHECK_FALSE(p.turns_in());
  }
  SECTION("it is refused, and that is confirmed: the same") {
    CHECK(p.Blame(probe) == HealthChange::kProbeFailed);
    CHECK(p.state() == TokenState::kDisabled);
    p.LetRest();
    CHECK_FALSE(p.turns_in());
  }
  SECTION("it is refused, and nobody confirms that: after a rest the next one may try") {
    p.Refuse(probe);
    CHECK(p.turns_in() == kRest);
  }
}

TEST_CASE("the length of a recovery delay outlives the process") {
  Patient p;
  p.options.recovery_delay = 60s;
  p.options.recovery_max_delay = 1h;
  p.health.Restore(TokenHealth::Standing::kDisabled, 3, 90s, {}, p.clock.Steady());
  CHECK(p.state() == TokenState::kHalfOpen);
  CHECK(p.Blame(p.Begin()) == HealthChange::kProbeFailed);
  CHECK(p.turns_in() == 180s);
  CHECK(p.health.recovery_delay() == 180s);
}

TEST_CASE("a quota that was spent is spent until its time, disabled or not") {
  Patient p;
  const bool disabled = GENERATE(false, true);
  p.health.Restore(disabled ? TokenHealth::Standing::kDisabled : TokenHealth::Standing::kGood, 0, {},
                   p.clock.Steady() + 60s, p.clock.Steady());
  CHECK(p.state() == (disabled ? TokenState::kDisabled : TokenState::kCooling));
  CHECK(p.turns_in() == 60s);
  p.clock.Advance(60s);
  CHECK(p.state() == (disabled ? TokenState::kHalfOpen : TokenState::kReady));
}

TEST_CASE("who has a history of his own is believed, and not the past") {
  struct Row {
    std::function<void(Patient*)> history;
    TokenState state;
  };
  const auto row = GENERATE(values<Row>({
      {[](Patient* p) { p->Succeed(); }, TokenState::kReady},
      {[](Patient* p) { p->BlameAndRest(); }, TokenState::kReady},
      {[](Patient* p) { p->Report(Outcome::kAuthRevoked); }, TokenState::kDisabled},
      {[](Patient* p) { p->Report(Outcome::kQuotaExhausted); }, TokenState::kCooling},
      {[](Patient* p) { p->Recover(); }, TokenState::kReady},
  }));
  Patient p;
  row.history(&p);
  const int failures = p.health.failures();
  p.health.Restore(TokenHealth::Standing::kDisabled, 2, {}, p.clock.Steady() + 1h, p.clock.Steady());
  CHECK(p.state() == row.state);
  CHECK(p.health.failures() == failures);
}

TEST_CASE("what says nothing of a token is no history") {
  for (const Outcome outcome : {Outcome::kNetwork, Outcome::kOverloaded, Outcome::kCancelled, Outcome::kAuthStale,
                                Outcome::kServerError, Outcome::kRequestFault}) {
    Patient p;
    p.Report(outcome);
    p.health.Restore(TokenHealth::Standing::kDisabled, 3, {}, {}, p.clock.Steady());
    CHECK(p.state() == TokenState::kHalfOpen);
  }
}

TEST_CASE("a recovery makes an end of what came back") {
  Patient p;
  p.health.Restore(TokenHealth::Standing::kDisabled, 3, {}, p.clock.Steady() + 1h, p.clock.Steady());
  CHECK(p.Recover());
  CHECK(p.state() == TokenState::kReady);
  CHECK(p.health.failures() == 0);
}

}  // namespace
}  // namespace warppool::internal
