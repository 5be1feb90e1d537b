#include <chrono>
#include <set>
#include <string>

#include "catch.h"
#include "warppool/stats.h"

namespace warppool {
namespace {

using namespace std::chrono_literals;

TEST_CASE("every outcome has its name, and says whether it is a failure") {
  struct Row {
    Outcome outcome;
    int number;  // stable: stores and C have it
    const char* name;
    bool failure;
  };
  const Row rows[] = {
      {Outcome::kSuccess, 0, "success", false},
      {Outcome::kAccepted, 1, "accepted", false},
      {Outcome::kAuthStale, 2, "auth_stale", true},
      {Outcome::kAuthRejected, 3, "auth_rejected", true},
      {Outcome::kAuthRevoked, 4, "auth_revoked", true},
      {Outcome::kQuotaExhausted, 5, "quota_exhausted", true},
      {Outcome::kServerError, 6, "server_error", true},
      {Outcome::kOverloaded, 7, "overloaded", true},
      {Outcome::kNetwork, 8, "network", true},
      {Outcome::kStreamCut, 9, "stream_cut", true},
      {Outcome::kRequestFault, 10, "request_fault", true},
      {Outcome::kGarbled, 11, "garbled", true},
      {Outcome::kMisconfigured, 12, "misconfigured", true},
      {Outcome::kFinishedOtherwise, 13, "finished_otherwise", true},
      {Outcome::kCancelled, 14, "cancelled", false},
      {Outcome::kBlocked, 15, "blocked", true},
      {Outcome::kHeld, 16, "held", true},
  };
  CHECK(std::size(rows) == kOutcomeCount);
  std::set<std::string> names;
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(static_cast<int>(row.outcome) == row.number);
    CHECK(OutcomeName(row.outcome) == std::string(row.name));
    CHECK(IsFailedAttempt(row.outcome) == row.failure);
    names.insert(OutcomeName(row.outcome));
  }
  CHECK(names.size() == kOutcomeCount);
  CHECK(OutcomeName(static_cast<Outcome>(kOutcomeCount)) == std::string("unknown"));
}

TEST_CASE("what takes exactly as long as a bound is inside it") {
  for (std::size_t i = 0; i < Latency::kBoundsMs.size(); ++i) {
    const std::chrono::milliseconds bound(Latency::kBoundsMs[i]);
    INFO(bound.count());
    Latency latency;
    latency.Add(bound);
    CHECK(latency.buckets[i] == 1);
    latency.Add(bound + 1ms);
    CHECK(latency.buckets[i + 1] == 1);
    latency.Add(bound - 1ms);
    CHECK(latency.buckets[i] == 2);
    CHECK(latency.Count() == 3);
    CHECK(latency.sum == 3 * bound);
  }
}

TEST_CASE("the shortest and the longest times have buckets, too") {
  Latency latency;
  CHECK(latency.Count() == 0);
  latency.Add(0ms);
  latency.Add(24h);
  CHECK(latency.buckets.front() == 1);
  CHECK(latency.buckets.back() == 1);
  CHECK(latency.Count() == 2);
  CHECK(latency.sum == 24h);
}

TEST_CASE("a time below zero counts as none, since a sum only grows") {
  Latency latency;
  latency.Add(100ms);
  latency.Add(-50ms);
  CHECK(latency.buckets.front() == 1);
  CHECK(latency.Count() == 2);
  CHECK(latency.sum == 100ms);
}

TEST_CASE("failures are all outcomes that are failures, each once") {
  Counters counters;
  std::uint64_t bit = 1;
  for (auto& count : counters.outcomes) {
    count = bit;
    bit *= 2;
  }
  const std::uint64_t good = counters.Of(Outcome::kSuccess) + counters.Of(Outcome::kAccepted);
  CHECK(counters.FailedAttempts() == bit - 1 - good - counters.Of(Outcome::kCancelled));
  CHECK(counters.Successes() == 1);
  CHECK(Counters{}.FailedAttempts() == 0);
}

TEST_CASE("sums of counters lose nothing") {
  Counters a;
  Counters b;
  a.requests = 1;
  b.requests = 20;
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    a.outcomes[i] = i;
    b.outcomes[i] = 100 * i;
  }
  a.failures = 2;
  b.failures = 30;
  a.refreshes = 3;
  b.refreshes = 40;
  for (std::size_t i = 0; i < a.first_event.buckets.size(); ++i) {
    a.first_event.buckets[i] = i + 1;
    b.first_event.buckets[i] = 100 * (i + 1);
  }
  a.first_event.sum = 5ms;
  b.first_event.sum = 60ms;

  CHECK(&(a += b) == &a);
  CHECK(a.requests == 21);
  for (std::size_t i = 0; i < kOutcomeCount; ++i) CHECK(a.outcomes[i] == 101 * i);
  CHECK(a.failures == 32);
  CHECK(a.refreshes == 43);
  for (std::size_t i = 0; i < a.first_event.buckets.size(); ++i) CHECK(a.first_event.buckets[i] == 101 * (i + 1));
  CHECK(a.first_event.sum == 65ms);
  CHECK(b.requests == 20);
}

}  // namespace
}  // namespace warppool
