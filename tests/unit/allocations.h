// How often this program has asked for memory: it replaces operator new.
#pragma once

namespace warppool {

// By the calling thread, so far, with operator new.
int Allocations();

}  // namespace warppool
