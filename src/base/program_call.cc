#include "base/program_call.h"

#include <chrono>
#include <thread>

namespace warppool::internal {
namespace {

std::atomic<bool> process_ends{false};
thread_local OwnThread* own_thread = nullptr;

// The thread sleeps as long as the process lives, and what its stack holds stays.
[[noreturn]] void Park() noexcept {
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

}  // namespace

bool ProcessEnds() noexcept {
  return process_ends.load(std::memory_order_acquire);
}

void BeginProcessEnd() noexcept {
  process_ends.store(true, std::memory_order_release);
}

void OwnThread::Enter(std::function<void()> on_lost) {
  on_lost_ = std::move(on_lost);
  own_thread = this;
}

void OwnThread::Leave() noexcept {
  own_thread = nullptr;
  on_lost_ = nullptr;
}

bool OwnThread::GiveUp() noexcept {
  Place expected = Place::kInProgram;
  return place_.compare_exchange_strong(expected, Place::kGivenUp, std::memory_order_acq_rel);
}

bool MayCallProgram() noexcept {
  return own_thread == nullptr || (!ProcessEnds() && !own_thread->IsLost());
}

ProgramCall::ProgramCall() noexcept : thread_(own_thread) {
  if (thread_ != nullptr && thread_->depth_++ == 0) {
    thread_->place_.store(OwnThread::Place::kInProgram, std::memory_order_release);
  }
}

ProgramCall::~ProgramCall() {
  // An unwinding that is none of an exception's: the thread is being ended.
  if (!returned_ && std::uncaught_exceptions() == exceptions_) {
    if (thread_ != nullptr && !thread_->lost_.exchange(true) && thread_->on_lost_) thread_->on_lost_();
    Park();
  }
  if (thread_ == nullptr || --thread_->depth_ > 0) return;
  OwnThread::Place expected = OwnThread::Place::kInProgram;
  if (!thread_->place_.compare_exchange_strong(expected, OwnThread::Place::kInside, std::memory_order_acq_rel)) Park();
}

}  // namespace warppool::internal
