// What the client remembers of an endpoint that has too much to do, so that not every request finds it out anew.
//
// An overload opens the breaker for a while: the longer of what the service asked for (Retry-After) and a back-off of
// 0.5, 1, 2, 4, 4 ... s (by default: see the constructor). Requests that come meanwhile wait, without spending
// anything. When the time is over one of them goes and probes; what it meets closes the breaker, and all go on, or
// opens it again. The request that met the overload has a wait of its own, and goes on earlier if the breaker closes.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>

#include "base/clock.h"
#include "base/executor.h"

namespace warppool::internal {

// One for each endpoint. The I/O thread only.
class CircuitBreaker {
 private:
  struct Entry;
  using Entries = std::list<Entry>;

 public:
  // Who waits, at one place at a time. OnBreaker() is called once, when it has left: then it asks again. It may wait
  // again there, have others leave, and be destroyed.
  class Waiter {
   public:
    virtual ~Waiter() = default;
    virtual void OnBreaker() noexcept = 0;

   private:
    friend class CircuitBreaker;
    Entries* among_ = nullptr;  // null: it does not wait
    Entries::iterator place_;
  };

  // `first_pause`: of the back-off, at least 1 ms; it doubles up to the eightfold.
  CircuitBreaker(Executor* loop, const Clock& clock,
                 std::chrono::milliseconds first_pause = std::chrono::milliseconds(500))
      : loop_(loop), clock_(clock), first_pause_(first_pause) {}
  CircuitBreaker(const CircuitBreaker&) = delete;
  CircuitBreaker& operator=(const CircuitBreaker&) = delete;

  // How long `who` has to wait before it may go: nothing if it may go now; 0 if another one probes, which takes as long
  // as it takes.
  std::optional<std::chrono::milliseconds> HoldsUp(const void* who) const;
  // `who` goes: it probes, if that is due.
  void Enter(const void* who);
  // Who cannot wait until it is over may probe at once, one in ten seconds. The probe is taken by who is really sent:
  // true if none was taken lately.
  bool MayProbeEarly() const;
  bool TakeEarlyProbe();
  // An overload is remembered, be it over or not yet.
  bool is_open() const { return open_until_ != SteadyTime(); }
  // And it is not over.
  bool IsDown() const { return clock_.Steady() < open_until_; }

  // An attempt that began at `began` met an overload.
  void Open(SteadyTime began, std::optional<std::chrono::milliseconds> retry_after);
  // The endpoint serves.
  void Close() noexcept;
  // `who` has met what it met. If it was the probe, the breaker is closed, or another one may probe.
  void Leave(const void* who, bool answered) noexcept;

  void Wait(Waiter* waiter);             // until it may go
  void WaitForClose(Waiter* waiter);     // until the endpoint serves; it probes when it likes
  void Forget(Waiter* waiter) noexcept;  // nothing happens if it does not wait

 private:
  struct Entry {
    Waiter* waiter;
    std::uint64_t number;  // in the order of arrival
  };

  void Add(Entries* entries, Waiter* waiter);
  void WakeAll(Entries* entries) noexcept;
  void WakeFirst(Entries* entries) noexcept;
  // For the next probe, if one is wanted.
  void SetTimer();

  Executor* const loop_;
  const Clock& clock_;
  const std::chrono::milliseconds first_pause_;
  SteadyTime open_until_{};  // 0: closed
  SteadyTime opened_at_{};
  int overloads_ = 0;  // in a row
  const void* probe_ = nullptr;
  std::optional<SteadyTime> early_probe_{};  // the last one
  Entries waiting_;
  Entries waiting_for_close_;
  std::uint64_t last_number_ = 0;
  TimerId timer_ = 0;  // while somebody waits and nobody probes
};

}  // namespace warppool::internal
