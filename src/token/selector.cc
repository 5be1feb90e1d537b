#include "token/selector.h"

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

Selector::Selector(Strategy strategy, std::size_t size)
    : strategy_(strategy), entries_(size), ready_(1, PositionSet(size)), half_open_(size), none_(size) {}

void Selector::Put(std::size_t position, Place place, int in_flight) {
  Entry& entry = entries_[position];
  const std::size_t load = strategy_ == Strategy::kLeastInFlight ? static_cast<std::size_t>(in_flight) : 0;
  if (entry.place == Place::kReady) ready_[entry.load].Erase(position);
  if (entry.place == Place::kHalfOpen) half_open_.Erase(position);
  entry = {place, load};
  if (place == Place::kHalfOpen) half_open_.Insert(position);
  if (place != Place::kReady) return;
  while (ready_.size() <= load) ready_.emplace_back(entries_.size());
  ready_[load].Insert(position);
}

}  // namespace warppool
