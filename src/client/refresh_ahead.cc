#include "client/refresh_ahead.h"

#include <utility>

#include "base/guarded.h"

namespace warppool::internal {

void RefreshAhead::Begin() {
  if (finished_) return;
  const auto self = shared_from_this();
  const Status begun = Guarded([&] {
    lease_ = core_->pool().AcquireToken(*token_, false);
    if (!lease_) return Status(Code::kNoTokenReady, "a disabled token is left alone");
    ticket_ = core_->refresher().Refresh(token_, [this](const RefreshResult& result) {
      ticket_ = 0;
      // A success proves nothing about the agent; a failure does not count while the old JWT serves.
      const bool counts = result.jwt == nullptr;
      Finish(counts ? Lease::Report{result.outcome, result.status} : Lease::Report{});
    });
    return Status();
  });
  if (!begun.ok()) Finish({});
}

void RefreshAhead::Finish(const Lease::Report& report) {
  if (std::exchange(finished_, true)) return;
  const auto self = shared_from_this();
  core_->refresher().Forget(std::exchange(ticket_, 0));
  if (lease_) Guarded([&] { std::move(*lease_).End(report); });
  core_->Retire(this);
}

}  // namespace warppool::internal
