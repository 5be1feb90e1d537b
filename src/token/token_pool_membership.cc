// Who is in the pool: tokens that come, go and change. Leases are of a member, so what runs finishes with the one it
// has.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_set>

#include "token/token_pool.h"

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

Roster::Options TokenPool::RosterOptions() const {
  return {options_.tier_order, options_.strategy, options_.max_in_flight};
}

Status TokenPool::FaultOf(const TokenConfig& config, const Member* replaced) const {
  const auto& order = options_.tier_order;
  if (std::find(order.begin(), order.end(), config.tier) == order.end()) {
    return {Code::kInvalidArgument, fmt::format("tier: {} is not in tier_order", TierName(config.tier))};
  }
  for (const Roster::Tier& tier : roster_.tiers()) {
    for (const auto& member : tier.members) {
      if (member.get() == replaced || !IsSameLogin(member->token, config)) continue;
      return {Code::kInvalidArgument, fmt::format("credential: {} has the same", member->token.name())};
    }
  }
  const Member* const namesake = config.name.empty() ? nullptr : roster_.Find(config.name);
  if (namesake == nullptr || namesake == replaced) return {};
  return {Code::kInvalidArgument, "name: another token has the same"};
}

std::string TokenPool::NameFor(const TokenConfig& config, const Member* replaced) const {
  if (!config.name.empty()) return config.name;
  for (std::size_t digits = kShortestFingerprint;; ++digits) {
    std::string name = AutomaticName(config.tier, config.credential, digits);
    const Member* const namesake = roster_.Find(name);
    if (namesake == nullptr || namesake == replaced || digits >= 2 * Fingerprint().size()) return name;
  }
}

Result<std::shared_ptr<Token>> TokenPool::Add(const TokenConfig& config) {
  News news;
  std::shared_ptr<Member> member;
  {
    MutexLock lock(&mutex_);
    if (Status fault = FaultOf(config, nullptr); !fault.ok()) return fault;
    member = std::make_shared<Member>(NameFor(config, nullptr), config);
    Roster::Members members = roster_.All();
    members.push_back(member);
    Arrange(members, clock_.Steady(), &news);
    news.notices.push_back({PoolEventKind::kLoaded, config.tier, Share(*member), Status(), "added"});
  }
  Tell(news);
  return std::shared_ptr<Token>(member, &member->token);
}

Status TokenPool::Remove(const std::string& name) {
  News news;
  {
    MutexLock lock(&mutex_);
    Member* const member = roster_.Find(name);
    if (member == nullptr) return NoSuchToken(name);
    Roster::Members members = roster_.All();
    if (members.size() == 1) {
      return {Code::kInvalidArgument, "token: it is the last one; add another one before, or close the client"};
    }
    const auto gone = std::remove(members.begin(), members.end(), member->shared_from_this());
    members.erase(gone, members.end());
    Retire(member, &news);
    Arrange(members, clock_.Steady(), &news);
  }
  Tell(news);
  return {};
}

Result<std::string> TokenPool::Rename(const std::string& name, const std::string& wanted) {
  News news;
  std::string now_called;
  {
    MutexLock lock(&mutex_);
    Member* const member = roster_.Find(name);
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
    roster_.Rename(member, now_called);
    NoteChanged(*member, fmt::format("renamed, it was {}", name), &news);
  }
  Tell(news);
  return now_called;
}

Result<std::string> TokenPool::Move(const std::string& name, Tier tier) {
  News news;
  std::string now_called;
  {
    MutexLock lock(&mutex_);
    Member* const member = roster_.Find(name);
    if (member == nullptr) return NoSuchToken(name);
    const Tier before = member->token.tier();
    if (before == tier) return name;
    TokenConfig config{member->token.configured(), tier, member->token.kind(), name};
    if (Status fault = FaultOf(config, member); !fault.ok()) return fault;
    if (member->has_automatic_name) config.name.clear();
    now_called = NameFor(config, member);
    Roster::Members members = roster_.All();
    const auto self = std::find(members.begin(), members.end(), member->shared_from_this());
    std::rotate(self, self + 1, members.end());
    MoveTo(member, tier);
    member->token.Rename(now_called);
    Arrange(members, clock_.Steady(), &news);
    NoteChanged(*member, fmt::format("moved from tier {}, it was {}", TierName(before), name), &news);
  }
  Tell(news);
  return now_called;
}

Result<std::shared_ptr<Token>> TokenPool::Replace(const std::string& name, TokenConfig config) {
  News news;
  std::shared_ptr<Member> member;
  {
    MutexLock lock(&mutex_);
    Member* const old = roster_.Find(name);
    if (old == nullptr) return NoSuchToken(name);
    config.tier = old->token.tier();
    config.name = old->has_automatic_name && config.kind != CredentialKind::kCallback ? "" : name;
    if (Status fault = FaultOf(config, old); !fault.ok()) return fault;
    member = std::make_shared<Member>(NameFor(config, old), config);
    Inherit(*old, member.get());
    const bool had_its_turn = roster_.ServedLast(*old);
    Roster::Members members = roster_.All();
    std::replace(members.begin(), members.end(), old->shared_from_this(), member);
    Release(old, &news);
    Arrange(members, clock_.Steady(), &news);
    if (had_its_turn) roster_.Served(*member);
    NoteChanged(*member, fmt::format("another credential, it was {}", name), &news);
  }
  Tell(news);
  return std::shared_ptr<Token>(member, &member->token);
}

