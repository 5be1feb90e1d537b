#include "token/selector.h"

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

using Place = Selector::Place;
using Positions = std::vector<std::size_t>;

// Everybody in the order in which they would be chosen.
Positions Order(const Selector& selector, bool with_half_open = true) {
  Positions order;
  selector.Visit(with_half_open, [&](std::size_t position) {
    order.push_back(position);
    return false;
  });
  return order;
}

// Lets the next one serve; kNone if there is none.
std::size_t Serve(Selector* selector) {
  std::size_t chosen = PositionSet::kNone;
  selector->Visit(true, [&](std::size_t position) {
    chosen = position;
    return true;
  });
  if (chosen != PositionSet::kNone) selector->Served(chosen);
  return chosen;
}

Selector AllReady(Strategy strategy, std::size_t size) {
  Selector selector(strategy, size);
  for (std::size_t i = 0; i < size; ++i) selector.Put(i, Place::kReady, 0);
  return selector;
}

// The same, by sorting all of them each time.
struct SelectorModel {
  struct Entry {
    Place place = Place::kOut;
    int load = 0;
  };
  Positions Order(bool with_half_open) const {
    const std::size_t start = strategy == Strategy::kFillFirst ? 0 : turn;
    std::vector<std::pair<std::pair<int, std::size_t>, std::size_t>> keyed;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].place == Place::kOut || (entries[i].place == Place::kHalfOpen && !with_half_open)) continue;
      // Who is tried serves nobody.
      const bool by_load = strategy == Strategy::kLeastInFlight && entries[i].place == Place::kReady;
      keyed.push_back({{by_load ? entries[i].load : 0, (i + entries.size() - start) % entries.size()}, i});
    }
    std::sort(keyed.begin(), keyed.end());
    Positions order;
    for (const auto& [key, position] : keyed) order.push_back(position);
    return order;
  }

  Strategy strategy;
  std::vector<Entry> entries;
  std::size_t turn = 0;
};

