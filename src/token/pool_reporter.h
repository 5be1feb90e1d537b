// Tells the program what happens to its tokens: each notice as a log line and as an event.
//
// Any thread, and never with a lock held: both sinks are the program's, and may take their time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "token/token.h"
#include "warppool/token_pool.h"

namespace warppool::internal {

// A PoolEvent that waits for the lock to be released.
struct PoolNotice {
  PoolEventKind kind = PoolEventKind::kLoaded;
  Tier tier = Tier::kPersonal;
  std::shared_ptr<const Token> token{};  // null: it concerns a tier, or all
  Status why{};                          // of failures
  std::string reason{};                  // of what is none
  int failures = 0;
  std::optional<WallTime> until{};
  bool event_only = false;  // another notice says the same in the log
};

class PoolReporter {
 public:
  PoolReporter(Logger log, PoolEventSink sink, const Clock& clock)
      : log_(std::move(log)), sink_(std::move(sink)), clock_(clock) {}

  // Whether anybody listens: what is told for each request need not be put together otherwise.
  bool enabled() const { return log_.enabled() || sink_ != nullptr; }

  void Tell(const PoolNotice& notice) const noexcept;
  void Tell(const std::vector<PoolNotice>& notices) const noexcept {
    for (const PoolNotice& notice : notices) Tell(notice);
  }

 private:
  void WriteLine(const PoolNotice& notice) const;

  const Logger log_;
  const PoolEventSink sink_;  // may be empty
  const Clock& clock_;
};

}  // namespace warppool::internal
