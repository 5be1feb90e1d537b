// Where exceptions end: nothing that the standard library or a dependency throws crosses a public function.
#pragma once

#include <exception>
#include <new>
#include <type_traits>

#include "warppool/status.h"

namespace warppool::internal {

// Calls `function`, which returns a Status, a Result, or nothing. What it throws becomes a Status, or is dropped where
// nothing can be returned.
template <typename Function>
auto Guarded(const Function& function) noexcept -> decltype(function()) {
  constexpr bool kReturns = !std::is_void_v<decltype(function())>;
  try {
    return function();
  } catch (const std::bad_alloc&) {
    if constexpr (kReturns) return Status::OutOfMemory();
  } catch (const std::exception& e) {
    if constexpr (kReturns) return Status(Code::kInternal, e.what());
  } catch (...) {
    if constexpr (kReturns) return Status(Code::kInternal, "an exception of an unknown type");
  }
}

}  // namespace warppool::internal
