#include "token/exchange_answer.h"

#include <fmt/format.h>

#include <utility>

#include "base/redact.h"
#include "http/retry_after.h"

namespace warppool {
namespace {

ExchangeFailure TransferFailure(const FetchResult& answer, const ExchangeEndpoint& endpoint) {
  Error error{.code = Code::kNetwork, .message = "the token exchange cannot be reached: " + answer.transfer.detail};
  switch (answer.transfer.error) {
    case TransferError::kTlsUntrusted:
      error.code = Code::kMisconfigured;
      error.message =
          fmt::format("the certificate of the token exchange is not trusted ({}); check WARP_CA_BUNDLE and {}",
                      answer.transfer.detail, endpoint.setting);
      return {Outcome::kMisconfigured, Status(std::move(error)), true, {}};
    case TransferError::kNotHttp:
      error.code = Code::kMisconfigured;
      error.message = fmt::format("what answers at the token exchange's address does not speak HTTP ({}); check {}",
                                  answer.transfer.detail, endpoint.setting);
      return {Outcome::kMisconfigured, Status(std::move(error)), true, {}};
    case TransferError::kNotDecoded:
      error.code = Code::kMisconfigured;
      error.message = fmt::format("the answer of the token exchange cannot be used: {}; check {}",
                                  answer.transfer.detail, endpoint.setting);
      return {Outcome::kGarbled, Status(std::move(error)), true, {}};
    case TransferError::kStopped:
      error.code = Code::kCancelled;
      error.message = answer.transfer.detail;
      return {Outcome::kCancelled, Status(std::move(error)), false, {}};
    case TransferError::kInternal:
      error.code = Code::kInternal;
      error.message = answer.transfer.detail;
      return {Outcome::kGarbled, Status(std::move(error)), false, {}};
    case TransferError::kNone:
    case TransferError::kNoConnection:
    case TransferError::kConnectionLost:
    case TransferError::kSilence:
      break;
  }
  error.retryable = true;
  return {Outcome::kNetwork, Status(std::move(error)), true, {}};
}

std::variant<ExchangeSuccess, ExchangeFailure> Read(const FetchResult& answer, const ExchangeEndpoint& endpoint,
                                                    const Secret& sent, const Secret& api_key, WallTime now) {
  if (answer.too_large) {
    return ExchangeFailure{Outcome::kGarbled,
                           Status(Code::kLimitExceeded, "the answer of the token exchange is larger than 1 MiB"),
                           true,
                           {}};
  }
  if (answer.transfer.error != TransferError::kNone) return TransferFailure(answer, endpoint);
  const auto retry_after = ReadRetryAfter(answer.head.Find("retry-after"), now);
  const auto read = [&](std::string_view body) {
    return ReadExchange(answer.head.status, body, retry_after, endpoint.setting, !api_key.empty());
  };
  if (answer.head.status == 200) return read(answer.body);
  // Before any of it is quoted, or cut: a part of a secret is one, too.
  std::string words = answer.body;
  Redact(sent.Reveal(), &words);
  Redact(api_key.Reveal(), &words);
  return read(words);
}

}  // namespace

std::variant<ExchangeSuccess, ExchangeFailure> ReadExchangeAnswer(const FetchResult& answer,
                                                                  const ExchangeEndpoint& endpoint, const Secret& sent,
                                                                  const Secret& api_key, WallTime now) {
  auto read = Read(answer, endpoint, sent, api_key, now);
  if (auto* failure = std::get_if<ExchangeFailure>(&read)) {
    failure->status = Redacted(Redacted(failure->status, sent.Reveal()), api_key.Reveal());
  }
  return read;
}

// How much a failure says about the token itself.
int Weight(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAuthDead:
      return 4;
    case Outcome::kAuthRejected:
      return 3;
    case Outcome::kOverloaded:
    case Outcome::kNetwork:
    case Outcome::kServerError:
      return 2;
    case Outcome::kMisconfigured:
      return 1;
    default:
      return 0;
  }
}

}  // namespace warppool
