#include "warppool/state_store.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "base/program_call.h"
#include "failure.h"
#include "guard.h"

using warppool::Result;
using warppool::StateChange;
using warppool::StateDurability;
using warppool::StateStore;
using warppool::Status;
using warppool::capi::Clear;
using warppool::capi::Guard;
using warppool::capi::Invalid;
using warppool::capi::NotNull;
using warppool::capi::ReadStruct;
using warppool::capi::ToStatus;
using warppool::internal::CallProgram;

namespace {

static_assert(WARPPOOL_STATE_POWER_LOSS == static_cast<int>(StateDurability::kPowerLoss));
static_assert(WARPPOOL_STATE_PROCESS == static_cast<int>(StateDurability::kProcess));

// As the callbacks have it; valid as long as `changes` is.
std::vector<warppool_state_change> Lend(const std::vector<StateChange>& changes) {
  std::vector<warppool_state_change> lent;
  lent.reserve(changes.size());
  const auto bytes = [](const std::optional<std::string>& value) {
    return value ? reinterpret_cast<const uint8_t*>(value->data()) : nullptr;
  };
  for (const StateChange& change : changes) {
    lent.push_back({change.key.c_str(), bytes(change.value), change.value ? change.value->size() : 0,
                    bytes(change.before), change.before ? change.before->size() : 0});
  }
  return lent;
}

class CallbackStore final : public StateStore {
 public:
  explicit CallbackStore(const warppool_state_store_callbacks& callbacks) noexcept : callbacks_(callbacks) {}
  CallbackStore(const CallbackStore&) = delete;
  CallbackStore& operator=(const CallbackStore&) = delete;
  ~CallbackStore() override {
    if (callbacks_.destroy != nullptr) CallProgram([&] { callbacks_.destroy(callbacks_.user_data); });
  }

  Result<std::optional<std::string>> Read(const std::string& key) override {
    warppool_state_value value;
    warppool_failure failure;
    const warppool_code code = callbacks_.read(key.c_str(), &value, &failure, callbacks_.user_data);
    if (code != WARPPOOL_OK) return ToStatus(code, failure, "the store's read callback");
    return std::move(value.bytes);
  }

  Status Write(const std::vector<StateChange>& changes, StateDurability durability) override {
    const auto lent = Lend(changes);
    warppool_failure failure;
    const warppool_code code =
        callbacks_.write(lent.data(), lent.size(), static_cast<int32_t>(durability), &failure, callbacks_.user_data);
    return code == WARPPOOL_OK ? Status() : ToStatus(code, failure, "the store's write callback");
  }

  Result<bool> Commit(const std::vector<StateChange>& changes, StateDurability durability) override {
    if (callbacks_.commit == nullptr) return StateStore::Commit(changes, durability);
    const auto lent = Lend(changes);
    int32_t committed = 0;
    warppool_failure failure;
    const warppool_code code = callbacks_.commit(lent.data(), lent.size(), static_cast<int32_t>(durability), &committed,
                                                 &failure, callbacks_.user_data);
    if (code != WARPPOOL_OK) return ToStatus(code, failure, "the store's commit callback");
    return committed != 0;
  }
  bool IsForManyProcesses() const override { return callbacks_.commit != nullptr; }

 private:
  const warppool_state_store_callbacks callbacks_;
};

Status CheckCallbacks(const warppool_state_store_callbacks& callbacks) {
  if (callbacks.read == nullptr) return Invalid("callbacks.read", "must not be NULL");
  if (callbacks.write == nullptr) return Invalid("callbacks.write", "must not be NULL");
  return {};
}

}  // namespace

warppool_code warppool_state_store_open_file(const char* path, warppool_log_sink log, void* log_user_data,
                                             warppool_state_store** store, warppool_error** error) {
  Clear(store);
  return Guard(error, [&] {
    if (Status status = NotNull({{path, "path"}, {store, "store"}}); !status.ok()) return status;
    if (*path == '\0') return Invalid("path", "must not be empty");
    auto handle = std::make_unique<warppool_state_store>();
    auto opened = warppool::OpenFileStore(path, warppool::capi::WrapLog(log, log_user_data));
    if (!opened.ok()) return opened.status();
    handle->store = *std::move(opened);
    *store = handle.release();
    return Status();
  });
}

warppool_code warppool_state_store_create_memory(warppool_state_store** store, warppool_error** error) {
  Clear(store);
  return Guard(error, [&] {
    if (Status status = NotNull({{store, "store"}}); !status.ok()) return status;
    *store = new warppool_state_store{warppool::NewMemoryStore()};
    return Status();
  });
}

warppool_code warppool_state_store_create(const warppool_state_store_callbacks* callbacks, warppool_state_store** store,
                                          warppool_error** error) {
  Clear(store);
  return Guard(error, [&] {
    if (Status status = NotNull({{callbacks, "callbacks"}, {store, "store"}}); !status.ok()) return status;
    warppool_state_store_callbacks given = WARPPOOL_STATE_STORE_CALLBACKS_INIT;
    constexpr size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_state_store_callbacks, user_data);
    if (Status status = ReadStruct(callbacks, kFirst, "callbacks", &given); !status.ok()) return status;
    if (Status status = CheckCallbacks(given); !status.ok()) return status;
    // The handle first: once there is a store, its end would call `destroy`.
    auto handle = std::make_unique<warppool_state_store>();
    handle->store = std::make_shared<CallbackStore>(given);
    *store = handle.release();
    return Status();
  });
}

warppool_code warppool_state_value_set(warppool_state_value* value, const uint8_t* bytes, size_t length,
                                       warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{value, "value"}}); !status.ok()) return status;
    if (length > 0) {
      if (Status status = NotNull({{bytes, "bytes"}}); !status.ok()) return status;
    }
    value->bytes = std::string(length > 0 ? reinterpret_cast<const char*>(bytes) : "", length);
    return Status();
  });
}

void warppool_state_store_destroy(warppool_state_store** store) {
  warppool::capi::Destroy(store);
}
