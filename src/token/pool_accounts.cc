#include "token/pool_accounts.h"

#include <fmt/format.h>

#include <algorithm>

namespace warppool::internal {

bool PoolAccounts::SameAccount(const Token& a, const Token& b) const {
  if (&a == &b) return true;
  MutexLock lock(&state_->mutex);
  const PoolMember* const one = state_->registry.Find(a);
  const PoolMember* const other = state_->registry.Find(b);
  return one != nullptr && other != nullptr && !one->account.empty() && one->account == other->account;
}

void PoolAccounts::NoteRefreshed(const Token& token, const Jwt& jwt, bool rotated, const std::string& account) {
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    const SteadyTime now = state_->clock.Steady();
    PoolMember* const member = state_->registry.Find(token);
    if (member == nullptr) return;
    ++member->counters.refreshes;
    state_->MarkUnsaved(member, false, &news);
    PoolNotice notice{PoolEventKind::kRefreshed, token.tier(), PoolState::Share(*member)};
    notice.reason = fmt::format("valid for {} s{}", jwt.life.count(), rotated ? ", refresh token rotated" : "");
    if (jwt.end_is_known) notice.until = jwt.expires_at_wall;
    if (!jwt.end_is_known) notice.reason = "valid until it is refused";
    news.notices().push_back(notice);
    if (rotated) {
      notice.kind = PoolEventKind::kRotated;
      notice.reason = "the service replaced the refresh token";
      notice.until.reset();
      news.notices().push_back(std::move(notice));
    }
    if (!account.empty() && account != member->account) {
      state_->Wake(now, &news);
      JoinAccount(member, account, now, &news);
    }
  }
  state_->Tell(news);
}

void PoolAccounts::NoteRotated(const Token& token) {
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    const PoolMember* const member = state_->registry.Find(token);
    if (member == nullptr) return;
    news.notices().push_back({PoolEventKind::kRotated, token.tier(), PoolState::Share(*member), Status(),
                              "the service replaced the refresh token"});
  }
  state_->Tell(news);
}

void PoolAccounts::NoteAdopted(const Token& token, bool rotated) {
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    const PoolMember* const member = state_->registry.Find(token);
    if (member == nullptr) return;
    const char* const what =
        rotated ? "another process had its refresh token replaced" : "another process exchanged it";
    news.notices().push_back({PoolEventKind::kRestored, token.tier(), PoolState::Share(*member), Status(), what});
  }
  state_->Tell(news);
}

void PoolAccounts::JoinAccount(PoolMember* member, const std::string& account, SteadyTime now, PoolNews* news) {
  state_->registry.SetAccount(member, account);
  PoolMember* const first = state_->registry.MembersOf(member).front();
  if (first == member) return;
  member->quota = first->quota;
  PoolNotice notice{PoolEventKind::kSameAccount, member->token.tier(), PoolState::Share(*member)};
  notice.reason = fmt::format("belongs to the same account as {}, and shares its quota", first->token.name());
  news->notices().push_back(std::move(notice));
  // Whoever of them knows of a spent quota knows it for all.
  const Status why(Code::kQuotaExhausted, "the quota of its account is used up");
  state_->ShareCooling(first, now, why, news);
  state_->ShareCooling(member, now, why, news);
}

void PoolAccounts::NoteQuota(const Token& token, const Quota& quota, bool lifts_cooling) {
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    PoolMember* const asked = state_->registry.Find(token);
    if (asked == nullptr) return;
    const SteadyTime now = state_->clock.Steady();
    state_->Wake(now, &news);
    std::optional<SteadyTime> until;
    const bool spent = !quota.unlimited && quota.Remaining() == 0;
    const WallTime wall = state_->clock.Wall();
    const auto reset = ToWallTime(quota.next_reset);
    if (spent && reset && wall < *reset) {
      until = now + std::min<SteadyTime::duration>(*reset - wall, kLongestCooling);
    }
    if (!spent && lifts_cooling) until = now;
    for (PoolMember* const member : state_->registry.MembersOf(asked)) {
      member->quota = quota;
      if (!until || !member->health.CorrectCooling(*until, now)) continue;
      state_->MarkUnsaved(member, true, &news);
      state_->Refile(member, now, member->why_cooling, &news);
      news.freed = true;  // or sooner than those who wait believe
      PoolNotice notice{PoolEventKind::kRecovered, member->token.tier(), PoolState::Share(*member)};
      if (member->filed_as == TokenState::kCooling) {
        notice.kind = PoolEventKind::kCooling;
        notice.why = member->why_cooling;
        notice.until = state_->WallTimeOf(member->turns_at, now);
      } else if (member->filed_as != TokenState::kReady) {
        continue;
      }
      notice.reason = "its quota is back";
      news.notices().push_back(std::move(notice));
    }
  }
  state_->Tell(news);
}

}  // namespace warppool::internal
