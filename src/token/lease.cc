#include "token/lease.h"

#include "base/guarded.h"
#include "token/token_pool.h"

namespace warppool::internal {

void Lease::Drop() noexcept {
  Guarded([&] { std::move(*this).End({Outcome::kCancelled}); });
}

Lease& Lease::operator=(Lease&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(member_, other.member_);
  std::swap(stamp_, other.stamp_);
  std::swap(began_, other.began_);
  std::swap(is_request_, other.is_request_);
  std::swap(served_, other.served_);
  return *this;
}

void Lease::CountStale() {
  pool_->CountStale(member_.get());
}

void Lease::NoteServing() {
  if (!std::exchange(served_, true)) pool_->NoteServing(member_.get(), stamp_);
}

std::optional<DeferredFailure> Lease::End(const Report& report) && {
  const std::shared_ptr<PoolMember> member = std::move(member_);
  if (member == nullptr) return std::nullopt;
  return pool_->End(member, *this, report);
}

void Lease::EndTrial() {
  if (stamp_.is_trial) pool_->EndTrial(member_.get(), stamp_);
}

void Lease::GiveBack() && {
  if (const auto member = std::exchange(member_, nullptr)) pool_->GiveBack(member.get(), *this);
}

}  // namespace warppool::internal
