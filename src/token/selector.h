// Whose turn it is among the tokens of one tier.
//
// They are known by their positions, which stay theirs whether or not they can serve: the turn goes on behind the one
// that was served last, so that a neighbour that drops out or comes back changes nobody else's share.
//
// To choose costs the same in every strategy, however many tokens there are and however many requests each serves.
// kLeastInFlight keeps a set of positions for each number of requests that any of them serves at the moment: few, since
// n different ones take n * n / 2 requests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "token/position_set.h"
#include "warppool/config.h"

namespace warppool::internal {

// Not thread-safe: the pool's mutex guards it.
class Selector {
 public:
  enum class Place : std::uint8_t {
    kOut,       // cannot serve now
    kReady,     // can
    kHalfOpen,  // may be tried, as a probe
  };

  // All of `size` are out.
  Selector(Strategy strategy, std::size_t size);

  // Where the one at `position` stands from now on. `in_flight`: how many requests it serves.
  void Put(std::size_t position, Place place, int in_flight) noexcept;
  Place PlaceOf(std::size_t position) const { return entries_[position].place; }

  // It was chosen: the turn is with the next one.
  void Served(std::size_t position) { turn_ = position + 1; }
  // Whose turn it is, or would be if it could serve. As many as there are: that of one that comes behind the last one,
  // else of the first.
  std::size_t turn() const { return turn_; }

  // Calls visit(position) for those that can serve, in the order in which they would be chosen, until it returns true.
  // A half-open one takes its turn like the others, unless they are left out.
  template <typename Visitor>
  bool Visit(bool with_half_open, const Visitor& visit) const;

 private:
  struct Entry {
    Place place = Place::kOut;
    std::size_t load = 0;  // with Place::kReady: the level that it is in
  };
  struct Level {
    std::size_t load;
    PositionSet ready;
  };

  using Levels = std::vector<Level>;

  // The level of `load`, or the one that it would come before.
  Levels::iterator FindLevel(std::size_t load);
  // The level of `load`, made if it is not there; when there is no memory for it one beside it, and the turn comes
  // somewhat early or late.
  Levels::iterator LevelOf(std::size_t load) noexcept;
  void EraseReady(std::size_t position, std::size_t load);

  // `b` may be null: none.
  template <typename Visitor>
  static bool VisitBoth(const PositionSet& a, const PositionSet* b, std::size_t begin, std::size_t end,
                        const Visitor& visit);

  const Strategy strategy_;
  std::size_t turn_ = 0;
  std::vector<Entry> entries_;
  // Those that can serve, by load with kLeastInFlight, else all at 0. None is empty, but the first one, of 0, may be.
  // Behind the `used_` ones come those that became empty, kept for later: in the long run nothing is allocated.
  Levels levels_;
  std::ptrdiff_t used_ = 1;
  PositionSet half_open_;
};

template <typename Visitor>
bool Selector::VisitBoth(const PositionSet& a, const PositionSet* b, std::size_t begin, std::size_t end,
                         const Visitor& visit) {
  const auto first_of_b = [b](std::size_t from) { return b == nullptr ? PositionSet::kNone : b->FirstFrom(from); };
  std::size_t in_a = a.FirstFrom(begin);
  std::size_t in_b = first_of_b(begin);
  while (true) {
    const std::size_t next = std::min(in_a, in_b);  // kNone is the largest
    if (next >= end) return false;
    if (visit(next)) return true;
    if (next == in_a) {
      in_a = a.FirstFrom(next + 1);
    } else {
      in_b = first_of_b(next + 1);
    }
  }
}

template <typename Visitor>
bool Selector::Visit(bool with_half_open, const Visitor& visit) const {
  const std::size_t start = strategy_ == Strategy::kFillFirst ? 0 : turn_;
  const PositionSet* half_open = with_half_open && !half_open_.empty() ? &half_open_ : nullptr;
  for (auto level = levels_.begin(); level != levels_.begin() + used_; ++level) {
    if (VisitBoth(level->ready, half_open, start, entries_.size(), visit)) return true;
    if (VisitBoth(level->ready, half_open, 0, start, visit)) return true;
    half_open = nullptr;  // they serve nobody: they come with the least loaded
  }
  return false;
}

}  // namespace warppool::internal
