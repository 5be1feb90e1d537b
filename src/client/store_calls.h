// Calls of a store, which may take their time, for somebody who waits for a limited time.
//
// A call that takes longer makes the store absent until it returns. Nobody calls it meanwhile: it is gone on without.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "base/executor.h"
#include "platform/worker.h"

namespace warppool::internal {

// In the executor's thread. Must outlive what the executor and the worker have been given.
class StoreCalls {
 public:
  // `worker`: the store's thread.
  StoreCalls(Executor* executor, Worker* worker, std::chrono::milliseconds limit)
      : executor_(executor), worker_(worker), limit_(limit) {}

  bool IsAbsent() const;

  // Has `work` done in the store's thread. `done` is called once, not from inside: when it is done, or when the time is
  // over. What this throws has changed nothing.
  using Done = std::function<void(bool in_time)>;
  void Run(std::function<void()> work, Done done);

 private:
  struct Call;

  void Deliver(const std::shared_ptr<Call>& call);
  void Drop(const Call* call);

  Executor* const executor_;
  Worker* const worker_;
  const std::chrono::milliseconds limit_;
  std::vector<std::shared_ptr<Call>> calls_;  // that have not returned
};

}  // namespace warppool::internal
