// What the pool tells of itself. Nothing here changes anything, but for noticing that time has passed.
#include <fmt/format.h>

#include <algorithm>

#include "token/token_pool.h"

namespace warppool::internal {
namespace {

// Why it is cooling or disabled.
std::string Words(const PoolMember& member) {
  switch (member.filed_as) {
    case TokenState::kCooling:
      return member.why_cooling.message();
    case TokenState::kResting:
      return member.last_error.message();
    default:
      return member.last_verdict.message();
  }
}

// Why a member that cannot serve now cannot.
std::string WhyNot(const PoolMember& member, int max_in_flight, SteadyTime now) {
  switch (member.filed_as) {
    case TokenState::kReady:
      if (member.health.IsBeingTried(now)) return "it was refused, and another request is trying it";
      return fmt::format("busy: {} of {} requests at a time", member.in_flight, max_in_flight);
    case TokenState::kHalfOpen:
      return "half open: a request is trying it";
    default:
      return fmt::format("{}: {}", TokenStateName(member.filed_as), Words(member));
  }
}

}  // namespace

bool TokenPool::AnyReady(const Wanted& wanted) {
  News news;
  bool found = false;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    found = FindNext(wanted, now) != nullptr;
  }
  Tell(news);
  return found;
}

bool TokenPool::CanServe(const Token& token, const Wanted& wanted) {
  News news;
  bool can = false;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    const Member* const member = roster_.Find(token);
    can = member != nullptr && roster_.CanServe(*member) && Suits(*member, wanted, now);
  }
  Tell(news);
  return can;
}

std::shared_ptr<const Token> TokenPool::FindKey(const std::string& key) const {
  MutexLock lock(&mutex_);
  for (const Roster::Tier& tier : roster_.tiers()) {
    for (const auto& member : tier.members) {
      if (member->token.key() == key) return Share(*member);
    }
  }
  return nullptr;
}

bool TokenPool::SameAccount(const Token& a, const Token& b) const {
  if (&a == &b) return true;
  MutexLock lock(&mutex_);
  const Member* const one = roster_.Find(a);
  const Member* const other = roster_.Find(b);
  return one != nullptr && other != nullptr && !one->account.empty() && one->account == other->account;
}

TokenPool::Outlook TokenPool::WhenReady(const Wanted& wanted) {
  Outlook outlook;
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    for (const auto& [time, member] : roster_.due()) {
      // One that can serve is there for when it comes behind nobody any more.
      const bool can_serve = member->filed_as == TokenState::kReady || member->filed_as == TokenState::kHalfOpen;
      if (can_serve || !IsWorthAWait(*member, wanted, now)) continue;
      outlook.earliest = std::chrono::ceil<std::chrono::milliseconds>(time - now);
      break;
    }
    outlook.busy = roster_.blocked() > 0 && AnyBlocked(wanted, now);
  }
  Tell(news);
  return outlook;
}

std::uint64_t TokenPool::StateChanges() const {
  MutexLock lock(&mutex_);
  return roster_.state_changes();
}

bool TokenPool::AnyOther(const Tokens& tokens, const TokenRestriction* only) const {
  MutexLock lock(&mutex_);
  // Not by their number: some of `tokens` may be gone.
  for (const Roster::Tier& tier : roster_.tiers()) {
    for (const auto& member : tier.members) {
      if (only != nullptr && !only->Allows(tier.tier, member->id)) continue;
      if (tokens.count(&member->token) == 0) return true;
    }
  }
  return false;
}

bool TokenPool::AnyBlocked(const Wanted& wanted, SteadyTime now) const {
  for (const Roster::Tier& tier : roster_.tiers()) {
    for (std::size_t next = tier.blocked.FirstFrom(0); next != PositionSet::kNone;
         next = tier.blocked.FirstFrom(next + 1)) {
      if (IsWorthAWait(*tier.members[next], wanted, now)) return true;
    }
  }
  return false;
}

// Who was tried since the request began, and refused, is not asked once more by those who waited for it.
bool TokenPool::IsWorthAWait(const Member& member, const Wanted& wanted, SteadyTime now) {
  if (!Suits(member, wanted, now)) return false;
  return !member.health.RefusedSince(wanted.began) || member.health.ServedLately(now);
}

