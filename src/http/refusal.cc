#include "http/refusal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "base/redact.h"
#include "http/retry_after.h"
#include "http/service_words.h"

namespace warppool::internal {
namespace {

// The service's codes for a quota that is used up, and for a service that has too much to do.
constexpr std::string_view kOutOfCredits = "OUT_OF_CREDITS";
constexpr std::string_view kAtCapacity = "AT_CLOUD_AGENT_CAPACITY";

constexpr const char* kProxyWantsLogin = "the proxy wants a log-in (407); check WARP_PROXY";

bool IsOverload(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

bool IsRedirect(int status) {
  return status >= 300 && status < 400;
}

// The exchange's final words: the credential or its account is gone.
struct ExchangeVerdict {
  std::string_view code;
  Outcome outcome;
  std::string_view meaning;
};
constexpr std::array<ExchangeVerdict, 9> kExchangeVerdicts{{
    {"TOKEN_EXPIRED", Outcome::kAuthRevoked, "the refresh token has expired; log in again for a new one"},
    {"INVALID_REFRESH_TOKEN", Outcome::kAuthRevoked,
     "the refresh token is not valid; check it, or log in again for a new one"},
    {"USER_DISABLED", Outcome::kAuthRevoked, "the account is disabled"},
    {"USER_NOT_FOUND", Outcome::kAuthRevoked, "the account does not exist any more"},
    {"MISSING_REFRESH_TOKEN", Outcome::kMisconfigured,
     "the token exchange saw no refresh token, though one was sent; check {setting}"},
    {"PROJECT_NUMBER_MISMATCH", Outcome::kMisconfigured,
     "the refresh token and the API key are of different projects; check WARP_FIREBASE_API_KEY"},
    {"INVALID_GRANT_TYPE", Outcome::kMisconfigured,
     "the token exchange does not know what was asked of it; check {setting}"},
    {"QUOTA_EXCEEDED", Outcome::kOverloaded, "the token exchange is asked too often"},
    {"TOO_MANY_ATTEMPTS_TRY_LATER", Outcome::kOverloaded, "the token exchange is asked too often"},
}};

// The agent's and the account queries' final words, with which a message begins.
constexpr std::array<std::string_view, 2> kAccountIsGone = {
    "Your account has been blocked from using AI features",
    "User not in context: Not found",
};

bool SaysQuota(const ServiceWords& words, std::string_view body) {
  const auto begins = [](std::string_view text) {
    const std::string_view trimmed = TrimAsciiBlanks(text);
    return trimmed.rfind("No remaining quota", 0) == 0 || trimmed.rfind("No AI requests remaining", 0) == 0;
  };
  return words.code == kOutOfCredits || begins(words.message) || begins(body);
}

// Reads one answer.
class Reader {
 public:
  Reader(const HttpHead& head, const RefusalBody& body, const EndpointFacts& facts, WallTime now)
      : head_(head), body_(body), facts_(facts), words_(ReadServiceWords(head, body.text)) {
    refusal_.retry_after = ReadRetryAfter(head.Find("retry-after"), now);
    error_.http_status = head.status;
    error_.retry_after = refusal_.retry_after;
    const bool is_code = IsServiceCode(words_.message);
    error_.service_code = words_.code.empty() && is_code ? words_.message : words_.code;
    error_.user_message = !words_.display.empty() ? words_.display : is_code ? std::string() : words_.message;
  }

  Refusal Read() {
    const int status = head_.status;
    if (status == 407) {
      Is(Outcome::kMisconfigured, Code::kMisconfigured, kProxyWantsLogin);
    } else if (IsRedirect(status)) {
      Is(Outcome::kMisconfigured, Code::kMisconfigured,
         fmt::format("{} answers with a redirect ({}); check {}", facts_.name, status, facts_.setting));
    } else if (IsOverload(status)) {
      ReadOverload();
    } else if (!IsOwn()) {
      ReadForeign();
    } else {
      ReadOwn();
    }
    refusal_.status = Status(std::move(error_));
    return std::move(refusal_);
  }

 private:
  void Is(Outcome outcome, Code code, std::string message) {
    refusal_.outcome = outcome;
    error_.code = code;
    error_.message = std::move(message);
    error_.retryable =
        outcome == Outcome::kOverloaded || outcome == Outcome::kServerError || outcome == Outcome::kBlocked;
  }
  void IsQuota() {
    Is(Outcome::kQuotaExhausted, Code::kQuotaExhausted,
       fmt::format("the account's quota is used up ({})", head_.status));
  }
  void IsOverloaded() {
    Is(Outcome::kOverloaded, Code::kOverloaded, fmt::format("{} is overloaded ({})", facts_.name, head_.status));
  }

  void IsNowhere() {
    constexpr std::string_view kArticle = "the ";
    Is(Outcome::kMisconfigured, Code::kMisconfigured,
       fmt::format("there is no {} at this address ({}); check {}", facts_.name.substr(kArticle.size()), head_.status,
                   facts_.setting));
  }

  bool IsOwn() const {
    if (words_.has_header) return true;
    if (!body_.readable) return false;
    if (body_.text.empty()) return body_.complete || !words_.is_page;
    if (words_.is_stream && facts_.endpoint == Endpoint::kAgent) return true;
    // Nobody knows how it would have gone on.
    if (!body_.complete) return words_.is_object && !words_.is_page;
    return words_.is_error || (facts_.endpoint == Endpoint::kExchange && words_.is_exchange_success) ||
           (facts_.endpoint == Endpoint::kAccount && words_.is_graphql);
  }

  void ReadOverload() {
    const int status = head_.status;
    if (status == 429 && facts_.endpoint != Endpoint::kExchange && SaysQuota(words_, body_.text)) return IsQuota();
    if (status == 500 && IsOwn()) {
      return Is(Outcome::kServerError, Code::kServerError, fmt::format("{} failed (500)", facts_.name));
    }
    IsOverloaded();
  }

  void ReadForeign() {
    // The words are not the service's, and it does not ask for a pause.
    error_.user_message.clear();
    error_.service_code.clear();
    error_.retry_after.reset();
    refusal_.retry_after.reset();
    Is(Outcome::kBlocked, Code::kBlocked,
       fmt::format("something on the way answers in place of {} ({}{}); check WARP_PROXY and {}", facts_.name,
                   head_.status, LookOf(head_, body_.text), facts_.setting));
  }

  void ReadOwn() {
    if (facts_.endpoint == Endpoint::kExchange) return ReadExchange();
    if (words_.code == kOutOfCredits) return IsQuota();
    if (words_.code == kAtCapacity) return IsOverloaded();
    const int status = head_.status;
    const bool no_such_place = status == 404 || status == 405;
    const bool gone = std::any_of(kAccountIsGone.begin(), kAccountIsGone.end(),
                                  [&](std::string_view text) { return words_.message.rfind(text, 0) == 0; });
    if (gone && (status == 401 || status == 403 || facts_.endpoint == Endpoint::kAccount)) {
      Is(Outcome::kAuthRevoked, Code::kUnauthorized, fmt::format("the account is blocked or deleted ({})", status));
    } else if (status == 401) {
      Is(Outcome::kAuthRejected, Code::kUnauthorized, fmt::format("{} does not accept the token (401)", facts_.name));
    } else if (status == 402 || status == 403) {
      Is(Outcome::kAuthRejected, Code::kUnauthorized, fmt::format("{} refuses this account ({})", facts_.name, status));
    } else if (no_such_place && facts_.endpoint == Endpoint::kAccount) {
      IsNowhere();
    } else if (status >= 400) {
      Is(Outcome::kRequestFault, Code::kRequestRejected,
         fmt::format("{} rejects the request ({}){}", facts_.name, status,
                     no_such_place ? fmt::format("; check {}", facts_.setting) : std::string()));
    } else {
      ReadUnusable();
    }
  }

  // A success that is of no use.
  void ReadUnusable() {
    if (facts_.endpoint == Endpoint::kAgent) {
      const std::string_view type = head_.Find("content-type");
      return Is(Outcome::kGarbled, Code::kNotAStream,
                fmt::format("{} answers with {} instead of an event stream ({}); check {}", facts_.name,
                            type.empty() ? "nothing" : fmt::format("\"{}\"", Readable(type, 100)), head_.status,
                            facts_.setting));
    }
    if (facts_.endpoint == Endpoint::kAccount && !words_.message.empty()) {
      return Is(Outcome::kRequestFault, Code::kRequestRejected, fmt::format("the service refuses {}", facts_.name));
    }
    Is(Outcome::kGarbled, Code::kMisconfigured,
       fmt::format("the answer of {} cannot be used ({}{}{}); check {}", facts_.name, head_.status,
                   body_.fault.empty() ? "" : ": ", body_.fault, facts_.setting));
  }

  void ReadExchange() {
    const int status = head_.status;
    if (status < 300) return ReadUnusable();
    if (!body_.complete) {  // only its words would have told what it means
      Is(Outcome::kNetwork, Code::kNetwork, fmt::format("the answer of the token exchange broke off ({})", status));
      error_.retryable = true;
      return;
    }
    // "TOKEN_EXPIRED", or "TOKEN_EXPIRED : words".
    const std::string_view message = words_.message;
    const std::string_view code = TrimAsciiBlanks(message.substr(0, message.find(':')));
    const auto* const verdict =
        std::find_if(kExchangeVerdicts.begin(), kExchangeVerdicts.end(), [&](const auto& v) { return v.code == code; });
    if (IsServiceCode(code)) error_.service_code = code;
    if (verdict != kExchangeVerdicts.end()) {
      return Is(verdict->outcome, CodeOf(verdict->outcome),
                fmt::format("{} ({})", Filled(verdict->meaning), verdict->code));
    }
    if (status == 404 || status == 405) return IsNowhere();
    if (ContainsIgnoringCase(message, "api key") || ContainsIgnoringCase(message, "api_key")) {
      return Is(Outcome::kMisconfigured, Code::kMisconfigured,
                facts_.has_api_key ? "the token exchange refuses the API key; check WARP_FIREBASE_API_KEY"
                                   : "the token exchange wants an API key; set WARP_FIREBASE_API_KEY");
    }
    Is(Outcome::kAuthRejected, Code::kUnauthorized,
       fmt::format("the token exchange refuses the token ({}{}{}){}", status, words_.message.empty() ? "" : " ",
                   Readable(words_.message, 200),
                   facts_.has_api_key ? "" : "; no API key was sent, WARP_FIREBASE_API_KEY is not set"));
  }

  static Code CodeOf(Outcome outcome) {
    switch (outcome) {
      case Outcome::kAuthRevoked:
        return Code::kUnauthorized;
      case Outcome::kOverloaded:
        return Code::kOverloaded;
      default:
        return Code::kMisconfigured;
    }
  }
  std::string Filled(std::string_view meaning) const {
    constexpr std::string_view kSetting = "{setting}";
    std::string text(meaning);
    if (const auto at = text.find(kSetting); at != text.npos) text.replace(at, kSetting.size(), facts_.setting);
    return text;
  }

  const HttpHead& head_;
  const RefusalBody& body_;
  const EndpointFacts& facts_;
  const ServiceWords words_;
  Error error_;
  Refusal refusal_;
};

}  // namespace

Refusal ReadTransferError(const TransferResult& result, const EndpointFacts& facts, bool began) {
  const auto is = [&](Outcome outcome, Code code, std::string message) {
    Error error{.code = code, .message = std::move(message)};
    error.retryable = outcome == Outcome::kNetwork || outcome == Outcome::kStreamCut || outcome == Outcome::kBlocked;
    return Refusal{outcome, Status(std::move(error)), std::nullopt};
  };
  const Outcome network = began ? Outcome::kStreamCut : Outcome::kNetwork;
  switch (result.error) {
    case TransferError::kNone:
      break;
    case TransferError::kNoConnection:
      return is(Outcome::kNetwork, Code::kNetwork, fmt::format("no connection to {}: {}", facts.name, result.detail));
    case TransferError::kConnectionLost:
      return is(network, began ? Code::kConnectionLost : Code::kNetwork,
                fmt::format("the connection to {} was lost: {}", facts.name, result.detail));
    case TransferError::kSilence:
      return is(network, Code::kNetwork, fmt::format("{} went silent: {}", facts.name, result.detail));
    case TransferError::kTlsUntrusted:
      return is(Outcome::kMisconfigured, Code::kMisconfigured,
                fmt::format("the certificate of {} is not trusted ({}); check WARP_CA_BUNDLE and {}", facts.name,
                            result.detail, facts.setting));
    case TransferError::kTlsSetup:
      return is(Outcome::kMisconfigured, Code::kMisconfigured,
                fmt::format("TLS cannot be set up on this side ({}); check WARP_CA_BUNDLE", result.detail));
    case TransferError::kProxyLogin: {
      Error error{.code = Code::kMisconfigured, .message = kProxyWantsLogin, .http_status = 407};
      return {Outcome::kMisconfigured, Status(std::move(error)), std::nullopt};
    }
    case TransferError::kProxyRefused:
      return is(Outcome::kBlocked, Code::kBlocked,
                fmt::format("the proxy refuses to connect to {} ({}); check WARP_PROXY and {}", facts.name,
                            result.detail, facts.setting));
    case TransferError::kNotHttp:
      return is(Outcome::kMisconfigured, Code::kMisconfigured,
                fmt::format("what answers at the address of {} does not speak HTTP ({}); check {}", facts.name,
                            result.detail, facts.setting));
    case TransferError::kNotDecoded:
      if (facts.endpoint == Endpoint::kAgent) return is(Outcome::kGarbled, Code::kNotAStream, result.detail);
      return is(Outcome::kGarbled, Code::kMisconfigured,
                fmt::format("the answer of {} cannot be used: {}; check {}", facts.name, result.detail, facts.setting));
    case TransferError::kTooLarge:
      return is(Outcome::kGarbled, Code::kLimitExceeded, fmt::format("{}: {}", facts.name, result.detail));
    case TransferError::kStopped:
      return is(Outcome::kCancelled, Code::kCancelled, result.detail);
    case TransferError::kOutOfMemory:
      return {Outcome::kGarbled, Status::OutOfMemory(), std::nullopt};
    case TransferError::kInternal:
      return is(Outcome::kGarbled, Code::kInternal, result.detail);
  }
  return {};
}

bool LeavesRefusal(TransferError error) {
  return error == TransferError::kConnectionLost || error == TransferError::kSilence ||
         error == TransferError::kNotDecoded;
}

void RedactHead(std::string_view secret, HttpHead* head) {
  for (auto& [name, value] : head->headers) Redact(secret, &value);
}

void RedactAnswer(const SharedSecrets& secrets, std::string* body, HttpHead* head) {
  Redact(secrets, body);
  for (auto& [name, value] : head->headers) Redact(secrets, &value);
}

Refusal ReadRefusal(const HttpHead& head, const RefusalBody& body, const EndpointFacts& facts, WallTime now) {
  return Reader(head, body, facts, now).Read();
}

Refusal ReadErrorEvent(std::string_view data, const EndpointFacts& facts) {
  const ServiceWords words = ReadServiceWords(HttpHead{}, data);
  Error error{.code = Code::kAgentError,
              .message = fmt::format("{} ends the stream with an error", facts.name),
              .http_status = 200,
              .service_code = words.code,
              .user_message = !words.display.empty()   ? words.display
                              : !words.message.empty() ? words.message
                                                       : Readable(data, 1000)};
  Refusal refusal{Outcome::kGarbled, Status(), std::nullopt};
  if (words.code == kOutOfCredits) {
    refusal.outcome = Outcome::kQuotaExhausted;
    error.code = Code::kQuotaExhausted;
    error.message = "the account's quota is used up";
  } else if (words.code == kAtCapacity) {
    refusal.outcome = Outcome::kOverloaded;
    error.code = Code::kOverloaded;
    error.message = fmt::format("{} is overloaded", facts.name);
    error.retryable = true;
  }
  refusal.status = Status(std::move(error));
  return refusal;
}

}  // namespace warppool::internal
