#include <utility>

#include "capi/failing_memory.h"
#include "catch.h"
#include "unit/token/pool_fixture.h"

namespace warppool::internal {
namespace {

// It is done for each request, beside everything else.
TEST_CASE("to choose a token and to report that it served takes no memory") {
  const auto strategy = GENERATE(Strategy::kRoundRobin, Strategy::kFillFirst, Strategy::kLeastInFlight);
  const int max_in_flight = GENERATE(0, 3);
  INFO(StrategyName(strategy) << ", at most " << max_in_flight << " at a time");
  FakeClock clock;
  TokenPool pool(With(strategy, max_in_flight), Pool::Configs({"p1", "p2", "s1"}), clock,
                 PoolReporter(Logger(), nullptr, clock));
  // Three at a time, so that some serve more of them than others.
  const auto serve = [&] {
    auto first = pool.Acquire({});
    auto second = pool.Acquire({});
    auto third = pool.Acquire({});
    if (!first || !second || !third) return false;
    second->NoteServing();
    std::move(*second).End({Outcome::kSuccess});
    std::move(*first).End({Outcome::kSuccess});
    std::move(*third).End({Outcome::kCancelled});
    return true;
  };
  REQUIRE(serve());
  bool served = true;
  bool asked = false;
  for (int i = 0; i < 10; ++i) {
    const FailingMemory none(0);
    served = serve() && served;
    asked = asked || FailingMemory::Failed();
  }
  CHECK(served);
  CHECK_FALSE(asked);
}

}  // namespace
}  // namespace warppool::internal