std::optional<std::chrono::milliseconds> TokenPool::RestOf(const Token& token, const Wanted& wanted) {
  MutexLock lock(&mutex_);
  const SteadyTime now = clock_.Steady();
  const Member* const member = roster_.Find(token);
  if (member == nullptr || !IsWorthAWait(*member, wanted, now)) return std::nullopt;
  const TokenState state = member->health.StateAt(now);
  if (state == TokenState::kReady && member->health.IsBeingTried(now)) return std::chrono::milliseconds(0);
  if (state != TokenState::kResting) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(*member->health.TurnsAt() - now);
}

bool TokenPool::ServedLatelyOrIsNew(const Token& token) const {
  MutexLock lock(&mutex_);
  const SteadyTime now = clock_.Steady();
  const Member* const member = roster_.Find(token);
  return member != nullptr && (member->health.ServedLately(now) || member->health.IsNew(now));
}

bool TokenPool::AnyServedLately() const {
  MutexLock lock(&mutex_);
  const SteadyTime now = clock_.Steady();
  for (const Roster::Tier& tier : roster_.tiers()) {
    for (const auto& member : tier.members) {
      if (member->health.ServedLately(now)) return true;
    }
  }
  return false;
}

std::vector<Attempt> TokenPool::WhyNotReady(const Tokens& excluded, const TokenRestriction* only) {
  std::vector<Attempt> reasons;
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    for (const Roster::Tier& tier : roster_.tiers()) {
      for (const auto& member : tier.members) {
        if (excluded.count(&member->token) != 0) continue;
        if (only != nullptr && !only->Allows(tier.tier, member->id)) continue;
        if (roster_.CanServe(*member)) continue;
        reasons.push_back(
            {member->token.name(), Code::kNoTokenReady, WhyNot(*member, roster_.options().max_in_flight, now)});
      }
    }
  }
  Tell(news);
  return reasons;
}

TokenStatus TokenPool::StatusOf(const Member& member, SteadyTime now) const {
  const Token& token = member.token;
  TokenStatus s;
  s.name = token.name();
  s.tier = token.tier();
  s.kind = token.kind();
  s.state = member.filed_as;
  s.failures = member.health.failures();
  s.in_flight = member.in_flight;
  s.served = member.counters.Successes();
  s.total_failures = member.counters.failures;
  s.refreshes = member.counters.refreshes;
  s.last_error = member.last_error.code();
  s.last_error_message = member.last_error.message();
  s.quota = member.quota;
  if (s.state != TokenState::kReady) {
    s.reason = Words(member);
    s.ready_at = ToSystemTime(WallTimeOf(member.health.TurnsAt(), now));
  }
  const Member* const first = roster_.FirstOf(member);
  if (first != &member) s.same_account = first->token.name();
  if (const auto jwt = token.jwt(); jwt && jwt->end_is_known && now < jwt->expires_at) {
    s.jwt_expires = ToSystemTime(jwt->expires_at_wall);
  }
  return s;
}

PoolStatus TokenPool::Snapshot() {
  PoolStatus status;
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    for (const Roster::Tier& tier : roster_.tiers()) {
      for (const auto& member : tier.members) status.tokens.push_back(StatusOf(*member, now));
    }
  }
  Tell(news);
  return status;
}

std::vector<TokenExplanation> TokenPool::Explain() {
  std::vector<TokenExplanation> explanations;
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    std::unordered_map<const Member*, int> turns;
    bool probes = true;
    roster_.Visit(
        true, [](Tier /*tier*/) { return true; },
        [&](const auto& member) {
          const bool is_probe = member->filed_as == TokenState::kHalfOpen;
          if (!is_probe || std::exchange(probes, false))
            turns.emplace(member.get(), static_cast<int>(turns.size()) + 1);
          return false;
        });
    for (const Roster::Tier& tier : roster_.tiers()) {
      for (const auto& member : tier.members) {
        TokenExplanation& e = explanations.emplace_back();
        e.name = member->token.name();
        e.tier = tier.tier;
        const auto turn = turns.find(member.get());
        e.turn = turn == turns.end() ? 0 : turn->second;
        e.reason = WhyOf(*member, e.turn, now);
        if (e.turn == 0 && !member->blocked) e.until = ToSystemTime(WallTimeOf(member->turns_at, now));
      }
    }
  }
  Tell(news);
  return explanations;
}

