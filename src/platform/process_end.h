// What has to be done before the process ends: by return from main(), exit() or quick_exit(), whoever calls it.
//
// exit() calls handlers and the destructors of static objects in the reverse order of their registration. Ours is
// registered after OpenSSL's: when it runs, OpenSSL still works; what runs after it finds the library at rest. A child
// that was forked has nothing to do for what is its parent's.
#pragma once

#include <chrono>
#include <list>
#include <memory>

namespace warppool::internal {

class AtProcessEnd {
 public:
  virtual ~AtProcessEnd() = default;
  // All in the thread that ends the process. They throw nothing.
  virtual bool BelongsToThisProcess() const = 0;
  // ProcessEnds() is true by now. Returns at once.
  virtual void BeginEnd() = 0;
  // Asked again and again, `elapsed` after BeginEnd(): whether all is done.
  virtual bool IsAtRest(std::chrono::milliseconds elapsed) = 0;
};

// Installs the handler, the first time. What it must come before is initialised by then. Any thread.
void InstallProcessEndHandler();

// As long as it lives, the handler knows of something, and waits for it, a second at most for all. When the process
// ends, it is kept for ever.
class ProcessEndRegistration {
 public:
  ProcessEndRegistration() = default;
  ~ProcessEndRegistration() { Remove(); }
  ProcessEndRegistration(const ProcessEndRegistration&) = delete;
  ProcessEndRegistration& operator=(const ProcessEndRegistration&) = delete;

  // Once. False: the process ends already.
  bool Add(const std::shared_ptr<AtProcessEnd>& listener);
  void Remove() noexcept;

 private:
  struct Entry {
    std::weak_ptr<AtProcessEnd> listener;
    std::shared_ptr<AtProcessEnd> kept{};
  };
  friend class ProcessEndHandler;

  std::list<Entry> entry_;  // itself, while it is not in the handler's list
  std::list<Entry>::iterator where_{};
  bool added_ = false;
};

}  // namespace warppool::internal
