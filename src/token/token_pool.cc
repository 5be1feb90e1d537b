#include "token/token_pool.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/guarded.h"

namespace warppool::internal {
namespace {

constexpr const char* kCoolingOver = "its cooling is over";
// Of what was met, as many are remembered, and those of this time count.
constexpr std::size_t kMostMet = 50;
constexpr std::chrono::minutes kFlapping{1};

// What may be the token's own fault, and may be the service's.
bool IsDeferred(Outcome outcome) {
  return outcome == Outcome::kAuthRejected || outcome == Outcome::kServerError;
}

// Whether it is filed otherwise than one against which nothing is held: when that is cleared, it is filed anew.
bool IsApart(const PoolMember& member) {
  return member.blocked || member.set_back || member.filed_as != TokenState::kReady;
}

}  // namespace

Lease::~Lease() {
  if (member_) Guarded([&] { std::move(*this).End({Outcome::kCancelled}); });
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
  const std::shared_ptr<PoolMember> member = std::exchange(member_, nullptr);
  if (member == nullptr) return std::nullopt;
  return pool_->End(member, *this, report);
}

void Lease::GiveBack() && {
  if (const auto member = std::exchange(member_, nullptr)) pool_->GiveBack(member.get(), *this);
}

TokenPool::TokenPool(PoolOptions options, const std::vector<TokenConfig>& tokens, const Clock& clock,
                     PoolReporter reporter)
    : clock_(clock), reporter_(std::move(reporter)), options_(std::move(options)) {
  const std::vector<std::string> names = NamesOf(tokens);
  Roster::Members members;
  for (std::size_t i = 0; i < tokens.size(); ++i) members.push_back(std::make_shared<Member>(names[i], tokens[i]));
  MutexLock lock(&mutex_);
  Identify(members);
  roster_.Arrange(RosterOptions(), members, clock_.Steady());
}

TokenPool::~TokenPool() = default;

void TokenPool::TellLoaded() const {
  if (!reporter_.enabled()) return;
  Notices notices;
  {
    MutexLock lock(&mutex_);
    for (const Roster::Tier& tier : roster_.tiers()) {
      for (const auto& member : tier.members) {
        notices.push_back({PoolEventKind::kLoaded, tier.tier, Share(*member), Status(), "from the configuration"});
      }
    }
  }
  reporter_.Tell(notices);
}

std::optional<Lease> TokenPool::Acquire(const Wanted& wanted) {
  std::optional<Lease> lease;
  const char* why = "";
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    why = StrategyName(options_.strategy);
    if (Member* const preferred = FindPreferred(wanted, now)) {
      lease.emplace(Begin(preferred->shared_from_this(), now, true));
      why = "the conversation is its account's";
    } else {
      const std::shared_ptr<Member>* const next = FindNext(wanted, now);
      if (next != nullptr) lease.emplace(Begin(*next, now, true));
    }
  }
  Tell(news);
  if (lease && reporter_.enabled()) {
    if (lease->is_probe()) why = "it is tried again";
    reporter_.Tell({PoolEventKind::kChosen, lease->token().tier(), lease->share_token(), Status(), why});
  }
  return lease;
}

std::optional<Lease> TokenPool::AcquireToken(const Token& token, bool even_disabled) {
  std::optional<Lease> lease;
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    Member* const member = roster_.Find(token);
    const bool will_do =
        member != nullptr && !member->health.being_probed() && (even_disabled || !member->health.disabled());
    if (will_do) lease.emplace(Begin(member->shared_from_this(), now, false));
  }
  Tell(news);
  return lease;
}

bool TokenPool::Suits(const Member& member, const Wanted& wanted, SteadyTime now) {
  if (wanted.only != nullptr && !wanted.only->Allows(member.token.tier(), member.id)) return false;
  if (!wanted.may_probe && member.health.disabled() && &member.token != wanted.probed) return false;
  if (!wanted.excluded.empty() && wanted.excluded.count(&member.token) != 0) return false;
  if (!wanted.without_exchange || member.token.kind() != CredentialKind::kRefreshToken) return true;
  const auto jwt = member.token.jwt();
  return jwt && now < jwt->expires_at;
}

