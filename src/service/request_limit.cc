#include "service/request_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/ascii.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/rfc3339.h"
#include "platform/read_double.h"

namespace warppool::internal {
namespace {

constexpr std::string_view kQuery =
    "query GetRequestLimitInfo($requestContext: RequestContext!) { user(requestContext: $requestContext) { "
    "... on UserOutput { user { requestLimitInfo { isUnlimited requestsUsedSinceLastRefresh requestLimit "
    "nextRefreshTime requestLimitRefreshDuration } "
    "bonusGrants { requestCreditsGranted requestCreditsRemaining expiration } } } "
    "... on UserFacingError { error { message } } } }";

// More than anybody is granted, and so small that sums of a few neither overflow nor lose a digit in a double.
constexpr std::int64_t kMost = 1'000'000'000'000'000;

// More grants than an account has. A service that sends more does not get their sum.
constexpr int kMaxGrants = 1000;

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

// Fails with what is wrong with the answer.
Result<Quota> ReadQuota(const FlatJson& json, WallTime now) {
  const auto field = [&](const char* name) {
    return json.Find(std::string("data.user.user.requestLimitInfo.") + name);
  };
  const auto lacks = [](const char* what) { return Status(Code::kInvalidArgument, fmt::format("it has no {}", what)); };
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

std::variant<Quota, Refusal> ReadRequestLimit(const HttpHead& head, RefusalBody body, WallTime now) {
  std::string fault;
  if (head.status == 200) {
    const auto json = FlatJson::Parse(body.text);
    // First, since GraphQL may tell of errors beside an answer that has what is wanted.
    const Result<Quota> quota = json ? ReadQuota(*json, now) : Result<Quota>(json.status());
    if (quota) return *quota;
    fault = quota.status().message();
    body.fault = fault;
  }
  return ReadRefusal(head, body, kQuotaQuery, now);
}

}  // namespace warppool::internal
