#include "unit/allocations.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

thread_local int allocations = 0;
thread_local std::ptrdiff_t live_bytes = 0;
thread_local std::ptrdiff_t peak_bytes = 0;

void Free(void* block) noexcept {
  live_bytes -= static_cast<std::ptrdiff_t>(malloc_usable_size(block));
  std::free(block);
}

}  // namespace

// All forms, the ones that do not throw too: memory must come from and go to the same place.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  void* const block = std::malloc(size == 0 ? 1 : size);
  live_bytes += static_cast<std::ptrdiff_t>(malloc_usable_size(block));
  peak_bytes = std::max(peak_bytes, live_bytes);
  return block;
}
void* operator new(std::size_t size) {
  if (void* block = operator new(size, std::nothrow)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  Free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  Free(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
  Free(block);
}

namespace warppool {

int Allocations() {
  return allocations;
}

std::ptrdiff_t LiveBytes() {
  return live_bytes;
}

std::ptrdiff_t PeakBytes() {
  return peak_bytes;
}

void ForgetPeak() {
  peak_bytes = live_bytes;
}

}  // namespace warppool
