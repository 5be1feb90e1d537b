#include "token/pool_membership.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_set>

namespace warppool::internal {
namespace {

Status NoSuchToken(const std::string& name) {
  return {Code::kInvalidArgument, fmt::format("token: there is none with the name \"{}\"", name)};
}

bool IsSameLogin(const Token& token, const TokenConfig& config) {
  if (token.kind() != config.kind || config.kind == CredentialKind::kCallback) return false;
  return token.configured() == config.credential || token.credential() == config.credential;
}

// Whether the token stays the same with `config`, maybe under another name.
bool Continues(const Token& token, const TokenConfig& config) {
  return IsSameLogin(token, config) ||
         (token.kind() == CredentialKind::kCallback && config.kind == CredentialKind::kCallback);
}

}  // namespace

void PoolMembership::Begin(const std::vector<TokenConfig>& tokens) {
  const std::vector<std::string> names = NamesOf(tokens);
  Registry::Members members;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    members.push_back(std::make_shared<PoolMember>(names[i], tokens[i]));
  }
  MutexLock lock(&state_->mutex);
  Identify(members);
  state_->registry.Arrange(RegistryOptions(), members, state_->clock.Steady());
}

void PoolMembership::TellLoaded() const {
  if (!state_->reporter.enabled()) return;
  std::vector<PoolNotice> notices;
  {
    MutexLock lock(&state_->mutex);
    for (const Registry::Tier& tier : state_->registry.tiers()) {
      for (const auto& member : tier.members) {
        notices.push_back(
            {PoolEventKind::kLoaded, tier.tier, PoolState::Share(*member), Status(), "from the configuration"});
      }
    }
  }
  state_->reporter.Tell(notices);
}

Registry::Options PoolMembership::RegistryOptions() const {
  return {state_->options.tier_order, state_->options.strategy, state_->options.max_in_flight};
}

Status PoolMembership::FaultOf(const TokenConfig& config, const PoolMember* replaced) const {
  const auto& order = state_->options.tier_order;
  if (std::find(order.begin(), order.end(), config.tier) == order.end()) {
    return {Code::kInvalidArgument, fmt::format("tier: {} is not in tier_order", TierName(config.tier))};
  }
  for (const Registry::Tier& tier : state_->registry.tiers()) {
    for (const auto& member : tier.members) {
      if (member.get() == replaced || !IsSameLogin(member->token, config)) continue;
      return {Code::kInvalidArgument, fmt::format("credential: {} has the same", member->token.name())};
    }
  }
  const PoolMember* const namesake = config.name.empty() ? nullptr : state_->registry.Find(config.name);
  if (namesake == nullptr || namesake == replaced) return {};
  return {Code::kInvalidArgument, "name: another token has the same"};
}

std::string PoolMembership::NameFor(const TokenConfig& config, const PoolMember* replaced) const {
  if (!config.name.empty()) return config.name;
  for (std::size_t digits = kShortestFingerprint;; ++digits) {
    std::string name = AutomaticName(config.tier, config.credential, digits);
    const PoolMember* const namesake = state_->registry.Find(name);
    if (namesake == nullptr || namesake == replaced || digits >= 2 * Fingerprint().size()) return name;
  }
}

Result<std::shared_ptr<Token>> PoolMembership::Add(const TokenConfig& config) {
  PoolNews news;
  std::shared_ptr<PoolMember> member;
  {
    MutexLock lock(&state_->mutex);
    if (Status fault = FaultOf(config, nullptr); !fault.ok()) return fault;
    member = std::make_shared<PoolMember>(NameFor(config, nullptr), config);
    Registry::Members members = state_->registry.All();
    members.push_back(member);
    Arrange(members, state_->clock.Steady(), &news);
    news.notices().push_back({PoolEventKind::kLoaded, config.tier, PoolState::Share(*member), Status(), "added"});
  }
  state_->Tell(news);
  return std::shared_ptr<Token>(member, &member->token);
}