TEST_CASE("nobody can serve at first") {
  for (const Strategy strategy : {Strategy::kRoundRobin, Strategy::kFillFirst, Strategy::kLeastInFlight}) {
    const Selector selector(strategy, 5);
    CHECK(Order(selector).empty());
    CHECK(selector.PlaceOf(4) == Place::kOut);
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
  Selector selector(row.strategy, 5);
  const std::vector<int> loads{7, 2, 0, 1, 0};
  for (std::size_t i = 0; i < 5; ++i) selector.Put(i, Place::kReady, loads[i]);
  selector.Served(2);
  CHECK(Order(selector) == row.order);
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
  Selector selector(row.strategy, 5);
  selector.Put(0, Place::kReady, 1);
  selector.Put(1, Place::kHalfOpen, 5);
  selector.Put(2, Place::kReady, 2);
  selector.Put(3, Place::kHalfOpen, 0);
  selector.Put(4, Place::kReady, 0);
  selector.Served(1);
  CHECK(Order(selector, true) == row.with);
  CHECK(Order(selector, false) == row.without);
}

TEST_CASE("half-open ones are found where all others have their hands full, or are gone") {
  Selector selector(Strategy::kLeastInFlight, 3);
  selector.Put(1, Place::kHalfOpen, 0);
  CHECK(Order(selector) == Positions{1});
  selector.Put(0, Place::kReady, 3);
  CHECK(Order(selector) == Positions{1, 0});
  CHECK(Order(selector, false) == Positions{0});
}

TEST_CASE("a visit ends with the first one that is taken") {
  const Selector selector = AllReady(Strategy::kRoundRobin, 100);
  int visits = 0;
  CHECK(selector.Visit(true, [&](std::size_t position) {
    ++visits;
    return position == 2;
  }));
  CHECK(visits == 3);
  CHECK_FALSE(selector.Visit(true, [](std::size_t) { return false; }));
}

TEST_CASE("in a round robin each comes once before anybody comes twice") {
  const std::size_t size = GENERATE(1U, 2U, 63U, 64U, 65U, 1000U);
  Selector selector = AllReady(Strategy::kRoundRobin, size);
  for (std::size_t i = 0; i < 3 * size; ++i) REQUIRE(Serve(&selector) == i % size);
}

TEST_CASE("neighbours that come and go change nobody else's share") {
  const unsigned seed = GENERATE(1U, 2U, 3U, 4U);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::size_t size = 70;
  Selector selector = AllReady(Strategy::kRoundRobin, size);
  std::vector<int> served(size);
  // Those at odd positions are out, half open or ready, as it comes; those at even positions stay.
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t unsteady = 2 * (random() % (size / 2)) + 1;
    selector.Put(unsteady, static_cast<Place>(random() % 3), 0);
    ++served[Serve(&selector)];
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
  Selector selector = AllReady(Strategy::kFillFirst, 70);
  for (int i = 0; i < 10; ++i) CHECK(Serve(&selector) == 0);
  selector.Put(0, Place::kOut, 0);
  for (int i = 0; i < 10; ++i) CHECK(Serve(&selector) == 1);
  selector.Put(0, Place::kReady, 0);
  CHECK(Serve(&selector) == 0);
}

TEST_CASE("least in flight keeps the loads level, and takes equals in turn") {
  constexpr std::size_t kSize = 10;
  Selector selector = AllReady(Strategy::kLeastInFlight, kSize);
  std::vector<int> loads(kSize);
  for (std::size_t i = 0; i < 3 * kSize; ++i) {
    const std::size_t chosen = Serve(&selector);
    CHECK(chosen == i % kSize);
    selector.Put(chosen, Place::kReady, ++loads[chosen]);
  }
  selector.Put(7, Place::kReady, 2);  // one request less than the others
  CHECK(Serve(&selector) == 7);
  CHECK(Order(selector).back() == 6);
}

TEST_CASE("a load that nobody has costs nothing") {
  constexpr std::size_t kSize = 10'000;
  Selector selector = AllReady(Strategy::kLeastInFlight, kSize);
  // A set of positions for each number below would be more than there is memory for.
  for (std::size_t i = 0; i < kSize; ++i) selector.Put(i, Place::kReady, 2'000'000'000);
  selector.Put(7, Place::kReady, 1'999'999'999);
  CHECK(Serve(&selector) == 7);
  selector.Put(7, Place::kReady, 2'000'000'000);
  CHECK(Serve(&selector) == 8);
  selector.Put(3, Place::kOut, 1'000'000'000);
  selector.Put(4, Place::kHalfOpen, 1'000'000'000);
  selector.Put(3, Place::kReady, 1);
  CHECK(Serve(&selector) == 4);
  selector.Put(4, Place::kReady, 2);
  CHECK(Serve(&selector) == 3);
}

TEST_CASE("a load means nothing to the other strategies") {
  const Strategy strategy = GENERATE(Strategy::kRoundRobin, Strategy::kFillFirst);
  Selector selector(strategy, 3);
  selector.Put(0, Place::kReady, 1'000'000);
  selector.Put(1, Place::kReady, 0);
  CHECK(Order(selector) == Positions{0, 1});
}

TEST_CASE("it orders as sorting would") {
  const auto strategy = GENERATE(Strategy::kRoundRobin, Strategy::kFillFirst, Strategy::kLeastInFlight);
  const std::size_t size = GENERATE(1U, 63U, 64U, 65U, 4096U, 4097U, 10'000U);
  const unsigned seed = 1;
  INFO(StrategyName(strategy) << ", size " << size << ", seed " << seed);
  std::mt19937 random(seed);
  Selector selector(strategy, size);
  SelectorModel model{strategy, std::vector<SelectorModel::Entry>(size)};
  const int rounds = size > 100 ? 12 : 400;
  for (int round = 0; round < rounds; ++round) {
    // A few changes; now and then a flood, or next to nobody left.
    const std::size_t changes = round % 4 == 3 ? size : 1 + size / 50;
    const bool nobody = round % 8 == 7;
    for (std::size_t i = 0; i < changes; ++i) {
      const std::size_t position = random() % size;
      const auto place = nobody && random() % 50 != 0 ? Place::kOut : static_cast<Place>(random() % 3);
      const int load = static_cast<int>(random() % 5) * (random() % 4 == 0 ? 100'000'000 : 1);
      selector.Put(position, place, load);
      model.entries[position] = {place, load};
      REQUIRE(selector.PlaceOf(position) == place);
    }
    for (int i = 0; i < 3; ++i) {
      const bool with_half_open = i != 1;
      const bool same = Order(selector, with_half_open) == model.Order(with_half_open);
      INFO("round " << round << (with_half_open ? ", with" : ", without"));
      REQUIRE(same);
      const std::size_t served = random() % size;
      selector.Served(served);
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
}  // namespace warppool::internal
