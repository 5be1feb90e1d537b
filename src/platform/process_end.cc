#include "platform/process_end.h"

#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/mutex.h"
#include "base/program_call.h"
#include "platform/process.h"

namespace warppool::internal {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Never destroyed: static objects of the program's that are destroyed later may come here.
class ProcessEndHandler {
 public:
  static ProcessEndHandler& Instance() {
    static auto* const handler = new ProcessEndHandler;
    return *handler;
  }

  void Install() {
    std::call_once(installed_, [] {
      // Refused only for lack of memory; then the process ends as it would without us.
      static_cast<void>(std::atexit([] { Instance().Run(); }));
#if !defined(__APPLE__)
      static_cast<void>(std::at_quick_exit([] { Instance().Run(); }));
#endif
      // A child must not find the list locked by a thread that it does not have.
      AtEachFork([]() NO_THREAD_SAFETY_ANALYSIS { Instance().mutex_.Lock(); },
                 []() NO_THREAD_SAFETY_ANALYSIS { Instance().mutex_.Unlock(); });
    });
  }

  bool Add(std::list<ProcessEndRegistration::Entry>* entry) EXCLUDES(mutex_) {
    MutexLock lock(&mutex_);
    if (ProcessEnds()) return false;
    entries_.splice(entries_.end(), *entry);
    return true;
  }

  void Remove(std::list<ProcessEndRegistration::Entry>::iterator entry) EXCLUDES(mutex_) {
    std::list<ProcessEndRegistration::Entry> removed;  // destroyed without the lock
    MutexLock lock(&mutex_);
    if (!ProcessEnds()) removed.splice(removed.begin(), entries_, entry);
  }

 private:
  static constexpr milliseconds kLongest{1000};
  static constexpr milliseconds kLook{1};
  // A machine that is too busy for so many looks in that time is too busy for the threads that are waited for, too:
  // they get more, since one that goes on after OpenSSL's end would crash.
  static constexpr int kFewestLooks = 500;
  static constexpr milliseconds kLongestWhenBusy{10'000};

  void Run() noexcept EXCLUDES(mutex_) {
    {
      MutexLock lock(&mutex_);
      if (ProcessEnds()) return;
      BeginProcessEnd();  // the list does not change any more
      for (auto& entry : entries_) entry.kept = entry.listener.lock();
    }
    End();
  }

  void End() noexcept NO_THREAD_SAFETY_ANALYSIS {
    for (auto& entry : entries_) {
      if (entry.kept && entry.kept->BelongsToThisProcess()) entry.kept->BeginEnd();
    }
    const auto began = steady_clock::now();
    for (int looks = 1;; ++looks) {
      const auto elapsed = std::chrono::floor<milliseconds>(steady_clock::now() - began);
      bool at_rest = true;
      for (auto& entry : entries_) {
        if (entry.kept && entry.kept->BelongsToThisProcess() && !entry.kept->IsAtRest(elapsed)) at_rest = false;
      }
      if (at_rest || elapsed >= (looks < kFewestLooks ? kLongestWhenBusy : kLongest)) return;
      std::this_thread::sleep_for(kLook);
    }
  }

  std::once_flag installed_;
  Mutex mutex_;
  std::list<ProcessEndRegistration::Entry> entries_ GUARDED_BY(mutex_);
};

void InstallProcessEndHandler() {
  ProcessEndHandler::Instance().Install();
}

bool ProcessEndRegistration::Add(const std::shared_ptr<AtProcessEnd>& listener) {
  entry_.push_back({listener});
  where_ = entry_.begin();
  added_ = ProcessEndHandler::Instance().Add(&entry_);
  return added_;
}

void ProcessEndRegistration::Remove() noexcept {
  if (std::exchange(added_, false)) ProcessEndHandler::Instance().Remove(where_);
}

}  // namespace warppool::internal
