// Who waits for a token, in the order in which they came.
//
// A token that comes free goes to the first one that it suits, whoever waits before: nobody overtakes, and nobody holds
// up others. Those with the same wish form a group. What its first one cannot have, nobody behind it can; and when
// there is nothing left that they could wait for, there is nothing for all of them. So a freed token costs the same
// however many wait. It costs more only with the number of different wishes of those who came first.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/clock.h"
#include "base/executor.h"
#include "token/token_pool.h"

namespace warppool::internal {

// The I/O thread only, but for anybody_waits().
class WaitQueue {
 private:
  struct Group;
  struct Entry;
  using Entries = std::list<Entry>;
  using Deadlines = std::multimap<SteadyTime, Entry*>;

 public:
  enum class NoToken : std::uint8_t {
    kTimeUp,      // `until` has come
    kNoProspect,  // none that would do is busy, or comes back in time
    kOutOfMemory,
  };

  // Who waits. Of the two functions one is called, once, when it has left the queue. It may join again there, serve the
  // queue, have others leave, and be destroyed.
  class Waiter {
   public:
    virtual ~Waiter() = default;
    virtual void OnToken(Lease lease) noexcept = 0;
    virtual void OnNoToken(NoToken why) noexcept = 0;

   private:
    friend class WaitQueue;
    std::optional<Entries::iterator> place_;  // nothing: it does not wait
  };

  // What for, and how long. What `wanted` points to must live as long as the waiter waits.
  struct Wish {
    TokenPool::Wanted wanted{};
    // Of `wanted`, its restriction: others with an equal one may wait longer than this waiter.
    std::shared_ptr<const TokenRestriction> only{};
    SteadyTime until{};
    bool needs_prospect = true;  // false: it waits until then, whatever the prospects are
  };

  // `may_come`: whether a token that would do may come back sooner than the pool knows.
  WaitQueue(TokenPool* pool, Executor* loop, const Clock& clock,
            std::function<bool(const TokenPool::Wanted&)> may_come);
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  // It may be over before this returns. What this throws has changed nothing.
  void Join(Waiter* waiter, Wish wish);
  void Leave(Waiter* waiter) noexcept;  // nothing happens if it does not wait; then in any thread

  // Tokens may have come free: hands out those that suit, and ends the waits that are no use any more. Also before
  // somebody new looks for a token. While it is being done it has it repeated.
  void Serve() noexcept;
  // The same when there may be other prospects than the pool knows of.
  void ServeAndReview() noexcept;

  bool anybody_waits() const { return waiting_.load(std::memory_order_relaxed) > 0; }  // any thread

 private:
  struct Entry {
    Waiter* waiter;
    std::uint64_t number;  // in the order of arrival
    const Token* preferred;
    SteadyTime began;  // of TokenPool::Wanted
    Group* group;
    Deadlines::iterator deadline;

    SteadyTime until() const { return deadline->first; }
  };
  struct Group {
    TokenPool::Wanted wanted;  // without `preferred`: that decides who is taken, not whether anybody is; and `began`
    std::shared_ptr<const TokenRestriction> only;  // to which `wanted` points
    bool needs_prospect;
    Entries entries;
    Deadlines deadlines;
  };
  using Groups = std::unordered_multimap<std::size_t, Group>;  // by hash
  using Heads = std::map<std::uint64_t, Group*>;
  static constexpr std::uint64_t kNobody = std::numeric_limits<std::uint64_t>::max();

  static std::size_t HashOf(const TokenPool::Wanted& wanted, bool needs_prospect);
  Group* FindGroup(std::size_t hash, const Wish& wish);
  void Insert(Waiter* waiter, Wish wish);
  void Remove(Entries::iterator place) noexcept;
  void HandOut();
  // Ends the waits that are no use, of the groups that need a look, and sets the timer.
  void Review();
  // Ends the wait of one of the group whose first one has this number, if it is no use. False: the group, or who is
  // chosen, is another one now.
  template <typename Choose>
  bool EndIfInVain(std::uint64_t number, const Choose& choose);
  std::optional<NoToken> WhyEnd(const Entry& entry, const TokenPool::Outlook& outlook, SteadyTime now) const;
  void SetTimer();
  void EndFirst(NoToken why) noexcept;

  TokenPool* const pool_;
  Executor* const loop_;
  const Clock& clock_;
  const std::function<bool(const TokenPool::Wanted&)> may_come_;

  Groups groups_;
  Heads heads_;  // the groups by the numbers of their first ones
  std::uint64_t last_number_ = 0;
  std::atomic<int> waiting_{0};

  bool serving_ = false;
  bool again_ = false;
  std::uint64_t reviewed_changes_ = 0;   // TokenPool::StateChanges() at the last review
  std::uint64_t review_from_ = kNobody;  // groups whose first one has this number, or a later one, are to be reviewed
  std::size_t groups_without_exchange_ = 0;  // a JWT that ends takes their prospects, and is no change of a state

  // One timer for all: when the first wait ends, or a token comes back. It may be early, never late.
  TimerId timer_ = 0;
  SteadyTime timer_at_{};
  SteadyTime wake_at_ = SteadyTime::max();  // what it should be set to, if that is earlier
};

}  // namespace warppool::internal
