#include "token/selector.h"

#include <iterator>
#include <new>
#include <utility>

namespace warppool {

const char* StrategyName(Strategy strategy) noexcept {
  switch (strategy) {
    case Strategy::kRoundRobin:
      return "round_robin";
    case Strategy::kFillFirst:
      return "fill_first";
    case Strategy::kLeastInFlight:
      return "least_in_flight";
  }
  return "unknown";
}

}  // namespace warppool

namespace warppool::internal {

Selector::Selector(Strategy strategy, std::size_t size)
    : strategy_(strategy), entries_(size), half_open_(size), none_(size) {
  levels_.emplace(0, PositionSet(size));
}

void Selector::Put(std::size_t position, Place place, int in_flight) noexcept {
  Entry& entry = entries_[position];
  const bool was_ready = entry.place == Place::kReady;
  Levels::iterator level = was_ready ? entry.level : levels_.begin();
  if (place == Place::kReady) {
    level = LevelOf(strategy_ == Strategy::kLeastInFlight ? static_cast<std::size_t>(in_flight) : 0, level);
    if (was_ready && level == entry.level) return;
  }
  if (entry.place == Place::kHalfOpen) half_open_.Erase(position);
  if (was_ready) {
    entry.level->second.Erase(position);
    if (entry.level->first != 0 && entry.level->second.empty()) spare_ = levels_.extract(entry.level);
  }
  entry = {place, level};
  if (place == Place::kHalfOpen) half_open_.Insert(position);
  if (place == Place::kReady) level->second.Insert(position);
}

Selector::Levels::iterator Selector::LevelOf(std::size_t load, Levels::iterator neighbour) noexcept {
  if (neighbour->first == load) return neighbour;
  // One request more or less: it is next to it, or there is none.
  const auto hint = load == neighbour->first + 1 ? std::next(neighbour) : levels_.lower_bound(load);
  if (hint != levels_.end() && hint->first == load) return hint;
  if (spare_.empty()) {
    try {
      return levels_.emplace_hint(hint, load, PositionSet(entries_.size()));
    } catch (const std::bad_alloc&) {
      return neighbour;
    }
  }
  spare_.key() = load;
  return levels_.insert(hint, std::move(spare_));
}

}  // namespace warppool::internal