TokenPool::Member* TokenPool::FindPreferred(const Wanted& wanted, SteadyTime now) const {
  Member* const preferred = wanted.preferred == nullptr ? nullptr : roster_.Find(*wanted.preferred);
  if (preferred == nullptr) return nullptr;
  const auto will_do = [&](const Member* member) {
    return member->filed_as == TokenState::kReady && !member->blocked && Suits(*member, wanted, now);
  };
  if (will_do(preferred)) return preferred;
  for (Member* const member : roster_.MembersOf(preferred)) {
    if (will_do(member)) return member;
  }
  return nullptr;
}

Lease TokenPool::Begin(const std::shared_ptr<Member>& member, SteadyTime now, bool is_request) {
  const HealthStamp stamp = member->health.Begin(now);
  if (is_request) {
    roster_.Served(*member);
    ++member->in_flight;
    ++member->counters.requests;
    member->last_used = now;
  }
  if (roster_.LoadMatters() || stamp.is_trial) roster_.File(member.get(), now);
  return {this, member, stamp, now, is_request};
}

void TokenPool::Wake(SteadyTime now, News* news) {
  while (true) {
    const auto [member, before] = roster_.FileNextDue(now);
    if (member == nullptr) return;
    if (member->filed_as != TokenState::kReady || before != TokenState::kCooling) continue;
    news->notices.push_back({PoolEventKind::kRecovered, member->token.tier(), Share(*member), Status(), kCoolingOver});
  }
}

void TokenPool::NoteServing(Member* member, HealthStamp stamp) {
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    const auto change = member->health.Serve(stamp, now);
    if (!member->is_member || (change == HealthChange::kNone && !IsApart(*member))) return;
    Wake(now, &news);
    Settle(member, change, now, Status(), &news);
  }
  Tell(news);
}

void TokenPool::GiveBack(Member* member, const Lease& lease) {
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    member->health.Report(Outcome::kCancelled, lease.stamp_, now, {}, options_.health);
    if (lease.is_request_) {
      --member->in_flight;
      --CountersOf(member).requests;
    }
    if (member->is_member) Refile(member, now, Status(), &news);
  }
  Tell(news);
}

void TokenPool::LeaveAlone(const std::shared_ptr<Member>& member, HealthStamp stamp, Outcome outcome, SteadyTime now) {
  if (!member->is_member) return;
  // Of one that is all there is, a server error is met again sooner.
  const bool alone = roster_.tiers().size() == 1 && roster_.tiers().front().members.size() == 1;
  if (!alone || outcome == Outcome::kAuthRejected) member->health.Rest(stamp, now);
  if (met_.size() == kMostMet) met_.pop_front();
  met_.push_back({now, outcome, member});
}

bool TokenPool::IsFlapping(const DeferredFailure& deferred) const {
  // Not the minute before now: the witness may have come after a long wait, or a sleep of the machine.
  return std::any_of(met_.begin(), met_.end(), [&](const Met& met) {
    return met.outcome == deferred.outcome && met.member != deferred.member && deferred.time - met.time < kFlapping &&
           met.member->health.ServedLately(met.time);
  });
}

