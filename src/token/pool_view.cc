#include "token/pool_view.h"

#include <fmt/format.h>

#include <algorithm>

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

std::vector<Attempt> PoolView::WhyNotReady(const TokenSet& excluded, const TokenRestriction* only) {
  std::vector<Attempt> reasons;
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    const SteadyTime now = state_->clock.Steady();
    state_->Wake(now, &news);
    for (const Registry::Tier& tier : state_->registry.tiers()) {
      for (const auto& member : tier.members) {
        if (excluded.count(&member->token) != 0) continue;
        if (only != nullptr && !only->Allows(tier.tier, member->id)) continue;
        if (state_->registry.CanServe(*member)) continue;
        reasons.push_back({member->token.name(), Code::kNoTokenReady,
                           WhyNot(*member, state_->registry.options().max_in_flight, now)});
      }
    }
  }
  state_->Tell(news);
  return reasons;
}

TokenStatus PoolView::StatusOf(const PoolMember& member, SteadyTime now) const {
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
    s.ready_at = ToSystemTime(state_->WallTimeOf(member.health.TurnsAt(), now));
  }
  const PoolMember* const first = state_->registry.FirstOf(member);
  if (first != &member) s.same_account = first->token.name();
  if (const auto jwt = token.jwt(); jwt && jwt->end_is_known && now < jwt->expires_at) {
    s.jwt_expires = ToSystemTime(jwt->expires_at_wall);
  }
  return s;
}

std::optional<TokenStatus> PoolView::StatusOf(const Token& token) {
  std::optional<TokenStatus> status;
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    const SteadyTime now = state_->clock.Steady();
    state_->Wake(now, &news);
    if (const PoolMember* const member = state_->registry.Find(token)) status = StatusOf(*member, now);
  }
  state_->Tell(news);
  return status;
}

PoolStatus PoolView::Snapshot() {
  PoolStatus status;
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    const SteadyTime now = state_->clock.Steady();
    state_->Wake(now, &news);
    for (const Registry::Tier& tier : state_->registry.tiers()) {
      for (const auto& member : tier.members) status.tokens.push_back(StatusOf(*member, now));
    }
  }
  state_->Tell(news);
  return status;
}

std::vector<TokenExplanation> PoolView::Explain() {
  std::vector<TokenExplanation> explanations;
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    const SteadyTime now = state_->clock.Steady();
    state_->Wake(now, &news);
    std::unordered_map<const PoolMember*, int> turns;
    bool probes = true;
    state_->registry.Visit(
        true, [](Tier /*tier*/) { return true; },
        [&](const auto& member) {
          const bool is_probe = member->filed_as == TokenState::kHalfOpen;
          if (!is_probe || std::exchange(probes, false))
            turns.emplace(member.get(), static_cast<int>(turns.size()) + 1);
          return false;
        });
    for (const Registry::Tier& tier : state_->registry.tiers()) {
      for (const auto& member : tier.members) {
        TokenExplanation& e = explanations.emplace_back();
        e.name = member->token.name();
        e.tier = tier.tier;
        const auto turn = turns.find(member.get());
        e.turn = turn == turns.end() ? 0 : turn->second;
        e.reason = WhyOf(*member, e.turn, now);
        if (e.turn == 0 && !member->blocked) e.until = ToSystemTime(state_->WallTimeOf(member->turns_at, now));
      }
    }
  }
  state_->Tell(news);
  return explanations;
}

std::string PoolView::WhyOf(const PoolMember& member, int turn, SteadyTime now) const {
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
  return WhyNot(member, state_->registry.options().max_in_flight, now);
}

TokenStats PoolView::StatsOf(const PoolMember& member, SteadyTime now) const {
  const TokenStatus status = StatusOf(member, now);
  TokenStats s;
  s.name = status.name;
  s.tier = status.tier;
  s.kind = status.kind;
  s.state = status.state;
  s.in_flight = status.in_flight;
  s.counters = member.counters;
  if (member.last_used) s.last_used = ToSystemTime(state_->WallTimeOf(*member.last_used, now));
  s.jwt_expires = status.jwt_expires;
  s.last_error = status.last_error;
  s.last_error_message = status.last_error_message;
  s.quota = status.quota;
  return s;
}

Stats PoolView::Statistics() {
  Stats stats;
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    const SteadyTime now = state_->clock.Steady();
    stats.time = ToSystemTime(state_->clock.Wall());
    state_->Wake(now, &news);
    // Tiers that a reload left out have nobody any more, but what they counted stays in the totals.
    std::vector<Tier> order = state_->options.tier_order;
    for (const auto& [tier, counted] : state_->retired) {
      if (std::find(order.begin(), order.end(), tier) == order.end()) order.push_back(tier);
    }
    for (const Tier tier : order) {
      TierStats of_tier;
      of_tier.tier = tier;
      const auto retired = state_->retired.find(tier);
      if (retired != state_->retired.end()) of_tier.counters = retired->second;
      for (const Registry::Tier& standing : state_->registry.tiers()) {
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
      if (of_tier.tokens > 0 || retired != state_->retired.end()) stats.tiers.push_back(of_tier);
    }
  }
  state_->Tell(news);
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
