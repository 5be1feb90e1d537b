#include "token/pool_records.h"

#include <algorithm>

namespace warppool::internal {
namespace {

// Until the record in the store is looked at again, by the next request that has no other token.
constexpr std::chrono::seconds kInDoubtFor{5};

}  // namespace

std::vector<PoolRecords::Kept> PoolRecords::TakeUnsaved() {
  std::vector<Kept> taken;
  MutexLock lock(&state_->mutex);
  const SteadyTime now = state_->clock.Steady();
  taken.reserve(state_->unsaved.size());
  for (const auto& member : state_->unsaved) {
    const TokenHealth& health = member->health;
    Kept& kept = taken.emplace_back();
    kept.token = {member, &member->token};
    kept.health_changed = member->unsaved_health;
    kept.failures = health.failures();
    kept.disabled = health.disabled();
    kept.revoked = health.revoked();
    kept.recovery_delay = health.recovery_delay();
    if (now < health.cooling_until()) {
      kept.cooling_until = state_->WallTimeOf(health.cooling_until(), now);
      kept.cooling_for = std::chrono::ceil<std::chrono::milliseconds>(health.cooling_until() - now);
    }
    kept.why = kept.disabled ? member->last_verdict : member->why_cooling;
    kept.counters = member->counters;
    if (member->last_used) kept.last_used = state_->WallTimeOf(*member->last_used, now);
  }
  for (const auto& member : state_->unsaved) member->unsaved = member->unsaved_health = false;
  state_->unsaved.clear();
  state_->unsaved_told = state_->urgent_told = false;
  return taken;
}

void PoolRecords::PutBackUnsaved(const std::vector<Kept>& tokens) {
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    for (const Kept& kept : tokens) {
      PoolMember* const member = state_->registry.Find(*kept.token);
      if (member == nullptr) continue;
      state_->MarkUnsaved(member, false, &news);
      if (kept.health_changed) member->unsaved_health = true;  // at leisure all the same: the store is in trouble
    }
  }
  state_->Tell(news);
}

void PoolRecords::Restore(const Kept& kept, const std::string& what) {
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    PoolMember* const member = state_->registry.Find(*kept.token);
    if (member == nullptr) return;
    const SteadyTime now = state_->clock.Steady();
    state_->Wake(now, &news);
    // What it counted with the credential before is in it already.
    if (!member->has_inherited) {
      member->counters += kept.counters;
      if (!kept.counts_for_tier) member->elsewhere += kept.counters;
    }
    if (!member->last_used && kept.last_used) member->last_used = now - (state_->clock.Wall() - *kept.last_used);
    std::optional<SteadyTime> cooling_until;
    if (const WallTime wall = state_->clock.Wall(); kept.cooling_until && wall < *kept.cooling_until) {
      cooling_until = now + std::min<SteadyTime::duration>(*kept.cooling_until - wall, kLongestCooling);
    }
    const auto standing = kept.revoked    ? TokenHealth::Standing::kRevoked
                          : kept.disabled ? TokenHealth::Standing::kDisabled
                                          : TokenHealth::Standing::kGood;
    if (member->health.Restore(standing, kept.failures, kept.recovery_delay, cooling_until, now)) {
      if (kept.disabled) member->last_verdict = kept.why;
      if (cooling_until && !kept.disabled) member->why_cooling = kept.why;
    }
    news.notices().push_back(
        {PoolEventKind::kRestored, member->token.tier(), PoolState::Share(*member), Status(), what});
    state_->Refile(member, now, kept.why, &news);
  }
  state_->Tell(news);
}

void PoolRecords::NoteInDoubt(const Token& token) {
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    PoolMember* const member = state_->registry.Find(token);
    if (member == nullptr) return;
    const SteadyTime now = state_->clock.Steady();
    const Status why(Code::kNoTokenReady, "refused, but another process may know a newer refresh token");
    member->why_cooling = why;
    const bool was_ready = member->health.CoolUntil(now + kInDoubtFor, now);
    state_->Refile(member, now, why, &news);
    if (was_ready) {
      PoolNotice notice{PoolEventKind::kCooling, member->token.tier(), PoolState::Share(*member), why};
      notice.until = state_->WallTimeOf(member->turns_at, now);
      news.notices().push_back(std::move(notice));
    }
  }
  state_->Tell(news);
}

void PoolRecords::NoteStoreFailed(const std::shared_ptr<const Token>& token, const Status& why) {
  PoolNotice notice{PoolEventKind::kStoreFailed, token ? token->tier() : Tier::kPersonal, token, why};
  state_->reporter.Tell(notice);
}

}  // namespace warppool::internal