std::string TokenPool::WhyOf(const Member& member, int turn, SteadyTime now) const {
  const bool half_open = member.filed_as == TokenState::kHalfOpen;
  if (turn > 0) {
    const std::string what = half_open
                                 ? fmt::format("half open after \"{}\", and to be tried", Words(member))
                                 : (member.set_back ? "ready, but behind all others since it was refused" : "ready");
    if (turn == 1) return fmt::format("{}; its turn is next", what);
    return fmt::format("{}; {} other{} would be tried before it", what, turn - 1, turn == 2 ? "" : "s");
  }
  if (half_open && !member.blocked)
    return "half open; a request tries one such token, and another one's turn is before";
  return WhyNot(member, roster_.options().max_in_flight, now);
}

std::shared_ptr<Token> TokenPool::Find(const std::string& name) const {
  MutexLock lock(&mutex_);
  Member* const member = roster_.Find(name);
  if (member == nullptr) return nullptr;
  return {member->shared_from_this(), &member->token};
}

std::vector<std::shared_ptr<Token>> TokenPool::All() const {
  std::vector<std::shared_ptr<Token>> tokens;
  MutexLock lock(&mutex_);
  for (const auto& member : roster_.All()) tokens.emplace_back(member, &member->token);
  return tokens;
}

std::optional<TokenStatus> TokenPool::StatusOf(const Token& token) {
  std::optional<TokenStatus> status;
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    Wake(now, &news);
    if (const Member* const member = roster_.Find(token)) status = StatusOf(*member, now);
  }
  Tell(news);
  return status;
}

TokenStats TokenPool::StatsOf(const Member& member, SteadyTime now) const {
  const TokenStatus status = StatusOf(member, now);
  TokenStats s;
  s.name = status.name;
  s.tier = status.tier;
  s.kind = status.kind;
  s.state = status.state;
  s.in_flight = status.in_flight;
  s.counters = member.counters;
  if (member.last_used) s.last_used = ToSystemTime(WallTimeOf(*member.last_used, now));
  s.jwt_expires = status.jwt_expires;
  s.last_error = status.last_error;
  s.last_error_message = status.last_error_message;
  s.quota = status.quota;
  return s;
}

Stats TokenPool::Statistics() {
  Stats stats;
  News news;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    stats.time = ToSystemTime(clock_.Wall());
    Wake(now, &news);
    // Tiers that a reload left out have nobody any more, but what they counted stays in the totals.
    std::vector<Tier> order = options_.tier_order;
    for (const auto& [tier, counted] : retired_) {
      if (std::find(order.begin(), order.end(), tier) == order.end()) order.push_back(tier);
    }
    for (const Tier tier : order) {
      TierStats of_tier;
      of_tier.tier = tier;
      const auto retired = retired_.find(tier);
      if (retired != retired_.end()) of_tier.counters = retired->second;
      for (const Roster::Tier& standing : roster_.tiers()) {
        if (standing.tier != tier) continue;
        of_tier.tokens = static_cast<int>(standing.members.size());
        of_tier.ready = standing.ready;
        for (const auto& member : standing.members) {
          of_tier.in_flight += member->in_flight;
          of_tier.counters += member->counters;
          of_tier.counters -= member->elsewhere;
          stats.tokens.push_back(StatsOf(*member, now));
        }
      }
      stats.total += of_tier.counters;
      if (of_tier.tokens > 0 || retired != retired_.end()) stats.tiers.push_back(of_tier);
    }
  }
  Tell(news);
  return stats;
}

}  // namespace warppool::internal

namespace warppool {

std::int64_t Quota::Remaining() const {
  return std::max<std::int64_t>(limit - used, 0) + bonus;
}

int PoolStatus::Active() const {
  return static_cast<int>(std::count_if(tokens.begin(), tokens.end(),
                                        [](const TokenStatus& token) { return token.state == TokenState::kReady; }));
}

std::string PoolStatus::Summary() const {
  std::string tiers;
  for (auto first = tokens.begin(); first != tokens.end();) {
    const auto last = std::find_if(first, tokens.end(), [&](const TokenStatus& t) { return t.tier != first->tier; });
    const auto active = std::count_if(first, last, [](const auto& t) { return t.state == TokenState::kReady; });
    const bool all = active == last - first;
    tiers += fmt::format("{}{}: {}", tiers.empty() ? "" : ", ", TierName(first->tier), active);
    if (!all) tiers += fmt::format("/{}", last - first);
    first = last;
  }
  return fmt::format("{}/{} active ({})", Active(), tokens.size(), tiers);
}

}  // namespace warppool
