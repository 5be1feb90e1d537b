// How a system locks files.
#pragma once

namespace warppool::internal {

// All that share a file must use the same kind: the two do not exclude each other. So the system alone decides, not a
// build nor what its headers offer.
enum class LockKind {
  kOpenFileDescription,  // fcntl(2), F_OFD_SETLK, of the whole file
  kFlock,                // flock(2)
};

// kOpenFileDescription on Linux, else kFlock.
LockKind SystemLockKind();

}  // namespace warppool::internal
