// For what must not be destroyed: what a forked child inherits, and what is still used while the process ends.
#pragma once

#include <utility>

namespace warppool::internal {

// Its value is never destroyed, and nothing is allocated for it: a static one can be used while the process ends.
template <typename T>
union Forever {
  explicit Forever(T&& from) noexcept : value(std::move(from)) {}
  ~Forever() {}  // NOLINT(modernize-use-equals-default): of a union, that would be deleted
  Forever(const Forever&) = delete;
  Forever& operator=(const Forever&) = delete;
  T value;
};

// Keeps `object` for ever.
template <typename T>
void Abandon(T object) noexcept {
  const Forever<T> kept(std::move(object));
  static_cast<void>(kept);
}

}  // namespace warppool::internal
