#include "token/position_set.h"

#include <cstddef>
#include <random>
#include <set>

#include "catch.h"

namespace warppool::internal {
namespace {

constexpr std::size_t kNone = PositionSet::kNone;

TEST_CASE("a new set is empty, whatever its size") {
  const std::size_t size = GENERATE(0U, 1U, 63U, 64U, 65U, 4096U, 4097U, 10'000U);
  const PositionSet set(size);
  CHECK(set.empty());
  CHECK(set.FirstFrom(0) == kNone);
  CHECK(set.FirstFrom(size) == kNone);
}

TEST_CASE("a single position is found from before and from itself, not from behind") {
  const std::size_t size = GENERATE(1U, 63U, 64U, 65U, 128U, 4095U, 4096U, 4097U, 10'000U, 262'145U);
  PositionSet set(size);
  for (const std::size_t position : {std::size_t{0}, size / 2, size - 1}) {
    set.Insert(position);
    CHECK_FALSE(set.empty());
    CHECK(set.Contains(position));
    CHECK(set.FirstFrom(0) == position);
    CHECK(set.FirstFrom(position) == position);
    CHECK(set.FirstFrom(position + 1) == kNone);
    CHECK(set.FirstFrom(size) == kNone);
    set.Erase(position);
    CHECK_FALSE(set.Contains(position));
    CHECK(set.empty());
    CHECK(set.FirstFrom(0) == kNone);
  }
}

TEST_CASE("to insert or erase twice is to do it once") {
  PositionSet set(100);
  set.Insert(70);
  set.Insert(70);
  set.Erase(70);
  CHECK(set.empty());
  set.Erase(70);
  set.Insert(3);
  set.Erase(70);
  CHECK(set.FirstFrom(0) == 3);
}

TEST_CASE("it does what a set of numbers does") {
  const std::size_t size = GENERATE(1U, 2U, 63U, 64U, 65U, 127U, 4095U, 4096U, 4097U, 10'000U);
  // Full, half full and nearly empty: a search has little and much to climb past.
  const int inserts_in_ten = GENERATE(9, 5, 1);
  const unsigned seed = 1;
  INFO("size " << size << ", " << inserts_in_ten << " of 10 are inserts, seed " << seed);
  std::mt19937 random(seed);
  const auto any = [&](std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random); };
  PositionSet set(size);
  std::set<std::size_t> model;
  for (int step = 0; step < 5000; ++step) {
    const std::size_t position = any(size);
    if (any(10) < static_cast<std::size_t>(inserts_in_ten)) {
      set.Insert(position);
      model.insert(position);
    } else {
      set.Erase(position);
      model.erase(position);
    }
    const std::size_t from = any(size + 2);
    const auto expected = model.lower_bound(from);
    const std::size_t found = set.FirstFrom(from);
    const std::size_t asked = any(size);
    const bool same = found == (expected == model.end() ? kNone : *expected) && set.empty() == model.empty() &&
                      set.Contains(asked) == (model.count(asked) != 0);
    if (same) continue;
    INFO("step " << step << ", from " << from);
    REQUIRE(same);
  }
  std::size_t count = 0;
  for (std::size_t at = set.FirstFrom(0); at != kNone; at = set.FirstFrom(at + 1)) count += model.count(at);
  CHECK(count == model.size());
}

}  // namespace
}  // namespace warppool::internal
