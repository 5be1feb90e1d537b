#include "token/token_pool.h"

#include <algorithm>
#include <utility>

namespace warppool {

// Everything but `token` is guarded by the pool's mutex.
struct Lease::Member {
  explicit Member(std::shared_ptr<Token> t) : token(std::move(t)) {}

  const std::shared_ptr<Token> token;
  TokenHealth health;
  int in_flight = 0;
  Status last_error;    // of the last attempt that failed, whoever was to blame
  Status last_verdict;  // why it was struck, disabled or sent to cool last
};

Lease::~Lease() {
  if (member_) std::move(*this).End({Outcome::kCancelled});
}

Lease& Lease::operator=(Lease&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(member_, other.member_);
  std::swap(stamp_, other.stamp_);
  return *this;
}

const std::shared_ptr<Token>& Lease::token() const {
  return member_->token;
}

std::optional<Lease::Charge> Lease::End(const Report& report) && {
  const std::shared_ptr<Member> member = std::exchange(member_, nullptr);
  return pool_->End(member, stamp_, report);
}

TokenPool::TokenPool(PoolOptions options, const std::vector<TokenConfig>& tokens, const Clock& clock, Logger log)
    : options_(std::move(options)), clock_(clock), log_(std::move(log)) {
  const std::vector<std::string> names = NamesOf(tokens);
  for (const Tier tier : options_.tier_order) {
    TierMembers members;
    members.tier = tier;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i].tier != tier) continue;
      auto token = std::make_shared<Token>(names[i], tier, tokens[i].kind, tokens[i].credential);
      members.members.push_back(std::make_shared<Member>(std::move(token)));
    }
    if (members.members.empty()) continue;
    members.last_served = members.members.size() - 1;  // so that the first one is first
    tiers_.push_back(std::move(members));
  }
}

TokenPool::~TokenPool() = default;

std::size_t TokenPool::NextReady(const TierMembers& tier, const Tokens& excluded, SteadyTime now) {
  const std::size_t count = tier.members.size();
  for (std::size_t step = 1; step <= count; ++step) {
    const std::size_t at = (tier.last_served + step) % count;
    const Member& member = *tier.members[at];
    if (member.health.StateAt(now) == TokenState::kReady && excluded.count(member.token.get()) == 0) return at;
  }
  return count;
}

std::optional<Lease> TokenPool::Acquire(const Tokens& excluded) {
  std::optional<Lease> lease;
  {
    MutexLock lock(&mutex_);
    const SteadyTime now = clock_.Steady();
    for (TierMembers& tier : tiers_) {
      const std::size_t at = NextReady(tier, excluded, now);
      if (at == tier.members.size()) continue;
      tier.last_served = at;
      Member& member = *tier.members[at];
      ++member.in_flight;
      lease.emplace(Lease(this, tier.members[at], member.health.Stamp()));
      break;
    }
  }
  if (lease) log_.Info("Selected token: {} (priority: {})", lease->token()->name(), TierName(lease->token()->tier()));
  return lease;
}

bool TokenPool::AnyReady(const Tokens& excluded) const {
  MutexLock lock(&mutex_);
  const SteadyTime now = clock_.Steady();
  return std::any_of(tiers_.begin(), tiers_.end(),
                     [&](const TierMembers& tier) { return NextReady(tier, excluded, now) != tier.members.size(); });
}

std::optional<Lease::Charge> TokenPool::End(const std::shared_ptr<Member>& member, HealthStamp stamp,
                                            const Lease::Report& report) {
  HealthChange change = HealthChange::kNone;
  int strikes = 0;
  std::optional<Lease::Charge> charge;
  {
    MutexLock lock(&mutex_);
    --member->in_flight;
    change = member->health.Report(report.outcome, stamp, clock_.Steady(), report.cool_for, options_.health);
    strikes = member->health.strikes();
    if (!report.why.ok()) member->last_error = report.why;
    if (change != HealthChange::kNone && change != HealthChange::kCleared) member->last_verdict = report.why;
    if (report.outcome == Outcome::kServerError)
      charge = Lease::Charge{member, member->health.Charge(stamp), report.why};
  }
  LogChange(*member, change, strikes, report.why);
  return charge;
}

