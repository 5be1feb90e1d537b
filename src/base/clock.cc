#include "base/clock.h"

#include <ctime>

namespace warppool::internal {
namespace {

#if defined(CLOCK_REALTIME_COARSE) && defined(CLOCK_MONOTONIC_COARSE)

// They are read without a system call, and count the ticks of the kernel.
constexpr clockid_t kCheapWall = CLOCK_REALTIME_COARSE;
constexpr clockid_t kCheapSteady = CLOCK_MONOTONIC_COARSE;

std::chrono::nanoseconds ReadClock(clockid_t which) {
  timespec time{};
  clock_gettime(which, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::chrono::nanoseconds CheapSteady() {
  return ReadClock(kCheapSteady);
}
std::chrono::nanoseconds CheapWall() {
  return ReadClock(kCheapWall);
}

#else

std::chrono::nanoseconds CheapSteady() {
  return std::chrono::steady_clock::now().time_since_epoch();
}
std::chrono::nanoseconds CheapWall() {
  return ToWallTime(std::chrono::system_clock::now()).time_since_epoch();
}

#endif

// A thread that was stopped between two looks at two clocks would take that for a jump.
constexpr std::chrono::milliseconds kOneGo{50};

class MachineClock final : public Clock {
 public:
  SteadyTime Steady() const override { return std::chrono::steady_clock::now(); }
  WallTime Wall() const override { return ToWallTime(std::chrono::system_clock::now()); }
  std::optional<std::chrono::nanoseconds> WallMinusSteady() const override {
    const auto before = CheapSteady();
    const auto wall = CheapWall();
    const auto after = CheapSteady();
    if (after - before > kOneGo) return std::nullopt;
    return wall - after;
  }
};

}  // namespace

const Clock& RealClock() {
  static const MachineClock* const clock = new MachineClock;  // outlives the static objects of any program
  return *clock;
}

}  // namespace warppool::internal
