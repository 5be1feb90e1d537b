// The one way into the library from C: nothing escapes, every failure has a code, and details where there is memory.
#pragma once

#include <memory>
#include <new>
#include <utility>

#include "base/guarded.h"
#include "handle.h"
#include "warppool.h"
#include "warppool/status.h"

namespace warppool::capi {

inline warppool_code ToC(Code code) noexcept {
  return static_cast<warppool_code>(code);
}

// Does not own the static error that stands in when there is no memory for another.
struct ErrorDeleter {
  void operator()(warppool_error* error) const noexcept;
};
using ErrorPtr = std::unique_ptr<warppool_error, ErrorDeleter>;

// The details of a failure; the static error if there is no memory for them. Never null.
ErrorPtr MakeError(const Status& status) noexcept;

// Returns the status's code, and gives `*error` the details of a failure. `error` may be null.
warppool_code Report(const Status& status, warppool_error** error) noexcept;
warppool_code ReportOutOfMemory(warppool_error** error) noexcept;
warppool_code ReportUnexpected(warppool_error** error) noexcept;

// Runs `body`, which returns a Status. Not noexcept: a thread of the program's may be cancelled while it waits in
// there.
template <typename Body>
warppool_code Guard(warppool_error** error, const Body& body) {
  if (error != nullptr) *error = nullptr;
  try {
    return Report(body(), error);
  } catch (const internal::ForcedUnwind&) {
    throw;
  } catch (const std::bad_alloc&) {
    return ReportOutOfMemory(error);
  } catch (...) {
    return ReportUnexpected(error);
  }
}

// For functions that only read: what `read` returns, or `fallback` without a handle.
template <typename Handle, typename Value, typename Read>
Value ReadOr(const Handle* handle, Value fallback, const Read& read) noexcept {
  return handle == nullptr ? fallback : static_cast<Value>(read(*handle));
}

// An out-parameter is cleared before anything can fail.
template <typename Handle>
void Clear(Handle** out) noexcept {
  if (out != nullptr) *out = nullptr;
}

// The variable is null before the handle goes: a callback that runs meanwhile cannot destroy it a second time.
template <typename Handle>
void Destroy(Handle** handle) noexcept {
  if (handle != nullptr) delete std::exchange(*handle, nullptr);
}

}  // namespace warppool::capi
