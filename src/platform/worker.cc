#include "platform/worker.h"

#include <atomic>
#include <deque>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/program_call.h"
#include "platform/quiet_thread.h"

namespace warppool::internal {

struct Worker::Queue {
  void Run() EXCLUDES(mutex) {
    thread = std::this_thread::get_id();
    RunTasks();
    thread = std::thread::id();  // the next thread may get the same
  }

  void RunTasks() EXCLUDES(mutex) {
    while (true) {
      std::function<void()> task;
      {
        MutexLock lock(&mutex);
        while (!TakeDue() && tasks.empty() && !closed) {
          if (later.empty()) {
            changed.Wait(&mutex);
          } else {
            changed.WaitUntil(&mutex, later.begin()->first);
          }
        }
        if (tasks.empty()) return;
        task = std::move(tasks.front());
        tasks.pop_front();
      }
      Guarded([&] { CallProgram(task); });  // it calls a store, which may be the program's
    }
  }

  // Whether one of those that are for later is due: the next of all then.
  bool TakeDue() REQUIRES(mutex) {
    if (closed || later.empty() || RealClock().Steady() < later.begin()->first) return false;
    tasks.push_front(std::move(later.begin()->second));
    later.erase(later.begin());
    return true;
  }

  std::atomic<std::thread::id> thread{};
  Mutex mutex;
  CondVar changed;
  std::deque<std::function<void()>> tasks GUARDED_BY(mutex);
  std::multimap<SteadyTime, std::function<void()>> later GUARDED_BY(mutex);
  bool closed GUARDED_BY(mutex) = false;
};

Worker::Worker() : queue_(std::make_shared<Queue>()) {}

bool Worker::Post(std::function<void()> task) {
  return Add([&] {
    MutexLock lock(&queue_->mutex);
    queue_->tasks.push_back(std::move(task));
  });
}

bool Worker::PostAfter(std::chrono::milliseconds delay, std::function<void()> task) {
  return Add([&] {
    MutexLock lock(&queue_->mutex);
    queue_->later.emplace(RealClock().Steady() + delay, std::move(task));
  });
}

template <typename Change>
bool Worker::Add(const Change& change) {
  {
    MutexLock lock(&mutex_);
    if (closed_) return false;
    if (!thread_.joinable()) thread_ = StartQuietThread([queue = queue_] { queue->Run(); });
    change();
  }
  queue_->changed.NotifyAll();
  return true;
}

void Worker::DropRest() {
  std::deque<std::function<void()>> dropped;  // destroyed without the lock
  MutexLock lock(&queue_->mutex);
  dropped.swap(queue_->tasks);
}

void Worker::Close() {
  std::thread thread;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    thread = std::move(thread_);
    MutexLock queue_lock(&queue_->mutex);
    queue_->closed = true;
  }
  queue_->changed.NotifyAll();
  if (!thread.joinable()) return;
  if (InThread()) {
    thread.detach();
  } else {
    thread.join();
  }
}

bool Worker::InThread() const {
  return queue_->thread == std::this_thread::get_id();
}

}  // namespace warppool::internal
