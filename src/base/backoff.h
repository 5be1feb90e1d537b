// How long to wait before trying again, and how often. No clock and no sleeping: the caller asks, the caller waits.
//
// Wait n is base * factor^(n-1), at most `ceiling`, lengthened by up to `jitter` of itself. Not thread-safe: one for
// each operation that is being retried.
#pragma once

#include <chrono>
#include <optional>

namespace warppool::internal {

struct BackoffOptions {
  std::chrono::milliseconds base{1'000};
  std::chrono::milliseconds ceiling{32'000};  // before jitter
  int factor = 4;                             // at least 1
  double jitter = 0.3;                        // 0: none
  int budget = 3;                             // waits to hand out in all
};

class Backoff {
 public:
  explicit Backoff(BackoffOptions options, int spent = 0) : options_(options), spent_(spent) {}

  // The next wait, and never less than `at_least` (Retry-After): that one is charged to the budget too, or a service
  // that keeps asking for patience would hold its caller for ever. `unit_random` in [0, 1). Nothing once the budget is
  // spent, and from then on.
  std::optional<std::chrono::milliseconds> Next(double unit_random, std::chrono::milliseconds at_least = {});

  int spent() const { return spent_; }

 private:
  BackoffOptions options_;
  int spent_ = 0;  // <= options_.budget
};

}  // namespace warppool::internal