std::optional<DeferredFailure> TokenPool::End(const std::shared_ptr<Member>& member, const Lease& lease,
                                              const Lease::Report& report) {
  const HealthStamp stamp = lease.stamp_;
  const bool success = report.outcome == Outcome::kSuccess;
  const bool deferred = IsDeferred(report.outcome);
  News news;
  std::optional<DeferredFailure> failure;
  {
    MutexLock lock(&mutex_);
    if (lease.is_request_) {
      --member->in_flight;
      Counters& counters = CountersOf(member.get());
      ++counters.outcomes[static_cast<std::size_t>(report.outcome)];
      if (report.first_event) counters.first_event.Add(*report.first_event);
      MarkUnsaved(member.get(), false, &news);
    }
    // A success has changed the health when it began, and what the end does to it does not depend on the time: the
    // common case reads no clock.
    const bool settled = success && lease.served_;
    SteadyTime now = settled ? lease.began_ : clock_.Steady();
    if (!settled) Wake(now, &news);
    auto change = member->health.Report(report.outcome, stamp, now, report.cool_for, options_.health);
    if (success && !settled) change = member->health.Serve(stamp, now);
    if (deferred) LeaveAlone(member, stamp, report.outcome, now);
    const bool quota = report.outcome == Outcome::kQuotaExhausted;
    const bool cleared = (success && !settled) || report.outcome == Outcome::kAccepted;
    const bool refile = change != HealthChange::kNone || quota || deferred || stamp.is_trial || roster_.LoadMatters() ||
                        (cleared && IsApart(*member));
    if (refile && settled) {
      now = clock_.Steady();
      Wake(now, &news);
    }
    const std::size_t first = news.notices.size();
    if (!report.why.ok()) member->last_error = report.why;
    if (IsFailedAttempt(report.outcome)) {
      news.notices.push_back({PoolEventKind::kAttemptFailed, member->token.tier(), Share(*member), report.why});
      news.notices.back().failures = member->health.failures();
    }
    if (member->is_member) {
      if (deferred) {
        failure = {member,
                   member->health.Defer(stamp),
                   report.why,
                   report.outcome,
                   report.at_exchange,
                   member->counters.refreshes,
                   now};
      }
      if (refile) Settle(member.get(), change, now, report.why, &news);
      if (quota && now < member->health.cooling_until()) {
        member->why_cooling = report.why;
        ShareCooling(member.get(), now, report.why, &news);
      }
    }
    // One line of the log for one attempt.
    if (news.notices.size() > first + 1) news.notices[first].event_only = true;
  }
  Tell(news);
  return failure;
}

void TokenPool::CountStale(Member* member) {
  News news;
  {
    MutexLock lock(&mutex_);
    ++CountersOf(member).outcomes[static_cast<std::size_t>(Outcome::kAuthStale)];
    MarkUnsaved(member, false, &news);
  }
  Tell(news);
}

void TokenPool::Judge(const DeferredFailure& deferred, const Witness& witness) {
  if (witness.token == &deferred.token()) return;  // who has overcome its own error has shown nothing about itself
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    Member* const member = deferred.member.get();
    if (!member->is_member || (deferred.at_exchange && deferred.refreshes != member->counters.refreshes)) return;
    const bool same_kind = deferred.outcome == Outcome::kServerError || witness.token->kind() == member->token.kind();
    if (!same_kind || (deferred.at_exchange && !witness.refreshed)) {
      member->health.SetBack(deferred.verdict, now);
      Refile(member, now, deferred.why, &news);
    } else if (!IsFlapping(deferred)) {
      const auto change = member->health.Confirm(deferred.verdict, now, options_.health);
      if (change != HealthChange::kNone) Settle(member, change, now, deferred.why, &news);
    }
  }
  Tell(news);
}

