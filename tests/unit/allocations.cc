#include "unit/allocations.h"

#include <cstdlib>
#include <new>
#if defined(__linux__)
#include <malloc.h>
#endif

namespace {

thread_local int allocations = 0;

thread_local std::string_view looked_for;
thread_local int found_in_freed = 0;

void GiveBack(void* block) {
#if defined(__linux__)
  if (block != nullptr && !looked_for.empty()) {
    const std::string_view bytes(static_cast<const char*>(block), malloc_usable_size(block));
    if (bytes.find(looked_for) != bytes.npos) ++found_in_freed;
  }
#endif
  std::free(block);
}

}  // namespace

// All forms, the ones that do not throw too: memory must come from and go to the same place.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size) {
  if (void* block = operator new(size, std::nothrow)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  GiveBack(block);
}
void operator delete(void* block, std::size_t) noexcept {
  GiveBack(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
  GiveBack(block);
}

namespace warppool {

int Allocations() {
  return allocations;
}

FreedMemory::FreedMemory(std::string_view text) {
  looked_for = text;
  found_in_freed = 0;
}
FreedMemory::~FreedMemory() {
  looked_for = {};
}
int FreedMemory::found() const {
  return found_in_freed;
}

}  // namespace warppool
