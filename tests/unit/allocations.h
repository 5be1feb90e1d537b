// How often this program has asked for memory, and what is in the memory that it gives back: it replaces operator new
// and delete.
#pragma once

#include <string_view>

namespace warppool {

// By the calling thread, so far, with operator new.
int Allocations();

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
