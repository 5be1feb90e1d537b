#include "platform/file_system.h"

#include <fmt/format.h>

#include <system_error>

namespace warppool::internal {

Status FileFailure(const std::string& path, const char* what, int error) {
  return {Code::kInternal, fmt::format("{}: {}: {}", path, what, std::generic_category().message(error))};
}

}  // namespace warppool::internal
