// Which of many descriptors are ready.
//
// Two implementations with the same behaviour: epoll (Linux) and poll(2) (everywhere but Windows). The build chooses
// one by WARPPOOL_POLLER.
#pragma once

#include <functional>
#include <memory>

#include "warppool/status.h"

namespace warppool::internal {

// What a descriptor is watched for, and what it is reported with; to be combined.
using Readiness = unsigned;
constexpr Readiness kReadable = 1;
constexpr Readiness kWritable = 2;
constexpr Readiness kFailed = 4;  // hung up or broken: reported whatever the descriptor is watched for

// One thread. Level triggered: what is still ready is reported in the next round again.
class Poller {
 public:
  Poller() = default;
  virtual ~Poller() = default;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Watches `fd`, which is open, from now on for `interest` and for failures, and for nothing else. Throws when there
  // is no memory, or the user watches as many descriptors as the system allows; then it is watched as before.
  virtual void Watch(int fd, Readiness interest) = 0;
  // `fd` is not reported any more, in the round that is under way either, even if its number is watched again
  // meanwhile. It may be closed already, but not for long: until it is forgotten, another one
  // with its number may be taken for it. One that is closed and not forgotten is not reported.
  virtual void Forget(int fd) = 0;

  // Waits until a descriptor is ready, a signal comes, or `milliseconds` are over (negative: no limit), and then calls
  // `report` for all that are ready. It may watch and forget, and throws nothing.
  using Report = std::function<void(int fd, Readiness readiness)>;
  virtual void Wait(int milliseconds, const Report& report) = 0;
};

// The one that the build has chosen. Fails with kInternal when the process has no descriptor left.
Result<std::unique_ptr<Poller>> OpenPoller();

// For tests of both.
Result<std::unique_ptr<Poller>> OpenEpollPoller();  // Linux
Result<std::unique_ptr<Poller>> OpenPollPoller();

}  // namespace warppool::internal
