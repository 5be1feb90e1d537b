// Checks of what a C program passes in, and the structs that carry their own size.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>

#include "warppool.h"
#include "warppool/log.h"
#include "warppool/status.h"
#include "warppool/token_pool.h"

namespace warppool::capi {

Status Invalid(const char* name, const char* problem);

struct Pointer {
  const void* value;
  const char* name;
};
// Names the first that is NULL.
Status NotNull(std::initializer_list<Pointer> pointers);

Status AtLeast(std::int64_t minimum, std::int64_t value, const char* name);

// C99's idea of a bool: 0 or 1.
Status ZeroOrOne(std::int32_t value, const char* name);

// Empty sinks for NULL.
LogSink WrapLog(warppool_log_sink sink, void* user_data);
PoolEventSink WrapPoolEvents(warppool_pool_event_sink sink, void* user_data);

std::int64_t ToUnixMs(std::chrono::system_clock::time_point time) noexcept;
std::int64_t ToUnixMs(const std::optional<std::chrono::system_clock::time_point>& time) noexcept;  // -1: none

// How long a struct was when the library first had it: up to its last member of that time. Nobody has a shorter one.
#define WARPPOOL_SIZE_UP_TO(type, member) (offsetof(type, member) + sizeof(type::member))

// Is the size at the start of `given` one that the struct has, had or may have one day, and all beyond `known` zero?
Status CheckSize(const void* given, std::size_t first, std::size_t known, const char* name);

// Reads a struct of any version: what is not there keeps the value that it has in `*known`.
template <typename Struct>
Status ReadStruct(const Struct* given, std::size_t first, const char* name, Struct* known) {
  if (Status status = CheckSize(given, first, sizeof(Struct), name); !status.ok()) return status;
  std::memcpy(known, given, std::min(given->struct_size, sizeof(Struct)));
  return {};
}

// Fills a struct of any version, as far as it goes. What this version does not know becomes zero.
template <typename Struct>
Status WriteStruct(Struct value, std::size_t first, const char* name, Struct* given) {
  const std::size_t size = given->struct_size;
  // What lies beyond is about to be overwritten: only the size counts.
  if (Status status = CheckSize(given, first, size, name); !status.ok()) return status;
  value.struct_size = size;
  std::memset(static_cast<void*>(given), 0, size);
  std::memcpy(given, &value, std::min(size, sizeof(Struct)));
  return {};
}

}  // namespace warppool::capi
