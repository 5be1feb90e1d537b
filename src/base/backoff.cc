#include "base/backoff.h"

#include <algorithm>

namespace warppool::internal {

using std::chrono::milliseconds;

std::optional<milliseconds> Backoff::Next(double unit_random, milliseconds at_least) {
  if (spent_ >= options_.budget) return std::nullopt;
  milliseconds wait = std::min(options_.base, options_.ceiling);
  // Comparing with a part of the ceiling instead of multiplying first: no overflow, however large the numbers.
  for (int i = 0; i < spent_ && wait < options_.ceiling; ++i) {
    wait = wait > options_.ceiling / options_.factor ? options_.ceiling : wait * options_.factor;
  }
  ++spent_;
  // Jitter only lengthens: those that failed together spread out, and nobody comes back early.
  const double jitter = static_cast<double>(wait.count()) * options_.jitter * unit_random;
  return std::max(wait + milliseconds(static_cast<milliseconds::rep>(jitter)), at_least);
}

}  // namespace warppool::internal
