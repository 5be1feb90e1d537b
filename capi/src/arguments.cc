#include "arguments.h"

#include <string>

#include "handle.h"

namespace warppool::capi {
namespace {

// No struct will ever be larger; a larger number is uninitialised memory, and must not be believed.
constexpr std::size_t kLargestStruct = 4096;

}  // namespace

Status Invalid(const char* name, const char* problem) {
  return Status(Code::kInvalidArgument, std::string(name) + ": " + problem);
}

Status NotNull(std::initializer_list<Pointer> pointers) {
  for (const Pointer& pointer : pointers) {
    if (pointer.value == nullptr) return Invalid(pointer.name, "must not be NULL");
  }
  return {};
}

Status AtLeast(std::int64_t minimum, std::int64_t value, const char* name) {
  if (value >= minimum) return {};
  return Invalid(name, ("must be " + std::to_string(minimum) + " or more").c_str());
}

Status ZeroOrOne(std::int32_t value, const char* name) {
  return value == 0 || value == 1 ? Status() : Invalid(name, "must be 0 or 1");
}

LogSink WrapLog(warppool_log_sink sink, void* user_data) {
  if (sink == nullptr) return {};
  return [sink, user_data](const LogRecord& record) {
    const std::string message(record.message);
    sink(static_cast<warppool_log_level>(record.level), message.c_str(), ToUnixMs(record.time), user_data);
  };
}

PoolEventSink WrapPoolEvents(warppool_pool_event_sink sink, void* user_data) {
  if (sink == nullptr) return {};
  return [sink, user_data](const PoolEvent& event) {
    const warppool_pool_event lent(event);
    sink(&lent, user_data);
  };
}

std::int64_t ToUnixMs(std::chrono::system_clock::time_point time) noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::int64_t ToUnixMs(const std::optional<std::chrono::system_clock::time_point>& time) noexcept {
  return time ? ToUnixMs(*time) : -1;
}

Status CheckSize(const void* given, std::size_t first, std::size_t known, const char* name) {
  std::size_t size = 0;
  std::memcpy(&size, given, sizeof size);
  if (size < first || size > kLargestStruct) {
    return Invalid(name, "struct_size is not set to the size of the struct");
  }
  const auto* bytes = static_cast<const unsigned char*>(given);
  for (std::size_t i = known; i < size; ++i) {
    if (bytes[i] != 0) return Invalid(name, "sets something that this version of the library does not know");
  }
  return {};
}

}  // namespace warppool::capi
