#include <chrono>
#include <optional>
#include <vector>

#include "catch.h"
#include "unit/token/health_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

// One that is disabled, and comes back by itself: after 60 s, 120 s, 240 s, 240 s, ...
struct Disabled : Patient {
  Disabled() {
    options = {3, 10s, 60s, 240s};
    FailOften();
  }
  // Waits until it is half open, and begins the probe.
  HealthStamp Probe() {
    clock.Advance(turns_in().value());
    return Begin();
  }
};

// What says nothing about a token, and so nothing about a probe.
const std::vector<Outcome> kNeutral{Outcome::kAuthStale,         Outcome::kOverloaded,   Outcome::kNetwork,
                                    Outcome::kStreamCut,         Outcome::kRequestFault, Outcome::kGarbled,
                                    Outcome::kBlocked,           Outcome::kHeld,         Outcome::kCancelled,
                                    Outcome::kFinishedOtherwise, Outcome::kMisconfigured};

TEST_CASE("a disabled token comes back after a delay, twice as long after each probe that failed, up to a limit") {
  Disabled token;
  for (const auto rest : {60s, 120s, 240s, 240s, 240s}) {
    CHECK(token.state() == TokenState::kDisabled);
    CHECK_FALSE(token.may_probe());
    CHECK(token.turns_in() == rest);
    token.clock.Advance(rest - 1ns);
    CHECK(token.state() == TokenState::kDisabled);
    token.clock.Advance(1ns);
    CHECK(token.state() == TokenState::kHalfOpen);
    CHECK(token.may_probe());
    CHECK(token.Blame() == HealthChange::kProbeFailed);
    CHECK(token.health.failures() == 3);
  }
  CHECK(token.health.total_failures() == 8);
}

TEST_CASE("how long that delay is has bounds, whatever is configured") {
  struct Row {
    std::chrono::milliseconds delay;
    std::chrono::milliseconds limit;
    std::vector<std::chrono::milliseconds> rests;
  };
  const auto row = GENERATE(values<Row>({
      {60s, 100s, {60s, 100s, 100s}},
      {60s, 60s, {60s, 60s, 60s}},
      {60s, 10s, {60s, 60s, 60s}},  // never less than the first one
      {60s, 0s, {60s, 60s, 60s}},
      {10s, 24h * 24, {10s, 20s, 40s}},
  }));
  Disabled token;
  token.Recover();
  token.options.recovery_delay = row.delay;
  token.options.recovery_max_delay = row.limit;
  token.FailOften();
  for (const auto rest : row.rests) {
    CHECK(token.turns_in() == rest);
    token.Blame(token.Probe());
  }
}

TEST_CASE("a delay that is shorter than the rest after a refusal is as long as that") {
  Disabled token;
  token.Recover();
  token.options.recovery_delay = 1ms;
  token.options.recovery_max_delay = 1h;
  token.FailOften();
  CHECK(token.turns_in() == kRest);
}

