// Where exceptions end: nothing that the standard library or a dependency throws crosses a public function.
#pragma once

#include <exception>
#include <new>
#include <type_traits>

#include "warppool/status.h"

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace warppool::internal {

// What unwinds the stack of a thread that pthread_exit() or pthread_cancel() ends. With libstdc++ a `catch (...)` sees
// it, and must let it go on: if it is dropped, the process is ended. It is no exception, and passes every other
// runtime's `catch (...)` by.
#if defined(__GLIBCXX__)
using ForcedUnwind = abi::__forced_unwind;
#else
struct ForcedUnwind {};
#endif

// Calls `function`, which returns a Status, a Result, or nothing. What it throws becomes a Status, or is dropped where
// nothing can be returned. Not noexcept: the end of a thread passes.
template <typename Function>
auto Guarded(const Function& function) -> decltype(function()) {
  constexpr bool kReturns = !std::is_void_v<decltype(function())>;
  try {
    return function();
  } catch (const ForcedUnwind&) {
    throw;
  } catch (const std::bad_alloc&) {
    if constexpr (kReturns) return Status::OutOfMemory();
  } catch (const std::exception& e) {
    if constexpr (kReturns) return Status(Code::kInternal, e.what());
  } catch (...) {
    if constexpr (kReturns) return Status(Code::kInternal, "an exception of an unknown type");
  }
}

}  // namespace warppool::internal
