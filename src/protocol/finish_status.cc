#include "protocol/finish_status.h"

#include <fmt/format.h>

#include "base/readable.h"
#include "protocol/agent_failure.h"

namespace warppool::internal {
namespace {

constexpr std::size_t kMaxQuoted = 1000;

Status StatusOfFailure(std::string_view text) {
  const AgentFailure failure = ReadAgentFailure(text);
  const std::string words = Readable(text, kMaxQuoted);
  const auto is = [&](Code code, const char* what) {
    return Status({.code = code,
                   .message = fmt::format("{}: {}", what, words),
                   .user_message = words,
                   .retryable = failure.kind == AgentFailureKind::kModelBusy,
                   .retry_after = failure.retry_after});
  };
  switch (failure.kind) {
    case AgentFailureKind::kModelBusy:
      return is(Code::kModelUnavailable, "the model is busy");
    case AgentFailureKind::kTooLong:
      return is(Code::kContextWindowExceeded, "the conversation is too long for the model");
    case AgentFailureKind::kRequestRefused:
      return is(Code::kRequestRejected, "the model refuses what the request brought");
    case AgentFailureKind::kUnknown:
      break;
  }
  return is(Code::kAgentError, "the agent failed");
}

}  // namespace

Status StatusOf(const Finished& finished) {
  switch (finished.reason) {
    case FinishReason::kDone:
      return {};
    case FinishReason::kQuotaLimit:
      return {Code::kQuotaExhausted, "the account's quota is used up (quota_limit)"};
    case FinishReason::kMaxTokenLimit:
      return {Code::kMaxTokenLimit, "the answer reached the model's limit"};
    case FinishReason::kContextWindowExceeded:
      return {Code::kContextWindowExceeded, "the conversation is too long for the model"};
    case FinishReason::kModelUnavailable:
      return Status({.code = Code::kModelUnavailable, .message = "the model is not available", .retryable = true});
    case FinishReason::kInternalError:
      return StatusOfFailure(finished.message);
    case FinishReason::kInvalidModelKey:
      return {Code::kInvalidModelKey,
              fmt::format("the model provider's key was refused: {}", Readable(finished.message, kMaxQuoted))};
    case FinishReason::kOther:
      return {Code::kFinishedOther, "the agent stopped, and does not say why"};
    case FinishReason::kUnknown:
      return {Code::kFinishedUnknown, "the agent stopped for a reason that this version does not know"};
  }
  return {Code::kInternal, "unreachable"};
}

}  // namespace warppool::internal