Status PoolMembership::Remove(const std::string& name) {
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    PoolMember* const member = state_->registry.Find(name);
    if (member == nullptr) return NoSuchToken(name);
    Registry::Members members = state_->registry.All();
    if (members.size() == 1) {
      return {Code::kInvalidArgument, "token: it is the last one; add another one before, or close the client"};
    }
    const auto gone = std::remove(members.begin(), members.end(), member->shared_from_this());
    members.erase(gone, members.end());
    Retire(member, &news);
    Arrange(members, state_->clock.Steady(), &news);
  }
  state_->Tell(news);
  return {};
}

Result<std::string> PoolMembership::Rename(const std::string& name, const std::string& wanted) {
  PoolNews news;
  std::string now_called;
  {
    MutexLock lock(&state_->mutex);
    PoolMember* const member = state_->registry.Find(name);
    if (member == nullptr) return NoSuchToken(name);
    const Token& token = member->token;
    if (wanted.empty() && token.kind() == CredentialKind::kCallback) {
      return Status(Code::kInvalidArgument, "name: is empty, and this token has no credential to be named after");
    }
    const TokenConfig config{token.configured(), token.tier(), token.kind(), wanted};
    if (Status fault = FaultOf(config, member); !fault.ok()) return fault;
    now_called = NameFor(config, member);
    member->has_automatic_name = wanted.empty();
    if (now_called == name) return now_called;
    state_->registry.Rename(member, now_called);
    NoteChanged(*member, fmt::format("renamed, it was {}", name), &news);
  }
  state_->Tell(news);
  return now_called;
}

Result<std::string> PoolMembership::Move(const std::string& name, Tier tier) {
  PoolNews news;
  std::string now_called;
  {
    MutexLock lock(&state_->mutex);
    PoolMember* const member = state_->registry.Find(name);
    if (member == nullptr) return NoSuchToken(name);
    const Tier before = member->token.tier();
    if (before == tier) return name;
    TokenConfig config{member->token.configured(), tier, member->token.kind(), name};
    if (Status fault = FaultOf(config, member); !fault.ok()) return fault;
    if (member->has_automatic_name) config.name.clear();
    now_called = NameFor(config, member);
    Registry::Members members = state_->registry.All();
    const auto self = std::find(members.begin(), members.end(), member->shared_from_this());
    std::rotate(self, self + 1, members.end());
    MoveTo(member, tier);
    member->token.Rename(now_called);
    Arrange(members, state_->clock.Steady(), &news);
    NoteChanged(*member, fmt::format("moved from tier {}, it was {}", TierName(before), name), &news);
  }
  state_->Tell(news);
  return now_called;
}

Result<std::shared_ptr<Token>> PoolMembership::Replace(const std::string& name, TokenConfig config) {
  PoolNews news;
  std::shared_ptr<PoolMember> member;
  {
    MutexLock lock(&state_->mutex);
    PoolMember* const old = state_->registry.Find(name);
    if (old == nullptr) return NoSuchToken(name);
    config.tier = old->token.tier();
    config.name = old->has_automatic_name && config.kind != CredentialKind::kCallback ? "" : name;
    if (Status fault = FaultOf(config, old); !fault.ok()) return fault;
    member = std::make_shared<PoolMember>(NameFor(config, old), config);
    Inherit(*old, member.get());
    const bool had_its_turn = state_->registry.ServedLast(*old);
    Registry::Members members = state_->registry.All();
    std::replace(members.begin(), members.end(), old->shared_from_this(), member);
    Release(old, &news);
    Arrange(members, state_->clock.Steady(), &news);
    if (had_its_turn) state_->registry.Served(*member);
    NoteChanged(*member, fmt::format("another credential, it was {}", name), &news);
  }
  state_->Tell(news);
  return std::shared_ptr<Token>(member, &member->token);
}

