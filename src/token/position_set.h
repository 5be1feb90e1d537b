// A set of positions below a fixed size that finds the next one in order fast, however few there are.
//
// One bit for each position, and above each 64 bits one that says whether any of them is set: a search climbs past what
// is empty, and looks at no more than two words a level (three levels for 10,000 positions).
#pragma once

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
  bool Contains(std::size_t position) const;
  bool empty() const;

  // The first one that is not before `from`; kNone if there is none.
  std::size_t FirstFrom(std::size_t from) const;

 private:
  using Words = std::vector<std::uint64_t>;

  std::vector<Words> levels_;  // the positions, then what stands above them; the last one is a single word
};

}  // namespace warppool::internal
