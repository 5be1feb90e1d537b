#include "client/agent_answer.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/utf8.h"
#include "http/retry_after.h"

namespace warppool {
namespace {

constexpr std::size_t kMaxUserMessage = 1000;

bool SaysQuota(const HttpHead& head, std::string_view body) {
  return head.Find("x-warp-error-code") == "OUT_OF_CREDITS" || body.find("No remaining quota") != body.npos ||
         body.find("No AI requests remaining") != body.npos;
}

// What the service wants people to read, and its own code, as far as the answer has them.
void ReadWords(const HttpHead& head, std::string_view body, Error* error) {
  error->service_code = head.Find("x-warp-error-code");
  const auto json = FlatJson::Parse(body);
  if (!json) return;
  if (const auto* words =
          json->FindAny({"userDisplayMessage", "error.userDisplayMessage", "error.message", "error", "message"})) {
    error->user_message = words->substr(0, kMaxUserMessage);
    const auto cut = FirstInvalidUtf8(error->user_message);
    if (cut) error->user_message.resize(*cut);  // not in the middle of a character
  }
  if (const auto* code = json->FindAny({"error.code", "code"}); code != nullptr && error->service_code.empty()) {
    error->service_code = code->substr(0, 100);
  }
}

}  // namespace

AttemptResult ReadRefusal(const HttpHead& head, std::string_view body, WallTime now) {
  AttemptResult result;
  result.retry_after = ReadRetryAfter(head.Find("retry-after"), now);
  Error error;
  error.http_status = head.status;
  error.retry_after = result.retry_after;
  ReadWords(head, body, &error);
  const auto is = [&](Outcome outcome, Code code, std::string message) {
    result.outcome = outcome;
    error.code = code;
    error.message = std::move(message);
    error.retryable = outcome == Outcome::kOverloaded || outcome == Outcome::kServerError;
  };

  const int status = head.status;
  if (status == 401) {
    is(Outcome::kAuthRejected, Code::kUnauthorized, "the service does not accept the token (401)");
  } else if (status == 403) {
    is(Outcome::kAuthRejected, Code::kUnauthorized, "the service refuses this account (403)");
  } else if (status == 429 && SaysQuota(head, body)) {
    is(Outcome::kQuotaExhausted, Code::kQuotaExhausted, "the account's quota is used up (429)");
  } else if (status == 500) {
    is(Outcome::kServerError, Code::kServerError, "the service failed (500)");
  } else if (status == 408 || status == 429 || status > 500) {
    is(Outcome::kOverloaded, Code::kOverloaded, fmt::format("the service is overloaded ({})", status));
  } else if (status >= 400) {
    const bool no_such_place = status == 404 || status == 405;
    is(Outcome::kRequestFault, Code::kRequestRejected,
       fmt::format("the service rejects the request ({}){}", status, no_such_place ? "; check WARP_SERVER_URL" : ""));
  } else if (status >= 300) {
    is(Outcome::kMisconfigured, Code::kMisconfigured,
       fmt::format("the service answers with a redirect ({}); check WARP_SERVER_URL", status));
  } else {
    is(Outcome::kGarbled, Code::kNotAStream, fmt::format("the service answers with status {}", status));
  }
  result.status = Status(std::move(error));
  return result;
}

AttemptResult ReadTransferError(const TransferResult& result, bool began) {
  const Outcome network = began ? Outcome::kStreamCut : Outcome::kNetwork;
  const auto failure = [&](Outcome outcome, Code code, std::string message) {
    Error error{.code = code, .message = std::move(message)};
    error.retryable = outcome == Outcome::kNetwork || outcome == Outcome::kStreamCut;
    return AttemptResult{outcome, Status(std::move(error)), std::nullopt};
  };
  switch (result.error) {
    case TransferError::kNone:
      break;
    case TransferError::kNoConnection:
      return failure(Outcome::kNetwork, Code::kNetwork, "no connection to the service: " + result.detail);
    case TransferError::kConnectionLost:
      return failure(network, began ? Code::kConnectionLost : Code::kNetwork,
                     "the connection was lost: " + result.detail);
    case TransferError::kSilence:
      return failure(network, Code::kNetwork, "the service went silent: " + result.detail);
    case TransferError::kTlsUntrusted:
      return failure(
          Outcome::kMisconfigured, Code::kMisconfigured,
          fmt::format("the service's certificate is not trusted ({}); check WARP_CA_BUNDLE and WARP_SERVER_URL",
                      result.detail));
    case TransferError::kNotHttp:
      return failure(Outcome::kGarbled, Code::kNotAStream, "what the service answers is not HTTP: " + result.detail);
    case TransferError::kNotDecoded:
      return failure(Outcome::kGarbled, Code::kNotAStream, result.detail);
    case TransferError::kStopped:
      return failure(Outcome::kCancelled, Code::kCancelled, result.detail);
    case TransferError::kInternal:
      return failure(Outcome::kGarbled, Code::kInternal, result.detail);
  }
  return {};
}

}  // namespace warppool
