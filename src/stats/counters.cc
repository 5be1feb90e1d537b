#include <algorithm>
#include <numeric>

#include "warppool/stats.h"

namespace warppool {

const char* OutcomeName(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::kSuccess:
      return "success";
    case Outcome::kAccepted:
      return "accepted";
    case Outcome::kAuthStale:
      return "auth_stale";
    case Outcome::kAuthRejected:
      return "auth_rejected";
    case Outcome::kAuthRevoked:
      return "auth_revoked";
    case Outcome::kQuotaExhausted:
      return "quota_exhausted";
    case Outcome::kServerError:
      return "server_error";
    case Outcome::kOverloaded:
      return "overloaded";
    case Outcome::kNetwork:
      return "network";
    case Outcome::kStreamCut:
      return "stream_cut";
    case Outcome::kRequestFault:
      return "request_fault";
    case Outcome::kGarbled:
      return "garbled";
    case Outcome::kMisconfigured:
      return "misconfigured";
    case Outcome::kFinishedOtherwise:
      return "finished_otherwise";
    case Outcome::kCancelled:
      return "cancelled";
    case Outcome::kBlocked:
      return "blocked";
    case Outcome::kHeld:
      return "held";
  }
  return "unknown";
}

bool IsFailedAttempt(Outcome outcome) noexcept {
  return outcome != Outcome::kSuccess && outcome != Outcome::kAccepted && outcome != Outcome::kCancelled;
}

void Latency::Add(std::chrono::milliseconds time) {
  time = std::max(time, std::chrono::milliseconds(0));  // a sum that shrinks would look like a restart
  const auto bucket = std::lower_bound(kBoundsMs.begin(), kBoundsMs.end(), time.count());
  ++buckets[static_cast<std::size_t>(bucket - kBoundsMs.begin())];
  sum += time;
}

std::uint64_t Latency::Count() const {
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

std::uint64_t Counters::FailedAttempts() const {
  std::uint64_t failures = 0;
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    if (IsFailedAttempt(static_cast<Outcome>(i))) failures += outcomes[i];
  }
  return failures;
}

Counters& Counters::operator+=(const Counters& other) {
  requests += other.requests;
  for (std::size_t i = 0; i < kOutcomeCount; ++i) outcomes[i] += other.outcomes[i];
  failures += other.failures;
  refreshes += other.refreshes;
  for (std::size_t i = 0; i < first_event.buckets.size(); ++i) first_event.buckets[i] += other.first_event.buckets[i];
  first_event.sum += other.first_event.sum;
  return *this;
}

Counters& Counters::operator-=(const Counters& earlier) {
  requests -= earlier.requests;
  for (std::size_t i = 0; i < kOutcomeCount; ++i) outcomes[i] -= earlier.outcomes[i];
  failures -= earlier.failures;
  refreshes -= earlier.refreshes;
  for (std::size_t i = 0; i < first_event.buckets.size(); ++i) first_event.buckets[i] -= earlier.first_event.buckets[i];
  first_event.sum -= earlier.first_event.sum;
  return *this;
}

}  // namespace warppool
