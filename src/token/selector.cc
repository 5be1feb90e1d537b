#include "token/selector.h"

#include <algorithm>
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

void Selector::Put(std::size_t position, Place place, int in_flight) {
  const std::size_t load = strategy_ == Strategy::kLeastInFlight ? static_cast<std::size_t>(in_flight) : 0;
  Entry& entry = entries_[position];
  if (place == entry.place && (place != Place::kReady || load == entry.load)) return;
  // What may find no memory comes before anything changes.
  if (place == Place::kReady) LevelOf(load)->ready.Insert(position);
  if (place == Place::kHalfOpen) half_open_.Insert(position);
  if (entry.place == Place::kReady) EraseReady(position, entry.load);
  if (entry.place == Place::kHalfOpen) half_open_.Erase(position);
  entry = {place, load};
}

Selector::Levels::iterator Selector::FindLevel(std::size_t load) {
  return std::lower_bound(levels_.begin(), levels_.end(), load,
                          [](const Level& level, std::size_t wanted) { return level.load < wanted; });
}

Selector::Levels::iterator Selector::LevelOf(std::size_t load) {
  const auto level = FindLevel(load);
  if (level != levels_.end() && level->load == load) return level;
  PositionSet ready = spare_ ? *std::move(spare_) : PositionSet(entries_.size());
  spare_.reset();
  return levels_.insert(level, {load, std::move(ready)});
}

void Selector::EraseReady(std::size_t position, std::size_t load) {
  const auto level = FindLevel(load);
  level->ready.Erase(position);
  if (load == 0 || !level->ready.empty()) return;
  spare_ = std::move(level->ready);
  levels_.erase(level);
}

}  // namespace warppool::internal
