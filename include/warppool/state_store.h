// Where a client keeps what has to outlive it: refresh tokens that the service replaced, JWTs, the tokens' health, and
// their counters.
//
//   config.state_file = "warppool.state";                        // or WARP_STATE_FILE: kept in this file
//
//   auto store = warppool::OpenFileStore("warppool.state", log);  // the same, shared by several clients
//   if (!store.ok()) return Fail(store.status());
//   options.store = *std::move(store);                            // or a store of the program's own
//
// Without a store all of it is in memory, and ends with the client.
//
// A store never sees a secret. Every record is sealed before it comes here: AES-256-GCM, under a key that HKDF-SHA256
// derives from the credential in the configuration, so that a store is worthless without it. A store needs to keep
// bytes, nothing more. Tokens whose bearers the program supplies (CredentialKind::kCallback) have no credential to seal
// with, and are not kept.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "warppool/log.h"
#include "warppool/status.h"

namespace warppool {

// One record, and what becomes of it.
struct StateChange {
  std::string key;                     // letters, digits, "." and "-"; at most 200 of them
  std::optional<std::string> value{};  // any bytes; nothing: the record goes
  // Commit(): its value as Read() gave it; nothing: there was none.
  std::optional<std::string> before{};
};

// What has to survive a write.
enum class StateDurability {
  kPowerLoss = 0,  // the end of the process, and a loss of power
  kProcess = 1,    // the end of the process
};

// One that a program implements is called from one thread of each client that uses it, the client's own, by none of
// them twice at the same time. It may take its time: what takes longer than Config::store_timeout is gone on without,
// also while a client is created, and its result taken when it comes. What it throws is taken for kInternal. It must
// not call a client that uses it.
class StateStore {
 public:
  virtual ~StateStore() = default;

  // The record under `key`; nothing if there is none.
  virtual Result<std::optional<std::string>> Read(const std::string& key) = 0;

  // Makes all of `changes`, in their order, or none of them; their `before` does not count. One that fails may have
  // made them all the same.
  virtual Status Write(const std::vector<StateChange>& changes, StateDurability durability) = 0;

  // As Write(), but only if each of these records is as it was `before`; false, and nothing is made, if one is not. No
  // two values of one record are ever the same.
  //
  // The one that is here reads, compares and writes: no other client of the same process comes between, but another
  // process may. A store that several processes share does it in one step of its own (a transaction, a script, a lock),
  // and says so.
  virtual Result<bool> Commit(const std::vector<StateChange>& changes, StateDurability durability);
  virtual bool IsForManyProcesses() const { return false; }

 private:
  std::mutex commit_mutex_;
};

// Records in memory, for the clients of one process that share it. Any thread.
std::shared_ptr<StateStore> NewMemoryStore();

// Records in a file, which is made, with mode 0600, when there is something to keep. Beside it lies a lock file of the
// same name and ".lock". Several clients and several processes of one machine may share it. Any thread.
//
// Each write replaces the file as a whole (temporary file, fsync, rename, fsync of the directory): a process or a
// machine that stops at any moment leaves the old content or the new one. It waits up to ten seconds for the writes of
// others, and then fails with kTimeout. A file that is there is replaced once by itself when it is opened, to see that
// it can be; that the disk is full does not count. `log` hears of damaged lines, which are kept in the file as they
// are, and of nothing else.
//
// A file that is removed takes its records along; the lock file must stay as long as somebody uses it.
//
// Fails with kInvalidConfig when there is something else in its place, it belongs to another user, others may read it,
// it cannot be replaced (being mounted by itself, as a single file, for one), or it or its directory cannot be used;
// the message says which.
Result<std::shared_ptr<StateStore>> OpenFileStore(const std::string& path, LogSink log = {});

}  // namespace warppool
