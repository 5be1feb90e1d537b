#include "base/wall_time.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <ratio>

#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using SystemClock = std::chrono::system_clock;
using SystemTime = SystemClock::time_point;

// As if this system's clock counted `Unit`s.
template <typename Unit>
void CheckClockThatCounts() {
  using Date = std::chrono::time_point<SystemClock, Unit>;
  CHECK(ToWallTime(Date()) == WallTime());
  CHECK(ToWallTime(Date(1'795'574'100s)) == WallTime(1'795'574'100s));
  CHECK(ToWallTime(Date(Unit(1))) == WallTime(Unit(1)));
  CHECK(ToWallTime(Date(Unit(-1))) == WallTime(Unit(-1)));
  CHECK(ToWallTime(Date::max()) == WallTime::max());
  CHECK(ToWallTime(Date::min()) == WallTime::min());
  // The last and the first that nanoseconds can hold.
  const Unit last = std::chrono::floor<Unit>(WallTime::max().time_since_epoch());
  const Unit first = std::chrono::ceil<Unit>(WallTime::min().time_since_epoch());
  CHECK(ToWallTime(Date(last)) == WallTime(last));
  CHECK(ToWallTime(Date(first)) == WallTime(first));
  if (Unit(1) == 1ns) return;
  CHECK(ToWallTime(Date(last + Unit(1))) == WallTime::max());
  CHECK(ToWallTime(Date(first - Unit(1))) == WallTime::min());
}

TEST_CASE("a date of any system's clock is the same WallTime, or the last one on its side") {
  CheckClockThatCounts<std::chrono::nanoseconds>();
  CheckClockThatCounts<std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>>();
  CheckClockThatCounts<std::chrono::microseconds>();
  CheckClockThatCounts<std::chrono::milliseconds>();
  CheckClockThatCounts<std::chrono::seconds>();
}

TEST_CASE("a WallTime becomes a date of this system's clock that is not later, by less than one of its units") {
  const WallTime time =
      GENERATE(WallTime(), WallTime(1ns), WallTime(-1ns), WallTime(1'795'574'100s + 123'456'789ns),
               WallTime(-1'795'574'100s - 123'456'789ns), WallTime(42s), WallTime::max(),
               WallTime::min() + std::chrono::ceil<std::chrono::nanoseconds>(SystemTime::duration(1)));
  const WallTime back = ToWallTime(ToSystemTime(time));
  CHECK(back <= time);
  CHECK(time - back < SystemTime::duration(1));
}

TEST_CASE("the first WallTime becomes a date of this system's clock, too") {
  CHECK(ToWallTime(ToSystemTime(WallTime::min())) == WallTime::min());
}

TEST_CASE("no time remains none") {
  CHECK_FALSE(ToWallTime(std::optional<SystemTime>()));
  CHECK_FALSE(ToSystemTime(std::optional<WallTime>()));
  CHECK(ToWallTime(std::optional(SystemTime(7s))) == WallTime(7s));
  CHECK(ToSystemTime(std::optional(WallTime(7s))) == SystemTime(7s));
}

}  // namespace
}  // namespace warppool::internal
