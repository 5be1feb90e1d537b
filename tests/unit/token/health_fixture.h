// What the tests of TokenHealth share.
#pragma once

#include <chrono>
#include <optional>

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
  HealthChange Confirm(const PendingCharge& charge) { return health.Confirm(charge, clock.Steady(), options); }
  bool Recover() { return health.Recover(clock.Steady()); }
  // Failures until it is disabled.
  void FailOften() {
    while (health.failures() < options.max_failures) Report(Outcome::kAuthRejected);
  }
  TokenState state() const { return health.StateAt(clock.Steady()); }
  bool may_probe() const { return health.MayProbeAt(clock.Steady()); }
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
