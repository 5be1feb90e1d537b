// Memory that runs out when a test wants it to. failing_memory.cc replaces operator new in the test program.
#pragma once

#include <set>

// While it lives, the thread that made it can allocate `allowed` times more; all that follow fail.
class FailingMemory {
 public:
  explicit FailingMemory(int allowed);
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;
  ~FailingMemory();

  static bool Failed();  // has the latest one of this thread failed an allocation?
};

// The threads of this process, by the system's numbers. Linux only.
std::set<long> ThreadNumbers();

// The same for another thread, as long as this lives; one at a time in a process.
class FailingMemoryElsewhere {
 public:
  // `failures`: how many allocations fail, behind those that are allowed; then there is memory again.
  FailingMemoryElsewhere(long thread, int allowed, int failures);
  FailingMemoryElsewhere(const FailingMemoryElsewhere&) = delete;
  FailingMemoryElsewhere& operator=(const FailingMemoryElsewhere&) = delete;
  ~FailingMemoryElsewhere();

  static bool Failed();      // has the latest one failed an allocation?
  static int Allocations();  // that the thread has made since, those that failed included
};
