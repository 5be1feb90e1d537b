// What a store keeps of the pool: taken out when it has changed, put in when a token comes.
#include "token/token_pool.h"

namespace warppool::internal {

void TokenPool::MarkUnsaved(Member* member, bool urgent, News* news) {
  if (!on_unsaved_ || !member->is_member) return;
  if (!member->unsaved) unsaved_.push_back(member->shared_from_this());
  member->unsaved = true;
  if (urgent) member->unsaved_health = true;
  if (!unsaved_told_ || (urgent && !urgent_told_)) news->unsaved = true;
  unsaved_told_ = true;
  if (urgent) news->urgent = urgent_told_ = true;
}

std::vector<TokenPool::Kept> TokenPool::TakeUnsaved() {
  std::vector<Kept> taken;
  MutexLock lock(&mutex_);
  const SteadyTime now = clock_.Steady();
  taken.reserve(unsaved_.size());
  for (const auto& member : unsaved_) {
    const TokenHealth& health = member->health;
    Kept& kept = taken.emplace_back();
    kept.token = {member, &member->token};
    kept.health_changed = member->unsaved_health;
    kept.failures = health.failures();
    kept.disabled = health.disabled();
    kept.revoked = health.revoked();
    if (now < health.cooling_until()) kept.cooling_until = WallTimeOf(health.cooling_until(), now);
    kept.why = kept.disabled ? member->last_verdict : member->why_cooling;
    kept.counters = member->counters;
    if (member->last_used) kept.last_used = WallTimeOf(*member->last_used, now);
  }
  for (const auto& member : unsaved_) member->unsaved = member->unsaved_health = false;
  unsaved_.clear();
  unsaved_told_ = urgent_told_ = false;
  return taken;
}

void TokenPool::PutBackUnsaved(const std::vector<Kept>& tokens) {
  News news;
  {
    MutexLock lock(&mutex_);
    for (const Kept& kept : tokens) {
      Member* const member = roster_.Find(*kept.token);
      if (member == nullptr) continue;
      MarkUnsaved(member, false, &news);
      if (kept.health_changed) member->unsaved_health = true;  // at leisure all the same: the store is in trouble
    }
  }
  Tell(news);
}

void TokenPool::Restore(const Kept& kept, const std::string& what) {
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    Member* const member = roster_.Find(*kept.token);
    if (member == nullptr) return;
    // What it counted with the credential before is in it already.
    if (!member->has_inherited) {
      member->counters += kept.counters;
      if (!kept.counts_for_tier) member->elsewhere += kept.counters;
    }
    if (!member->last_used && kept.last_used) member->last_used = now - (clock_.Wall() - *kept.last_used);
    std::optional<SteadyTime> cooling_until;
    if (const WallTime wall = clock_.Wall(); kept.cooling_until && wall < *kept.cooling_until) {
      cooling_until = now + std::min<SteadyTime::duration>(*kept.cooling_until - wall, kLongestCooling);
    }
    if (member->health.Restore(kept.failures, kept.disabled, cooling_until, now)) {
      if (kept.disabled) member->last_verdict = kept.why;
      if (cooling_until && !kept.disabled) member->why_cooling = kept.why;
    }
    news.notices.push_back({PoolEventKind::kRestored, member->token.tier(), Share(*member), Status(), what});
    Refile(member, now, kept.why, &news);
  }
  Tell(news);
}

void TokenPool::NoteStoreFailed(const std::shared_ptr<const Token>& token, const Status& why) {
  PoolNotice notice{PoolEventKind::kStoreFailed, token ? token->tier() : Tier::kPersonal, token, why};
  reporter_.Tell(notice);
}

}  // namespace warppool::internal
