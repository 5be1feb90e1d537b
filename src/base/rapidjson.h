// RapidJSON as this library uses it: in a namespace of our own, since a program that embeds the library may bring
// another version; its failed assertions throw instead of ending that program. Included before any header of RapidJSON.
#pragma once

#include <cstdlib>
#include <new>
#include <stdexcept>

#define RAPIDJSON_NAMESPACE warppool_rapidjson
#define RAPIDJSON_NAMESPACE_BEGIN namespace warppool_rapidjson {
#define RAPIDJSON_NAMESPACE_END }
#define RAPIDJSON_ASSERT(x) \
  if (!(x)) throw std::logic_error("RapidJSON: " #x)

namespace warppool::internal {

// RapidJSON dereferences what its allocator returns.
struct ThrowingAllocator {
  [[maybe_unused]] static constexpr bool kNeedFree = true;  // RapidJSON asks for it
  static void* Malloc(std::size_t size) { return size == 0 ? nullptr : Checked(std::malloc(size)); }
  static void* Realloc(void* old, std::size_t /*old_size*/, std::size_t size) {
    if (size != 0) return Checked(std::realloc(old, size));
    std::free(old);
    return nullptr;
  }
  static void Free(void* block) { std::free(block); }

 private:
  static void* Checked(void* block) {
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
};

}  // namespace warppool::internal
