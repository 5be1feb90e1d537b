#include "unit/allocations.h"

#include <cstdlib>
#include <new>

namespace {

thread_local int allocations = 0;

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
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}

namespace warppool {

int Allocations() {
  return allocations;
}

}  // namespace warppool
