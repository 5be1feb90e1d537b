// Statistics through the C API: every number has its place, and they are what happened.
#include <warppool/stats.h>

#include <chrono>
#include <cstring>
#include <set>
#include <string>

#include "capi_world.h"
#include "handle.h"
#include "refusals.h"

using namespace std::chrono_literals;

namespace {

using std::chrono::system_clock;

// No two numbers of it are the same.
warppool::Counters Numbered(uint64_t first) {
  warppool::Counters counters;
  counters.requests = first++;
  for (uint64_t& count : counters.outcomes) count = first++;
  counters.failures = first++;
  counters.refreshes = first++;
  for (uint64_t& count : counters.first_event.buckets) count = first++;
  counters.first_event.sum = std::chrono::milliseconds(first);
  return counters;
}

void CheckCounters(const warppool_counters* counters, const warppool::Counters& expected) {
  REQUIRE(counters != nullptr);
  CHECK(warppool_counters_requests(counters) == expected.requests);
  for (size_t i = 0; i < warppool_outcome_count(); ++i) {
    CHECK(warppool_counters_outcome(counters, static_cast<warppool_outcome>(i)) == expected.outcomes[i]);
  }
  CHECK(warppool_counters_successes(counters) == expected.Successes());
  CHECK(warppool_counters_failed_attempts(counters) == expected.FailedAttempts());
  CHECK(warppool_counters_failures(counters) == expected.failures);
  CHECK(warppool_counters_refreshes(counters) == expected.refreshes);
  CHECK(warppool_counters_first_event_count(counters) == expected.first_event.Count());
  CHECK(warppool_counters_first_event_sum_ms(counters) == expected.first_event.sum.count());
  for (size_t i = 0; i < warppool_latency_bucket_count(); ++i) {
    CHECK(warppool_counters_first_event_bucket(counters, i) == expected.first_event.buckets[i]);
  }
}

warppool::Stats Example() {
  warppool::Stats stats;
  stats.time = system_clock::time_point(1'700'000'000'000ms);
  stats.requests = {11, 12, 13, 14, 15};
  stats.total = Numbered(1000);
  stats.tiers.push_back({warppool::Tier::kShared, 4, 3, 2, Numbered(2000)});
  warppool::TokenStats token;
  token.name = "team";
  token.tier = warppool::Tier::kShared;
  token.kind = warppool::CredentialKind::kApiKey;
  token.state = warppool::TokenState::kCooling;
  token.in_flight = 5;
  token.counters = Numbered(3000);
  token.last_used = system_clock::time_point(1'700'000'000'001ms);
  token.jwt_expires = system_clock::time_point(1'700'000'000'002ms);
  token.last_error = warppool::Code::kQuotaExhausted;
  token.last_error_message = "used up";
  token.quota = {false, 150, 140, 7, system_clock::time_point(1'700'000'000'003ms)};
  stats.tokens.push_back(token);
  stats.tokens.push_back({});
  return stats;
}

}  // namespace

