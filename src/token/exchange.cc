#include "token/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/json.h"
#include "base/redact.h"
#include "base/wipe.h"
#include "http/refusal.h"
#include "platform/read_double.h"

namespace warppool::internal {
namespace {

// `prefix` and the secret behind it, percent-encoded. With room for all of it from the beginning: no copy stays behind.
std::string WithEncoded(std::string_view prefix, std::string_view secret) {
  std::string encoded;
  encoded.reserve(prefix.size() + 3 * secret.size());
  encoded += prefix;
  constexpr const char* kDigits = "0123456789ABCDEF";
  for (const char c : secret) {
    const bool unreserved =
        IsAsciiLetter(c) || IsAsciiDigit(c) || c == '-' || c == '.' || c == '_' || c == '~';  // RFC 3986, section 2.3
    if (unreserved) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', kDigits[byte >> 4U], kDigits[byte & 0xFU]};
    }
  }
  return encoded;
}

// What can stand in a header: a bearer comes from outside, and must not bring lines of its own.
bool IsBearer(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// expires_in, which comes as a string or as a number. What makes no sense counts as not there.
std::optional<std::chrono::seconds> ReadLife(const std::string* text) {
  if (text == nullptr) return std::nullopt;
  const auto seconds = ReadDouble(*text);
  if (!seconds || *seconds < 0) return std::nullopt;
  constexpr double kForever = 1e9;
  return std::chrono::seconds(static_cast<std::chrono::seconds::rep>(std::min(*seconds, kForever)));
}

// What is to be kept of a 200.
struct ExchangeAnswer {
  ExchangeSuccess success;
  std::string fault;  // why it is no success; empty: it is one
};

ExchangeAnswer ReadSuccess(std::string_view body) {
  ExchangeAnswer answer;
  const auto json = FlatJson::Parse(body);
  if (!json) {
    answer.fault = json.status().message();
    return answer;
  }
  // Read first, and kept whatever else is wrong: it may be the only copy.
  ExchangeSuccess& success = answer.success;
  if (const auto* token = json->FindText({"refresh_token", "refreshToken"})) success.refresh_token = Secret(*token);

  const std::string* bearer = json->FindText({"id_token", "idToken", "access_token", "accessToken"});
  if (bearer == nullptr) {
    answer.fault = "it has neither id_token nor access_token";
  } else if (!IsBearer(*bearer)) {
    answer.fault = "its id_token has characters that no token has";
  } else {
    success.bearer = Secret(*bearer);
  }
  success.life = ReadLife(json->FindAny({"expires_in", "expiresIn"}));
  if (const std::string* user = json->FindAny({"user_id", "userId"})) success.user_id = *user;
  return answer;
}

ExchangeFailure AsFailure(const Refusal& refusal, const Secret& sent, const Secret& api_key) {
  constexpr int kProxyLogin = 407;  // it would be refused once more
  const bool is_final = refusal.outcome == Outcome::kAuthRevoked || refusal.outcome == Outcome::kCancelled ||
                        refusal.status.code() == Code::kInternal || refusal.status.error().http_status == kProxyLogin;
  return {refusal.outcome, Redacted(Redacted(refusal.status, sent.Reveal()), api_key.Reveal()), !is_final, {}};
}

}  // namespace

std::string ExchangeBody(const Secret& refresh_token) {
  return WithEncoded("grant_type=refresh_token&refresh_token=", refresh_token.Reveal());
}

std::string ExchangeUrl(std::string_view url, const Secret& api_key) {
  return api_key.empty() ? std::string(url) : WithEncoded(fmt::format("{}?key=", url), api_key.Reveal());
}

std::variant<ExchangeSuccess, ExchangeFailure> ReadExchange(const FetchResult& answer, const ExchangeEndpoint& endpoint,
                                                            const Secret& sent, const Secret& api_key, WallTime now) {
  const EndpointFacts facts{Endpoint::kExchange, "the token exchange", endpoint.setting, !api_key.empty()};
  if (answer.too_large) {
    const Status status(Code::kLimitExceeded, "the answer of the token exchange is larger than 1 MiB");
    return ExchangeFailure{Outcome::kGarbled, status, true, {}};
  }
  if (answer.transfer.error != TransferError::kNone) {
    return AsFailure(ReadTransferError(answer.transfer, facts, false), sent, api_key);
  }
  ExchangeAnswer read;
  if (answer.head.status == 200) {
    read = ReadSuccess(answer.body);
    if (read.fault.empty()) return std::move(read.success);
  }
  // Before any of it is quoted, or cut: a part of a secret is one, too.
  std::string words = answer.body;
  const WipedAtEnd wiped(&words);
  HttpHead head = answer.head;
  const Secret& replacement = read.success.refresh_token;
  for (const Secret* secret : {&sent, &api_key, &replacement}) {
    Redact(secret->Reveal(), &words);
    RedactHead(secret->Reveal(), &head);
  }
  RedactAnswer(answer.secrets, &words, &head);
  const Refusal refusal = ReadRefusal(head, {words, answer.complete, answer.readable, read.fault}, facts, now);
  ExchangeFailure failure = AsFailure(refusal, sent, api_key);
  failure.refresh_token = std::move(read.success.refresh_token);
  return failure;
}

int Weight(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAuthRevoked:
      return 4;
    case Outcome::kAuthRejected:
      return 3;
    case Outcome::kOverloaded:
    case Outcome::kNetwork:
    case Outcome::kBlocked:
    case Outcome::kServerError:
      return 2;
    case Outcome::kMisconfigured:
      return 1;
    default:
      return 0;
  }
}

}  // namespace warppool::internal
