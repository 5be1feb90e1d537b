// Memory that runs out when a test wants it to. failing_memory.cc replaces operator new in the test program.
#pragma once

// While it lives, the thread that made it can allocate `allowed` times more; all that follow fail.
class FailingMemory {
 public:
  explicit FailingMemory(int allowed);
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;
  ~FailingMemory();

  static bool Failed();  // has the latest one of this thread failed an allocation?
};
