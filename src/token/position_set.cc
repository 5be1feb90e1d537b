#include "token/position_set.h"

#include <algorithm>

namespace warppool::internal {

PositionSet::PositionSet(std::size_t size) : positions_{0, std::max<std::size_t>(WordsFor(size), 1)} {
  Level top = positions_;
  while (!top.IsTop()) top = top.Above();
  words_.resize(top.begin + top.size);
}

void PositionSet::Insert(std::size_t position) {
  for (Level level = positions_;; level = level.Above()) {
    words_[level.begin + position / kBits] |= Bit(position);
    if (level.IsTop()) return;
    position /= kBits;
  }
}

void PositionSet::Erase(std::size_t position) {
  for (Level level = positions_;; level = level.Above()) {
    std::uint64_t& word = words_[level.begin + position / kBits];
    word &= ~Bit(position);
    if (word != 0 || level.IsTop()) return;  // what stands above a word that is not 0 still has something below
    position /= kBits;
  }
}

std::size_t PositionSet::FirstBehind(Level level, std::size_t word) const {
  if (level.IsTop()) return kNone;
  const std::size_t found = FirstFrom(level.Above(), word + 1);
  return found == kNone ? kNone : found * kBits + LowestBit(words_[level.begin + found]);
}

}  // namespace warppool::internal