ReloadResult TokenPool::Reload(PoolOptions options, const std::vector<TokenConfig>& tokens,
                               std::vector<std::shared_ptr<Token>>* added) {
  ReloadResult result;
  News news;
  {
    MutexLock lock(&mutex_);
    const auto& order = options.tier_order;
    const std::vector<std::string> names = NamesOf(tokens);
    const Roster::Members before = roster_.All();
    const std::vector<Member*> matches = Match(before, tokens);
    std::unordered_set<const Member*> known;
    Roster::Members members;
    std::vector<const Member*> had_their_turn;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const TokenConfig& config = tokens[i];
      if (std::find(order.begin(), order.end(), config.tier) == order.end()) continue;
      Member* const old = matches[i];
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
      members.push_back(std::make_shared<Member>(names[i], config));
      Member* const member = members.back().get();
      added->emplace_back(members.back(), &member->token);
      if (old == nullptr) {
        result.added.push_back(names[i]);
        news.notices.push_back({PoolEventKind::kLoaded, config.tier, Share(*member), Status(), "added"});
        continue;
      }
      result.changed.push_back(names[i]);
      Inherit(*old, member);
      if (roster_.ServedLast(*old) && old->token.tier() == config.tier) had_their_turn.push_back(member);
      Release(old, &news);
      NoteChanged(*member, "another credential", &news);
    }
    for (const auto& member : before) {
      if (known.count(member.get()) != 0) continue;
      result.removed.push_back(member->token.name());
      Retire(member.get(), &news);
    }
    options_ = std::move(options);
    Arrange(members, clock_.Steady(), &news);
    for (const Member* const member : had_their_turn) roster_.Served(*member);
  }
  Tell(news);
  return result;
}

// Who each of `tokens` was before, by its credential or else by the name that it is given; null: nobody.
std::vector<PoolMember*> TokenPool::Match(const Roster::Members& before, const std::vector<TokenConfig>& tokens) const {
  std::map<Fingerprint, Member*> by_credential;
  for (const auto& member : before) {
    if (member->token.kind() == CredentialKind::kCallback) continue;
    by_credential.emplace(FingerprintOf(member->token.configured()), member.get());
    by_credential.emplace(FingerprintOf(member->token.credential()), member.get());
  }
  std::vector<Member*> matches(tokens.size());
  std::unordered_set<const Member*> taken;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].kind == CredentialKind::kCallback) continue;
    const auto same = by_credential.find(FingerprintOf(tokens[i].credential));
    if (same != by_credential.end() && taken.insert(same->second).second) matches[i] = same->second;
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    Member* const namesake = tokens[i].name.empty() ? nullptr : roster_.Find(tokens[i].name);
    if (matches[i] == nullptr && namesake != nullptr && taken.insert(namesake).second) matches[i] = namesake;
  }
  return matches;
}

// Gives `member` the tier, the name and the source of bearers in `config`. Whether that is news.
bool TokenPool::Adapt(Member* member, const TokenConfig& config, const std::string& name, News* news) {
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
void TokenPool::Inherit(const Member& old, Member* member) {
  member->id = old.id;
  member->counters = old.counters;
  member->elsewhere = old.elsewhere;
  member->last_used = old.last_used;
  member->has_inherited = true;
}

void TokenPool::Retire(Member* member, News* news) {
  Counters counted = member->counters;
  counted -= member->elsewhere;
  retired_[member->token.tier()] += counted;
  news->notices.push_back({PoolEventKind::kRemoved, member->token.tier(), Share(*member), Status(), "removed"});
  Release(member, news);
}

// What it counted until now is to be kept.
void TokenPool::Release(Member* member, News* news) {
  MarkUnsaved(member, false, news);  // its health may be known better elsewhere
  // What is remembered of it must not keep its credential in memory.
  const auto is_its = [&](const Met& met) { return met.member.get() == member; };
  met_.erase(std::remove_if(met_.begin(), met_.end(), is_its), met_.end());
  news->gone.emplace_back(member->shared_from_this(), &member->token);
}

// What it counted so far stays with the tier that it leaves.
void TokenPool::MoveTo(Member* member, Tier tier) {
  Counters counted = member->counters;
  counted -= member->elsewhere;
  retired_[member->token.tier()] += counted;
  member->elsewhere = member->counters;
  member->token.MoveTo(tier);
}

void TokenPool::Arrange(const Roster::Members& members, SteadyTime now, News* news) {
  Wake(now, news);
  Identify(members);
  roster_.Arrange(RosterOptions(), members, now);
  news->freed = true;
}

void TokenPool::Identify(const Roster::Members& members) {
  for (const auto& member : members) {
    if (member->id == 0) member->id = ++last_id_;
  }
}

void TokenPool::NoteChanged(const Member& member, std::string what, News* news) {
  news->notices.push_back({PoolEventKind::kChanged, member.token.tier(), Share(member), Status(), std::move(what)});
}

}  // namespace warppool::internal
