#include "base/date_clock.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "catch.h"
#include "unit/fakes.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

TEST_CASE("while nothing jumps, dates are kept by the monotonic clock") {
  FakeClock clock;
  const DateClock dates(clock);
  const SteadyTime begin = dates.Steady();
  CHECK(begin == clock.Steady());
  clock.Advance(100h);
  CHECK(dates.Steady() - begin == 100h);
  CHECK(dates.Wall() == clock.Wall());
  CHECK(dates.jumps() == 0);
}

TEST_CASE("what a machine sleeps passes for dates") {
  FakeClock clock;
  const DateClock dates(clock);
  const SteadyTime begin = dates.Steady();
  clock.Sleep(8h);
  CHECK(dates.Steady() - begin == 8h);
  CHECK(dates.jumps() == 1);
  CHECK(dates.Steady() - begin == 8h);
  clock.Advance(1min);
  clock.Sleep(1h);
  CHECK(dates.Steady() - begin == 9h + 1min);
  CHECK(dates.jumps() == 2);
}

TEST_CASE("a clock that is set back brings no date back, and what is set forward after it counts again") {
  FakeClock clock;
  const DateClock dates(clock);
  const SteadyTime begin = dates.Steady();
  clock.SetWall(-24h);
  CHECK(dates.Steady() == begin);
  CHECK(dates.jumps() == 0);
  clock.SetWall(1h);
  CHECK(dates.Steady() - begin == 1h);
  CHECK(dates.jumps() == 1);
}

TEST_CASE("a clock that is kept right does not jump, and what is more than two seconds does") {
  FakeClock clock;
  const DateClock dates(clock);
  const SteadyTime begin = dates.Steady();
  for (int i = 0; i < 1000; ++i) {
    clock.SetWall(i % 3 == 0 ? 2s : 50ms);
    CHECK(dates.Steady() == begin);
  }
  CHECK(dates.jumps() == 0);
  clock.SetWall(2001ms);
  CHECK(dates.Steady() > begin);
  CHECK(dates.jumps() == 1);
}

TEST_CASE("a clock that jumps for centuries overflows nothing") {
  FakeClock clock;
  clock.SetWall(-24h * 365 * 250);
  const DateClock dates(clock);
  const SteadyTime begin = dates.Steady();
  SteadyTime last = begin;
  for (int i = 0; i < 50; ++i) {
    clock.SetWall(24h * 365 * 10);
    CHECK(dates.Steady() >= last);
    last = dates.Steady();
    if (i % 5 == 4) clock.SetWall(-24h * 365 * 50);
    CHECK(dates.Steady() >= last);
  }
  CHECK(last - begin == 24h * 365 * 100);
}

TEST_CASE("a jump that many see at once is counted once") {
  FakeClock clock;
  const DateClock dates(clock);
  const SteadyTime begin = dates.Steady();
  std::atomic<bool> go{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!go) std::this_thread::yield();
      for (int k = 0; k < 1000; ++k) static_cast<void>(dates.Steady());
    });
  }
  clock.Sleep(1h);
  go = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(dates.Steady() - begin == 1h);
  CHECK(dates.jumps() == 1);
}

TEST_CASE("the machine's clocks are as far apart as they say") {
  const auto difference = RealClock().WallMinusSteady();
  REQUIRE(difference);
  const auto exact = RealClock().Wall().time_since_epoch() - RealClock().Steady().time_since_epoch();
  CHECK(std::chrono::abs(*difference - exact) < 500ms);
  const DateClock dates(RealClock());
  for (int i = 0; i < 10'000; ++i) static_cast<void>(dates.Steady());
  CHECK(dates.jumps() == 0);
}

}  // namespace
}  // namespace warppool::internal
