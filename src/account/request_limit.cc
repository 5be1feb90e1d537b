#include "account/request_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/ascii.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "platform/read_double.h"

namespace warppool {
namespace {

constexpr std::string_view kQuery =
    "query GetRequestLimitInfo($requestContext: RequestContext!) { user(requestContext: $requestContext) { "
    "... on UserOutput { user { requestLimitInfo { isUnlimited requestsUsedSinceLastRefresh requestLimit "
    "nextRefreshTime requestLimitRefreshDuration } "
    "bonusGrants { requestCreditsGranted requestCreditsRemaining expiration } } } "
    "... on UserFacingError { error { message } } } }";

// Words of the service that go into errors: short.
constexpr std::size_t kMaxWords = 200;

// More than anybody is granted, and so small that sums of a few neither overflow nor lose a digit in a double.
constexpr std::int64_t kMost = 1'000'000'000'000'000;

// More grants than an account has. A service that sends more does not get their sum.
constexpr int kMaxGrants = 1000;

// The service's words for people: no terminal's commands in them (ASCII's controls, nor U+0080 to U+009F), and cut
// between two characters.
std::string Readable(std::string_view words) {
  const auto is_continuation = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  std::size_t size = std::min(words.size(), kMaxWords);
  while (size > 0 && size < words.size() && is_continuation(words[size])) --size;
  std::string text = RepairedUtf8(words.substr(0, size));
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool c1 = text[i] == '\xC2' && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) text.erase(i, 1);
    if (c1 || IsAsciiControl(text[i])) text[i] = ' ';
  }
  return text;
}

// Strictly a number; what stands behind its point is dropped.
std::optional<std::int64_t> ReadCount(const std::string* text) {
  if (text == nullptr) return std::nullopt;
  const auto number = ReadDouble(*text);
  if (!number) return std::nullopt;
  return static_cast<std::int64_t>(std::clamp(*number, 0.0, static_cast<double>(kMost)));
}

std::int64_t SumOfBonus(const FlatJson& json, WallTime now) {
  std::int64_t sum = 0;
  for (int i = 0; i < kMaxGrants; ++i) {  // to the end: null is no reason to stop
    const std::string grant = fmt::format("data.user.user.bonusGrants.{}.", i);
    const auto credits = ReadCount(json.Find(grant + "requestCreditsRemaining"));
    if (!credits) continue;
    if (const std::string* expiration = json.Find(grant + "expiration")) {
      const auto end = ReadRfc3339(*expiration);
      if (!end || *end <= now) continue;
    }
    sum = std::min(sum + *credits, kMost);
  }
  return sum;
}

// Fails with what the answer lacks.
Result<Quota> ReadQuota(const FlatJson& json, WallTime now) {
  const auto field = [&](const char* name) {
    return json.Find(std::string("data.user.user.requestLimitInfo.") + name);
  };
  const auto lacks = [](const char* what) {
    return Status(Code::kMisconfigured,
                  fmt::format("the answer to the quota query has no {}; check WARP_SERVER_URL", what));
  };
  const std::string* const unlimited = field("isUnlimited");
  const std::string* const limit = field("requestLimit");
  const std::string* const used = field("requestsUsedSinceLastRefresh");
  if (unlimited == nullptr && limit == nullptr && used == nullptr) return lacks("requestLimitInfo");

  Quota quota;
  quota.unlimited = unlimited != nullptr && *unlimited == "true";
  const auto limit_count = ReadCount(limit);
  const auto used_count = ReadCount(used);
  if (!quota.unlimited && !limit_count) return lacks("requestLimit that is a number");
  if (!quota.unlimited && !used_count) return lacks("requestsUsedSinceLastRefresh that is a number");
  quota.limit = limit_count.value_or(0);
  quota.used = used_count.value_or(0);
  quota.bonus = SumOfBonus(json, now);
  if (const std::string* reset = field("nextRefreshTime")) quota.next_reset = ToSystemTime(ReadRfc3339(*reset));
  return quota;
}

