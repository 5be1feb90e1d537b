// Not for ThreadSanitizer, whose own operators cannot be replaced.
#include "failing_memory.h"

#include <cstdlib>
#include <new>

namespace {

constexpr int kNoLimit = -1;
thread_local int allocations_left = kNoLimit;
thread_local bool has_failed = false;

void* AllocateOrNull(std::size_t size) noexcept {
  if (allocations_left == 0) {
    has_failed = true;
    return nullptr;
  }
  if (allocations_left > 0) --allocations_left;
  return std::malloc(size == 0 ? 1 : size);
}

void* Allocate(std::size_t size) {
  if (void* memory = AllocateOrNull(size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

FailingMemory::FailingMemory(int allowed) {
  has_failed = false;
  allocations_left = allowed;
}

FailingMemory::~FailingMemory() {
  allocations_left = kNoLimit;
}

bool FailingMemory::Failed() {
  return has_failed;
}

void* operator new(std::size_t size) {
  return Allocate(size);
}
void* operator new[](std::size_t size) {
  return Allocate(size);
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return AllocateOrNull(size);
}
void* operator new[](std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return AllocateOrNull(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
