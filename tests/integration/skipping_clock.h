// A clock of which a test can skip some time, and clients that go by it.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "base/clock.h"
#include "warppool/client.h"

namespace warppool {

// The machine's, and what was skipped: a token has rested then, and a disabled one is half open. What waits for a timer
// of the I/O thread waits on. Never destroyed, since a client may leave its thread to itself; any thread.
class SkippingClock final : public internal::Clock {
 public:
  static SkippingClock& Get() {
    static auto* const clock = new SkippingClock;
    return *clock;
  }
  internal::SteadyTime Steady() const override {
    return internal::RealClock().Steady() + std::chrono::milliseconds(skipped_ms_);
  }
  internal::WallTime Wall() const override {
    return internal::RealClock().Wall() + std::chrono::milliseconds(skipped_ms_);
  }

  void Skip(std::chrono::milliseconds time) { skipped_ms_ += time.count(); }
  void Reset() { skipped_ms_ = 0; }

 private:
  std::atomic<std::chrono::milliseconds::rep> skipped_ms_{0};
};

// Client::Create(), but that it goes by this clock.
Result<std::unique_ptr<Client>> CreateClient(Config config, const ClientOptions& options, const internal::Clock& clock);

}  // namespace warppool
