#include "warppool/status.h"

#include <fmt/format.h>

#include "base/abandon.h"
#include "warppool/version.h"

namespace warppool {

const char* Version() noexcept {
  return WARPPOOL_VERSION_STRING;
}

const char* CodeName(Code code) noexcept {
  switch (code) {
    case Code::kOk:
      return "ok";
    case Code::kTimeout:
      return "timeout";
    case Code::kEnd:
      return "end";
    case Code::kCancelled:
      return "cancelled";
    case Code::kInvalidArgument:
      return "invalid_argument";
    case Code::kMisuse:
      return "misuse";
    case Code::kInvalidConfig:
      return "invalid_config";
    case Code::kNoTokens:
      return "no_tokens";
    case Code::kMisconfigured:
      return "misconfigured";
    case Code::kOutOfMemory:
      return "out_of_memory";
    case Code::kInternal:
      return "internal";
    case Code::kUnauthorized:
      return "unauthorized";
    case Code::kQuotaExhausted:
      return "quota_exhausted";
    case Code::kNoTokenReady:
      return "no_token_ready";
    case Code::kAllTokensFailed:
      return "all_tokens_failed";
    case Code::kNetwork:
      return "network";
    case Code::kOverloaded:
      return "overloaded";
    case Code::kServerError:
      return "server_error";
    case Code::kRequestRejected:
      return "request_rejected";
    case Code::kDeadlineExceeded:
      return "deadline_exceeded";
    case Code::kBlocked:
      return "blocked";
    case Code::kNotAStream:
      return "not_a_stream";
    case Code::kEmptyAnswer:
      return "empty_answer";
    case Code::kTruncated:
      return "truncated";
    case Code::kConnectionLost:
      return "connection_lost";
    case Code::kUndecodableEvent:
      return "undecodable_event";
    case Code::kLimitExceeded:
      return "limit_exceeded";
    case Code::kInvalidAction:
      return "invalid_action";
    case Code::kMaxTokenLimit:
      return "max_token_limit";
    case Code::kContextWindowExceeded:
      return "context_window_exceeded";
    case Code::kModelUnavailable:
      return "model_unavailable";
    case Code::kAgentError:
      return "agent_error";
    case Code::kInvalidModelKey:
      return "invalid_model_key";
    case Code::kFinishedOther:
      return "finished_other";
    case Code::kFinishedUnknown:
      return "finished_unknown";
  }
  return "unknown";
}

Status::Status(Error error) {
  if (error.code != Code::kOk) error_ = std::make_shared<const Error>(std::move(error));
}

Status::Status(Code code, std::string message) : Status(Error{.code = code, .message = std::move(message)}) {}

Status Status::OutOfMemory() noexcept {
  static const internal::Forever<Error> kOutOfMemory(Error{.code = Code::kOutOfMemory, .message = "out of memory"});
  Status status;
  status.error_ = std::shared_ptr<const Error>(std::shared_ptr<const Error>(), &kOutOfMemory.value);  // shares nothing
  return status;
}

Status Status::AsFailure(Status status) noexcept {
  if (!status.ok()) return status;
  // Short enough to take no memory, as above: there may be none.
  static const Error kNoValue{.code = Code::kInternal, .message = "without a value"};
  status.error_ = std::shared_ptr<const Error>(std::shared_ptr<const Error>(), &kNoValue);
  return status;
}

const Error& Status::error() const noexcept {
  static const internal::Forever<Error> kNone(Error{.code = Code::kOk, .message = {}});
  return error_ ? *error_ : kNone.value;
}

std::string Status::ToString() const {
  if (ok()) return "ok";
  const Error& e = error();
  std::string text = fmt::format("{}: {}", CodeName(e.code), e.message);
  if (!e.token.empty()) text += fmt::format(" (token {})", e.token);
  if (!e.user_message.empty()) text += fmt::format("\n  the service says: {}", e.user_message);
  for (const Attempt& attempt : e.attempts) {
    text += fmt::format("\n  {}: {}: {}", attempt.token, CodeName(attempt.code), attempt.message);
  }
  return text;
}

}  // namespace warppool
