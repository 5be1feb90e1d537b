// The file store with its machinery in sight, for tests.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/log.h"
#include "platform/file_system.h"
#include "platform/lock_kind.h"
#include "warppool/state_store.h"

namespace warppool::internal {

struct FileStoreOptions {
  FileSystem* system = &RealFileSystem();  // outlives the store
  LockKind lock_kind = SystemLockKind();
  // For one write, until other processes are through with theirs.
  std::chrono::milliseconds patience{10'000};
  std::size_t most_bytes = std::size_t{1} << 30;  // of the file
};

// As OpenFileStore().
Result<std::shared_ptr<StateStore>> OpenFileStoreWith(const FileStoreOptions& options, const std::string& path,
                                                      Logger log);

}  // namespace warppool::internal