TEST_CASE("each number of a snapshot can be read in C") {
  const warppool::Stats expected = Example();
  const warppool_stats stats(expected);
  CHECK(warppool_stats_time_ms(&stats) == 1'700'000'000'000);
  warppool_request_stats requests = WARPPOOL_REQUEST_STATS_INIT;
  REQUIRE(warppool_stats_requests(&stats, &requests, nullptr) == WARPPOOL_OK);
  CHECK(requests.started == 11);
  CHECK(requests.succeeded == 12);
  CHECK(requests.failed == 13);
  CHECK(requests.cancelled == 14);
  CHECK(requests.running == 15);
  CheckCounters(warppool_stats_total(&stats), expected.total);

  REQUIRE(warppool_stats_tier_count(&stats) == 1);
  warppool_tier_stats tier = WARPPOOL_TIER_STATS_INIT;
  REQUIRE(warppool_stats_tier(&stats, 0, &tier, nullptr) == WARPPOOL_OK);
  CHECK(tier.tier == WARPPOOL_TIER_SHARED);
  CHECK(tier.tokens == 4);
  CHECK(tier.ready == 3);
  CHECK(tier.in_flight == 2);
  CheckCounters(tier.counters, expected.tiers[0].counters);

  REQUIRE(warppool_stats_token_count(&stats) == 2);
  warppool_token_stats token = WARPPOOL_TOKEN_STATS_INIT;
  REQUIRE(warppool_stats_token(&stats, 0, &token, nullptr) == WARPPOOL_OK);
  CHECK(token.name == std::string("team"));
  CHECK(token.tier == WARPPOOL_TIER_SHARED);
  CHECK(token.kind == WARPPOOL_CREDENTIAL_API_KEY);
  CHECK(token.state == WARPPOOL_TOKEN_COOLING);
  CHECK(token.in_flight == 5);
  CheckCounters(token.counters, expected.tokens[0].counters);
  CHECK(token.last_used_ms == 1'700'000'000'001);
  CHECK(token.jwt_expires_ms == 1'700'000'000'002);
  CHECK(token.last_error == WARPPOOL_QUOTA_EXHAUSTED);
  CHECK(token.last_error_message == std::string("used up"));
  CHECK(token.has_quota == 1);
  CHECK(token.quota_unlimited == 0);
  CHECK(token.quota_limit == 150);
  CHECK(token.quota_used == 140);
  CHECK(token.quota_bonus == 7);
  CHECK(token.quota_remaining == 17);
  CHECK(token.quota_next_reset_ms == 1'700'000'000'003);
  CHECK(warppool_stats_json(&stats) == expected.ToJson());
  CHECK(warppool_stats_prometheus(&stats) == expected.ToPrometheus());

  // What nobody knows, and what the initialiser says.
  REQUIRE(warppool_stats_token(&stats, 1, &token, nullptr) == WARPPOOL_OK);
  CHECK(token.last_used_ms == -1);
  CHECK(token.jwt_expires_ms == -1);
  CHECK(token.has_quota == 0);
  CHECK(token.quota_next_reset_ms == -1);
  CHECK(token.last_error == WARPPOOL_OK);
  CHECK(token.last_error_message == std::string());

  // Does not compile when C++ gets another field: give it a place, and a line above.
  [[maybe_unused]] const auto& [time, of_requests, total, tiers, tokens] = expected;
  [[maybe_unused]] const auto& [which, count, ready, tier_in_flight, tier_counters] = tiers[0];
  [[maybe_unused]] const auto& [name, in, kind, state, in_flight, counters, last_used, jwt_expires, last_error,
                                last_error_message, quota] = tokens[0];
  [[maybe_unused]] const auto& [begun, outcomes, failures, refreshes, first_event] = counters;
  [[maybe_unused]] const auto& [buckets, sum] = first_event;
}

TEST_CASE("outcomes have names, buckets have bounds, and a number from elsewhere does no harm") {
  std::set<std::string> names;
  for (size_t i = 0; i < warppool_outcome_count(); ++i) {
    names.insert(warppool_outcome_name(static_cast<warppool_outcome>(i)));
  }
  CHECK(names.size() == warppool_outcome_count());
  CHECK(warppool_outcome_count() == warppool::kOutcomeCount);
  CHECK(warppool_outcome_name(WARPPOOL_OUTCOME_AUTH_STALE) == std::string("auth_stale"));
  CHECK(warppool_outcome_is_failed_attempt(WARPPOOL_OUTCOME_SUCCESS) == 0);
  CHECK(warppool_outcome_is_failed_attempt(WARPPOOL_OUTCOME_CANCELLED) == 0);
  CHECK(warppool_outcome_is_failed_attempt(WARPPOOL_OUTCOME_NETWORK) == 1);
  const warppool_counters counters = {Numbered(1)};
  for (const int number : {-1, static_cast<int>(warppool_outcome_count()), 9999}) {
    const auto outcome = static_cast<warppool_outcome>(number);
    CHECK(warppool_outcome_name(outcome) == std::string("unknown"));
    CHECK(warppool_outcome_is_failed_attempt(outcome) == 0);
    CHECK(warppool_counters_outcome(&counters, outcome) == 0);
  }
  REQUIRE(warppool_latency_bucket_count() > 1);
  int64_t bound = 0;
  for (size_t i = 0; i + 1 < warppool_latency_bucket_count(); ++i) {
    CHECK(warppool_latency_bound_ms(i) > bound);
    bound = warppool_latency_bound_ms(i);
  }
  for (const size_t index : {warppool_latency_bucket_count() - 1, warppool_latency_bucket_count(), size_t{9999}}) {
    CHECK(warppool_latency_bound_ms(index) == -1);
  }
  CHECK(warppool_counters_first_event_bucket(&counters, warppool_latency_bucket_count() - 1) != 0);
  CHECK(warppool_counters_first_event_bucket(&counters, warppool_latency_bucket_count()) == 0);
}

