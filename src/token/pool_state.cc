#include "token/pool_state.h"

#include <fmt/format.h>

namespace warppool::internal {
namespace {

constexpr const char* kCoolingOver = "its cooling is over";

}  // namespace

void PoolState::WakeDue(SteadyTime now, PoolNews* news) {
  while (registry.AnyDue(now)) {
    const auto [member, before] = registry.FileNextDue(now);
    if (member->filed_as != TokenState::kReady || before != TokenState::kCooling) continue;
    news->notices().push_back(
        {PoolEventKind::kRecovered, member->token.tier(), Share(*member), Status(), kCoolingOver});
  }
}

void PoolState::Settle(PoolMember* member, HealthChange change, SteadyTime now, const Status& why, PoolNews* news) {
  Refile(member, now, why, news);
  if (change == HealthChange::kNone) return;
  MarkUnsaved(member, true, news);
  const bool counts = change == HealthChange::kFailure || change == HealthChange::kProbeFailed ||
                      (change == HealthChange::kDisabled && !member->health.revoked());
  if (counts) ++member->counters.failures;
  PoolNotice notice{PoolEventKind::kAttemptFailed, member->token.tier(), Share(*member), why};
  notice.failures = member->health.failures();
  switch (change) {
    case HealthChange::kNone:
      return;  // see above
    case HealthChange::kCleared:
    case HealthChange::kRecovered:
      notice.kind = PoolEventKind::kRecovered;
      notice.reason =
          change == HealthChange::kCleared ? "it works, its failures are cleared" : "it was tried, and accepted";
      news->notices().push_back(std::move(notice));
      return;
    case HealthChange::kFailure:
      notice.kind = PoolEventKind::kFailure;
      notice.reason = fmt::format("{}/{}", notice.failures, options.health.max_failures);
      break;
    case HealthChange::kDisabled:
      if (!member->health.revoked()) {
        notice.reason = fmt::format("after {} failures", notice.failures);
        notice.kind = PoolEventKind::kFailure;
        notice.event_only = true;
        news->notices().push_back(notice);
        notice.event_only = false;
      }
      notice.kind = PoolEventKind::kDisabled;
      notice.until = WallTimeOf(member->turns_at, now);
      break;
    case HealthChange::kProbeFailed:
      notice.kind = PoolEventKind::kDisabled;
      notice.until = WallTimeOf(member->turns_at, now);
      notice.reason = "again, it was tried and failed";
      break;
    case HealthChange::kCooling:
      notice.kind = PoolEventKind::kCooling;
      notice.until = WallTimeOf(member->turns_at, now);
      news->notices().push_back(std::move(notice));
      return;
  }
  member->last_verdict = why;
  news->notices().push_back(std::move(notice));
}

void PoolState::Refile(PoolMember* member, SteadyTime now, const Status& why, PoolNews* news) {
  // One that rests is back at once, and is no reason for an alarm.
  const auto in_service = [&] {
    return member->filed_as == TokenState::kReady || member->filed_as == TokenState::kResting;
  };
  const bool was_in_service = in_service();
  if (registry.File(member, now)) news->freed = true;
  if (!was_in_service || in_service()) return;
  const Registry::Tier& tier = registry.tiers()[member->tier];
  PoolNotice notice{PoolEventKind::kTierExhausted, tier.tier, Share(*member), why};
  notice.until = WallTimeOf(member->turns_at, now);
  if (tier.in_service == 0) news->exhausted().push_back(notice);
  notice.kind = PoolEventKind::kPoolExhausted;
  if (registry.in_service() == 0) news->exhausted().push_back(std::move(notice));
}

std::optional<WallTime> PoolState::WallTimeOf(std::optional<SteadyTime> time, SteadyTime now) const {
  if (!time) return std::nullopt;
  return clock.Wall() + std::chrono::ceil<std::chrono::milliseconds>(*time - now);
}

void PoolState::TellAll(const PoolNews& news) const {
  if (news.lists_) {
    reporter.Tell(news.lists_->notices);
    reporter.Tell(news.lists_->exhausted);
  }
  if (listener == nullptr) return;
  if (news.freed) listener->OnFreed();
  if (news.unsaved) listener->OnUnsaved(news.urgent);
  if (!news.lists_) return;
  for (const auto& token : news.lists_->gone) listener->OnGone(token);
}

void PoolState::MarkUnsaved(PoolMember* member, bool urgent, PoolNews* news) {
  if (listener == nullptr || !listener->keeps_records() || !member->is_member) return;
  if (!member->unsaved) unsaved.push_back(member->shared_from_this());
  member->unsaved = true;
  if (urgent) member->unsaved_health = true;
  if (!unsaved_told || (urgent && !urgent_told)) news->unsaved = true;
  unsaved_told = true;
  if (urgent) news->urgent = urgent_told = true;
}

// The others of its account have the same quota.
void PoolState::ShareCooling(PoolMember* member, SteadyTime now, const Status& why, PoolNews* news) {
  const SteadyTime until = member->health.cooling_until();
  if (until <= now) return;
  for (PoolMember* const other : registry.MembersOf(member)) {
    if (other == member) continue;
    if (other->health.cooling_until() < until) other->why_cooling = why;
    const bool was_ready = other->health.CoolUntil(until, now);
    MarkUnsaved(other, true, news);
    Refile(other, now, why, news);
    if (!was_ready) continue;
    PoolNotice notice{PoolEventKind::kCooling, other->token.tier(), Share(*other), why};
    notice.until = WallTimeOf(other->turns_at, now);
    news->notices().push_back(std::move(notice));
  }
}

}  // namespace warppool::internal
