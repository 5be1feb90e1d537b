#include "platform/worker.h"

#include <atomic>
#include <deque>
#include <utility>

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
        while (tasks.empty() && !closed) changed.Wait(&mutex);
        if (tasks.empty()) return;
        task = std::move(tasks.front());
        tasks.pop_front();
      }
      Guarded([&] { CallProgram(task); });  // it calls a store, which may be the program's
    }
  }

  std::atomic<std::thread::id> thread{};
  Mutex mutex;
  CondVar changed;
  std::deque<std::function<void()>> tasks GUARDED_BY(mutex);
  bool closed GUARDED_BY(mutex) = false;
};

Worker::Worker() : queue_(std::make_shared<Queue>()) {}

bool Worker::Post(std::function<void()> task) {
  {
    MutexLock lock(&mutex_);
    if (closed_) return false;
    if (!thread_.joinable()) thread_ = StartQuietThread([queue = queue_] { queue->Run(); });
    MutexLock queue_lock(&queue_->mutex);
    queue_->tasks.push_back(std::move(task));
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
