// What the tests of TokenHealth share.
#pragma once

#include <chrono>
#include <optional>

#include "catch.h"
#include "token/token_health.h"
#include "unit/fakes.h"

namespace warppool::internal {

// A token's health, with a clock beside it.
struct Patient {
  HealthStamp Begin() { return health.Begin(clock.Steady()); }
  HealthChange Report(Outcome outcome) { return Report(outcome, Begin()); }
  HealthChange Report(Outcome outcome, HealthStamp stamp, std::optional<std::chrono::milliseconds> cool_for = {}) {
    return health.Report(outcome, stamp, clock.Steady(), cool_for, options);
  }
  // A request meets a refusal, or a server error. It is no failure yet: the token rests.
  DeferredVerdict Refuse(HealthStamp stamp, Outcome outcome = Outcome::kAuthRejected) {
    CHECK(Report(outcome, stamp) == HealthChange::kNone);
    health.Rest(stamp, clock.Steady());
    return health.Defer(stamp);
  }
  DeferredVerdict Refuse() { return Refuse(Begin()); }
  // Somebody has shown that it was the token's own doing.
  HealthChange Confirm(const DeferredVerdict& verdict) { return health.Confirm(verdict, clock.Steady(), options); }
  // Both at once: a failure, if it counts.
  HealthChange Blame(HealthStamp stamp) { return Confirm(Refuse(stamp)); }
  HealthChange Blame() { return Blame(Begin()); }
  // ... and then its rest passes.
  HealthChange BlameAndRest() {
    const HealthChange change = Blame();
    LetRest();
    return change;
  }
  void LetRest() {
    if (state() == TokenState::kResting) clock.Advance(*turns_in());
  }
  HealthChange Serve(HealthStamp stamp) { return health.Serve(stamp, clock.Steady()); }
  // As the pool does it: the first event, and then the end.
  HealthChange Succeed(HealthStamp stamp) {
    const HealthChange change = Serve(stamp);
    CHECK(Report(Outcome::kSuccess, stamp) == HealthChange::kNone);
    return change;
  }
  HealthChange Succeed() { return Succeed(Begin()); }
  void SetBack(const DeferredVerdict& verdict) { health.SetBack(verdict, clock.Steady()); }
  bool is_set_back() const { return health.IsSetBack(clock.Steady()); }
  bool Recover() { return health.Recover(clock.Steady()); }
  // Failures until it is disabled, just now.
  void FailOften() {
    while (health.failures() < options.max_failures) {
      LetRest();
      Blame();
    }
  }
  TokenState state() const { return health.StateAt(clock.Steady()); }
  // Half open, and nobody has the probe.
  bool may_probe() const { return state() == TokenState::kHalfOpen && !health.IsBeingTried(clock.Steady()); }
  // How long until it turns by itself; nothing if it does not.
  std::optional<SteadyTime::duration> turns_in() const {
    const auto at = health.TurnsAt();
    return at ? std::optional(*at - clock.Steady()) : std::nullopt;
  }

  FakeClock clock;
  HealthOptions options{3, std::chrono::seconds(10)};  // no recovery by itself
  TokenHealth health;
};

}  // namespace warppool::internal
