// The right to use a token of the pool, and what may come of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "token/pool_member.h"
#include "token/token.h"
#include "token/token_health.h"
#include "warppool/outcome.h"
#include "warppool/status.h"

namespace warppool::internal {

class TokenPool;

// A refusal or a server error of which it is not known yet whether it was the token's own fault.
struct DeferredFailure {
  std::shared_ptr<PoolMember> member;
  DeferredVerdict verdict;
  Status why;
  Outcome outcome;
  bool at_exchange;
  std::uint64_t refreshes;  // the token's by then: an exchange that succeeds later lets one of an exchange lapse
  SteadyTime time;          // when it was met

  const Token& token() const { return member->token; }
};

// The right to use a token, and the duty to say how it went: exactly one report. One that is dropped without a report
// reports kCancelled. Not thread-safe; must not outlive the pool.
class Lease {
 public:
  // Begins now, with the pool's mutex held: only the pool does it.
  Lease(TokenPool* pool, std::shared_ptr<PoolMember> member, SteadyTime now, bool is_request)
      : pool_(pool),
        member_(std::move(member)),
        stamp_(member_->health.Begin(now)),
        began_(now),
        is_request_(is_request) {}
  Lease(Lease&& other) noexcept = default;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() {
    if (member_) Drop();
  }

  Token& token() const { return member_->token; }
  std::shared_ptr<Token> share_token() const { return {member_, &member_->token}; }
  bool is_probe() const { return stamp_.is_probe; }
  SteadyTime began() const { return began_; }

  struct Report {
    Outcome outcome = Outcome::kCancelled;
    Status why{};  // for outcomes that are failures
    std::optional<std::chrono::milliseconds> cool_for{};
    bool at_exchange = false;                                // and not at the agent
    std::optional<std::chrono::milliseconds> first_event{};  // how long it took to come, since the request was sent
  };
  // The first event of the answer is there: the token serves, and what was held against it is cleared. The outcome
  // follows at the end.
  void NoteServing();
  // Ends the lease. After a refusal or a server error the result is for TokenPool::Judge(), if another token then
  // serves the same request.
  std::optional<DeferredFailure> End(const Report& report) &&;
  // Others may try the token, if this lease is the one that does.
  void EndTrial();
  // It was not used: as if it had not been taken.
  void GiveBack() &&;
  // A JWT that others got for it was refused; it goes on with a new one.
  void CountStale();

 private:
  friend class TokenPool;
  void Drop() noexcept;

  TokenPool* pool_;
  std::shared_ptr<PoolMember> member_;  // null: ended, or moved from
  HealthStamp stamp_;
  SteadyTime began_;
  bool is_request_;  // and not a check, which takes nobody's turn and counts for no limit
  bool served_ = false;
};

}  // namespace warppool::internal
