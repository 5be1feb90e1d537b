#include "client/circuit_breaker.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/guarded.h"

namespace warppool::internal {

using std::chrono::milliseconds;

namespace {

constexpr int kMostDoublings = 3;
constexpr milliseconds kLongestRetryAfter{120'000};
constexpr std::chrono::seconds kBetweenEarlyProbes{10};

}  // namespace

std::optional<milliseconds> CircuitBreaker::HoldsUp(const void* who) const {
  if (!is_open() || probe_ == who) return std::nullopt;
  const SteadyTime now = clock_.Steady();
  if (now < open_until_) return std::chrono::ceil<milliseconds>(open_until_ - now);
  return probe_ == nullptr ? std::nullopt : std::optional(milliseconds(0));
}

void CircuitBreaker::Enter(const void* who) {
  if (!is_open() || probe_ != nullptr) return;
  probe_ = who;
  loop_->CancelTimer(std::exchange(timer_, 0));  // nobody else is to come and see that he has to wait again
}

bool CircuitBreaker::MayProbeEarly() const {
  return !early_probe_ || clock_.Steady() >= *early_probe_ + kBetweenEarlyProbes;
}

bool CircuitBreaker::TakeEarlyProbe() {
  if (!MayProbeEarly()) return false;
  early_probe_ = clock_.Steady();
  return true;
}

void CircuitBreaker::Open(SteadyTime began, std::optional<milliseconds> retry_after) {
  const SteadyTime now = clock_.Steady();
  // Those that were under way when it was opened have nothing new to say.
  if (began < opened_at_ && now < open_until_) return;
  const milliseconds pause = first_pause_ * (1 << std::min(overloads_, kMostDoublings));
  open_until_ = now + std::max(pause, std::min(retry_after.value_or(milliseconds(0)), kLongestRetryAfter));
  opened_at_ = now;
  ++overloads_;
  Guarded([&] { SetTimer(); });
}

void CircuitBreaker::Close() noexcept {
  open_until_ = {};
  overloads_ = 0;
  probe_ = nullptr;
  loop_->CancelTimer(std::exchange(timer_, 0));
  WakeAll(&waiting_for_close_);
  WakeAll(&waiting_);
}

void CircuitBreaker::Leave(const void* who, bool answered) noexcept {
  if (probe_ != who) return;
  if (answered) return Close();
  probe_ = nullptr;
  Guarded([&] { SetTimer(); });
}

void CircuitBreaker::Wait(Waiter* waiter) {
  Add(&waiting_, waiter);
  try {
    SetTimer();
  } catch (...) {
    Forget(waiter);
    throw;
  }
}

void CircuitBreaker::WaitForClose(Waiter* waiter) {
  Add(&waiting_for_close_, waiter);
}

void CircuitBreaker::Add(Entries* entries, Waiter* waiter) {
  entries->push_back({waiter, ++last_number_});
  waiter->among_ = entries;
  waiter->place_ = std::prev(entries->end());
}

void CircuitBreaker::Forget(Waiter* waiter) noexcept {
  if (waiter->among_ == nullptr) return;
  std::exchange(waiter->among_, nullptr)->erase(waiter->place_);
  if (waiting_.empty()) loop_->CancelTimer(std::exchange(timer_, 0));
}

// Those that wait again meanwhile stay.
void CircuitBreaker::WakeAll(Entries* entries) noexcept {
  const std::uint64_t last = last_number_;
  while (!entries->empty() && entries->front().number <= last) WakeFirst(entries);
}

void CircuitBreaker::WakeFirst(Entries* entries) noexcept {
  Waiter* const waiter = entries->front().waiter;
  Forget(waiter);
  waiter->OnBreaker();
}

void CircuitBreaker::SetTimer() {
  loop_->CancelTimer(std::exchange(timer_, 0));
  if (waiting_.empty() || probe_ != nullptr) return;
  const auto left = std::chrono::ceil<milliseconds>(open_until_ - clock_.Steady());
  timer_ = loop_->After(std::max(left, milliseconds(0)), [this] {
    timer_ = 0;
    if (!waiting_.empty()) WakeFirst(&waiting_);
    // It may have found something better to do than to probe.
    Guarded([&] { SetTimer(); });
  });
}

}  // namespace warppool::internal
