#include "platform/file_system.h"

#include <fmt/format.h>

#include <system_error>

namespace warppool::internal {

namespace {

bool IsDiskFull(int error) {
#if defined(EDQUOT)
  if (error == EDQUOT) return true;
#endif
  return error == ENOSPC;
}

}  // namespace

Status FileFailure(const std::string& path, const char* what, int error) {
  return Status(Error{.code = Code::kInternal,
                      .message = fmt::format("{}: {}: {}", path, what, std::generic_category().message(error)),
                      .retryable = IsDiskFull(error)});
}

}  // namespace warppool::internal
