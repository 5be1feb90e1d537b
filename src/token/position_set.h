// A set of positions below a fixed size that finds the next one in order fast, however few there are.
//
// One bit for each position, and above each 64 bits one that says whether any of them is set: a search climbs past what
// is empty, and looks at no more than two words a level (three levels for 10,000 positions).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace warppool::internal {

// Not thread-safe.
class PositionSet {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  explicit PositionSet(std::size_t size);

  void Insert(std::size_t position);
  void Erase(std::size_t position);
  bool Contains(std::size_t position) const { return (words_[position / kBits] & Bit(position)) != 0; }
  bool empty() const { return words_.back() == 0; }

  // The first one that is not before `from`; kNone if there is none.
  std::size_t FirstFrom(std::size_t from) const { return FirstFrom(positions_, from); }

 private:
  static constexpr std::size_t kBits = 64;

  // Where the words of a level are.
  struct Level {
    std::size_t begin;
    std::size_t size;
    bool IsTop() const { return size == 1; }
    Level Above() const { return {begin + size, WordsFor(size)}; }
  };

  static constexpr std::size_t WordsFor(std::size_t bits) { return (bits + kBits - 1) / kBits; }

  static constexpr std::uint64_t Bit(std::size_t position) { return std::uint64_t{1} << (position % kBits); }
  // All bits of a word but those before `position`.
  static constexpr std::uint64_t NotBefore(std::size_t position) { return ~(Bit(position) - 1); }
  static std::size_t LowestBit(std::uint64_t word) { return static_cast<std::size_t>(std::countr_zero(word)); }

  std::size_t FirstFrom(Level level, std::size_t from) const {
    const std::size_t word = from / kBits;
    if (word >= level.size) return kNone;
    const std::uint64_t rest = words_[level.begin + word] & NotBefore(from);
    return rest != 0 ? word * kBits + LowestBit(rest) : FirstBehind(level, word);
  }
  // The first one of `level` in the words behind `word`: the level above finds which.
  std::size_t FirstBehind(Level level, std::size_t word) const;

  Level positions_;                   // the lowest level
  std::vector<std::uint64_t> words_;  // the positions, then what stands above them; the last level is a single word
};

}  // namespace warppool::internal