void TokenPool::Settle(Member* member, HealthChange change, SteadyTime now, const Status& why, News* news) {
  Refile(member, now, why, news);
  if (change != HealthChange::kNone) MarkUnsaved(member, true, news);
  const bool counts = change == HealthChange::kFailure || change == HealthChange::kProbeFailed ||
                      (change == HealthChange::kDisabled && !member->health.revoked());
  if (counts) ++member->counters.failures;
  PoolNotice notice{PoolEventKind::kAttemptFailed, member->token.tier(), Share(*member), why};
  notice.failures = member->health.failures();
  switch (change) {
    case HealthChange::kNone:
      return;
    case HealthChange::kCleared:
    case HealthChange::kRecovered:
      notice.kind = PoolEventKind::kRecovered;
      notice.reason =
          change == HealthChange::kCleared ? "it works, its failures are cleared" : "it was tried, and accepted";
      news->notices.push_back(std::move(notice));
      return;
    case HealthChange::kFailure:
      notice.kind = PoolEventKind::kFailure;
      notice.reason = fmt::format("{}/{}", notice.failures, options_.health.max_failures);
      break;
    case HealthChange::kDisabled:
      if (!member->health.revoked()) {
        notice.reason = fmt::format("after {} failures", notice.failures);
        notice.kind = PoolEventKind::kFailure;
        notice.event_only = true;
        news->notices.push_back(notice);
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
      news->notices.push_back(std::move(notice));
      return;
  }
  member->last_verdict = why;
  news->notices.push_back(std::move(notice));
}

void TokenPool::Refile(Member* member, SteadyTime now, const Status& why, News* news) {
  // One that rests is back at once, and is no reason for an alarm.
  const auto in_service = [&] {
    return member->filed_as == TokenState::kReady || member->filed_as == TokenState::kResting;
  };
  const bool was_in_service = in_service();
  if (roster_.File(member, now)) news->freed = true;
  if (!was_in_service || in_service()) return;
  const Roster::Tier& tier = roster_.tiers()[member->tier];
  PoolNotice notice{PoolEventKind::kTierExhausted, tier.tier, Share(*member), why};
  notice.until = WallTimeOf(member->turns_at, now);
  if (tier.in_service == 0) news->exhausted.push_back(notice);
  notice.kind = PoolEventKind::kPoolExhausted;
  if (roster_.in_service() == 0) news->exhausted.push_back(std::move(notice));
}

// The others of its account have the same quota.
void TokenPool::ShareCooling(Member* member, SteadyTime now, const Status& why, News* news) {
  const SteadyTime until = member->health.cooling_until();
  if (until <= now) return;
  for (Member* const other : roster_.MembersOf(member)) {
    if (other == member) continue;
    if (other->health.cooling_until() < until) other->why_cooling = why;
    const bool was_ready = other->health.CoolUntil(until, now);
    MarkUnsaved(other, true, news);
    Refile(other, now, why, news);
    if (!was_ready) continue;
    PoolNotice notice{PoolEventKind::kCooling, other->token.tier(), Share(*other), why};
    notice.until = WallTimeOf(other->turns_at, now);
    news->notices.push_back(std::move(notice));
  }
}

void TokenPool::NoteRefreshed(const Token& token, const Jwt& jwt, bool rotated, const std::string& account) {
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Member* const member = roster_.Find(token);
    if (member == nullptr) return;
    ++member->counters.refreshes;
    MarkUnsaved(member, false, &news);
    PoolNotice notice{PoolEventKind::kRefreshed, token.tier(), Share(*member)};
    notice.reason = fmt::format("valid for {} s{}", jwt.life.count(), rotated ? ", refresh token rotated" : "");
    if (jwt.end_is_known) notice.until = jwt.expires_at_wall;
    if (!jwt.end_is_known) notice.reason = "valid until it is refused";
    news.notices.push_back(notice);
    if (rotated) {
      notice.kind = PoolEventKind::kRotated;
      notice.reason = "the service replaced the refresh token";
      notice.until.reset();
      news.notices.push_back(std::move(notice));
    }
    if (!account.empty() && account != member->account) {
      Wake(now, &news);
      JoinAccount(member, account, now, &news);
    }
  }
  Tell(news);
}

void TokenPool::NoteRotated(const Token& token) {
  News news;
  {
    MutexLock lock(&mutex_);
    const Member* const member = roster_.Find(token);
    if (member == nullptr) return;
    news.notices.push_back(
        {PoolEventKind::kRotated, token.tier(), Share(*member), Status(), "the service replaced the refresh token"});
  }
  Tell(news);
}

void TokenPool::NoteAdopted(const Token& token, bool rotated) {
  News news;
  {
    MutexLock lock(&mutex_);
    const Member* const member = roster_.Find(token);
    if (member == nullptr) return;
    const char* const what =
        rotated ? "another process had its refresh token replaced" : "another process exchanged it";
    news.notices.push_back({PoolEventKind::kRestored, token.tier(), Share(*member), Status(), what});
  }
  Tell(news);
}

