// The monitor's demo: a service in this process whose tokens get into trouble, and a few threads that ask it small
// questions. What happens follows from how often the service was asked, and from what happened before; only rests and
// quotas take their time, which `speed` divides. A round, which takes some 20 seconds at speed 1 and then begins again:
//
//   1. `expires` is refused for good (once: it stays so), and the quota of `small-quota` ends: it cools for 15 s.
//   2. `refused` is refused until it is disabled. Tier PERSONAL has nobody left, and SHARED takes over, with `slow`.
//   3. The service replaces the refresh token of `rotates`.
//   4. The service has a hiccup: four requests meet an overload. No token is blamed.
//   5. `refused` was tried again and failed, and its rest is twice as long; then it serves again.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "loopback.h"
#include "warppool/client.h"

namespace monitor {

// How the service answers. Any thread.
class DemoScript {
 public:
  using WallTime = std::chrono::system_clock::time_point;

  explicit DemoScript(int speed = 1) : speed_(speed) {}

  std::optional<loopback::Behaviour> Decide(loopback::Endpoint endpoint, const std::string& token, WallTime now);
  void OnEvent(const warppool::PoolEvent& event);

  // What the account endpoint says of `small-quota`.
  loopback::AccountQuota SmallQuota(WallTime now);

  // An active health check brings disabled tokens back, and the script wants to show that they come back by themselves:
  // false while that is going on. While a check runs, nobody is disabled.
  bool BeginCheck();
  void EndCheck();

 private:
  enum class Act { kQuiet, kRefusals, kRotation, kHiccup, kRecovery };

  loopback::Behaviour AskAgent(const std::string& token, WallTime now);
  loopback::Behaviour AskSmallQuota(WallTime now);
  loopback::Behaviour AskRefused() const;

  const int speed_;
  std::mutex mutex_;
  Act act_ = Act::kQuiet;
  bool checking_ = false;
  bool probe_failed_ = false;  // of `refused`, in this round
  int answers_of_expiring_ = 0;
  int quota_used_ = 0;
  WallTime quota_back_{};      // the end of the period that is used up
  int asked_of_rotating_ = 0;  // in this round
  int rotations_ = 0;
  int hiccups_ = 0;  // in this round
};

// The service that answers by the script.
class DemoService {
 public:
  explicit DemoService(int speed);  // throws std::runtime_error if it cannot listen

  warppool::Config MakeConfig() const;
  DemoScript* script() { return &script_; }

 private:
  const int speed_;
  DemoScript script_;
  loopback::Service service_;  // last: its threads use the script
};

// Those who ask, until it is destroyed; that closes the client, which must live longer.
class DemoTraffic {
 public:
  DemoTraffic(warppool::Client* client, DemoScript* script, int speed);
  ~DemoTraffic();
  DemoTraffic(const DemoTraffic&) = delete;
  DemoTraffic& operator=(const DemoTraffic&) = delete;

 private:
  void Run(std::chrono::milliseconds pause);
  void CheckQuotas();

  warppool::Client* const client_;
  DemoScript* const script_;
  std::atomic<int> asked_;  // since the last check
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace monitor
