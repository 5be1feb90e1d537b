// How often this program has asked for memory, for how much, and what is in the memory that it gives back: it replaces
// operator new and delete.
#pragma once

#include <cstddef>
#include <string_view>

namespace warppool {

// By the calling thread, so far, with operator new.
int Allocations();

// What the calling thread holds of it, in bytes, as long as no other thread gives it back. Only where the system tells
// how large a block is (Linux); elsewhere nothing is counted.
std::ptrdiff_t LiveBytes();
// The most that it has held since ForgetPeak().
std::ptrdiff_t PeakBytes();
void ForgetPeak();

// Looks for a text in what the calling thread gives back as long as it lives. One at a time. Only where the system
// tells how large a block is (Linux); elsewhere nothing is ever found.
class FreedMemory {
 public:
  explicit FreedMemory(std::string_view text);
  ~FreedMemory();
  FreedMemory(const FreedMemory&) = delete;
  FreedMemory& operator=(const FreedMemory&) = delete;
  int found() const;  // so many blocks held it
};

}  // namespace warppool
