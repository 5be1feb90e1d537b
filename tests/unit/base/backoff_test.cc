#include "base/backoff.h"

#include <chrono>
#include <cmath>

#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST_CASE("a wait grows by its factor until the ceiling") {
  Backoff four({.base = 500ms, .ceiling = 3000ms, .jitter = 0, .budget = 4});
  CHECK(four.Next(0) == 500ms);
  CHECK(four.Next(0) == 2000ms);
  CHECK(four.Next(0) == 3000ms);
  CHECK(four.Next(0) == 3000ms);
  Backoff two({.base = 500ms, .ceiling = 1500ms, .factor = 2, .jitter = 0, .budget = 3});
  CHECK(two.Next(0) == 500ms);
  CHECK(two.Next(0) == 1000ms);
  CHECK(two.Next(0) == 1500ms);
  Backoff one({.base = 500ms, .factor = 1, .jitter = 0});
  CHECK(one.Next(0) == 500ms);
  CHECK(one.Next(0) == 500ms);
}

TEST_CASE("the waits of a request are 1, 4 and 16 s, and no more") {
  Backoff backoff({.jitter = 0});
  CHECK(backoff.Next(0) == 1s);
  CHECK(backoff.Next(0) == 4s);
  CHECK(backoff.Next(0) == 16s);
  CHECK_FALSE(backoff.Next(0));
}

TEST_CASE("waits that were spent before go on where they were") {
  Backoff backoff({.jitter = 0}, 2);
  CHECK(backoff.spent() == 2);
  CHECK(backoff.Next(0) == 16s);
  CHECK_FALSE(backoff.Next(0));
}

TEST_CASE("a spent budget of waits stays spent") {
  Backoff backoff({.budget = 1});
  CHECK(backoff.spent() == 0);
  REQUIRE(backoff.Next(0));
  CHECK_FALSE(backoff.Next(0));
  CHECK_FALSE(backoff.Next(0, 10s));
  CHECK(backoff.spent() == 1);
  Backoff none({.budget = 0});
  CHECK_FALSE(none.Next(0));
}

TEST_CASE("a service that asks for patience gets it, and is charged for it") {
  Backoff backoff({.base = 500ms, .jitter = 0, .budget = 3});
  CHECK(backoff.Next(0, 10s) == 10s);
  CHECK(backoff.Next(0, 1ms) == 2000ms);
  CHECK(backoff.Next(0, 9000ms) == 9000ms);
  CHECK_FALSE(backoff.Next(0, 10s));
}

TEST_CASE("jitter only lengthens, the ceiling's wait too") {
  Backoff backoff({.base = 1000ms, .ceiling = 1000ms, .jitter = 0.3, .budget = 3});
  CHECK(backoff.Next(0) == 1000ms);
  CHECK(backoff.Next(0.5) == 1150ms);
  const auto most = backoff.Next(std::nextafter(1.0, 0.0));
  REQUIRE(most);
  CHECK(*most >= 1299ms);
  CHECK(*most <= 1300ms);
}

TEST_CASE("a base above the ceiling waits for the ceiling") {
  Backoff backoff({.base = 10s, .ceiling = 1s, .jitter = 0, .budget = 2});
  CHECK(backoff.Next(0) == 1s);
  CHECK(backoff.Next(0) == 1s);
}

TEST_CASE("no number of waits makes the growth overflow") {
  const int budget = 100'000;
  Backoff backoff({.base = 1ms, .ceiling = milliseconds::max(), .jitter = 0, .budget = budget});
  milliseconds before{0};
  for (int i = 0; i < 200; ++i) {
    const auto wait = backoff.Next(0);
    REQUIRE(wait);
    REQUIRE(*wait >= before);
    before = *wait;
  }
  CHECK(before == milliseconds::max());
  Backoff huge({.base = milliseconds::max() / 4 + 1ms, .ceiling = milliseconds::max(), .jitter = 0, .budget = 2});
  CHECK(huge.Next(0) == milliseconds::max() / 4 + 1ms);
  CHECK(huge.Next(0) == milliseconds::max());
}

TEST_CASE("jitter on top of the longest wait that can be configured does not overflow") {
  const milliseconds longest = std::chrono::hours(24 * 24);
  Backoff backoff({.base = longest, .ceiling = longest, .jitter = 0.3, .budget = 1});
  CHECK(backoff.Next(0.5) == longest + longest * 15 / 100);
}

}  // namespace
}  // namespace warppool::internal
