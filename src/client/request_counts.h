// How many requests began, and how they ended.
#pragma once

#include <atomic>
#include <cstdint>

#include "warppool/stats.h"

namespace warppool::internal {

// Any thread.
class RequestCounts {
 public:
  void Started() { started_.fetch_add(1, std::memory_order_relaxed); }
  void NotStarted() { started_.fetch_sub(1, std::memory_order_relaxed); }
  void Ended(Code code) {
    auto& count = code == Code::kOk ? succeeded_ : code == Code::kCancelled ? cancelled_ : failed_;
    count.fetch_add(1, std::memory_order_release);
  }

  RequestStats Read() const {
    RequestStats stats;
    // Before the number of those that started: what runs is then never less than nothing.
    stats.succeeded = succeeded_.load(std::memory_order_acquire);
    stats.failed = failed_.load(std::memory_order_acquire);
    stats.cancelled = cancelled_.load(std::memory_order_acquire);
    stats.started = started_.load(std::memory_order_acquire);
    const std::uint64_t ended = stats.succeeded + stats.failed + stats.cancelled;
    stats.running = stats.started > ended ? stats.started - ended : 0;
    return stats;
  }

 private:
  std::atomic<std::uint64_t> started_{0};
  std::atomic<std::uint64_t> succeeded_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> cancelled_{0};
};

}  // namespace warppool::internal
