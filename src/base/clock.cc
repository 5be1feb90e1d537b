#include "base/clock.h"

namespace warppool::internal {
namespace {

class MachineClock final : public Clock {
 public:
  SteadyTime Steady() const override { return std::chrono::steady_clock::now(); }
  WallTime Wall() const override { return ToWallTime(std::chrono::system_clock::now()); }
};

}  // namespace

const Clock& RealClock() {
  static const MachineClock* const clock = new MachineClock;  // outlives the static objects of any program
  return *clock;
}

}  // namespace warppool::internal
