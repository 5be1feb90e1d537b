#include "token/roster.h"

#include <algorithm>

namespace warppool {

Roster::Roster(const std::vector<warppool::Tier>& order, const std::vector<TokenConfig>& tokens, Strategy strategy,
               int max_in_flight, SteadyTime now)
    : strategy_(strategy), max_in_flight_(max_in_flight) {
  const std::vector<std::string> names = NamesOf(tokens);
  for (const warppool::Tier tier : order) {
    std::vector<std::shared_ptr<Member>> members;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i].tier != tier) continue;
      members.push_back(std::make_shared<Member>(names[i], tokens[i], tiers_.size(), members.size()));
    }
    if (members.empty()) continue;
    const std::size_t size = members.size();
    tiers_.push_back({tier, std::move(members), Rotation(strategy, size)});
  }
  for (const Tier& tier : tiers_) {
    for (const auto& member : tier.members) {
      by_name_.emplace(member->token.name(), member.get());
      File(member.get(), now);
    }
  }
}

bool Roster::File(Member* member, SteadyTime now) {
  Tier& tier = tiers_[member->tier];
  const TokenState state = member->health.StateAt(now);
  const bool in_a_state_to = state == TokenState::kReady || state == TokenState::kHalfOpen;
  const bool full = (max_in_flight_ > 0 && member->in_flight >= max_in_flight_) ||
                    (state == TokenState::kHalfOpen && member->health.probing());
  const bool could_before = tier.rotation.PlaceOf(member->position) != Rotation::Place::kOut;

  Rotation::Place place = Rotation::Place::kOut;
  if (in_a_state_to && !full) {
    place = state == TokenState::kReady ? Rotation::Place::kReady : Rotation::Place::kHalfOpen;
  }
  tier.rotation.Put(member->position, place, member->in_flight);

  const int ready = (state == TokenState::kReady ? 1 : 0) - (member->filed_as == TokenState::kReady ? 1 : 0);
  tier.ready += ready;
  ready_ += ready;
  member->filed_as = state;

  const bool blocked = in_a_state_to && full;
  const bool unblocked = member->blocked && !blocked;
  blocked_ += (blocked ? 1 : 0) - (member->blocked ? 1 : 0);
  member->blocked = blocked;

  if (member->turns_at) due_.erase({*member->turns_at, member});
  member->turns_at = in_a_state_to ? std::nullopt : member->health.TurnsAt();
  if (member->turns_at) due_.emplace(*member->turns_at, member);
  return unblocked || (place != Rotation::Place::kOut && !could_before);
}

Roster::Member* Roster::FileNextDue(SteadyTime now) {
  if (due_.empty() || due_.begin()->first > now) return nullptr;
  Member* const member = due_.begin()->second;
  File(member, now);
  return member;
}

Roster::Member* Roster::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

void Roster::SetAccount(Member* member, const std::string& account) {
  if (member->account == account) return;
  if (const auto found = accounts_.find(member->account); found != accounts_.end()) {
    auto& before = found->second;
    before.erase(std::remove(before.begin(), before.end(), member), before.end());
    if (before.empty()) accounts_.erase(found);
  }
  member->account = account;
  accounts_[account].push_back(member);
}

std::vector<Roster::Member*> Roster::MembersOf(const Member* member) const {
  if (member->account.empty()) return {Share(*member).get()};
  return accounts_.at(member->account);
}

}  // namespace warppool