TEST_CASE("without a recovery delay a disabled token comes back by hand only") {
  Disabled token;
  token.Recover();
  token.options.recovery_delay = 0s;
  token.FailOften();
  CHECK_FALSE(token.turns_in());
  token.clock.Advance(10'000h);
  CHECK(token.state() == TokenState::kDisabled);
  CHECK_FALSE(token.may_probe());
  CHECK(token.Blame() == HealthChange::kProbeFailed);  // a health check's
  token.clock.Advance(10'000h);
  CHECK(token.state() == TokenState::kDisabled);
  CHECK(token.Recover());
  CHECK(token.state() == TokenState::kReady);
}

TEST_CASE("it is half open only when both its delay and its cooling are over") {
  Disabled token;
  const auto cooling = GENERATE(30s, 60s, 90s, 1000s);
  CHECK_FALSE(token.health.CoolUntil(token.clock.Steady() + cooling, token.clock.Steady()));  // it was not ready
  CHECK(token.state() == TokenState::kDisabled);
  const auto both = std::max<std::chrono::seconds>(cooling, 60s);
  CHECK(token.turns_in() == both);
  token.clock.Advance(both - 1ns);
  CHECK(token.state() == TokenState::kDisabled);
  token.clock.Advance(1ns);
  CHECK(token.state() == TokenState::kHalfOpen);
}

TEST_CASE("a probe that ends neutrally frees the slot, and the delay grows no longer") {
  for (const Outcome outcome : kNeutral) {
    INFO(static_cast<int>(outcome));
    Disabled token;
    const HealthStamp probe = token.Probe();
    CHECK(probe.is_probe);
    CHECK(token.state() == TokenState::kHalfOpen);
    CHECK_FALSE(token.may_probe());
    CHECK(token.health.being_probed());
    CHECK(token.Report(outcome, probe) == HealthChange::kNone);
    CHECK(token.state() == TokenState::kHalfOpen);
    CHECK(token.may_probe());
    CHECK(token.turns_in() == 0s);
    CHECK(token.health.total_failures() == 3);
    token.Blame();
    CHECK(token.turns_in() == 120s);  // the second delay, as if nothing had been between
  }
}

TEST_CASE("a probe whose refusal is confirmed frees the slot for when the delay is over") {
  Disabled token;
  CHECK(token.Blame(token.Probe()) == HealthChange::kProbeFailed);
  CHECK_FALSE(token.health.being_probed());
  CHECK_FALSE(token.may_probe());
  token.clock.Advance(120s);
  CHECK(token.may_probe());
}

TEST_CASE("a probe that is refused rests, and its delay is doubled only by a failure that is confirmed") {
  Disabled token;
  const Outcome outcome = GENERATE(Outcome::kAuthRejected, Outcome::kServerError);
  const HealthStamp stamp = token.Probe();
  const DeferredVerdict verdict = token.Refuse(stamp, outcome);
  CHECK(token.state() == TokenState::kDisabled);
  CHECK_FALSE(token.health.being_probed());
  CHECK(token.turns_in() == kRest);
  token.clock.Advance(kRest);
  CHECK(token.may_probe());
  SECTION("at once") {
    CHECK(token.Confirm(verdict) == HealthChange::kProbeFailed);
    CHECK(token.turns_in() == 120s);
    CHECK(token.Confirm(verdict) == HealthChange::kNone);  // once
    CHECK(token.turns_in() == 120s);
  }
  SECTION("nobody confirms it, nor what the next probes meet: it rests each time, no longer") {
    for (int i = 0; i < 10; ++i) {
      token.Refuse(token.Begin(), outcome);
      CHECK(token.turns_in() == kRest);
      token.clock.Advance(kRest);
    }
    CHECK(token.Blame() == HealthChange::kProbeFailed);
    CHECK(token.turns_in() == 120s);  // the second delay
  }
  SECTION("not while the next probe is under way: it is for that one to find out") {
    const HealthStamp next = token.Begin();
    CHECK(token.Confirm(verdict) == HealthChange::kNone);
    CHECK(token.turns_in() == 0s);
    token.Report(Outcome::kCancelled, next);
    CHECK(token.Confirm(verdict) == HealthChange::kProbeFailed);  // it has found out nothing
  }
  SECTION("not after the next probe has failed") {
    token.Blame();
    CHECK(token.Confirm(verdict) == HealthChange::kNone);
    CHECK(token.turns_in() == 120s);
  }
  SECTION("not after the next probe has served") {
    token.Succeed();
    CHECK(token.Confirm(verdict) == HealthChange::kNone);
    CHECK(token.state() == TokenState::kReady);
    CHECK(token.health.failures() == 0);
  }
  SECTION("not after a recovery") {
    token.Recover();
    CHECK(token.Confirm(verdict) == HealthChange::kNone);
    CHECK(token.health.failures() == 0);
  }
  SECTION("not after the credential's end") {
    token.Report(Outcome::kAuthRevoked);
    CHECK(token.Confirm(verdict) == HealthChange::kNone);
    CHECK_FALSE(token.turns_in());
  }
}

TEST_CASE("a spent quota on a probe cools the token, and leaves it disabled") {
  Disabled token;
  CHECK(token.Report(Outcome::kQuotaExhausted, token.Probe(), 500s) == HealthChange::kNone);
  CHECK_FALSE(token.health.being_probed());
  CHECK(token.state() == TokenState::kDisabled);
  CHECK(token.turns_in() == 500s);
  CHECK(token.health.total_failures() == 3);
  token.clock.Advance(500s);
  CHECK(token.may_probe());
  token.Blame();
  CHECK(token.turns_in() == 120s);  // the quota has not made the delay longer
}

TEST_CASE("a probe that serves begins a new generation with a clean slate") {
  Disabled token;
  token.Blame(token.Probe());
  const auto generation = token.health.generation();
  const HealthStamp probe = token.Probe();
  CHECK(token.Serve(probe) == HealthChange::kRecovered);  // with the first event
  CHECK(token.state() == TokenState::kReady);
  CHECK(token.Report(Outcome::kSuccess, probe) == HealthChange::kNone);
  CHECK(token.state() == TokenState::kReady);
  CHECK(token.health.generation() == generation + 1);
  CHECK(token.health.failures() == 0);
  CHECK(token.health.total_failures() == 4);
  CHECK(token.health.successes() == 1);
  CHECK_FALSE(token.health.being_probed());
  CHECK_FALSE(token.turns_in());
  token.FailOften();
  CHECK(token.turns_in() == 60s);  // from the beginning
}

TEST_CASE("a probe that the exchange accepts brings the token back, a late word of it does not") {
  Disabled token;
  token.Recover();
  const HealthStamp early = token.Begin();
  token.FailOften();
  CHECK(token.Report(Outcome::kAccepted, early) == HealthChange::kNone);
  CHECK(token.state() == TokenState::kDisabled);
  CHECK(token.Report(Outcome::kAccepted, token.Probe()) == HealthChange::kRecovered);
  CHECK(token.state() == TokenState::kReady);
  CHECK(token.health.successes() == 0);
}

TEST_CASE("a probe may find that the credential is gone") {
  Disabled token;
  CHECK(token.Report(Outcome::kAuthRevoked, token.Probe()) == HealthChange::kDisabled);
  CHECK(token.state() == TokenState::kDisabled);
  CHECK_FALSE(token.health.being_probed());
  CHECK_FALSE(token.turns_in());
}

TEST_CASE("a revoked token is never half open, and comes back by a check that passes, or by hand") {
  Disabled token;
  token.Report(Outcome::kAuthRevoked);
  token.health.CoolUntil(token.clock.Steady() + 5s, token.clock.Steady());
  for (int i = 0; i < 3; ++i) {
    token.clock.Advance(10'000h);
    CHECK(token.state() == TokenState::kDisabled);
    CHECK_FALSE(token.may_probe());
    CHECK_FALSE(token.turns_in());
    // Health checks that find nothing new:
    CHECK(token.Blame() == HealthChange::kNone);
    CHECK(token.Report(Outcome::kAuthRevoked) == HealthChange::kNone);
    CHECK(token.Report(Outcome::kNetwork) == HealthChange::kNone);
  }
  CHECK(token.health.total_failures() == 3);
  SECTION("a check") {
    CHECK(token.Succeed() == HealthChange::kRecovered);
  }
  SECTION("by hand") {
    CHECK(token.Recover());
  }
  CHECK(token.state() == TokenState::kReady);
}

TEST_CASE("a late success of a lease from before brings nothing back, and does not end the probe") {
  Disabled token;
  token.Recover();
  const HealthStamp early = token.Begin();
  const HealthStamp earlier_still = token.Begin();
  token.FailOften();
  CHECK(token.Succeed(early) == HealthChange::kNone);
  CHECK(token.state() == TokenState::kDisabled);
  CHECK(token.turns_in() == 60s);  // but it is on its way back all the same
  const HealthStamp probe = token.Probe();
  CHECK(token.Succeed(earlier_still) == HealthChange::kNone);
  CHECK(token.health.being_probed());
  CHECK_FALSE(token.may_probe());
  CHECK(token.Succeed(probe) == HealthChange::kRecovered);
  CHECK(token.health.successes() == 3);
}

TEST_CASE("what a lease of an earlier generation says does not count") {
  Disabled token;
  const HealthStamp probe = token.Probe();
  token.Recover();
  const Outcome outcome = GENERATE(Outcome::kAuthRejected, Outcome::kAuthRevoked, Outcome::kQuotaExhausted,
                                   Outcome::kServerError, Outcome::kCancelled);
  SECTION("against one that was recovered") {
    const DeferredVerdict verdict = token.Refuse(probe, outcome);
    CHECK(token.state() == TokenState::kReady);  // nor does it rest
    CHECK(token.Confirm(verdict) == HealthChange::kNone);
    token.SetBack(verdict);
    CHECK_FALSE(token.is_set_back());
    CHECK(token.state() == TokenState::kReady);
    CHECK(token.health.failures() == 0);
  }
  SECTION("against one that is tried anew") {
    token.FailOften();
    const HealthStamp next = token.Probe();
    token.Refuse(probe, outcome);
    CHECK(token.health.being_probed());  // the new probe is none of its business
    CHECK(token.state() == TokenState::kHalfOpen);
    CHECK(token.Succeed(probe) == HealthChange::kNone);
    CHECK(token.state() == TokenState::kHalfOpen);
    CHECK(token.Succeed(next) == HealthChange::kRecovered);
  }
}

TEST_CASE("a recovery by hand leads to ready from everywhere") {
  Disabled token;
  const auto generation = token.health.generation();
  bool was_ready = false;
  SECTION("disabled") {}
  SECTION("half open") {
    token.clock.Advance(60s);
  }
  SECTION("being tried") {
    token.Probe();
  }
  SECTION("revoked") {
    token.Report(Outcome::kAuthRevoked);
  }
  SECTION("disabled and cooling") {
    token.Report(Outcome::kQuotaExhausted, token.Begin(), 1000h);
  }
  SECTION("cooling") {
    token.Succeed();
    CHECK(token.Report(Outcome::kQuotaExhausted) == HealthChange::kCooling);
  }
  SECTION("resting, with a failure") {
    token.Succeed();
    token.Blame();
  }
  SECTION("on trial") {
    token.Succeed();
    token.BlameAndRest();
    token.Begin();
    was_ready = true;
  }
  CHECK(token.Recover() == !was_ready);
  CHECK(token.state() == TokenState::kReady);
  CHECK(token.health.failures() == 0);
  CHECK_FALSE(token.health.being_probed());
  CHECK_FALSE(token.turns_in());
  CHECK(token.health.generation() > generation);
  CHECK_FALSE(token.Begin().is_trial);
  CHECK_FALSE(token.Recover());
}

TEST_CASE("cooling only ever grows by itself") {
  Patient token;
  const SteadyTime now = token.clock.Steady();
  CHECK_FALSE(token.health.CoolUntil(now, now));  // over before it began
  CHECK_FALSE(token.health.CoolUntil(now - 5s, now));
  CHECK(token.state() == TokenState::kReady);
  CHECK(token.health.CoolUntil(now + 10s, now));
  CHECK_FALSE(token.health.CoolUntil(now + 20s, now));  // longer, but it was not ready
  CHECK(token.health.cooling_until() == now + 20s);
  CHECK_FALSE(token.health.CoolUntil(now + 5s, now));
  CHECK(token.health.cooling_until() == now + 20s);
  token.clock.Advance(20s);
  CHECK(token.state() == TokenState::kReady);
  CHECK(token.health.CoolUntil(now + 21s, token.clock.Steady()));
}

TEST_CASE("what is known better corrects a cooling, and begins none") {
  Patient token;
  const SteadyTime now = token.clock.Steady();
  CHECK_FALSE(token.health.CorrectCooling(now + 5s, now));
  CHECK(token.state() == TokenState::kReady);
  token.Report(Outcome::kQuotaExhausted);
  CHECK_FALSE(token.health.CorrectCooling(now + 10s, now));  // known already
  CHECK(token.health.CorrectCooling(now + 5s, now));
  CHECK(token.turns_in() == 5s);
  CHECK(token.health.CorrectCooling(now + 50s, now));
  CHECK(token.turns_in() == 50s);
  CHECK(token.health.CorrectCooling(now, now));
  CHECK(token.state() == TokenState::kReady);
  CHECK_FALSE(token.health.CorrectCooling(now + 50s, now));
}

TEST_CASE("a correction moves the hour at which a disabled token may be tried, not before its delay") {
  Disabled token;
  const SteadyTime now = token.clock.Steady();
  token.health.CoolUntil(now + 1000s, now);
  CHECK(token.health.CorrectCooling(now + 10s, now));
  CHECK(token.turns_in() == 60s);
}

}  // namespace
}  // namespace warppool::internal
