// For what a forked child inherits and must not touch.
#pragma once

#include <utility>

namespace warppool::internal {

// Keeps `object` for ever: its destructor never runs, and nothing is allocated for it.
template <typename T>
void Abandon(T object) noexcept {
  union Kept {
    explicit Kept(T&& o) noexcept : value(std::move(o)) {}
    ~Kept() {}  // NOLINT(modernize-use-equals-default): of a union, that would be deleted
    T value;
  };
  const Kept kept(std::move(object));
  static_cast<void>(kept);
}

}  // namespace warppool::internal
