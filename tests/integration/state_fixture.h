// What the tests of kept state share: a restart, a store that does as it is told, and a look into records.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "membership_fixture.h"
#include "store/login_records.h"
#include "store/record.h"
#include "store/seal.h"
#include "unit/store/store_fixture.h"

namespace warppool::internal {

// The client ends, and another one begins.
inline Client& Restart(World* world, Config config, std::shared_ptr<StateStore> store = nullptr) {
  world->client.reset();
  return world->Connect(std::move(config), std::move(store));
}

// A memory store that can be told to fail, and to be slow; it watches what is written. Thread-safe, but for the hooks:
// set them before a client uses it.
class ObedientStore final : public StateStore {
 public:
  // Called before a write is made. May wait.
  std::function<void(const std::vector<StateChange>& changes)> on_write{};
  // Called before a read. May wait.
  std::function<void()> on_read{};

  void FailReads(bool fail) { fail_reads_ = fail; }
  void FailWrites(bool fail) { fail_writes_ = fail; }
  void ThrowInstead() { throw_ = true; }
  int writes() const { return writes_; }           // that were made
  int failures() const { return failed_writes_; }  // writes that were refused

  // What is kept of the login with this credential; nothing if nothing is, or it does not open.
  std::optional<StoredToken> Look(const std::string& credential) {
    const auto read = LoginRecords(records_, [](const LoginCredentials&, const Status&) {
                      }).Read({Secret(credential), Secret(credential)});
    return read.ok() ? *read : std::nullopt;
  }

  Result<std::optional<std::string>> Read(const std::string& key) override {
    if (on_read) on_read();
    if (fail_reads_) return Fail();
    return records_->Read(key);
  }
  Status Write(const std::vector<StateChange>& changes, StateDurability durability) override {
    if (Status status = Prepare(changes); !status.ok()) return status;
    return records_->Write(changes, durability);
  }
  Result<bool> Commit(const std::vector<StateChange>& changes, StateDurability durability) override {
    if (Status status = Prepare(changes); !status.ok()) return status;
    return records_->Commit(changes, durability);
  }

 private:
  Status Prepare(const std::vector<StateChange>& changes) {
    if (on_write) on_write(changes);
    if (fail_writes_) {
      ++failed_writes_;
      return Fail();
    }
    ++writes_;
    return {};
  }
  Status Fail() const {
    if (throw_) throw std::runtime_error("the store throws");
    return {Code::kInternal, "the store is told to fail"};
  }

  const std::shared_ptr<StateStore> records_ = NewMemoryStore();
  std::atomic<bool> fail_reads_{false};
  std::atomic<bool> fail_writes_{false};
  std::atomic<bool> throw_{false};
  std::atomic<int> writes_{0};
  std::atomic<int> failed_writes_{0};
};

}  // namespace warppool::internal
