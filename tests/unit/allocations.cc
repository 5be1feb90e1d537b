#include "unit/allocations.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#if defined(__linux__)
#include <malloc.h>
#endif

namespace {

thread_local int allocations = 0;
thread_local std::ptrdiff_t live_bytes = 0;
thread_local std::ptrdiff_t peak_bytes = 0;
thread_local std::string_view looked_for;
thread_local int found_in_freed = 0;

// Of a block, as far as the system tells; 0 elsewhere.
std::size_t BlockSize([[maybe_unused]] void* block) noexcept {
#if defined(__linux__)
  return malloc_usable_size(block);
#else
  return 0;
#endif
}

void GiveBack(void* block) noexcept {
  const std::size_t size = BlockSize(block);
  live_bytes -= static_cast<std::ptrdiff_t>(size);
  if (size != 0 && !looked_for.empty()) {
    const std::string_view bytes(static_cast<const char*>(block), size);
    if (bytes.find(looked_for) != bytes.npos) ++found_in_freed;
  }
  std::free(block);
}

}  // namespace

// All forms, the ones that do not throw too: memory must come from and go to the same place.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  void* const block = std::malloc(size == 0 ? 1 : size);
  live_bytes += static_cast<std::ptrdiff_t>(BlockSize(block));
  peak_bytes = std::max(peak_bytes, live_bytes);
  return block;
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

std::ptrdiff_t LiveBytes() {
  return live_bytes;
}

std::ptrdiff_t PeakBytes() {
  return peak_bytes;
}

void ForgetPeak() {
  peak_bytes = live_bytes;
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
