#include "base/clock.h"

namespace warppool {
namespace {

class MachineClock final : public Clock {
 public:
  SteadyTime Steady() const override { return std::chrono::steady_clock::now(); }
  WallTime Wall() const override { return std::chrono::system_clock::now(); }
};

constexpr MachineClock kMachineClock;

}  // namespace

const Clock& RealClock() { return kMachineClock; }

}  // namespace warppool
