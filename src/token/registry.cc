#include "token/registry.h"

#include <algorithm>

namespace warppool::internal {

void Registry::Arrange(Options options, const Members& members, SteadyTime now) {
  // What may find no memory comes before anything changes.
  std::vector<Tier> tiers;
  std::unordered_map<std::string, Member*> by_name;
  std::unordered_map<const Token*, Member*> by_token;
  std::unordered_map<std::string, std::vector<Member*>> accounts;
  for (const warppool::Tier tier : options.tier_order) {
    Members standing;
    for (const auto& member : members) {
      if (member->token.tier() != tier) continue;
      standing.push_back(member);
      by_name.emplace(member->token.name(), member.get());
      by_token.emplace(&member->token, member.get());
      if (!member->account.empty()) accounts[member->account].push_back(member.get());
    }
    if (standing.empty()) continue;
    const std::size_t size = standing.size();
    tiers.push_back({tier, std::move(standing), Selector(options.strategy, size), Selector(options.strategy, size),
                     PositionSet(size)});
  }

  for (const Tier& tier : tiers_) {
    for (const auto& member : tier.members) member->is_member = false;
  }
  options_ = std::move(options);
  tiers_.swap(tiers);
  by_name_.swap(by_name);
  by_token_.swap(by_token);
  accounts_.swap(accounts);
  in_service_ = 0;
  set_back_ = 0;
  blocked_ = 0;
  ++state_changes_;
  while (!due_.empty()) {
    auto node = due_.extract(due_.begin());
    Member* const member = node.value().second;
    member->due_node = std::move(node);
  }
  for (std::size_t t = 0; t < tiers_.size(); ++t) {
    for (std::size_t position = 0; position < tiers_[t].members.size(); ++position) {
      Member* const member = tiers_[t].members[position].get();
      member->is_member = true;
      member->tier = t;
      member->position = position;
      member->filed_as = TokenState::kDisabled;
      member->blocked = false;
      member->set_back = false;
      member->turns_at.reset();
    }
  }
  for (const Tier& before : tiers) ResumeTurn(before);
  for (const Tier& tier : tiers_) {
    for (const auto& member : tier.members) File(member.get(), now);
  }
}

// The turn of a tier goes on behind the one that was served last, of those who are still there.
void Registry::ResumeTurn(const Tier& before) {
  const auto same = [&](const Tier& tier) { return tier.tier == before.tier; };
  const auto tier = std::find_if(tiers_.begin(), tiers_.end(), same);
  if (tier == tiers_.end()) return;
  for (std::size_t position = std::min(before.selector.turn(), before.members.size()); position > 0; --position) {
    const Member& served = *before.members[position - 1];
    if (!served.is_member || &tiers_[served.tier] != &*tier) continue;
    return tier->selector.Served(served.position);
  }
}

Registry::Members Registry::All() const {
  Members all;
  for (const Tier& tier : tiers_) all.insert(all.end(), tier.members.begin(), tier.members.end());
  return all;
}

bool Registry::File(Member* member, SteadyTime now) noexcept {
  Tier& tier = tiers_[member->tier];
  const TokenState state = member->health.StateAt(now);
  const bool in_a_state_to = state == TokenState::kReady || state == TokenState::kHalfOpen;
  const bool full =
      (options_.max_in_flight > 0 && member->in_flight >= options_.max_in_flight) || member->health.IsBeingTried(now);
  const bool could_before = CanServe(*member);

  Selector::Place place = Selector::Place::kOut;
  if (in_a_state_to && !full) {
    place = state == TokenState::kReady ? Selector::Place::kReady : Selector::Place::kHalfOpen;
  }
  const bool set_back = member->health.IsSetBack(now);
  if (set_back != member->set_back) {
    Selector& left = member->set_back ? tier.set_back : tier.selector;
    left.Put(member->position, Selector::Place::kOut, member->in_flight);
    member->set_back = set_back;
    set_back_ += set_back ? 1 : -1;
    ++state_changes_;
  }
  (set_back ? tier.set_back : tier.selector).Put(member->position, place, member->in_flight);

  if (state != member->filed_as) ++state_changes_;
  const auto in_service = [](TokenState s) { return s == TokenState::kReady || s == TokenState::kResting ? 1 : 0; };
  tier.ready += (state == TokenState::kReady ? 1 : 0) - (member->filed_as == TokenState::kReady ? 1 : 0);
  const int difference = in_service(state) - in_service(member->filed_as);
  tier.in_service += difference;
  in_service_ += difference;
  member->filed_as = state;

  const bool blocked = in_a_state_to && full;
  const bool unblocked = member->blocked && !blocked;
  blocked_ += (blocked ? 1 : 0) - (member->blocked ? 1 : 0);
  member->blocked = blocked;
  if (blocked) {
    tier.blocked.Insert(member->position);
  } else if (unblocked) {
    tier.blocked.Erase(member->position);
  }

  auto turns_at = in_a_state_to ? std::nullopt : member->health.TurnsAt();
  if (in_a_state_to && set_back) turns_at = member->health.set_back_until();
  if (turns_at != member->turns_at) {
    ++state_changes_;
    if (member->turns_at) member->due_node = due_.extract({*member->turns_at, member});
    member->turns_at = turns_at;
    if (turns_at) {
      member->due_node.value() = {*turns_at, member};
      due_.insert(std::move(member->due_node));
    }
  }
  return unblocked || (place != Selector::Place::kOut && !could_before);
}

std::pair<Registry::Member*, TokenState> Registry::FileNextDue(SteadyTime now) {
  Member* const member = due_.begin()->second;
  const TokenState before = member->filed_as;
  File(member, now);
  return {member, before};
}

Registry::Member* Registry::Find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

Registry::Member* Registry::Find(const Token& token) const {
  const auto found = by_token_.find(&token);
  return found == by_token_.end() ? nullptr : found->second;
}

void Registry::Rename(Member* member, const std::string& name) {
  if (member->token.name() == name) return;
  by_name_.emplace(name, member);
  by_name_.erase(member->token.name());
  member->token.Rename(name);
}

void Registry::SetAccount(Member* member, const std::string& account) {
  if (member->account == account) return;
  // What may find no memory comes before anything changes.
  std::string own = account;
  auto& members = accounts_[account];
  try {
    members.reserve(members.size() + 1);
  } catch (...) {
    if (members.empty()) accounts_.erase(account);
    throw;
  }
  if (const auto found = accounts_.find(member->account); found != accounts_.end()) {
    auto& before = found->second;
    before.erase(std::remove(before.begin(), before.end(), member), before.end());
    if (before.empty()) accounts_.erase(found);
  }
  members.push_back(member);
  member->account.swap(own);
}

const Registry::Member* Registry::FirstOf(const Member& member) const {
  return member.account.empty() ? &member : accounts_.at(member.account).front();
}

std::vector<Registry::Member*> Registry::MembersOf(Member* member) const {
  if (member->account.empty()) return {member};
  return accounts_.at(member->account);
}

}  // namespace warppool::internal