ReloadResult PoolMembership::Reload(PoolOptions options, const std::vector<TokenConfig>& tokens,
                                    std::vector<std::shared_ptr<Token>>* added) {
  ReloadResult result;
  PoolNews news;
  {
    MutexLock lock(&state_->mutex);
    const auto& order = options.tier_order;
    const std::vector<std::string> names = NamesOf(tokens);
    const Registry::Members before = state_->registry.All();
    const std::vector<PoolMember*> matches = Match(before, tokens);
    std::unordered_set<const PoolMember*> known;
    Registry::Members members;
    std::vector<const PoolMember*> had_their_turn;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const TokenConfig& config = tokens[i];
      if (std::find(order.begin(), order.end(), config.tier) == order.end()) continue;
      PoolMember* const old = matches[i];
      known.insert(old);
      if (old != nullptr && Continues(old->token, config)) {
        members.push_back(old->shared_from_this());
        if (Adapt(old, config, names[i], &news)) {
          result.changed.push_back(names[i]);
        } else {
          ++result.kept;
        }
        continue;
      }
      members.push_back(std::make_shared<PoolMember>(names[i], config));
      PoolMember* const member = members.back().get();
      added->emplace_back(members.back(), &member->token);
      if (old == nullptr) {
        result.added.push_back(names[i]);
        news.notices().push_back({PoolEventKind::kLoaded, config.tier, PoolState::Share(*member), Status(), "added"});
        continue;
      }
      result.changed.push_back(names[i]);
      Inherit(*old, member);
      if (state_->registry.ServedLast(*old) && old->token.tier() == config.tier) had_their_turn.push_back(member);
      Release(old, &news);
      NoteChanged(*member, "another credential", &news);
    }
    for (const auto& member : before) {
      if (known.count(member.get()) != 0) continue;
      result.removed.push_back(member->token.name());
      Retire(member.get(), &news);
    }
    state_->options = std::move(options);
    Arrange(members, state_->clock.Steady(), &news);
    for (const PoolMember* const member : had_their_turn) state_->registry.Served(*member);
  }
  state_->Tell(news);
  return result;
}

// Who each of `tokens` was before, by its credential or else by the name that it is given; null: nobody.
std::vector<PoolMember*> PoolMembership::Match(const Registry::Members& before,
                                               const std::vector<TokenConfig>& tokens) const {
  std::map<Fingerprint, PoolMember*> by_credential;
  for (const auto& member : before) {
    if (member->token.kind() == CredentialKind::kCallback) continue;
    by_credential.emplace(FingerprintOf(member->token.configured()), member.get());
    by_credential.emplace(FingerprintOf(member->token.credential()), member.get());
  }
  std::vector<PoolMember*> matches(tokens.size());
  std::unordered_set<const PoolMember*> taken;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].kind == CredentialKind::kCallback) continue;
    const auto same = by_credential.find(FingerprintOf(tokens[i].credential));
    if (same != by_credential.end() && taken.insert(same->second).second) matches[i] = same->second;
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    PoolMember* const namesake = tokens[i].name.empty() ? nullptr : state_->registry.Find(tokens[i].name);
    if (matches[i] == nullptr && namesake != nullptr && taken.insert(namesake).second) matches[i] = namesake;
  }
  return matches;
}

// Gives `member` the tier, the name and the source of bearers in `config`. Whether that is news.
bool PoolMembership::Adapt(PoolMember* member, const TokenConfig& config, const std::string& name, PoolNews* news) {
  Token& token = member->token;
  std::string what;
  if (token.tier() != config.tier) {
    what = fmt::format("moved from tier {}", TierName(token.tier()));
    MoveTo(member, config.tier);
  }
  if (const std::string before = token.name(); before != name) {
    what += fmt::format("{}it was {}", what.empty() ? "renamed, " : ", ", before);
    token.Rename(name);
  }
  member->has_automatic_name = config.name.empty();
  token.SetBearerSource(config.bearer_source);
  if (token.kind() == CredentialKind::kCallback) token.SetJwt(nullptr);  // it is the former source's
  if (what.empty()) return false;
  NoteChanged(*member, std::move(what), news);
  return true;
}

