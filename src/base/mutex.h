// std::mutex and its companions, annotated for clang's -Wthread-safety (libstdc++'s are not). The macros mean what
// clang's documentation of the attributes says; elsewhere they vanish.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define WARPPOOL_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define WARPPOOL_THREAD_ATTRIBUTE(x)
#endif

#define CAPABILITY(x) WARPPOOL_THREAD_ATTRIBUTE(capability(x))
#define SCOPED_CAPABILITY WARPPOOL_THREAD_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(x) WARPPOOL_THREAD_ATTRIBUTE(guarded_by(x))
#define REQUIRES(...) WARPPOOL_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) WARPPOOL_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) WARPPOOL_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) WARPPOOL_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS WARPPOOL_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace warppool::internal {

class CAPABILITY("mutex") Mutex {
 public:
  void Lock() ACQUIRE() { mutex_.lock(); }
  void Unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_->Lock(); }
  ~MutexLock() RELEASE() { mutex_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* mutex_;
};

// Wait in a loop around the condition, with the mutex held: wake-ups may be spurious.
class CondVar {
 public:
  void Wait(Mutex* mutex) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    Borrowed borrowed{std::unique_lock<std::mutex>(mutex->mutex_, std::adopt_lock)};
    condition_.wait(borrowed.lock);
  }
  // False when `deadline` has passed.
  bool WaitUntil(Mutex* mutex, std::chrono::steady_clock::time_point deadline)
      REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    Borrowed borrowed{std::unique_lock<std::mutex>(mutex->mutex_, std::adopt_lock)};
    return condition_.wait_until(borrowed.lock, deadline) == std::cv_status::no_timeout;
  }
  void NotifyAll() { condition_.notify_all(); }

 private:
  // The mutex stays its holder's, whichever way the wait ends: the thread may be cancelled in it.
  struct Borrowed {
    std::unique_lock<std::mutex> lock;
    ~Borrowed() { lock.release(); }
  };

  std::condition_variable condition_;
};

}  // namespace warppool::internal