void TokenPool::Confirm(const Lease::Charge& charge) {
  Member& member = *charge.member;
  HealthChange change = HealthChange::kNone;
  int strikes = 0;
  {
    MutexLock lock(&mutex_);
    change = member.health.Confirm(charge.pending, options_.health);
    strikes = member.health.strikes();
    if (change != HealthChange::kNone) member.last_verdict = charge.why;
  }
  LogChange(member, change, strikes, charge.why);
}

void TokenPool::LogChange(const Member& member, HealthChange change, int strikes, const Status& why) const {
  const std::string& name = member.token->name();
  const int limit = options_.health.max_strikes;
  switch (change) {
    case HealthChange::kNone:
      return;
    case HealthChange::kCleared:
      return log_.Info("Token works again, failures cleared: {}", name);
    case HealthChange::kStrike:
      return log_.Warning("Token failure {}/{}: {}: {}", strikes, limit, name, why.message());
    case HealthChange::kCooling:
      return log_.Warning("Token cooling, quota used up: {}: {}", name, why.message());
    case HealthChange::kDisabled:
      if (strikes >= limit) {
        return log_.Warning("Token deactivated after {} failures: {}: {}", strikes, name, why.message());
      }
      return log_.Warning("Token deactivated: {}: {}", name, why.message());
  }
}

std::vector<Attempt> TokenPool::WhyNotReady(const Tokens& excluded) const {
  std::vector<Attempt> reasons;
  MutexLock lock(&mutex_);
  const SteadyTime now = clock_.Steady();
  for (const TierMembers& tier : tiers_) {
    for (const auto& member : tier.members) {
      const TokenState state = member->health.StateAt(now);
      if (state == TokenState::kReady || excluded.count(member->token.get()) != 0) continue;
      reasons.push_back({member->token->name(), Code::kNoTokenReady,
                         fmt::format("{}: {}", TokenStateName(state), member->last_verdict.message())});
    }
  }
  return reasons;
}

std::optional<std::chrono::milliseconds> TokenPool::EarliestReady() const {
  std::optional<std::chrono::milliseconds> earliest;
  MutexLock lock(&mutex_);
  const SteadyTime now = clock_.Steady();
  for (const TierMembers& tier : tiers_) {
    for (const auto& member : tier.members) {
      if (member->health.StateAt(now) != TokenState::kCooling) continue;
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(member->health.cooling_until() - now);
      if (!earliest || left < *earliest) earliest = left;
    }
  }
  return earliest;
}

PoolStatus TokenPool::Snapshot() const {
  PoolStatus status;
  MutexLock lock(&mutex_);
  const SteadyTime now = clock_.Steady();
  const WallTime wall = clock_.Wall();
  for (const TierMembers& tier : tiers_) {
    for (const auto& member : tier.members) {
      const Token& token = *member->token;
      TokenStatus& s = status.tokens.emplace_back();
      s.name = token.name();
      s.tier = token.tier();
      s.kind = token.kind();
      s.state = member->health.StateAt(now);
      s.strikes = member->health.strikes();
      s.in_flight = member->in_flight;
      s.served = member->health.successes();
      s.blamed = member->health.total_strikes();
      s.refreshes = token.refreshes();
      s.last_error = member->last_error.code();
      s.last_error_message = member->last_error.message();
      if (s.state == TokenState::kCooling) {
        const auto left = std::chrono::ceil<std::chrono::seconds>(member->health.cooling_until() - now);
        s.ready_at = wall + left;
      }
      if (const auto jwt = token.jwt(); jwt && now < jwt->expires_at) s.jwt_expires = jwt->expires_at_wall;
    }
  }
  return status;
}

std::shared_ptr<Token> TokenPool::Find(const std::string& name) const {
  MutexLock lock(&mutex_);
  for (const TierMembers& tier : tiers_) {
    for (const auto& member : tier.members) {
      if (member->token->name() == name) return member->token;
    }
  }
  return nullptr;
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
