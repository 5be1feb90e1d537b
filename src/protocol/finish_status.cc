#include "protocol/finish_status.h"

#include <fmt/format.h>

#include "protocol/agent_failure.h"

namespace warppool {
namespace {

Status StatusOfFailure(std::string_view message) {
  const AgentFailure failure = ReadAgentFailure(message);
  switch (failure.kind) {
    case AgentFailureKind::kModelBusy:
      return Status({.code = Code::kModelUnavailable,
                     .message = fmt::format("the model is busy: {}", message),
                     .retryable = true,
                     .retry_after = failure.retry_after});
    case AgentFailureKind::kTooLong:
      return {Code::kContextWindowExceeded, fmt::format("the conversation is too long for the model: {}", message)};
    case AgentFailureKind::kRequestRefused:
      return {Code::kRequestRejected, fmt::format("the model refuses what the request brought: {}", message)};
    case AgentFailureKind::kUnknown:
      break;
  }
  return {Code::kAgentError, fmt::format("the agent failed: {}", message)};
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
      return {Code::kInvalidModelKey, fmt::format("the model provider's key was refused: {}", finished.message)};
    case FinishReason::kOther:
      return {Code::kFinishedOther, "the agent stopped, and does not say why"};
    case FinishReason::kUnknown:
      return {Code::kFinishedUnknown, "the agent stopped for a reason that this version does not know"};
  }
  return {Code::kInternal, "unreachable"};
}

}  // namespace warppool
