#include "failure.h"

#include <string>

#include "arguments.h"
#include "guard.h"

using warppool::Status;
using warppool::capi::Guard;
using warppool::capi::NotNull;

namespace warppool::capi {
namespace {

bool IsFailure(warppool_code code) noexcept {
  switch (code) {
    case WARPPOOL_OK:
    case WARPPOOL_END:
      return false;
    case WARPPOOL_TIMEOUT:
    case WARPPOOL_CANCELLED:
    case WARPPOOL_INVALID_ARGUMENT:
    case WARPPOOL_MISUSE:
    case WARPPOOL_INVALID_CONFIG:
    case WARPPOOL_NO_TOKENS:
    case WARPPOOL_MISCONFIGURED:
    case WARPPOOL_OUT_OF_MEMORY:
    case WARPPOOL_INTERNAL:
    case WARPPOOL_UNAUTHORIZED:
    case WARPPOOL_QUOTA_EXHAUSTED:
    case WARPPOOL_NO_TOKEN_READY:
    case WARPPOOL_ALL_TOKENS_FAILED:
    case WARPPOOL_NETWORK:
    case WARPPOOL_OVERLOADED:
    case WARPPOOL_SERVER_ERROR:
    case WARPPOOL_REQUEST_REJECTED:
    case WARPPOOL_DEADLINE_EXCEEDED:
    case WARPPOOL_BLOCKED:
    case WARPPOOL_NOT_A_STREAM:
    case WARPPOOL_EMPTY_ANSWER:
    case WARPPOOL_TRUNCATED:
    case WARPPOOL_CONNECTION_LOST:
    case WARPPOOL_UNDECODABLE_EVENT:
    case WARPPOOL_LIMIT_EXCEEDED:
    case WARPPOOL_INVALID_ACTION:
    case WARPPOOL_MAX_TOKEN_LIMIT:
    case WARPPOOL_CONTEXT_WINDOW_EXCEEDED:
    case WARPPOOL_MODEL_UNAVAILABLE:
    case WARPPOOL_AGENT_ERROR:
    case WARPPOOL_INVALID_MODEL_KEY:
    case WARPPOOL_FINISHED_OTHER:
    case WARPPOOL_FINISHED_UNKNOWN:
      return true;
  }
  return false;
}

}  // namespace

Status ToStatus(warppool_code code, const warppool_failure& failure, const char* callback) {
  if (!IsFailure(code)) {
    const std::string number = std::to_string(static_cast<int>(code));
    return Status(Code::kInternal, std::string(callback) + " returned " + number + ", which says nothing");
  }
  return Status(static_cast<Code>(code), failure.message.empty() ? std::string(callback) + " failed" : failure.message);
}

}  // namespace warppool::capi

warppool_code warppool_failure_set_message(warppool_failure* failure, const char* message, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{failure, "failure"}, {message, "message"}}); !status.ok()) return status;
    failure->message = message;
    return Status();
  });
}
