// Calls of the program's functions in threads that are the library's: how they end when the thread, or the process,
// ends within one.
//
// pthread_exit(), pthread_cancel() and an interpreter that shuts down end a thread by unwinding its stack. libcurl's
// frames, and ours that are noexcept, cannot be unwound: the C++ runtime would end the process. So the unwinding goes
// no further than the call: the thread is parked there for ever.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

namespace warppool::internal {

// From BeginProcessEnd() on the library calls the program no more, but in threads of the program's own. Any thread.
bool ProcessEnds() noexcept;
void BeginProcessEnd() noexcept;

// A thread of the library's that the end of the process waits for: an I/O thread.
class OwnThread {
 public:
  OwnThread() = default;
  OwnThread(const OwnThread&) = delete;
  OwnThread& operator=(const OwnThread&) = delete;

  // The thread that calls this is it from now on, until Leave(). `on_lost` is called when the thread is about to be
  // parked for good.
  void Enter(std::function<void()> on_lost);
  void Leave() noexcept;

  // Any thread.
  bool IsLost() const noexcept { return lost_.load(std::memory_order_acquire); }
  bool IsInProgram() const noexcept { return place_.load(std::memory_order_acquire) == Place::kInProgram; }
  // It is in a function of the program's, and will be parked when that returns. False: it is not in one any more.
  bool GiveUp() noexcept;

 private:
  friend class ProgramCall;
  friend bool MayCallProgram() noexcept;

  enum class Place : std::uint8_t { kInside, kInProgram, kGivenUp };

  std::atomic<Place> place_{Place::kInside};
  std::atomic<bool> lost_{false};
  int depth_ = 0;  // of calls; the thread's own
  std::function<void()> on_lost_;
};

// False where the program must not be called any more: in an I/O thread, when the process ends or the program has ended
// the thread.
bool MayCallProgram() noexcept;

// For as long as a function of the program's runs in this thread.
class ProgramCall {
 public:
  ProgramCall() noexcept;
  ~ProgramCall();
  ProgramCall(const ProgramCall&) = delete;
  ProgramCall& operator=(const ProgramCall&) = delete;

  void NoteReturned() noexcept { returned_ = true; }

 private:
  OwnThread* const thread_;  // null: another one
  const int exceptions_ = std::uncaught_exceptions();
  bool returned_ = false;
};

// Calls `call`, which is a function of the program's and nothing else: no frame of ours may lie between them. What it
// throws comes out.
template <typename Call>
auto CallProgram(const Call& call) -> decltype(call()) {
  ProgramCall inside;
  if constexpr (std::is_void_v<decltype(call())>) {
    call();
    inside.NoteReturned();
  } else {
    auto result = call();
    inside.NoteReturned();
    return result;
  }
}

}  // namespace warppool::internal
