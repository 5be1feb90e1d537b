#include "token/rotation.h"

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"

namespace warppool {
namespace {

using Place = Rotation::Place;
using Positions = std::vector<std::size_t>;

// Everybody in the order in which they would be chosen.
Positions Order(const Rotation& rotation, bool with_half_open = true) {
  Positions order;
  rotation.Visit(with_half_open, [&](std::size_t position) {
    order.push_back(position);
    return false;
  });
  return order;
}

// Lets the next one serve; kNone if there is none.
std::size_t Serve(Rotation* rotation) {
  std::size_t chosen = PositionSet::kNone;
  rotation->Visit(true, [&](std::size_t position) {
    chosen = position;
    return true;
  });
  if (chosen != PositionSet::kNone) rotation->Served(chosen);
  return chosen;
}

Rotation AllReady(Strategy strategy, std::size_t size) {
  Rotation rotation(strategy, size);
  for (std::size_t i = 0; i < size; ++i) rotation.Put(i, Place::kReady, 0);
  return rotation;
}

// The same, by sorting all of them each time.
struct RotationModel {
  struct Seat {
    Place place = Place::kOut;
    int load = 0;
  };
  Positions Order(bool with_half_open) const {
    const std::size_t start = strategy == Strategy::kFillFirst ? 0 : turn;
    std::vector<std::pair<std::pair<int, std::size_t>, std::size_t>> keyed;
    for (std::size_t i = 0; i < seats.size(); ++i) {
      if (seats[i].place == Place::kOut || (seats[i].place == Place::kHalfOpen && !with_half_open)) continue;
      // Who is tried serves nobody.
      const bool by_load = strategy == Strategy::kLeastInFlight && seats[i].place == Place::kReady;
      keyed.push_back({{by_load ? seats[i].load : 0, (i + seats.size() - start) % seats.size()}, i});
    }
    std::sort(keyed.begin(), keyed.end());
    Positions order;
    for (const auto& [key, position] : keyed) order.push_back(position);
    return order;
  }

