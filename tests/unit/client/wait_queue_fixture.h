// A wait queue with a real pool, whose tokens serve one request at a time, and a clock that the test moves.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "client/wait_queue.h"
#include "unit/token/pool_fixture.h"

namespace warppool::internal {

// Counts how often it is read: each question to the pool reads it once.
class CountingClock final : public Clock {
 public:
  explicit CountingClock(const FakeClock* clock) : clock_(clock) {}
  SteadyTime Steady() const override {
    ++reads_;
    return clock_->Steady();
  }
  WallTime Wall() const override { return clock_->Wall(); }
  int reads() const { return reads_; }

 private:
  const FakeClock* const clock_;
  mutable int reads_ = 0;
};

// FakeExecutor that has no memory for the next timers.
class TightExecutor final : public Executor {
 public:
  explicit TightExecutor(FakeClock* clock) : executor(clock) {}
  bool Post(std::function<void()> task) override { return executor.Post(std::move(task)); }
  TimerId After(std::chrono::milliseconds delay, std::function<void()> task) override {
    if (failures > 0 && failures-- > 0) throw std::bad_alloc();
    return executor.After(delay, std::move(task));
  }
  void CancelTimer(TimerId id) override { executor.CancelTimer(id); }
  bool InThread() const override { return true; }

  FakeExecutor executor;
  int failures = 0;
};

// What happens is noted in `story`: "a:p1" when a got the token p1; "a:time", "a:hopeless" or "a:memory" when it got
// none.
struct WaitQueueWorld {
  class Waiter final : public WaitQueue::Waiter {
   public:
    Waiter(WaitQueueWorld* world, std::string name) : world_(world), name_(std::move(name)) {}
    ~Waiter() override { world_->queue.Leave(this); }
    void OnToken(Lease lease) noexcept override {
      const std::string token = lease.token().name();
      world_->leases.emplace_back(token, std::move(lease));
      End(token);
    }
    void OnNoToken(WaitQueue::NoToken why) noexcept override {
      End(why == WaitQueue::NoToken::kTimeUp ? "time" : why == WaitQueue::NoToken::kNoProspect ? "hopeless" : "memory");
    }
    const std::string& name() const { return name_; }

    std::function<void()> on_end;

   private:
    void End(const std::string& how) {
      world_->story.push_back(name_ + ":" + how);
      const auto act = on_end;  // it may be destroyed there
      if (act) act();
    }

    WaitQueueWorld* const world_;
    const std::string name_;
  };

  using Story = std::vector<std::string>;
  using Wanted = TokenPool::Wanted;

  explicit WaitQueueWorld(const std::vector<std::string>& names, PoolOptions options = OneAtATime())
      : counting(&clock),
        loop(&clock),
        pool(std::move(options), Pool::Configs(names), counting,
             PoolReporter(
                 Logger(),
                 [this](const PoolEvent& event) {
                   if (on_event) on_event(event);
                 },
                 clock),
             &listening),
        queue(&pool, &loop, clock, [this](const TokenPool::Wanted& wanted) { return quota_asked(wanted.excluded); }) {
    listening.on_freed = [this] {
      if (queue.anybody_waits()) loop.Post([this] { queue.Serve(); });
    };
  }
  ~WaitQueueWorld() {
    waiters.clear();
    leases.clear();
  }

  static PoolOptions OneAtATime() { return With(Strategy::kFillFirst, 1); }
  const Token* token(const std::string& name) const { return pool.members().Find(name).get(); }
  Wanted Without(const std::vector<std::string>& names) const {
    Wanted wanted;
    for (const std::string& name : names) wanted.excluded.insert(token(name));
    return wanted;
  }

  // Of a request that begins now.
  Wanted Began() const {
    Wanted wanted;
    wanted.began = clock.Steady();
    return wanted;
  }

  void TakeOne(const std::string& name) { leases.emplace_back(name, pool.Acquire({}).value()); }
  // All tokens are busy from now on.
  void TakeAll() {
    while (auto lease = pool.Acquire({})) leases.emplace_back(lease->token().name(), *std::move(lease));
  }
  // The one who uses it has done so, and what follows from it.
  void Free(const std::string& name, Outcome outcome = Outcome::kSuccess,
            std::optional<std::chrono::milliseconds> cool_for = {}) {
    End(name, outcome, cool_for);
    loop.executor.RunPosted();
  }
  std::optional<DeferredFailure> End(const std::string& name, Outcome outcome = Outcome::kSuccess,
                                     std::optional<std::chrono::milliseconds> cool_for = {}) {
    const auto is_it = [&](const auto& entry) { return entry.first == name; };
    const auto found = std::find_if(leases.begin(), leases.end(), is_it);
    REQUIRE(found != leases.end());
    Lease lease = std::move(found->second);
    leases.erase(found);
    return std::move(lease).End({outcome, Status(Code::kUnauthorized, "because"), cool_for});
  }
  // It was refused, and by its own fault: a token that is no member shows that.
  void Blame(const std::string& name) {
    const auto deferred = End(name, Outcome::kAuthRejected);
    const Token witness("witness", Tier::kPersonal, deferred.value().token().kind(), Secret("hunter2-witness"));
    pool.Judge(*deferred, {&witness, true});
    loop.executor.RunPosted();
  }

  Waiter& Make(const std::string& name) {
    waiters.push_back(std::make_unique<Waiter>(this, name));
    return *waiters.back();
  }
  Waiter& Join(const std::string& name, Wanted wanted = {}, std::chrono::milliseconds patience = kPatient,
               bool needs_prospect = true) {
    Waiter& waiter = Make(name);
    queue.Join(&waiter, {std::move(wanted), nullptr, clock.Steady() + patience, needs_prospect});
    return waiter;
  }
  // Only these may serve it.
  void JoinRestricted(const std::string& name, const std::vector<std::string>& tokens) {
    const auto only = *pool.members().Restrict({}, tokens);
    Wanted wanted;
    wanted.only = only.get();
    queue.Join(&Make(name), {std::move(wanted), only, clock.Steady() + kPatient, true});
  }
  // It leaves, and is destroyed.
  void Drop(const std::string& name) {
    const auto is_it = [&](const auto& waiter) { return waiter->name() == name; };
    const auto found = std::find_if(waiters.begin(), waiters.end(), is_it);
    REQUIRE(found != waiters.end());
    const auto dropped = std::move(*found);
    waiters.erase(found);
  }
  void Pass(std::chrono::milliseconds time) { loop.executor.Advance(time); }
  // What happened since the last time.
  Story Take() { return std::exchange(story, {}); }

  static constexpr std::chrono::hours kPatient{1};

  FakeClock clock;
  CountingClock counting;
  TightExecutor loop;
  std::function<bool(const TokenPool::Tokens&)> quota_asked = [](const TokenPool::Tokens&) { return false; };
  std::function<void(const PoolEvent&)> on_event;
  Listening listening;
  TokenPool pool;
  WaitQueue queue;
  std::vector<std::pair<std::string, Lease>> leases;
  std::vector<std::unique_ptr<Waiter>> waiters;
  Story story;
};

}  // namespace warppool::internal
