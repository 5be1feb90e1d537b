#include "token/selector.h"

#include <algorithm>
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

Selector::Selector(Strategy strategy, std::size_t size) : strategy_(strategy), entries_(size), half_open_(size) {
  levels_.push_back({0, PositionSet(size)});
}

void Selector::Put(std::size_t position, Place place, int in_flight) noexcept {
  std::size_t load = strategy_ == Strategy::kLeastInFlight ? static_cast<std::size_t>(in_flight) : 0;
  Entry& entry = entries_[position];
  if (place == entry.place && (place != Place::kReady || load == entry.load)) return;
  if (place == Place::kReady) {
    const auto level = LevelOf(load);
    load = level->load;
    if (entry.place == Place::kReady && load == entry.load) return;  // there was no memory for another one
    level->ready.Insert(position);
  }
  if (place == Place::kHalfOpen) half_open_.Insert(position);
  if (entry.place == Place::kReady) EraseReady(position, entry.load);
  if (entry.place == Place::kHalfOpen) half_open_.Erase(position);
  entry = {place, load};
}

Selector::Levels::iterator Selector::FindLevel(std::size_t load) {
  return std::lower_bound(levels_.begin(), levels_.begin() + used_, load,
                          [](const Level& level, std::size_t wanted) { return level.load < wanted; });
}

Selector::Levels::iterator Selector::LevelOf(std::size_t load) noexcept {
  auto level = FindLevel(load);
  if (level != levels_.begin() + used_ && level->load == load) return level;
  if (levels_.begin() + used_ == levels_.end()) {
    const auto index = level - levels_.begin();
    try {
      levels_.push_back({load, PositionSet(entries_.size())});
    } catch (const std::bad_alloc&) {
      return index < used_ ? level : level - 1;
    }
    level = levels_.begin() + index;
  }
  // A spare one comes here, and those from here on move up.
  std::rotate(level, levels_.begin() + used_, levels_.begin() + used_ + 1);
  level->load = load;
  ++used_;
  return level;
}

void Selector::EraseReady(std::size_t position, std::size_t load) {
  const auto level = FindLevel(load);
  level->ready.Erase(position);
  if (load == 0 || !level->ready.empty()) return;
  std::rotate(level, level + 1, levels_.begin() + used_);
  --used_;
}

}  // namespace warppool::internal
