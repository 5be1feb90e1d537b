#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "amount.h"
#include "catch.h"
#include "unit/client/outcome_simulation.h"

namespace warppool::internal::worlds {
namespace {

constexpr int kDefaultWorlds = kSanitized ? 10 : 200;

// Of pools of 1, 2, 3, 5 and 20 tokens.
int WorldsOfEachSize() {
  return AmountFrom("WARPPOOL_WORLDS", kDefaultWorlds);
}

bool Shows() {
  return std::getenv("WARPPOOL_WORLDS_SHOW") != nullptr;
}

TEST_CASE(
    "Of requests that a token could have served at once hardly any is lost, and the world's faults disable nobody") {
  std::map<std::string, int> count;
  for (const int size : {1, 2, 3, 5, 20}) {
    for (int seed = 0; seed < WorldsOfEachSize(); ++seed) {
      Simulation simulation(DrawStory(static_cast<std::uint64_t>(seed), size), static_cast<std::uint64_t>(seed));
      simulation.Run();
      for (const SimResult& result : simulation.results()) {
        ++count["requests"];
        count["attempts"] += result.attempts;
        if (result.could_at_once) ++count["could now"];
        if (result.could_at_once && !result.served) {
          ++count["lost now"];
          ++count["lost now of " + std::to_string(size)];
          ++count[std::string("lost now: ") + CodeName(result.code)];
        }
        if (!result.could_at_once && result.could_later) ++count["could later"];
        if (!result.could_at_once && result.could_later && !result.served) ++count["lost later"];
      }
      for (const std::string& why : simulation.wrong()) {
        ++count["blamed"];
        ++count["blamed in " + why];
      }
    }
  }
  std::string told;
  for (const auto& [name, n] : count) told += name + ": " + std::to_string(n) + "\n";
  INFO(told);
  CHECK(count["lost now"] * 1000 <= 4 * count["could now"]);
  CHECK(count["lost later"] * 100 <= 12 * count["could later"]);
  CHECK(count["blamed"] * 200 <= 5 * WorldsOfEachSize());
  if (Shows()) WARN(told);
}

const OutageKind* KindOf(const std::string& name) {
  for (const OutageKind& kind : OutageKinds()) {
    if (name == kind.name) return &kind;
  }
  FAIL("no outage is called " << name);
  return nullptr;
}

std::optional<double> OptionalOf(double seconds) {
  return seconds < 0 ? std::nullopt : std::optional(seconds);
}

// One outage, a request each second around it. What the rule itself gives, in the model that it was found with.
struct AfterOutage {
  const char* kind;
  int size;            // of the pool
  double length;       // of the outage, s
  double retry_after;  // s; negative: none
  double trouble;      // s after the outage until who begins is served within 2 s
  double lost;         // of those that began in it, percent
};

TEST_CASE("After an outage everybody is served as soon as the rules allow it, and in it no more are lost") {
  const std::vector<AfterOutage> rows = {{"exchange 503", 1, 10, -1, 4.6, 0},
                                         {"exchange 503", 1, 60, -1, 0.0, 3},
                                         {"exchange 503", 1, 3, 120, 0.0, 33},
                                         {"exchange 503", 1, 20, 20, 11.2, 0},
                                         {"exchange 503", 5, 10, -1, 0.0, 0},
                                         {"exchange 503", 5, 60, -1, 0.0, 1},
                                         {"exchange 503", 5, 3, 120, 0.0, 33},
                                         {"exchange 503", 5, 20, 20, 11.6, 0},
                                         {"exchange html 502", 1, 10, -1, 4.6, 0},
                                         {"exchange html 502", 1, 60, -1, 0.0, 3},
                                         {"exchange html 502", 5, 10, -1, 0.0, 0},
                                         {"exchange html 502", 5, 60, -1, 0.0, 1},
                                         {"exchange rate limit", 1, 10, -1, 4.6, 0},
                                         {"exchange rate limit", 1, 60, -1, 0.0, 3},
                                         {"exchange rate limit", 5, 10, -1, 0.0, 0},
                                         {"exchange rate limit", 5, 60, -1, 0.0, 1},
                                         {"exchange html 403", 1, 10, -1, 4.6, 0},
                                         {"exchange html 403", 1, 60, -1, 0.0, 3},
                                         {"exchange html 403", 5, 10, -1, 0.0, 0},
                                         {"exchange html 403", 5, 60, -1, 0.0, 3},
                                         {"exchange bad key", 1, 10, -1, 0.0, 50},
                                         {"exchange bad key", 1, 60, -1, 0.0, 50},
                                         {"exchange bad key", 5, 10, -1, 0.0, 50},
                                         {"exchange bad key", 5, 60, -1, 0.0, 50},
                                         {"exchange refuses all", 1, 10, -1, 0.0, 0},
                                         {"exchange refuses all", 1, 60, -1, 2.6, 3},
                                         {"exchange refuses all", 5, 10, -1, 0.0, 0},
                                         {"exchange refuses all", 5, 60, -1, 2.6, 3},
                                         {"agent 503", 1, 10, -1, 4.8, 0},
                                         {"agent 503", 1, 60, -1, 4.4, 56},
                                         {"agent 503", 1, 3, 120, 7.4, 100},
                                         {"agent 503", 1, 20, 20, 0.0, 0},
                                         {"agent 503", 5, 10, -1, 5.2, 0},
                                         {"agent 503", 5, 60, -1, 0.0, 55},
                                         {"agent 503", 5, 3, 120, 7.4, 100},
                                         {"agent 503", 5, 20, 20, 0.0, 0},
                                         {"agent html 502", 1, 10, -1, 4.8, 0},
                                         {"agent html 502", 1, 60, -1, 4.4, 56},
                                         {"agent html 502", 5, 10, -1, 5.2, 0},
                                         {"agent html 502", 5, 60, -1, 0.0, 55},
                                         {"agent 500", 1, 10, -1, 4.8, 0},
                                         {"agent 500", 1, 60, -1, 4.4, 56},
                                         {"agent 500", 5, 10, -1, 0.0, 0},
                                         {"agent 500", 5, 60, -1, 0.0, 50},
                                         {"proxy html 403", 1, 10, -1, 4.8, 0},
                                         {"proxy html 403", 1, 60, -1, 4.4, 56},
                                         {"proxy html 403", 5, 10, -1, 0.0, 0},
                                         {"proxy html 403", 5, 60, -1, 0.0, 50},
                                         {"portal html 200", 1, 10, -1, 4.8, 0},
                                         {"portal html 200", 1, 60, -1, 4.4, 56},
                                         {"portal html 200", 5, 10, -1, 0.0, 0},
                                         {"portal html 200", 5, 60, -1, 0.0, 50},
                                         {"network lost", 1, 10, -1, 4.8, 0},
                                         {"network lost", 1, 60, -1, 4.4, 56},
                                         {"network lost", 5, 10, -1, 5.2, 0},
                                         {"network lost", 5, 60, -1, 0.0, 55},
                                         {"login 401", 1, 10, -1, 3.2, 0},
                                         {"login 401", 1, 60, -1, 0.0, 50},
                                         {"login 401", 5, 10, -1, 3.2, 0},
                                         {"login 401", 5, 60, -1, 0.0, 50},
                                         {"login 401, JWTs", 1, 10, -1, 3.2, 0},
                                         {"login 401, JWTs", 1, 60, -1, 0.0, 50},
                                         {"login 401, JWTs", 5, 10, -1, 3.2, 0},
                                         {"login 401, JWTs", 5, 60, -1, 0.0, 50}};
  for (const AfterOutage& row : rows) {
    std::vector<SimToken> tokens(static_cast<std::size_t>(row.size));
    const bool at_exchange = std::string(row.kind).find("exchange") != std::string::npos;
    for (SimToken& token : tokens) token.jwt_until = at_exchange ? 300 + row.length / 2 : 1e6;
    std::vector<SimRequest> requests;
    for (int k = 0; k < static_cast<int>(row.length) + 600; ++k) requests.push_back({k + 0.37});
    const double end = 300 + row.length;
    Simulation simulation({World(tokens, {{300, end, KindOf(row.kind), OptionalOf(row.retry_after)}}, 0), requests}, 0);
    simulation.Run();
    double trouble = 0;
    double lost = 0;
    for (const SimResult& result : simulation.results()) {
      const double begins = result.request.begins;
      if (begins >= end && (!result.served || result.took > 2)) trouble = std::max(trouble, begins + result.took - end);
      if (begins >= 300 && begins < end && !result.served) lost += 100 / row.length;
    }
    INFO(row.kind << ", pool of " << row.size << ", " << row.length << " s, Retry-After " << row.retry_after << ": "
                  << trouble << " s of trouble, " << lost << " % lost");
    if (Shows()) WARN("trouble " << trouble << " (" << row.trouble << "), lost " << lost << " (" << row.lost << ")");
    // In which part of the longest pause the outage ends is chance.
    CHECK(trouble <= std::max(row.trouble, 5.2) + 0.5);
    CHECK(lost <= row.lost + 7);
    CHECK(simulation.wrong().empty());
  }
}

// A thousand requests in the first second of an outage.
struct Storm {
  const char* kind;
  int size;
  double length;
  double retry_after;
  double at_worst;  // attempts in the worst second
  double later;     // attempts a second, a few seconds later
  int served;
};

TEST_CASE("A storm of requests does not hammer an overloaded service, and is served when it is back") {
  const std::vector<Storm> rows = {
      {"agent 503", 1, 300, -1, 401, 0.2, 0},           {"agent 503", 1, 15, -1, 401, 0.2, 1000},
      {"agent 503", 1, 300, 20, 401, 0.0, 0},           {"agent 503", 5, 300, -1, 1401, 0.2, 0},
      {"agent 503", 5, 15, -1, 1401, 0.2, 1000},        {"agent 503", 5, 300, 20, 1401, 0.0, 0},
      {"agent 503", 20, 300, -1, 1401, 0.2, 0},         {"agent 503", 20, 15, -1, 1401, 0.2, 1000},
      {"agent 503", 20, 300, 20, 1401, 0.0, 0},         {"agent 500", 1, 300, -1, 401, 0.2, 0},
      {"agent 500", 1, 15, -1, 401, 0.2, 1000},         {"agent 500", 5, 300, -1, 409, 0.8, 0},
      {"agent 500", 5, 15, -1, 409, 0.8, 1000},         {"agent 500", 20, 300, -1, 439, 3.3, 0},
      {"agent 500", 20, 15, -1, 439, 3.3, 999},         {"login 401", 1, 300, -1, 2014, 0.5, 0},
      {"login 401", 1, 15, -1, 2014, 0.5, 608},         {"login 401", 5, 300, -1, 2016, 2.5, 0},
      {"login 401", 5, 15, -1, 2016, 2.5, 997},         {"login 401", 20, 300, -1, 2020, 10.0, 0},
      {"login 401", 20, 15, -1, 2020, 10.0, 603},       {"proxy html 403", 1, 300, -1, 401, 0.2, 0},
      {"proxy html 403", 1, 15, -1, 401, 0.2, 1000},    {"proxy html 403", 5, 300, -1, 2000, 3.3, 0},
      {"proxy html 403", 5, 15, -1, 2000, 3.3, 1000},   {"proxy html 403", 20, 300, -1, 2101, 227.5, 0},
      {"proxy html 403", 20, 15, -1, 2101, 227.5, 1000}};
  for (const Storm& row : rows) {
    if (kSanitized && row.length == 300) continue;
    std::vector<SimToken> tokens(static_cast<std::size_t>(row.size));
    for (SimToken& token : tokens) token.jwt_until = 1e6;
    std::vector<SimRequest> requests;
    for (int k = 0; k < row.size; ++k) requests.push_back({static_cast<double>(k), 0, 0.1});  // all have served lately
    for (int k = 0; k < 1000; ++k) requests.push_back({100 + k / 1000.0});
    const Outage outage{100, 100 + row.length, KindOf(row.kind), OptionalOf(row.retry_after)};
    Simulation simulation({World(tokens, {outage}, 0), requests}, 0);
    simulation.Run();
    const std::vector<int>& calls = simulation.world().calls();
    const int at_worst = *std::max_element(calls.begin(), calls.end());
    double later = 0;
    for (std::size_t second = 3; second < 15 && second < calls.size(); ++second) later += calls[second] / 12.0;
    const auto served = std::count_if(simulation.results().begin(), simulation.results().end(),
                                      [](const auto& result) { return result.served && result.request.begins >= 100; });
    INFO(row.kind << ", pool of " << row.size << ", " << row.length << " s, Retry-After " << row.retry_after << ": "
                  << at_worst << " attempts in the worst second, " << later << " later, " << served << " served");
    if (Shows()) {
      WARN("worst " << at_worst << " (" << row.at_worst << "), later " << later << " (" << row.later << "), served "
                    << served << " (" << row.served << ")");
    }
    CHECK(at_worst <= row.at_worst * 1.1 + 20);
    CHECK(later <= row.later * 1.5 + 1);
    CHECK(served >= row.served - 20);
    CHECK(simulation.wrong().empty());
  }
}

}  // namespace
}  // namespace warppool::internal::worlds
