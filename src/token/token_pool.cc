#include "token/token_pool.h"

#include <algorithm>

namespace warppool::internal {
namespace {

// Of what was met, as many are remembered, and those of this time count.
constexpr std::size_t kMostMet = 256;
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

TokenPool::TokenPool(PoolOptions options, const std::vector<TokenConfig>& tokens, const Clock& clock,
                     PoolReporter reporter, PoolListener* listener)
    : state_(std::move(options), clock, std::move(reporter), listener) {
  members_.Begin(tokens);
}

std::optional<Lease> TokenPool::Acquire(const Wanted& wanted) {
  std::optional<Lease> lease;
  PoolNews news;
  bool is_preferred = false;
  Strategy strategy{};
  {
    MutexLock lock(&state_.mutex);
    const SteadyTime now = state_.clock.Steady();
    state_.Wake(now, &news);
    strategy = state_.options.strategy;
    if (PoolMember* const preferred = FindPreferred(wanted, now)) {
      Begin(preferred->shared_from_this(), now, true, &lease);
      is_preferred = true;
    } else {
      const std::shared_ptr<PoolMember>* const next = FindNext(wanted, now);
      if (next != nullptr) Begin(*next, now, true, &lease);
    }
  }
  state_.Tell(news);
  if (lease && state_.reporter.enabled()) {
    const char* const why = lease->is_probe() ? "it is tried again"
                            : is_preferred    ? "the conversation is its account's"
                                              : StrategyName(strategy);
    state_.reporter.Tell({PoolEventKind::kChosen, lease->token().tier(), lease->share_token(), Status(), why});
  }
  return lease;
}

std::optional<Lease> TokenPool::AcquireToken(const Token& token, bool even_disabled) {
  std::optional<Lease> lease;
  PoolNews news;
  {
    MutexLock lock(&state_.mutex);
    const SteadyTime now = state_.clock.Steady();
    state_.Wake(now, &news);
    PoolMember* const member = state_.registry.Find(token);
    const bool will_do =
        member != nullptr && !member->health.being_probed() && (even_disabled || !member->health.disabled());
    if (will_do) Begin(member->shared_from_this(), now, false, &lease);
  }
  state_.Tell(news);
  return lease;
}

bool TokenPool::Suits(const PoolMember& member, const Wanted& wanted, SteadyTime now) {
  if (wanted.only != nullptr && !wanted.only->Allows(member.token.tier(), member.id)) return false;
  if (!wanted.may_probe && member.health.disabled() && &member.token != wanted.probed) return false;
  if (!wanted.excluded.empty() && wanted.excluded.count(&member.token) != 0) return false;
  if (!wanted.without_exchange || member.token.kind() != CredentialKind::kRefreshToken) return true;
  const auto jwt = member.token.jwt();
  return jwt && now < jwt->expires_at;
}

PoolMember* TokenPool::FindOfAccount(const Token& token, const Wanted& wanted, SteadyTime now) const {
  PoolMember* const preferred = state_.registry.Find(token);
  if (preferred == nullptr) return nullptr;
  const auto will_do = [&](const PoolMember* member) {
    return member->filed_as == TokenState::kReady && !member->blocked && Suits(*member, wanted, now);
  };
  if (will_do(preferred)) return preferred;
  for (PoolMember* const member : state_.registry.MembersOf(preferred)) {
    if (will_do(member)) return member;
  }
  return nullptr;
}

void TokenPool::Begin(const std::shared_ptr<PoolMember>& member, SteadyTime now, bool is_request,
                      std::optional<Lease>* lease) {
  lease->emplace(this, member, now, is_request);
  if (is_request) {
    state_.registry.Served(*member);
    ++member->in_flight;
    ++member->counters.requests;
    member->last_used = now;
  }
  if (state_.registry.LoadMatters() || (*lease)->stamp_.is_trial) state_.registry.File(member.get(), now);
}

void TokenPool::NoteServing(PoolMember* member, const HealthStamp& stamp) {
  PoolNews news;
  {
    MutexLock lock(&state_.mutex);
    const SteadyTime now = state_.clock.Steady();
    const auto change = member->health.Serve(stamp, now);
    if (!member->is_member || (change == HealthChange::kNone && !IsApart(*member))) return;
    state_.Wake(now, &news);
    state_.Settle(member, change, now, Status(), &news);
  }
  state_.Tell(news);
}

void TokenPool::EndTrial(PoolMember* member, const HealthStamp& stamp) {
  PoolNews news;
  {
    MutexLock lock(&state_.mutex);
    const SteadyTime now = state_.clock.Steady();
    state_.Wake(now, &news);
    member->health.Report(Outcome::kCancelled, stamp, now, {}, state_.options.health);
    if (member->is_member) state_.Refile(member, now, Status(), &news);
  }
  state_.Tell(news);
}

void TokenPool::GiveBack(PoolMember* member, const Lease& lease) {
  {
    MutexLock lock(&state_.mutex);
    if (lease.is_request_) {
      --member->in_flight;
      --state_.CountersOf(member).requests;
    }
  }
  try {
    EndTrial(member, lease.stamp_);
  } catch (...) {
    GiveUp(member, lease.stamp_);  // there was no memory to tell of it
  }
}

void TokenPool::LeaveAlone(const std::shared_ptr<PoolMember>& member, const HealthStamp& stamp, Outcome outcome,
                           SteadyTime now) {
  if (!member->is_member) return;
  // Of one that is all there is, a server error is met again sooner.
  const bool alone = state_.registry.tiers().size() == 1 && state_.registry.tiers().front().members.size() == 1;
  if (!alone || outcome == Outcome::kAuthRejected) member->health.Rest(stamp, now);
  if (state_.met.size() == kMostMet) state_.met.pop_front();
  state_.met.push_back({now, outcome, member});
}

bool TokenPool::IsFlapping(const DeferredFailure& deferred) const {
  // Not the minute before now: the witness may have come after a long wait, or a sleep of the machine.
  return std::any_of(state_.met.begin(), state_.met.end(), [&](const PoolState::Met& met) {
    return met.outcome == deferred.outcome && met.member != deferred.member && deferred.time - met.time < kFlapping &&
           met.member->health.ServedLately(met.time);
  });
}

std::optional<DeferredFailure> TokenPool::End(const std::shared_ptr<PoolMember>& member, const Lease& lease,
                                              const Lease::Report& report) {
  try {
    return TakeReport(member, lease, report);
  } catch (...) {
    GiveUp(member.get(), lease.stamp_);
    throw;
  }
}

// There was no memory for the whole of a report, but `in_flight` is right already: a token that were not filed anew, or
// whose trial did not end, would serve nobody any more.
void TokenPool::GiveUp(PoolMember* member, const HealthStamp& stamp) {
  PoolNews news;
  {
    MutexLock lock(&state_.mutex);
    const SteadyTime now = state_.clock.Steady();
    member->health.Report(Outcome::kCancelled, stamp, now, {}, state_.options.health);
    if (member->is_member) state_.registry.File(member, now);
    news.freed = true;
  }
  state_.Tell(news);
}

std::optional<DeferredFailure> TokenPool::TakeReport(const std::shared_ptr<PoolMember>& member, const Lease& lease,
                                                     const Lease::Report& report) {
  const HealthStamp& stamp = lease.stamp_;
  const bool success = report.outcome == Outcome::kSuccess;
  const bool deferred = IsDeferred(report.outcome);
  PoolNews news;
  std::optional<DeferredFailure> failure;
  {
    MutexLock lock(&state_.mutex);
    if (lease.is_request_) {
      --member->in_flight;
      Counters& counters = state_.CountersOf(member.get());
      ++counters.outcomes[static_cast<std::size_t>(report.outcome)];
      if (report.first_event) counters.first_event.Add(*report.first_event);
      state_.MarkUnsaved(member.get(), false, &news);
    }
    // A success has changed the health when it began, and what the end does to it does not depend on the time: the
    // common case reads no clock.
    const bool settled = success && lease.served_;
    SteadyTime now = settled ? lease.began_ : state_.clock.Steady();
    if (!settled) state_.Wake(now, &news);
    auto change = member->health.Report(report.outcome, stamp, now, report.cool_for, state_.options.health);
    if (success && !settled) change = member->health.Serve(stamp, now);
    if (deferred) LeaveAlone(member, stamp, report.outcome, now);
    const bool quota = report.outcome == Outcome::kQuotaExhausted;
    const bool cleared = (success && !settled) || report.outcome == Outcome::kAccepted;
    const bool refile = change != HealthChange::kNone || quota || deferred || stamp.is_trial ||
                        state_.registry.LoadMatters() || (cleared && IsApart(*member));
    if (refile && settled) {
      now = state_.clock.Steady();
      state_.Wake(now, &news);
    }
    if (!report.why.ok()) member->last_error = report.why;
    const bool failed = IsFailedAttempt(report.outcome);
    const std::size_t first = failed ? news.notices().size() : 0;
    if (failed) {
      news.notices().push_back(
          {PoolEventKind::kAttemptFailed, member->token.tier(), PoolState::Share(*member), report.why});
      news.notices().back().failures = member->health.failures();
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
      if (refile) state_.Settle(member.get(), change, now, report.why, &news);
      if (quota && now < member->health.cooling_until()) {
        member->why_cooling = report.why;
        state_.ShareCooling(member.get(), now, report.why, &news);
      }
    }
    // One line of the log for one attempt.
    if (failed && news.notices().size() > first + 1) news.notices()[first].event_only = true;
  }
  state_.Tell(news);
  return failure;
}

void TokenPool::CountStale(PoolMember* member) {
  PoolNews news;
  {
    MutexLock lock(&state_.mutex);
    ++state_.CountersOf(member).outcomes[static_cast<std::size_t>(Outcome::kAuthStale)];
    state_.MarkUnsaved(member, false, &news);
  }
  state_.Tell(news);
}

void TokenPool::Judge(const DeferredFailure& deferred, const Witness& witness) {
  if (witness.token == &deferred.token()) return;  // who has overcome its own error has shown nothing about itself
  PoolNews news;
  {
    MutexLock lock(&state_.mutex);
    PoolMember* const member = deferred.member.get();
    if (!member->is_member || (deferred.at_exchange && deferred.refreshes != member->counters.refreshes)) return;
    const SteadyTime now = state_.clock.Steady();
    state_.Wake(now, &news);
    const bool same_kind = deferred.outcome == Outcome::kServerError || witness.token->kind() == member->token.kind();
    if (!same_kind || (deferred.at_exchange && !witness.refreshed)) {
      member->health.SetBack(deferred.verdict, now);
      state_.Refile(member, now, deferred.why, &news);
    } else if (!IsFlapping(deferred)) {
      const auto change = member->health.Confirm(deferred.verdict, now, state_.options.health);
      if (change != HealthChange::kNone) state_.Settle(member, change, now, deferred.why, &news);
    }
  }
  state_.Tell(news);
}

bool TokenPool::Recover(const std::string& name) {
  PoolNews news;
  {
    MutexLock lock(&state_.mutex);
    PoolMember* const member = state_.registry.Find(name);
    if (member == nullptr) return false;
    const SteadyTime now = state_.clock.Steady();
    state_.Wake(now, &news);
    // The quota that is believed to be back is that of the account.
    for (PoolMember* const other : state_.registry.MembersOf(member)) {
      if (other != member && other->health.CorrectCooling(now, now)) NoteRecovered(other, now, &news);
    }
    RecoverOne(member, now, &news);
  }
  state_.Tell(news);
  return true;
}

int TokenPool::RecoverAll() {
  PoolNews news;
  int recovered = 0;
  {
    MutexLock lock(&state_.mutex);
    const SteadyTime now = state_.clock.Steady();
    state_.Wake(now, &news);
    for (const Registry::Tier& tier : state_.registry.tiers()) {
      for (const auto& member : tier.members) {
        if (RecoverOne(member.get(), now, &news)) ++recovered;
      }
    }
  }
  state_.Tell(news);
  return recovered;
}

// True: it was not ready. One that was may have failures, be tried by one request at a time, or come behind all others.
bool TokenPool::RecoverOne(PoolMember* member, SteadyTime now, PoolNews* news) {
  const bool has_failures = member->health.failures() > 0;
  const bool was_not_ready = member->health.Recover(now);
  if (was_not_ready || has_failures) {
    NoteRecovered(member, now, news);
  } else {
    state_.Refile(member, now, Status(), news);
  }
  return was_not_ready;
}

void TokenPool::NoteRecovered(PoolMember* member, SteadyTime now, PoolNews* news) {
  state_.Refile(member, now, Status(), news);
  state_.MarkUnsaved(member, true, news);
  news->freed = true;
  if (member->filed_as != TokenState::kReady) return;
  news->notices().push_back(
      {PoolEventKind::kRecovered, member->token.tier(), PoolState::Share(*member), Status(), "by hand"});
}

}  // namespace warppool::internal
