// How often this program has asked for memory, and for how much: it replaces operator new.
#pragma once

#include <cstddef>

namespace warppool {

// By the calling thread, so far, with operator new.
int Allocations();

// What the calling thread holds of it, in bytes, as long as no other thread gives it back.
std::ptrdiff_t LiveBytes();
// The most that it has held since ForgetPeak().
std::ptrdiff_t PeakBytes();
void ForgetPeak();

}  // namespace warppool