// A token with another credential goes on counting where the one before stopped, and serves whom that might serve.
void PoolMembership::Inherit(const PoolMember& old, PoolMember* member) {
  member->id = old.id;
  member->counters = old.counters;
  member->elsewhere = old.elsewhere;
  member->last_used = old.last_used;
  member->has_inherited = true;
}

void PoolMembership::Retire(PoolMember* member, PoolNews* news) {
  Counters counted = member->counters;
  counted -= member->elsewhere;
  state_->retired[member->token.tier()] += counted;
  news->notices().push_back(
      {PoolEventKind::kRemoved, member->token.tier(), PoolState::Share(*member), Status(), "removed"});
  Release(member, news);
}

// What it counted until now is to be kept.
void PoolMembership::Release(PoolMember* member, PoolNews* news) {
  state_->MarkUnsaved(member, false, news);  // its health may be known better elsewhere
  // What is remembered of it must not keep its credential in memory.
  const auto is_its = [&](const PoolState::Met& met) { return met.member.get() == member; };
  state_->met.erase(std::remove_if(state_->met.begin(), state_->met.end(), is_its), state_->met.end());
  news->gone().emplace_back(member->shared_from_this(), &member->token);
}

// What it counted so far stays with the tier that it leaves.
void PoolMembership::MoveTo(PoolMember* member, Tier tier) {
  Counters counted = member->counters;
  counted -= member->elsewhere;
  state_->retired[member->token.tier()] += counted;
  member->elsewhere = member->counters;
  member->token.MoveTo(tier);
}

void PoolMembership::Arrange(const Registry::Members& members, SteadyTime now, PoolNews* news) {
  state_->Wake(now, news);
  Identify(members);
  state_->registry.Arrange(RegistryOptions(), members, now);
  news->freed = true;
}

void PoolMembership::Identify(const Registry::Members& members) {
  for (const auto& member : members) {
    if (member->id == 0) member->id = ++state_->last_id;
  }
}

void PoolMembership::NoteChanged(const PoolMember& member, std::string what, PoolNews* news) {
  news->notices().push_back(
      {PoolEventKind::kChanged, member.token.tier(), PoolState::Share(member), Status(), std::move(what)});
}

std::shared_ptr<const Token> PoolMembership::FindKey(const std::string& key) const {
  MutexLock lock(&state_->mutex);
  for (const Registry::Tier& tier : state_->registry.tiers()) {
    for (const auto& member : tier.members) {
      if (member->token.key() == key) return PoolState::Share(*member);
    }
  }
  return nullptr;
}

bool PoolMembership::AnyOther(const TokenSet& tokens, const TokenRestriction* only) const {
  MutexLock lock(&state_->mutex);
  // Not by their number: some of `tokens` may be gone.
  for (const Registry::Tier& tier : state_->registry.tiers()) {
    for (const auto& member : tier.members) {
      if (only != nullptr && !only->Allows(tier.tier, member->id)) continue;
      if (tokens.count(&member->token) == 0) return true;
    }
  }
  return false;
}

std::shared_ptr<Token> PoolMembership::Find(const std::string& name) const {
  MutexLock lock(&state_->mutex);
  PoolMember* const member = state_->registry.Find(name);
  if (member == nullptr) return nullptr;
  return {member->shared_from_this(), &member->token};
}

std::vector<std::shared_ptr<Token>> PoolMembership::All() const {
  std::vector<std::shared_ptr<Token>> tokens;
  MutexLock lock(&state_->mutex);
  for (const auto& member : state_->registry.All()) tokens.emplace_back(member, &member->token);
  return tokens;
}
}  // namespace warppool::internal
