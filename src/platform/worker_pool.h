// Threads for calls that may take any time, each of which holds up only what must come after it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

namespace warppool::internal {

// Any thread. A thread starts when there is something to do and all others are busy; of those that have nothing to do
// any more one stays.
class WorkerPool {
 public:
  // Starts a thread that runs this, or throws.
  using StartThread = std::function<std::thread(std::function<void()>)>;
  // What becomes of a task for which there is no thread at all, because none can be started.
  enum class WithoutThread : std::uint8_t {
    kThrow,
    kWait,  // it runs when a later Post() finds one
  };

  explicit WorkerPool(std::size_t most_threads);
  WorkerPool(std::size_t most_threads, StartThread start_thread);
  ~WorkerPool() { Close(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs `task`; what it throws is dropped. Tasks of one `lane` run one after the other, in the order of the calls,
  // those of different ones at the same time, or when there is a thread for them. False after Close(). Throws when
  // there is no memory, or as `without_thread` says; `task` is then not run.
  bool Post(const std::shared_ptr<const void>& lane, std::function<void()> task,
            WithoutThread without_thread = WithoutThread::kThrow);

  // What has not begun yet is not run.
  void DropRest();
  // Has all that was posted run, but for what waits for a thread that could not be started, and waits for the end of
  // the threads. In one of them, it does not wait for that one, which then ends by itself.
  void Close();

  bool InThread() const;

 private:
  struct State;  // outlives this object if it is destroyed in one of the threads

  const std::shared_ptr<State> state_;
};

}  // namespace warppool::internal
