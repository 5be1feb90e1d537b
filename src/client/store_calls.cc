#include "client/store_calls.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "base/guarded.h"

namespace warppool::internal {
namespace {

// Where there was no memory to say that a call has returned.
constexpr std::chrono::milliseconds kDeliverAgain{10};

}  // namespace

struct StoreCalls::Call {
  Done done;
  TimerId timer = 0;
  bool is_overdue = false;
  std::atomic<bool> has_returned{false};
};

bool StoreCalls::IsAbsent() const {
  return std::any_of(calls_.begin(), calls_.end(),
                     [](const std::shared_ptr<Call>& call) { return call->is_overdue && !call->has_returned; });
}

void StoreCalls::Run(std::function<void()> work, Done done) {
  const auto call = std::make_shared<Call>();
  call->done = std::move(done);
  std::function<void()> task = [this, call, work = std::move(work)] {
    Guarded([&] { work(); });
    call->has_returned = true;
    Deliver(call);
  };
  calls_.push_back(call);
  try {
    call->timer = executor_->After(limit_, [call] {
      call->is_overdue = true;
      call->done(false);
    });
    worker_->Post(std::move(task));
  } catch (...) {
    executor_->CancelTimer(call->timer);
    Drop(call.get());
    throw;
  }
}

// Somebody waits for it: should there be no memory for that, there is some in the end.
void StoreCalls::Deliver(const std::shared_ptr<Call>& call) {
  const auto post = [&] {
    executor_->Post([this, call] {
      Drop(call.get());
      if (call->is_overdue) return;
      executor_->CancelTimer(call->timer);
      call->done(true);
    });
    return Status();
  };
  while (!Guarded(post).ok()) std::this_thread::sleep_for(kDeliverAgain);
}

void StoreCalls::Drop(const Call* call) {
  const auto is_it = [&](const std::shared_ptr<Call>& other) { return other.get() == call; };
  calls_.erase(std::remove_if(calls_.begin(), calls_.end(), is_it), calls_.end());
}

}  // namespace warppool::internal
