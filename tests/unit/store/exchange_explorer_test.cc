// Random schedules of processes that exchange one credential, with all that can disturb them. A run that breaks a
// promise is printed with its seed.
#include <random>
#include <string>
#include <vector>

#include "catch.h"
#include "unit/store/exchange_world.h"

namespace warppool::internal {
namespace {

using Rotation = ExchangeWorld::Rotation;

constexpr unsigned kExplorerRuns = 1'000;
constexpr int kMostExplorerSteps = 120;

using Trouble = ExchangeWorld::Action;

// What does the most harm together. With all of them in one run none comes at its worst moment.
const std::vector<std::vector<Trouble>> kTroubles = {
    {Trouble::kStop, Trouble::kEndJwt, Trouble::kEndGrace},
    {Trouble::kStop, Trouble::kKill, Trouble::kEndJwt, Trouble::kEndGrace},
    {Trouble::kStop, Trouble::kKill, Trouble::kHang, Trouble::kLose, Trouble::kEndGrace},
    {Trouble::kStop, Trouble::kHang, Trouble::kEndJwt, Trouble::kEndGrace, Trouble::kProbe},
    {Trouble::kStop, Trouble::kBeLate, Trouble::kWedge, Trouble::kSleep, Trouble::kLose, Trouble::kTakeEarly},
    {Trouble::kStop, Trouble::kHang, Trouble::kBeginSave, Trouble::kFailWrite, Trouble::kTakeEarly},
};

// These, or any.
ExchangeWorld::Budget AnyBudget(std::mt19937* random) {
  ExchangeWorld::Budget budget{};
  const auto times = [&] { return static_cast<int>(1 + (*random)() % 2); };
  const std::size_t which = (*random)() % (kTroubles.size() + 2);
  if (which < kTroubles.size()) {
    for (const Trouble trouble : kTroubles[which]) {
      budget[static_cast<std::size_t>(trouble) - ExchangeWorld::kFirstDisturbance] = times();
    }
    return budget;
  }
  const auto one_in = static_cast<unsigned>(1 + (*random)() % 4);
  for (int& each : budget) {
    if ((*random)() % one_in == 0) each = times();
  }
  return budget;
}

// What happens by itself, or else a disturbance, one time in `one_in`.
const ExchangeWorld::Step& AnyStep(const std::vector<ExchangeWorld::Step>& steps, unsigned one_in,
                                   std::mt19937* random) {
  const bool disturb = (*random)() % one_in == 0;
  std::vector<const ExchangeWorld::Step*> wanted;
  for (const ExchangeWorld::Step& step : steps) {
    if (ExchangeWorld::IsDisturbance(step.action) == disturb) wanted.push_back(&step);
  }
  return wanted.empty() ? steps[(*random)() % steps.size()] : *wanted[(*random)() % wanted.size()];
}

void Explore(Rotation rotation, std::size_t processes) {
  for (unsigned seed = 1; seed <= kExplorerRuns; ++seed) {
    std::mt19937 random(seed);
    ExchangeWorld world({rotation, processes, AnyBudget(&random)});
    const auto one_in = static_cast<unsigned>(2 + random() % 10);
    for (int count = 0; count < kMostExplorerSteps && world.broken().empty(); ++count) {
      const auto steps = world.Possible();
      if (steps.empty()) break;
      world.Perform(AnyStep(steps, one_in, &random));
    }
    if (world.broken().empty()) world.RunOn(&random);
    if (!world.broken().empty()) FAIL("seed " << seed << world.Log() << world.broken());
  }
}

TEST_CASE("two processes keep their promises whatever happens") {
  SECTION("to a service that never replaces a credential") {
    Explore(Rotation::kNever, 2);
  }
  SECTION("to a service whose old credential dies at once") {
    Explore(Rotation::kAtOnce, 2);
  }
  SECTION("to a service whose old credentials die after a while") {
    Explore(Rotation::kWithGrace, 2);
  }
}

TEST_CASE("three processes keep their promises whatever happens") {
  SECTION("to a service that never replaces a credential") {
    Explore(Rotation::kNever, 3);
  }
  SECTION("to a service whose old credential dies at once") {
    Explore(Rotation::kAtOnce, 3);
  }
  SECTION("to a service whose old credentials die after a while") {
    Explore(Rotation::kWithGrace, 3);
  }
}

}  // namespace
}  // namespace warppool::internal