  Strategy strategy;
  std::vector<Seat> seats;
  std::size_t turn = 0;
};

TEST_CASE("nobody can serve at first") {
  for (const Strategy strategy : {Strategy::kRoundRobin, Strategy::kFillFirst, Strategy::kLeastInFlight}) {
    const Rotation rotation(strategy, 5);
    CHECK(Order(rotation).empty());
    CHECK(rotation.PlaceOf(4) == Place::kOut);
  }
}

TEST_CASE("each strategy has its order") {
  struct Row {
    Strategy strategy;
    Positions order;
  };
  const auto row = GENERATE(values<Row>({
      {Strategy::kRoundRobin, {3, 4, 0, 1, 2}},
      {Strategy::kFillFirst, {0, 1, 2, 3, 4}},
      {Strategy::kLeastInFlight, {4, 2, 3, 1, 0}},
  }));
  Rotation rotation(row.strategy, 5);
  const std::vector<int> loads{7, 2, 0, 1, 0};
  for (std::size_t i = 0; i < 5; ++i) rotation.Put(i, Place::kReady, loads[i]);
  rotation.Served(2);
  CHECK(Order(rotation) == row.order);
}

TEST_CASE("a half-open one takes its turn like the others, unless it is left out") {
  struct Row {
    Strategy strategy;
    Positions with;
    Positions without;
  };
  const auto row = GENERATE(values<Row>({
      {Strategy::kRoundRobin, {2, 3, 4, 0, 1}, {2, 4, 0}},
      {Strategy::kFillFirst, {0, 1, 2, 3, 4}, {0, 2, 4}},
      {Strategy::kLeastInFlight, {3, 4, 1, 0, 2}, {4, 0, 2}},  // with those that serve nobody
  }));
  Rotation rotation(row.strategy, 5);
  rotation.Put(0, Place::kReady, 1);
  rotation.Put(1, Place::kHalfOpen, 5);
  rotation.Put(2, Place::kReady, 2);
  rotation.Put(3, Place::kHalfOpen, 0);
  rotation.Put(4, Place::kReady, 0);
  rotation.Served(1);
  CHECK(Order(rotation, true) == row.with);
  CHECK(Order(rotation, false) == row.without);
}

TEST_CASE("half-open ones are found where all others have their hands full, or are gone") {
  Rotation rotation(Strategy::kLeastInFlight, 3);
  rotation.Put(1, Place::kHalfOpen, 0);
  CHECK(Order(rotation) == Positions{1});
  rotation.Put(0, Place::kReady, 3);
  CHECK(Order(rotation) == Positions{1, 0});
  CHECK(Order(rotation, false) == Positions{0});
}

TEST_CASE("a visit ends with the first one that is taken") {
  const Rotation rotation = AllReady(Strategy::kRoundRobin, 100);
  int visits = 0;
  CHECK(rotation.Visit(true, [&](std::size_t position) {
    ++visits;
    return position == 2;
  }));
  CHECK(visits == 3);
  CHECK_FALSE(rotation.Visit(true, [](std::size_t) { return false; }));
}

TEST_CASE("in a round robin each comes once before anybody comes twice") {
  const std::size_t size = GENERATE(1U, 2U, 63U, 64U, 65U, 1000U);
  Rotation rotation = AllReady(Strategy::kRoundRobin, size);
  for (std::size_t i = 0; i < 3 * size; ++i) REQUIRE(Serve(&rotation) == i % size);
}

TEST_CASE("neighbours that come and go change nobody else's share") {
  const unsigned seed = GENERATE(1U, 2U, 3U, 4U);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::size_t size = 70;
  Rotation rotation = AllReady(Strategy::kRoundRobin, size);
  std::vector<int> served(size);
  // Those at odd positions are out, half open or ready, as it comes; those at even positions stay.
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t unsteady = 2 * (random() % (size / 2)) + 1;
    rotation.Put(unsteady, static_cast<Place>(random() % 3), 0);
    ++served[Serve(&rotation)];
    int least = served[0];
    int most = served[0];
    for (std::size_t i = 0; i < size; i += 2) {
      least = std::min(least, served[i]);
      most = std::max(most, served[i]);
    }
    if (most - least <= 1) continue;
    INFO("step " << step);
    REQUIRE(most - least <= 1);
  }
}

TEST_CASE("fill first leaves the reserve alone as long as the first one can serve") {
  Rotation rotation = AllReady(Strategy::kFillFirst, 70);
  for (int i = 0; i < 10; ++i) CHECK(Serve(&rotation) == 0);
  rotation.Put(0, Place::kOut, 0);
  for (int i = 0; i < 10; ++i) CHECK(Serve(&rotation) == 1);
  rotation.Put(0, Place::kReady, 0);
  CHECK(Serve(&rotation) == 0);
}

TEST_CASE("least in flight keeps the loads level, and takes equals in turn") {
  constexpr std::size_t kSize = 10;
  Rotation rotation = AllReady(Strategy::kLeastInFlight, kSize);
  std::vector<int> loads(kSize);
  for (std::size_t i = 0; i < 3 * kSize; ++i) {
    const std::size_t chosen = Serve(&rotation);
    CHECK(chosen == i % kSize);
    rotation.Put(chosen, Place::kReady, ++loads[chosen]);
  }
  rotation.Put(7, Place::kReady, 2);  // one request less than the others
  CHECK(Serve(&rotation) == 7);
  CHECK(Order(rotation).back() == 6);
}

TEST_CASE("a load means nothing to the other strategies") {
  const Strategy strategy = GENERATE(Strategy::kRoundRobin, Strategy::kFillFirst);
  Rotation rotation(strategy, 3);
  rotation.Put(0, Place::kReady, 1'000'000);
  rotation.Put(1, Place::kReady, 0);
  CHECK(Order(rotation) == Positions{0, 1});
}

TEST_CASE("it orders as sorting would") {
  const auto strategy = GENERATE(Strategy::kRoundRobin, Strategy::kFillFirst, Strategy::kLeastInFlight);
  const std::size_t size = GENERATE(1U, 63U, 64U, 65U, 4096U, 4097U, 10'000U);
  const unsigned seed = 1;
  INFO(StrategyName(strategy) << ", size " << size << ", seed " << seed);
  std::mt19937 random(seed);
  Rotation rotation(strategy, size);
  RotationModel model{strategy, std::vector<RotationModel::Seat>(size)};
  const int rounds = size > 100 ? 12 : 400;
  for (int round = 0; round < rounds; ++round) {
    // A few changes; now and then a flood, or next to nobody left.
    const std::size_t changes = round % 4 == 3 ? size : 1 + size / 50;
    const bool nobody = round % 8 == 7;
    for (std::size_t i = 0; i < changes; ++i) {
      const std::size_t position = random() % size;
      const auto place = nobody && random() % 50 != 0 ? Place::kOut : static_cast<Place>(random() % 3);
      const int load = static_cast<int>(random() % 5);
      rotation.Put(position, place, load);
      model.seats[position] = {place, load};
      REQUIRE(rotation.PlaceOf(position) == place);
    }
    for (int i = 0; i < 3; ++i) {
      const bool with_half_open = i != 1;
      const bool same = Order(rotation, with_half_open) == model.Order(with_half_open);
      INFO("round " << round << (with_half_open ? ", with" : ", without"));
      REQUIRE(same);
      const std::size_t served = random() % size;
      rotation.Served(served);
      model.turn = (served + 1) % size;
    }
  }
}

TEST_CASE("strategies have names") {
  CHECK(std::string(StrategyName(Strategy::kRoundRobin)) == "round_robin");
  CHECK(std::string(StrategyName(Strategy::kFillFirst)) == "fill_first");
  CHECK(std::string(StrategyName(Strategy::kLeastInFlight)) == "least_in_flight");
  CHECK(std::string(StrategyName(static_cast<Strategy>(0))) == "unknown");
}

}  // namespace
}  // namespace warppool
