#include "token/position_set.h"

#include <bit>

namespace warppool::internal {
namespace {

constexpr std::size_t kBits = 64;

constexpr std::uint64_t Bit(std::size_t position) {
  return std::uint64_t{1} << (position % kBits);
}

std::size_t LowestBit(std::uint64_t word) {
  return static_cast<std::size_t>(std::countr_zero(word));
}

}  // namespace

PositionSet::PositionSet(std::size_t size) {
  do {
    size = (size + kBits - 1) / kBits;
    levels_.emplace_back(size == 0 ? 1 : size);
  } while (size > 1);
}

void PositionSet::Insert(std::size_t position) {
  for (Words& words : levels_) {
    words[position / kBits] |= Bit(position);
    position /= kBits;
  }
}

void PositionSet::Erase(std::size_t position) {
  for (Words& words : levels_) {
    std::uint64_t& word = words[position / kBits];
    word &= ~Bit(position);
    if (word != 0) return;  // what stands above it still has something below
    position /= kBits;
  }
}

bool PositionSet::Contains(std::size_t position) const {
  return (levels_.front()[position / kBits] & Bit(position)) != 0;
}

bool PositionSet::empty() const {
  return levels_.back().front() == 0;
}

std::size_t PositionSet::FirstFrom(std::size_t from) const {
  for (std::size_t level = 0; level < levels_.size(); ++level) {
    const std::size_t at = from / kBits;
    if (at >= levels_[level].size()) return kNone;
    const std::uint64_t rest = levels_[level][at] & ~(Bit(from) - 1);
    if (rest == 0) {
      from = at + 1;  // one word further, found by the level above
      continue;
    }
    std::size_t found = at * kBits + LowestBit(rest);
    while (level > 0) {
      --level;
      found = found * kBits + LowestBit(levels_[level][found]);
    }
    return found;
  }
  return kNone;
}

}  // namespace warppool::internal
