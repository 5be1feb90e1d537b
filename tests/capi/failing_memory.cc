// Not for ThreadSanitizer, whose own operators cannot be replaced.
#include "failing_memory.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace {

constexpr int kNoLimit = -1;
thread_local int allocations_left = kNoLimit;
thread_local bool has_failed = false;

// Of a thread that is not the test's; 0: of none.
std::atomic<long> other_thread{0};
std::atomic<int> other_allocations{0};
std::atomic<int> other_first_failure{0};
std::atomic<int> other_failures{0};
thread_local long thread_number = 0;

long ThreadNumber() noexcept {
#ifdef __linux__
  if (thread_number == 0) thread_number = syscall(SYS_gettid);
#endif
  return thread_number;
}

// For a debugger to stop at.
[[gnu::noinline]] void FailedElsewhere() noexcept {
  asm volatile("");
}

bool FailsHere() noexcept {
  const long other = other_thread.load();
  if (other == 0 || other != ThreadNumber()) return false;
  const int number = other_allocations++;
  if (number < other_first_failure || number - other_first_failure >= other_failures) return false;
  FailedElsewhere();
  return true;
}

void* AllocateOrNull(std::size_t size) noexcept {
  if (FailsHere()) return nullptr;
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

std::set<long> ThreadNumbers() {
  std::set<long> numbers;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    numbers.insert(std::stol(entry.path().filename().string()));
  }
  return numbers;
}

FailingMemoryElsewhere::FailingMemoryElsewhere(long thread, int allowed, int failures) {
  other_allocations = 0;
  other_first_failure = allowed;
  other_failures = failures;
  other_thread = thread;
}

FailingMemoryElsewhere::~FailingMemoryElsewhere() {
  other_thread = 0;
}

bool FailingMemoryElsewhere::Failed() {
  return other_failures > 0 && other_allocations > other_first_failure;
}

int FailingMemoryElsewhere::Allocations() {
  return other_allocations;
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
