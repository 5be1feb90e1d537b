// What requests cost.
#pragma once

#include <cstdint>

namespace warppool {

// What the request cost, as far as the service says.
struct Usage {
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::uint64_t cache_read_tokens = 0;
  std::uint64_t cache_write_tokens = 0;
  double cost_in_cents = 0;
  double credits = 0;
  double context_window_usage = 0;  // 0 to 1
};

}  // namespace warppool
