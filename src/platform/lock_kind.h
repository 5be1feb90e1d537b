// How a system locks files.
#pragma once

namespace warppool::internal {

// All that share a file must use the same kind: the two do not exclude each other. So the system alone decides, not a
// build nor what its headers offer.
enum class LockKind {
  kByte,  // open-file-description locks: each lock is a byte of one lock file
  kFile,  // flock(2), which knows no bytes: each lock is a file of its own
};

// kByte on Linux, else kFile.
LockKind SystemLockKind();

}  // namespace warppool::internal
