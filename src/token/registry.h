// All tokens of a pool, filed by who can serve, and when the others can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "token/pool_member.h"
#include "token/position_set.h"
#include "token/selector.h"

namespace warppool::internal {

// Not thread-safe: the pool's mutex guards it.
class Registry {
 public:
  using Member = PoolMember;
  using Members = std::vector<std::shared_ptr<Member>>;
  struct Tier {
    warppool::Tier tier = warppool::Tier::kPersonal;
    Members members;
    Selector selector;
    Selector set_back;    // of those who come behind all others, of every tier
    PositionSet blocked;  // those in a state to serve that have their hands full
    int ready = 0;        // those in the state kReady, blocked ones included
    int in_service = 0;   // those, and those in the state kResting
  };

  struct Options {
    std::vector<warppool::Tier> tier_order;
    Strategy strategy = Strategy::kRoundRobin;
    int max_in_flight = 0;  // 0: no limit
  };

  // From now on it consists of `members`: in the order of their tiers, and in each in this order. Whoever was a member
  // and is not among them is none any more; who is of a tier that is not used does not become one. The turns go on
  // behind those who were served last. What this throws has changed nothing.
  void Arrange(Options options, const Members& members, SteadyTime now);
  // All of them, as they stand.
  Members All() const;

  // Files `member` where it belongs, after its health or its load changed. True if it can serve now and could not
  // before.
  bool File(Member* member, SteadyTime now) noexcept;
  // Whether there is one whose state has changed by the passing of time, and that is not filed anew yet.
  bool AnyDue(SteadyTime now) const { return !due_.empty() && due_.begin()->first <= now; }
  // The first of them, filed anew, and its state before. There must be one.
  std::pair<Member*, TokenState> FileNextDue(SteadyTime now);

  // Calls visit(member) for those that can serve now, in the order in which they would be chosen, until it returns
  // true. Tiers for which allows(tier) is false are skipped as a whole: their tokens may be many.
  template <typename Allows, typename Visitor>
  bool Visit(bool with_half_open, const Allows& allows, const Visitor& visit) const {
    return VisitTiers(&Tier::selector, with_half_open, allows, visit) ||
           (set_back_ > 0 && VisitTiers(&Tier::set_back, with_half_open, allows, visit));
  }
  // Whether it can serve now.
  bool CanServe(const Member& member) const {
    const Tier& tier = tiers_[member.tier];
    return tier.selector.PlaceOf(member.position) != Selector::Place::kOut ||
           tier.set_back.PlaceOf(member.position) != Selector::Place::kOut;
  }
  // It was chosen.
  void Served(const Member& member) {
    tiers_[member.tier].selector.Served(member.position);
    if (set_back_ > 0) tiers_[member.tier].set_back.Served(member.position);
  }
  // Whether it was the last one of its tier that was.
  bool ServedLast(const Member& member) const { return tiers_[member.tier].selector.turn() == member.position + 1; }
  // Whether its load decides where it is filed.
  bool LoadMatters() const { return options_.max_in_flight > 0 || options_.strategy == Strategy::kLeastInFlight; }

  const std::vector<Tier>& tiers() const { return tiers_; }
  int in_service() const { return in_service_; }
  int blocked() const { return blocked_; }
  // Grows with each change of a state, of the time when one changes, and of who is a member. As long as it stays the
  // same, tokens only became busy or free.
  std::uint64_t state_changes() const { return state_changes_; }
  const Options& options() const { return options_; }
  // Those who cannot serve, by when they can, and those who come behind all others, by when that ends; members without
  // such a time are not among them.
  const Member::Schedule& due() const { return due_; }

  // Null: there is none.
  Member* Find(const std::string& name) const;
  Member* Find(const Token& token) const;
  void Rename(Member* member, const std::string& name);

  // `member` belongs to `account`. The others of it: MembersOf().
  void SetAccount(Member* member, const std::string& account);
  // All members of its account, itself included, in the order in which they were known to be.
  std::vector<Member*> MembersOf(Member* member) const;
  // The first of them.
  const Member* FirstOf(const Member& member) const;

 private:
  template <typename Allows, typename Visitor>
  bool VisitTiers(Selector Tier::*selector, bool with_half_open, const Allows& allows, const Visitor& visit) const {
    for (const Tier& tier : tiers_) {
      if (!allows(tier.tier)) continue;
      const auto visit_position = [&](std::size_t position) { return visit(tier.members[position]); };
      if ((tier.*selector).Visit(with_half_open, visit_position)) return true;
    }
    return false;
  }

  void ResumeTurn(const Tier& before);

  Options options_;
  std::vector<Tier> tiers_;
  int in_service_ = 0;
  int set_back_ = 0;  // those who come behind all others
  int blocked_ = 0;
  std::uint64_t state_changes_ = 0;
  Member::Schedule due_;
  std::unordered_map<std::string, Member*> by_name_;
  std::unordered_map<const Token*, Member*> by_token_;
  std::unordered_map<std::string, std::vector<Member*>> accounts_;
};

}  // namespace warppool::internal