std::variant<Quota, AccountFailure> ReadAnswer(std::string_view body, WallTime now) {
  const auto failure = [](Code code, std::string message, std::string words) {
    Error error{.code = code, .message = std::move(message), .http_status = 200, .user_message = std::move(words)};
    return AccountFailure{AccountFailure::Kind::kUnusable, Status(std::move(error))};
  };
  const auto json = FlatJson::Parse(body);
  if (!json) {
    return failure(
        Code::kMisconfigured,
        fmt::format("the answer to the quota query cannot be used: {}; check WARP_SERVER_URL", json.status().message()),
        {});
  }
  // First, since GraphQL may tell of errors beside an answer that has what is wanted.
  auto quota = ReadQuota(*json, now);
  if (quota) return *quota;
  if (const std::string* words = json->FindAny({"data.user.error.message", "errors.0.message"})) {
    return failure(Code::kRequestRejected, "the service refuses the quota query", Readable(*words));
  }
  return failure(quota.code(), quota.status().message(), {});
}

}  // namespace

std::string RequestLimitPath() {
  return "/graphql/v2?op=GetRequestLimitInfo";
}

std::string RequestLimitBody(const std::string& client_version, const OsContext& os) {
  JsonWriter json;
  const auto member = [&](const char* key, std::string_view value) {
    json.Key(key);
    value.empty() ? json.Null() : json.String(value);
  };
  json.Object([&] {
    json.Key("query").String(kQuery);
    json.Key("variables").Object([&] {
      json.Key("requestContext").Object([&] {
        json.Key("clientContext").Object([&] { json.Key("version").String(client_version); });
        json.Key("osContext").Object([&] {
          member("category", os.category);
          member("name", os.name);
          member("version", os.version);
          member("linuxKernelVersion", os.linux_kernel_version);
        });
      });
    });
    json.Key("operationName").String("GetRequestLimitInfo");
  });
  return json.text();
}

std::variant<Quota, AccountFailure> ReadRequestLimit(int http_status, std::string_view body,
                                                     std::optional<std::chrono::milliseconds> retry_after,
                                                     WallTime now) {
  if (http_status == 200) return ReadAnswer(body, now);

  using Kind = AccountFailure::Kind;
  Error error;
  error.http_status = http_status;
  error.retry_after = retry_after;
  if (const auto json = FlatJson::Parse(body); json.ok()) {
    if (const auto* words = json->FindAny({"errors.0.message", "userDisplayMessage", "error.userDisplayMessage",
                                           "error.message", "error", "message"})) {
      error.user_message = Readable(*words);
    }
  }
  const auto is = [&](Kind kind, Code code, std::string message) {
    error.code = code;
    error.message = std::move(message);
    error.retryable = kind == Kind::kBusy;
    return AccountFailure{kind, Status(std::move(error))};
  };

  switch (http_status) {
    case 401:
      return is(Kind::kRefused, Code::kUnauthorized, "the quota query does not accept the token (401)");
    case 403:
      return is(Kind::kRefused, Code::kUnauthorized, "the quota query refuses this account (403)");
    case 404:
    case 405:
      return is(Kind::kUnusable, Code::kMisconfigured,
                fmt::format("there is no quota query at this address ({}); check WARP_SERVER_URL", http_status));
    case 408:
    case 429:
    case 502:
    case 503:
    case 504:
      return is(Kind::kBusy, Code::kOverloaded, fmt::format("the quota query is overloaded ({})", http_status));
    default:
      break;
  }
  if (http_status >= 500) {
    return is(Kind::kBusy, Code::kServerError, fmt::format("the quota query failed ({})", http_status));
  }
  if (http_status >= 400) {
    return is(Kind::kUnusable, Code::kRequestRejected,
              fmt::format("the service refuses the quota query ({})", http_status));
  }
  return is(Kind::kUnusable, Code::kMisconfigured,
            fmt::format("the quota query answers with {} ({}); check WARP_SERVER_URL",
                        http_status >= 300 ? "a redirect" : "an unexpected status", http_status));
}

}  // namespace warppool