TEST_CASE("statistics tell what happened, in numbers, JSON and the text of Prometheus") {
  World world;
  world.service.On(kOne).Agent(loopback::Quota());
  world.service.Accept(kTwo);
  world.Connect({kOne, kTwo});
  CHECK(world.Ask() == WARPPOOL_OK);  // with the first token, in vain, and with the second
  CHECK(world.Ask() == WARPPOOL_OK);
  StatsHandle stats;
  REQUIRE(warppool_client_statistics(world.client, stats.out(), nullptr) == WARPPOOL_OK);
  world.service.Said(warppool_stats_json(stats));
  world.service.Said(warppool_stats_prometheus(stats));
  CHECK(warppool_stats_time_ms(stats) > 1'700'000'000'000);

  warppool_request_stats requests = WARPPOOL_REQUEST_STATS_INIT;
  REQUIRE(warppool_stats_requests(stats, &requests, nullptr) == WARPPOOL_OK);
  CHECK(requests.started == 2);
  CHECK(requests.succeeded == 2);
  CHECK(requests.failed + requests.cancelled + requests.running == 0);
  const warppool_counters* total = warppool_stats_total(stats);
  CHECK(warppool_counters_requests(total) == 3);
  CHECK(warppool_counters_successes(total) == 2);
  CHECK(warppool_counters_failed_attempts(total) == 1);
  CHECK(warppool_counters_outcome(total, WARPPOOL_OUTCOME_QUOTA_EXHAUSTED) == 1);
  CHECK(warppool_counters_refreshes(total) == 2);
  CHECK(warppool_counters_first_event_count(total) == 2);

  REQUIRE(warppool_stats_token_count(stats) == 2);
  warppool_token_stats first = WARPPOOL_TOKEN_STATS_INIT;
  warppool_token_stats second = WARPPOOL_TOKEN_STATS_INIT;
  REQUIRE(warppool_stats_token(stats, 0, &first, nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_stats_token(stats, 1, &second, nullptr) == WARPPOOL_OK);
  CHECK(first.name == world.Name(0));
  CHECK(first.state == WARPPOOL_TOKEN_COOLING);
  CHECK(warppool_counters_requests(first.counters) == 1);
  CHECK(first.last_error == WARPPOOL_QUOTA_EXHAUSTED);
  CHECK(second.name == world.Name(1));
  CHECK(warppool_counters_successes(second.counters) == 2);
  CHECK(second.last_used_ms > 0);
  CHECK(second.jwt_expires_ms > second.last_used_ms);
  REQUIRE(warppool_stats_tier_count(stats) == 1);
  warppool_tier_stats tier = WARPPOOL_TIER_STATS_INIT;
  REQUIRE(warppool_stats_tier(stats, 0, &tier, nullptr) == WARPPOOL_OK);
  CHECK(tier.tier == WARPPOOL_TIER_PERSONAL);
  CHECK(tier.tokens == 2);
  CHECK(tier.ready == 1);
  CHECK(warppool_counters_requests(tier.counters) == 3);

  const std::string json = warppool_stats_json(stats);
  Contains(json, R"("started":2,"succeeded":2)");
  Contains(json, R"("name":")" + world.Name(1) + '"');
  Contains(json, R"("quota_exhausted":1)");
  const std::string prometheus = warppool_stats_prometheus(stats);
  Contains(prometheus, "\nwarppool_requests_started_total 2\n");
  Contains(prometheus, "token=\"" + world.Name(0) + "\"");

  // It belongs to the caller, not to the client.
  REQUIRE(warppool_client_destroy(world.client.out()) == WARPPOOL_OK);
  CHECK(warppool_stats_json(stats) == json);
  CHECK(warppool_counters_successes(second.counters) == 2);
}

TEST_CASE("a closed client still tells its statistics") {
  World world;
  world.service.Accept(kOne);
  world.Connect({kOne});
  CHECK(world.Ask() == WARPPOOL_OK);
  REQUIRE(warppool_client_close(world.client, -1, nullptr) == WARPPOOL_OK);
  StatsHandle stats;
  REQUIRE(warppool_client_statistics(world.client, stats.out(), nullptr) == WARPPOOL_OK);
  CHECK(warppool_counters_successes(warppool_stats_total(stats)) == 1);
}

TEST_CASE("functions of statistics name what is missing, and take NULL where they only read") {
  const warppool_stats stats(Example());
  auto* cleared = Rubbish<warppool_stats>();
  CheckNames("client", [&](auto** e) { return warppool_client_statistics(nullptr, &cleared, e); });
  CHECK(cleared == nullptr);
  CheckNames("stats", [&](auto** e) { return warppool_client_statistics(Rubbish<warppool_client>(), nullptr, e); });
  warppool_request_stats requests = WARPPOOL_REQUEST_STATS_INIT;
  warppool_tier_stats tier = WARPPOOL_TIER_STATS_INIT;
  warppool_token_stats token = WARPPOOL_TOKEN_STATS_INIT;
  CheckNames("stats", [&](auto** e) { return warppool_stats_requests(nullptr, &requests, e); });
  CheckNames("requests", [&](auto** e) { return warppool_stats_requests(&stats, nullptr, e); });
  CheckNames("stats", [&](auto** e) { return warppool_stats_tier(nullptr, 0, &tier, e); });
  CheckNames("tier", [&](auto** e) { return warppool_stats_tier(&stats, 0, nullptr, e); });
  CheckNames("stats", [&](auto** e) { return warppool_stats_token(nullptr, 0, &token, e); });
  CheckNames("token", [&](auto** e) { return warppool_stats_token(&stats, 0, nullptr, e); });
  CHECK(Complaint([&](auto** e) { return warppool_stats_tier(&stats, 1, &tier, e); }) ==
        "index: must be less than the number of tiers");
  CHECK(Complaint([&](auto** e) { return warppool_stats_token(&stats, 2, &token, e); }) ==
        "index: must be less than the number of tokens");

  CHECK(warppool_stats_time_ms(nullptr) == -1);
  CHECK(warppool_stats_total(nullptr) == nullptr);
  CHECK(warppool_stats_tier_count(nullptr) == 0);
  CHECK(warppool_stats_token_count(nullptr) == 0);
  CHECK(warppool_stats_json(nullptr) == std::string());
  CHECK(warppool_stats_prometheus(nullptr) == std::string());
  CHECK(warppool_counters_requests(nullptr) == 0);
  CHECK(warppool_counters_outcome(nullptr, WARPPOOL_OUTCOME_SUCCESS) == 0);
  CHECK(warppool_counters_successes(nullptr) == 0);
  CHECK(warppool_counters_failed_attempts(nullptr) == 0);
  CHECK(warppool_counters_failures(nullptr) == 0);
  CHECK(warppool_counters_refreshes(nullptr) == 0);
  CHECK(warppool_counters_first_event_count(nullptr) == 0);
  CHECK(warppool_counters_first_event_sum_ms(nullptr) == 0);
  CHECK(warppool_counters_first_event_bucket(nullptr, 0) == 0);
  warppool_stats_destroy(nullptr);
}

TEST_CASE("structs of statistics are filled to their size and no further") {
  const warppool_stats stats(Example());
  CheckSizes<warppool_request_stats>("requests", WARPPOOL_REQUEST_STATS_INIT,
                                     [&](auto* given, auto** e) { return warppool_stats_requests(&stats, given, e); });
  CheckSizes<warppool_tier_stats>("tier", WARPPOOL_TIER_STATS_INIT,
                                  [&](auto* given, auto** e) { return warppool_stats_tier(&stats, 0, given, e); });
  CheckSizes<warppool_token_stats>("token", WARPPOOL_TOKEN_STATS_INIT,
                                   [&](auto* given, auto** e) { return warppool_stats_token(&stats, 0, given, e); });
  struct {
    warppool_token_stats known;
    unsigned char beyond[8];
  } filled;
  std::memset(static_cast<void*>(&filled), 0x5a, sizeof filled);
  filled.known.struct_size = sizeof filled.known;
  REQUIRE(warppool_stats_token(&stats, 0, &filled.known, nullptr) == WARPPOOL_OK);
  CHECK(filled.known.quota_next_reset_ms == 1'700'000'000'003);
  for (const unsigned char byte : filled.beyond) CHECK(byte == 0x5a);
}
