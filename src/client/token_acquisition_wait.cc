// How an acquisition waits: how long it may, and what wakes it.
#include <algorithm>
#include <new>
#include <utility>

#include "client/token_acquisition.h"

namespace warppool::internal {

using std::chrono::milliseconds;

namespace {

// The owner of an acquisition has a timer for its deadline, and is the one to say that it has passed: waits until then
// end somewhat later.
constexpr milliseconds kBeyondDeadline{2};

}  // namespace

milliseconds TokenAcquisition::PatienceLeft() const {
  if (patience_.deadline) {
    return std::max(std::chrono::floor<milliseconds>(*patience_.deadline - services_.clock->Steady()), milliseconds(0));
  }
  return std::max(std::chrono::ceil<milliseconds>(services_.max_wait - waited_), milliseconds(0));
}

milliseconds TokenAcquisition::LongestWait() const {
  return PatienceLeft() + (patience_.deadline ? kBeyondDeadline : milliseconds(0));
}

const char* TokenAcquisition::NoneIsReady() const {
  if (!only_) return "no token is ready";
  // Those that it was started for may have been removed, or moved to other tiers.
  return services_.pool->members().HasAny(*only_) ? "no token that may serve this request is ready"
                                                  : "no token that may serve this request is left";
}

std::optional<milliseconds> TokenAcquisition::TokenComesIn() {
  const milliseconds left = patience_.for_tokens ? PatienceLeft() : milliseconds(0);
  if (left <= milliseconds(0)) return std::nullopt;
  const auto outlook = services_.pool->WhenReady(wanted_);
  if (outlook.earliest && *outlook.earliest < left) return *outlook.earliest;
  if (outlook.busy || outlook.ready) return left;
  services_.review_revoked();
  if (services_.may_come(wanted_)) return left;
  return std::nullopt;
}

void TokenAcquisition::EndWait() {
  if (const auto began = std::exchange(wait_began_, std::nullopt)) waited_ += services_.clock->Steady() - *began;
}

// What was tried before the pause may be tried again, if it was the last of its pass.
void TokenAcquisition::EndPause() {
  if (const auto pause = std::exchange(pause_, std::nullopt); pause && pause->new_pass) wanted_.excluded = ruled_out_;
  if (!bad_setting_) wanted_.without_exchange = false;
}

void TokenAcquisition::PauseFor(milliseconds time) {
  BeginWait();
  timer_ = services_.loop->After(time, [this] {
    timer_ = 0;
    Protected([&] {
      EndWait();
      if (CircuitBreaker* const breaker = std::exchange(breaker_, nullptr)) breaker->Forget(this);
      EndPause();
      Lead();
    });
  });
}

void TokenAcquisition::OnBreaker() noexcept {
  Protected([&] {
    breaker_ = nullptr;
    services_.loop->CancelTimer(std::exchange(timer_, 0));
    const SteadyTime now = services_.clock->Steady();
    const SteadyTime may_go = pause_ ? *wait_began_ + pause_->at_least : now;
    EndWait();
    if (now < may_go) return PauseFor(std::chrono::ceil<milliseconds>(may_go - now));
    if (pause_) EndPause();
    Lead();
  });
}

void TokenAcquisition::OnToken(Lease lease) noexcept {
  Protected([&] {
    EndWait();
    pause_.reset();
    const bool held_up = (for_agent_ && services_.agent->HoldsUp(this)) ||
                         (NeedsExchange(lease.token(), services_.dates->Steady()) && services_.exchange->HoldsUp(this));
    if (held_up) {
      std::move(lease).GiveBack();  // what it waits for now is the service
      return Lead();
    }
    lease_.emplace(std::move(lease));
    BeginAttempt();
  });
}

void TokenAcquisition::OnNoToken(WaitQueue::NoToken why) noexcept {
  Protected([&] {
    EndWait();
    if (why == WaitQueue::NoToken::kOutOfMemory) throw std::bad_alloc();
    if (!pause_) return GiveUp(last_);
    EndPause();
    Lead();
  });
}

}  // namespace warppool::internal
