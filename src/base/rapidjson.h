// RapidJSON as this library uses it: in a namespace of our own, since a program that embeds the library may bring
// another version; its failed assertions throw instead of ending that program. Included before any header of RapidJSON.
#pragma once

#include <openssl/crypto.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

#define RAPIDJSON_NAMESPACE warppool_rapidjson
#define RAPIDJSON_NAMESPACE_BEGIN namespace warppool_rapidjson {
#define RAPIDJSON_NAMESPACE_END }
#define RAPIDJSON_ASSERT(x) \
  if (!(x)) throw std::logic_error("RapidJSON: " #x)

namespace warppool::internal {

// RapidJSON dereferences what its allocator returns. What is given back is wiped: while it parses, a token lies there.
struct ThrowingAllocator {
  [[maybe_unused]] static constexpr bool kNeedFree = true;  // RapidJSON asks for it
  static void* Malloc(std::size_t size) {
    if (size == 0) return nullptr;
    if (size > static_cast<std::size_t>(-1) - kHeadBytes) throw std::bad_alloc();
    void* const block = std::malloc(kHeadBytes + size);
    if (block == nullptr) throw std::bad_alloc();
    std::memcpy(block, &size, sizeof size);
    return static_cast<char*>(block) + kHeadBytes;
  }
  static void* Realloc(void* old, std::size_t old_size, std::size_t size) {
    void* const block = Malloc(size);
    if (block != nullptr && old != nullptr) std::memcpy(block, old, std::min(old_size, size));
    Free(old);
    return block;
  }
  static void Free(void* block) {
    if (block == nullptr) return;
    void* const begin = static_cast<char*>(block) - kHeadBytes;
    std::size_t size = 0;
    std::memcpy(&size, begin, sizeof size);
    OPENSSL_cleanse(block, size);
    std::free(begin);
  }

 private:
  static constexpr std::size_t kHeadBytes = alignof(std::max_align_t);  // before each block: its size
  static_assert(kHeadBytes >= sizeof(std::size_t));
};

}  // namespace warppool::internal
