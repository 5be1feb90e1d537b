// Who could serve, and when: the side of the pool that those who wait look at.
#include <algorithm>

#include "token/token_pool.h"

namespace warppool::internal {

// In the order in which they would be chosen.
const std::shared_ptr<PoolMember>* TokenPool::FindNext(const Wanted& wanted, SteadyTime now) const {
  const std::shared_ptr<PoolMember>* next = nullptr;
  const auto will_do = [&](const std::shared_ptr<PoolMember>& member) {
    if (!Suits(*member, wanted, now)) return false;
    next = &member;
    return true;
  };
  const auto allows = [&](Tier tier) { return wanted.only == nullptr || wanted.only->Allows(tier); };
  state_.registry.Visit(wanted.AnyProbe(), allows, will_do);
  return next;
}

bool TokenPool::AnyReady(const Wanted& wanted) {
  PoolNews news;
  bool found = false;
  {
    MutexLock lock(&state_.mutex);
    const SteadyTime now = state_.clock.Steady();
    state_.Wake(now, &news);
    found = FindNext(wanted, now) != nullptr;
  }
  state_.Tell(news);
  return found;
}

bool TokenPool::CanServe(const Token& token, const Wanted& wanted) {
  PoolNews news;
  bool can = false;
  {
    MutexLock lock(&state_.mutex);
    const SteadyTime now = state_.clock.Steady();
    state_.Wake(now, &news);
    const PoolMember* const member = state_.registry.Find(token);
    can = member != nullptr && state_.registry.CanServe(*member) && Suits(*member, wanted, now);
  }
  state_.Tell(news);
  return can;
}

TokenPool::Outlook TokenPool::WhenReady(const Wanted& wanted) {
  Outlook outlook;
  PoolNews news;
  {
    MutexLock lock(&state_.mutex);
    const SteadyTime now = state_.clock.Steady();
    state_.Wake(now, &news);
    for (const auto& [time, member] : state_.registry.due()) {
      // One that can serve is there for when it comes behind nobody any more.
      const bool can_serve = member->filed_as == TokenState::kReady || member->filed_as == TokenState::kHalfOpen;
      if (can_serve || !IsWorthAWait(*member, wanted, now)) continue;
      outlook.earliest = std::chrono::ceil<std::chrono::milliseconds>(time - now);
      break;
    }
    outlook.busy = state_.registry.blocked() > 0 && AnyBlocked(wanted, now);
    outlook.ready = !outlook.earliest && !outlook.busy && FindNext(wanted, now) != nullptr;
  }
  state_.Tell(news);
  return outlook;
}

std::uint64_t TokenPool::StateChanges() const {
  MutexLock lock(&state_.mutex);
  return state_.registry.state_changes();
}

bool TokenPool::AnyBlocked(const Wanted& wanted, SteadyTime now) const {
  for (const Registry::Tier& tier : state_.registry.tiers()) {
    for (std::size_t next = tier.blocked.FirstFrom(0); next != PositionSet::kNone;
         next = tier.blocked.FirstFrom(next + 1)) {
      if (IsWorthAWait(*tier.members[next], wanted, now)) return true;
    }
  }
  return false;
}

// Who was tried since the request began, and refused, is not asked once more by those who waited for it.
bool TokenPool::IsWorthAWait(const PoolMember& member, const Wanted& wanted, SteadyTime now) {
  if (!Suits(member, wanted, now)) return false;
  return !member.health.RefusedSince(wanted.began) || member.health.ServedLately(now);
}

std::optional<std::chrono::milliseconds> TokenPool::RestOf(const Token& token, const Wanted& wanted) {
  MutexLock lock(&state_.mutex);
  const SteadyTime now = state_.clock.Steady();
  const PoolMember* const member = state_.registry.Find(token);
  if (member == nullptr || !IsWorthAWait(*member, wanted, now)) return std::nullopt;
  if (FindPreferred(wanted, now) != nullptr) return std::nullopt;  // another one of its account would do
  const TokenState state = member->health.StateAt(now);
  if (state == TokenState::kReady && member->health.IsBeingTried(now)) return std::chrono::milliseconds(0);
  if (state != TokenState::kResting) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(*member->health.TurnsAt() - now);
}

bool TokenPool::ServedLatelyOrIsNew(const Token& token) const {
  MutexLock lock(&state_.mutex);
  const SteadyTime now = state_.clock.Steady();
  const PoolMember* const member = state_.registry.Find(token);
  return member != nullptr && (member->health.ServedLately(now) || member->health.IsNew(now));
}

bool TokenPool::AnyServedLately() const {
  MutexLock lock(&state_.mutex);
  const SteadyTime now = state_.clock.Steady();
  for (const Registry::Tier& tier : state_.registry.tiers()) {
    for (const auto& member : tier.members) {
      if (member->health.ServedLately(now)) return true;
    }
  }
  return false;
}

}  // namespace warppool::internal
