#include "token/token_endpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "base/json.h"
#include "platform/read_double.h"

namespace warppool {
namespace {

// The exchange's final words (protocol facts): the credential or its account is gone.
struct FinalMessage {
  const char* message;
  const char* meaning;
};
constexpr std::array<FinalMessage, 5> kFinalMessages{{
    {"TOKEN_EXPIRED", "the refresh token has expired; log in again for a new one"},
    {"INVALID_REFRESH_TOKEN", "the refresh token is not valid; check it, or log in again for a new one"},
    {"MISSING_REFRESH_TOKEN", "the service saw no refresh token; log in again for a new one"},
    {"USER_DISABLED", "the account is disabled"},
    {"USER_NOT_FOUND", "the account does not exist any more"},
}};

// Words of the service that go into messages: printable, and short.
constexpr std::size_t kMaxQuoted = 200;

std::string Quotable(std::string_view words) {
  std::string text(words.substr(0, kMaxQuoted));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

std::string PercentEncode(std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const bool unreserved =
        IsAsciiLetter(c) || IsAsciiDigit(c) || c == '-' || c == '.' || c == '_' || c == '~';  // RFC 3986, section 2.3
    if (unreserved) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

// What can stand in a header: a bearer comes from outside, and must not bring lines of its own.
bool IsBearer(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// TOKEN_EXPIRED, but not "Token expired.".
bool IsCode(std::string_view words) {
  return std::all_of(words.begin(), words.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool ContainsIgnoringCase(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) { return AsciiLower(a) == b; };
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(), same) != text.end();
}

ExchangeFailure Failure(Outcome outcome, bool ask_elsewhere, Error error) {
  error.retryable = outcome == Outcome::kOverloaded || outcome == Outcome::kNetwork || outcome == Outcome::kServerError;
  return {outcome, Status(std::move(error)), ask_elsewhere, {}};
}

// expires_in, which comes as a string or as a number. What makes no sense counts as not there.
std::optional<std::chrono::seconds> ReadLife(const std::string* text) {
  if (text == nullptr) return std::nullopt;
  const auto seconds = ReadDouble(*text);
  if (!seconds || *seconds < 0) return std::nullopt;
  constexpr double kForever = 1e9;
  return std::chrono::seconds(static_cast<std::chrono::seconds::rep>(std::min(*seconds, kForever)));
}

std::variant<ExchangeSuccess, ExchangeFailure> ReadSuccess(std::string_view body, std::string_view url_setting) {
  const auto garbled = [&](const std::string& why) {
    return Failure(
        Outcome::kGarbled, true,
        {.code = Code::kMisconfigured,
         .message = fmt::format("the answer of the token exchange cannot be used: {}; check {}", why, url_setting),
         .http_status = 200});
  };
  const auto json = FlatJson::Parse(body);
  if (!json) return garbled(json.status().message());
  // Read first, and kept whatever else is wrong: it may be the only copy.
  Secret rotated;
  if (const std::string* token = json->FindAny({"refresh_token", "refreshToken"})) rotated = Secret(*token);

  const std::string* bearer = json->FindAny({"id_token", "idToken", "access_token", "accessToken"});
  if (bearer == nullptr || !IsBearer(*bearer)) {
    ExchangeFailure failure = garbled(bearer == nullptr ? "it has neither id_token nor access_token"
                                                        : "its id_token has characters that no token has");
    failure.refresh_token = std::move(rotated);
    return failure;
  }
  ExchangeSuccess success;
  success.bearer = Secret(*bearer);
  success.life = ReadLife(json->FindAny({"expires_in", "expiresIn"}));
  success.refresh_token = std::move(rotated);
  if (const std::string* user = json->FindAny({"user_id", "userId"})) success.user_id = *user;
  return success;
}

}  // namespace

std::string ExchangeBody(const Secret& refresh_token) {
  return "grant_type=refresh_token&refresh_token=" + PercentEncode(refresh_token.Reveal());
}

std::string ExchangeQuery(const Secret& api_key) {
  return api_key.empty() ? std::string() : "?key=" + PercentEncode(api_key.Reveal());
}

std::variant<ExchangeSuccess, ExchangeFailure> ReadExchange(int http_status, std::string_view body,
                                                            std::optional<std::chrono::milliseconds> retry_after,
                                                            std::string_view url_setting, bool has_api_key) {
  if (http_status == 200) return ReadSuccess(body, url_setting);

  Error error;
  error.http_status = http_status;
  error.retry_after = retry_after;
  if (http_status < 300) {
    error.code = Code::kMisconfigured;
    error.message = fmt::format("the token exchange answers with status {}; check {}", http_status, url_setting);
    return Failure(Outcome::kGarbled, true, std::move(error));
  }
  if (http_status >= 300 && http_status < 400) {
    error.code = Code::kMisconfigured;
    error.message = fmt::format("the token exchange answers with a redirect ({}); check {}", http_status, url_setting);
    return Failure(Outcome::kMisconfigured, true, std::move(error));
  }
  if (http_status == 404) {
    error.code = Code::kMisconfigured;
    error.message = fmt::format("there is no token exchange at this address (404); check {}", url_setting);
    return Failure(Outcome::kMisconfigured, true, std::move(error));
  }
  if (http_status == 500) {
    error.code = Code::kServerError;
    error.message = "the token exchange failed (500)";
    return Failure(Outcome::kServerError, true, std::move(error));
  }
  if (http_status == 408 || http_status == 429 || http_status > 500) {
    error.code = Code::kOverloaded;
    error.message = fmt::format("the token exchange is overloaded ({})", http_status);
    return Failure(Outcome::kOverloaded, true, std::move(error));
  }

  std::string message;
  if (const auto json = FlatJson::Parse(body); json.ok()) {
    if (const std::string* words = json->FindAny({"error.message", "error"})) message = Quotable(*words);
  }
  if (IsCode(message)) error.service_code = message;
  for (const FinalMessage& final_message : kFinalMessages) {
    if (message != final_message.message) continue;
    error.code = Code::kUnauthorized;
    error.message = fmt::format("{} ({})", final_message.meaning, message);
    return Failure(Outcome::kAuthDead, false, std::move(error));
  }
  if (ContainsIgnoringCase(message, "api key") || ContainsIgnoringCase(message, "api_key")) {
    error.code = Code::kMisconfigured;
    error.message = has_api_key ? "the token exchange refuses the API key; check WARP_FIREBASE_API_KEY"
                                : "the token exchange wants an API key; set WARP_FIREBASE_API_KEY";
    return Failure(Outcome::kMisconfigured, true, std::move(error));
  }
  error.code = Code::kUnauthorized;
  error.message =
      fmt::format("the token exchange refuses the token ({}{}{})", http_status, message.empty() ? "" : " ", message);
  if (!has_api_key) error.message += "; no API key was sent, WARP_FIREBASE_API_KEY is not set";
  return Failure(Outcome::kAuthRejected, true, std::move(error));
}

}  // namespace warppool