void TokenPool::JoinAccount(Member* member, const std::string& account, SteadyTime now, News* news) {
  roster_.SetAccount(member, account);
  Member* const first = roster_.MembersOf(member).front();
  if (first == member) return;
  member->quota = first->quota;
  PoolNotice notice{PoolEventKind::kSameAccount, member->token.tier(), Share(*member)};
  notice.reason = fmt::format("belongs to the same account as {}, and shares its quota", first->token.name());
  news->notices.push_back(std::move(notice));
  // Whoever of them knows of a spent quota knows it for all.
  const Status why(Code::kQuotaExhausted, "the quota of its account is used up");
  ShareCooling(first, now, why, news);
  ShareCooling(member, now, why, news);
}

void TokenPool::NoteQuota(const Token& token, const Quota& quota, bool lifts_cooling) {
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    std::optional<SteadyTime> until;
    const bool spent = !quota.unlimited && quota.Remaining() == 0;
    const WallTime wall = clock_.Wall();
    const auto reset = ToWallTime(quota.next_reset);
    if (spent && reset && wall < *reset) {
      until = now + std::min<SteadyTime::duration>(*reset - wall, kLongestCooling);
    }
    if (!spent && lifts_cooling) until = now;
    Member* const asked = roster_.Find(token);
    if (asked == nullptr) return;
    for (Member* const member : roster_.MembersOf(asked)) {
      member->quota = quota;
      if (!until || !member->health.CorrectCooling(*until, now)) continue;
      MarkUnsaved(member, true, &news);
      Refile(member, now, member->why_cooling, &news);
      news.freed = true;  // or sooner than those who wait believe
      PoolNotice notice{PoolEventKind::kRecovered, member->token.tier(), Share(*member)};
      if (member->filed_as == TokenState::kCooling) {
        notice.kind = PoolEventKind::kCooling;
        notice.why = member->why_cooling;
        notice.until = WallTimeOf(member->turns_at, now);
      } else if (member->filed_as != TokenState::kReady) {
        continue;
      }
      notice.reason = "its quota is back";
      news.notices.push_back(std::move(notice));
    }
  }
  Tell(news);
}

bool TokenPool::Recover(const std::string& name) {
  News news;
  {
    MutexLock lock(&mutex_);
    Member* const member = roster_.Find(name);
    if (member == nullptr) return false;
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    // The quota that is believed to be back is that of the account.
    for (Member* const other : roster_.MembersOf(member)) {
      if (other != member && other->health.CorrectCooling(now, now)) NoteRecovered(other, now, &news);
    }
    const bool has_failures = member->health.failures() > 0;
    if (member->health.Recover(now) || has_failures) {
      NoteRecovered(member, now, &news);
    } else {
      Refile(member, now, Status(), &news);  // nobody need try it alone any more, nor does it come behind all others
    }
  }
  Tell(news);
  return true;
}

int TokenPool::RecoverAll() {
  News news;
  int recovered = 0;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    for (const Roster::Tier& tier : roster_.tiers()) {
      for (const auto& member : tier.members) {
        if (member->health.StateAt(now) == TokenState::kReady || !member->health.Recover(now)) continue;
        NoteRecovered(member.get(), now, &news);
        ++recovered;
      }
    }
  }
  Tell(news);
  return recovered;
}

void TokenPool::NoteRecovered(Member* member, SteadyTime now, News* news) {
  Refile(member, now, Status(), news);
  MarkUnsaved(member, true, news);
  news->freed = true;
  if (member->filed_as != TokenState::kReady) return;
  news->notices.push_back({PoolEventKind::kRecovered, member->token.tier(), Share(*member), Status(), "by hand"});
}

std::shared_ptr<const Token> TokenPool::Share(const Member& member) {
  return {member.shared_from_this(), &member.token};
}

std::optional<WallTime> TokenPool::WallTimeOf(std::optional<SteadyTime> time, SteadyTime now) const {
  if (!time) return std::nullopt;
  return clock_.Wall() + std::chrono::ceil<std::chrono::milliseconds>(*time - now);
}

void TokenPool::Tell(const News& news) const {
  reporter_.Tell(news.notices);
  reporter_.Tell(news.exhausted);
  if (news.freed && on_freed_) on_freed_();
  if (news.unsaved) on_unsaved_(news.urgent);
  for (const auto& token : news.gone) {
    if (on_gone_) on_gone_(token);
  }
}

}  // namespace warppool::internal
