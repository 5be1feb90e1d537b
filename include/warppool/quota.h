// What is left of what an account may ask for.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace warppool {

// What an account may still ask for, as the service told it last.
struct Quota {
  bool unlimited = false;
  std::int64_t limit = 0;  // requests in a period
  std::int64_t used = 0;   // of them, in this one
  std::int64_t bonus = 0;  // what is left of credits that were granted beside them and have not expired

  // When the period ends, and the quota comes back; nullopt: the service does not say.
  std::optional<std::chrono::system_clock::time_point> next_reset{};

  std::int64_t Remaining() const;  // what is left of the limit, and the bonus; meaningless if unlimited
};

}  // namespace warppool
