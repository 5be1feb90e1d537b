#include "warppool/state_store.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "base/program_call.h"
#include "failure.h"
#include "guard.h"

using warppool::Result;
using warppool::StateChange;
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

int32_t ToMs(std::chrono::milliseconds time) {
  return static_cast<int32_t>(std::clamp<int64_t>(time.count(), 0, std::numeric_limits<int32_t>::max()));
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

  Status Write(const std::vector<StateChange>& changes) override {
    std::vector<warppool_state_change> lent;
    lent.reserve(changes.size());
    for (const StateChange& change : changes) {
      warppool_state_change& added = lent.emplace_back(warppool_state_change{change.key.c_str(), nullptr, 0});
      if (!change.value) continue;
      added.value = reinterpret_cast<const uint8_t*>(change.value->data());
      added.length = change.value->size();
    }
    warppool_failure failure;
    const warppool_code code = callbacks_.write(lent.data(), lent.size(), &failure, callbacks_.user_data);
    return code == WARPPOOL_OK ? Status() : ToStatus(code, failure, "the store's write callback");
  }

  Result<bool> Lock(const std::string& name, std::chrono::milliseconds timeout) override {
    if (callbacks_.lock == nullptr) return true;
    int32_t locked = 0;
    warppool_failure failure;
    const warppool_code code = callbacks_.lock(name.c_str(), ToMs(timeout), &locked, &failure, callbacks_.user_data);
    if (code != WARPPOOL_OK) return ToStatus(code, failure, "the store's lock callback");
    return locked != 0;
  }

  void Unlock(const std::string& name) noexcept override {
    if (callbacks_.unlock != nullptr) CallProgram([&] { callbacks_.unlock(name.c_str(), callbacks_.user_data); });
  }

 private:
  const warppool_state_store_callbacks callbacks_;
};

Status CheckCallbacks(const warppool_state_store_callbacks& callbacks) {
  if (callbacks.read == nullptr) return Invalid("callbacks.read", "must not be NULL");
  if (callbacks.write == nullptr) return Invalid("callbacks.write", "must not be NULL");
  if (callbacks.lock == nullptr && callbacks.unlock != nullptr) {
    return Invalid("callbacks.lock", "must not be NULL if there is an unlock callback");
  }
  if (callbacks.lock != nullptr && callbacks.unlock == nullptr) {
    return Invalid("callbacks.unlock", "must not be NULL if there is a lock callback");
  }
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
