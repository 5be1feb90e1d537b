#include "service/request_limit.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/json.h"
#include "base/utf8.h"
#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

constexpr WallTime kAsked{1'795'574'100s};  // 2026-11-25T02:35:00Z
constexpr std::int64_t kMost = 1'000'000'000'000'000;

Quota Success(const std::string& body) {
  INFO(body);
  const auto read = ReadRequestLimit({200, {}}, {body}, kAsked);
  if (const auto* failure = std::get_if<warppool::internal::Refusal>(&read)) FAIL(failure->status.ToString());
  return std::get<Quota>(read);
}

Refusal Failure(int status, const std::string& body) {
  INFO(status << " " << body.substr(0, 1000));
  const auto read = ReadRequestLimit({status, {{"retry-after", "7"}}}, {body}, kAsked);
  REQUIRE(std::holds_alternative<warppool::internal::Refusal>(read));
  const auto& failure = std::get<warppool::internal::Refusal>(read);
  CHECK_FALSE(failure.status.ok());
  CHECK_FALSE(failure.status.message().empty());
  CHECK(failure.status.error().http_status == status);
  return failure;
}

// An answer with this requestLimitInfo and these bonusGrants.
std::string LimitAnswer(const std::string& info, const std::string& grants = "[]") {
  return R"({"data": {"user": {"user": {"requestLimitInfo": )" + info + R"(, "bonusGrants": )" + grants + "}}}}";
}

std::string RefusalSaying(const std::string& words) {
  return R"({"data": {"user": {"error": {"message": ")" + words + R"("}}}})";
}

const char* const kInfo = R"({"isUnlimited": false, "requestLimit": 150, "requestsUsedSinceLastRefresh": 3})";

TEST_CASE("the quota query goes to the GraphQL address, with its name") {
  CHECK(RequestLimitPath() == "/graphql/v2?op=GetRequestLimitInfo");
}

TEST_CASE("the quota query is one JSON document with query, variables and the operation's name") {
  const std::string body = RequestLimitBody("v0.2025.08.06", {"Linux", "Debian GNU/Linux", "12", "6.1.0-9-amd64"});
  const auto json = FlatJson::Parse(body);
  REQUIRE(json.ok());
  const auto is = [&](const char* path, const std::string& value) {
    INFO(path);
    const std::string* found = json->Find(path);
    REQUIRE(found != nullptr);
    CHECK(*found == value);
  };
  is("operationName", "GetRequestLimitInfo");
  is("variables.requestContext.clientContext.version", "v0.2025.08.06");
  is("variables.requestContext.osContext.category", "Linux");
  is("variables.requestContext.osContext.name", "Debian GNU/Linux");
  is("variables.requestContext.osContext.version", "12");
  is("variables.requestContext.osContext.linuxKernelVersion", "6.1.0-9-amd64");
  is("query",
     "query GetRequestLimitInfo($requestContext: RequestContext!) { user(requestContext: $requestContext) { ... on "
     "UserOutput { user { requestLimitInfo { isUnlimited requestsUsedSinceLastRefresh requestLimit nextRefreshTime "
     "requestLimitRefreshDuration } bonusGrants { requestCreditsGranted requestCreditsRemaining expiration } } } ... "
     "on UserFacingError { error { message } } } }");
}

TEST_CASE("what is not known of the machine is null in the query") {
  const std::string body = RequestLimitBody("v1", {"Linux", "", "", ""});
  CHECK_THAT(body, ContainsSubstring(
                       R"("osContext":{"category":"Linux","name":null,"version":null,"linuxKernelVersion":null})"));
  CHECK(FlatJson::Parse(body).ok());
}

TEST_CASE("every byte in the query's variables is escaped, or replaced if it is no UTF-8") {
  std::string ascii;
  for (int c = 0; c < 0x80; ++c) ascii += static_cast<char>(c);
  std::string high;
  for (int c = 0x80; c < 0x100; ++c) high += static_cast<char>(c);
  const std::string quoting = R"("},"operationName":"Other","x":{"y":"\)";
  const std::string accents = "Z\xC3\xBCrich \xF0\x9F\x90\xA7";
  const auto json = FlatJson::Parse(RequestLimitBody(quoting, {ascii, accents, high, "6.1\xC3"}));
  REQUIRE(json.ok());
  const std::string os = "variables.requestContext.osContext.";
  CHECK(*json->Find("operationName") == "GetRequestLimitInfo");
  CHECK(*json->Find("variables.requestContext.clientContext.version") == quoting);
  CHECK(*json->Find(os + "category") == ascii);
  CHECK(*json->Find(os + "name") == accents);
  CHECK(*json->Find(os + "version") == RepairedUtf8(high));
  CHECK(*json->Find(os + "linuxKernelVersion") == "6.1\xEF\xBF\xBD");
}

TEST_CASE("an answer is read") {
  const Quota quota = Success(R"({"data": {"user": {"__typename": "UserOutput", "user": {
      "requestLimitInfo": {"isUnlimited": false, "requestsUsedSinceLastRefresh": 42, "requestLimit": 150,
                           "nextRefreshTime": "2026-12-01T00:00:00.5Z", "requestLimitRefreshDuration": "MONTHLY"},
      "bonusGrants": [{"requestCreditsGranted": 100, "requestCreditsRemaining": 30,
                       "expiration": "2026-11-25T02:35:01Z"},
                      {"requestCreditsGranted": 10, "requestCreditsRemaining": 5, "expiration": null}]}}}})");
  CHECK_FALSE(quota.unlimited);
  CHECK(quota.limit == 150);
  CHECK(quota.used == 42);
  CHECK(quota.bonus == 35);
  CHECK(quota.next_reset == kAsked + (5 * 24h + 21h + 25min + 500ms));
}

TEST_CASE("numbers are read strictly, and clamped to what an account can have") {
  struct Case {
    const char* written;
    std::int64_t read;
  };
  const Case each = GENERATE(values<Case>({
      {"0", 0},
      {"-0", 0},
      {"150", 150},
      {"150.0", 150},
      {"150.9", 150},
      {"1.5e2", 150},
      {R"("150")", 150},
      {R"("150.0")", 150},
      {"-1", 0},
      {"-1e300", 0},
      {"9007199254740993", kMost},
      {"1000000000000000", kMost},
      {"999999999999999", kMost - 1},
      {"9223372036854775807", kMost},
      {"9223372036854775808", kMost},
      {"99999999999999999999999999999999", kMost},
      {"1e308", kMost},
  }));
  INFO(each.written);
  const std::string written = each.written;
  const Quota quota =
      Success(LimitAnswer(R"({"requestLimit": )" + written + R"(, "requestsUsedSinceLastRefresh": )" + written + "}",
                          R"([{"requestCreditsRemaining": )" + written + "}]"));
  CHECK(quota.limit == each.read);
  CHECK(quota.used == each.read);
  CHECK(quota.bonus == each.read);
}

TEST_CASE("a limit that is no number is none") {
  const char* const written = GENERATE("null", "true", "[]", "[150]", "{}", R"("")", R"("many")", R"("150 ")",
                                       R"(" 150")", R"("+150")", R"("150x")", R"("0x96")", R"("nan")", R"("inf")",
                                       R"("-infinity")", R"("1e999")", R"("1,5")", R"("150\u0000")");
  INFO(written);
  const auto failure = Failure(
      200, LimitAnswer(std::string(R"({"isUnlimited": false, "requestsUsedSinceLastRefresh": 3, "requestLimit": )") +
                       written + "}"));
  CHECK(failure.outcome == Outcome::kGarbled);
  CHECK(failure.status.code() == Code::kMisconfigured);
  CHECK_THAT(failure.status.message(), ContainsSubstring("has no requestLimit that is a number"));
}

TEST_CASE("without the number of requests used nobody knows what is left") {
  const auto failure = Failure(200, LimitAnswer(R"({"isUnlimited": false, "requestLimit": 150})"));
  CHECK_THAT(failure.status.message(), ContainsSubstring("has no requestsUsedSinceLastRefresh"));
}

TEST_CASE("an unlimited account needs no limit") {
  const char* const info =
      GENERATE(R"({"isUnlimited": true})", R"({"isUnlimited": true, "requestLimit": null})",
               R"({"isUnlimited": true, "requestLimit": -1, "requestsUsedSinceLastRefresh": "unknown"})");
  const Quota quota = Success(LimitAnswer(info));
  CHECK(quota.unlimited);
  CHECK(quota.limit == 0);
  CHECK(quota.used == 0);
}

TEST_CASE("an account is unlimited only if the service says true") {
  const char* const word = GENERATE("false", "null", "1", R"("yes")", "[true]");
  INFO(word);
  CHECK_FALSE(
      Success(LimitAnswer(std::string(R"({"requestLimit": 150, "requestsUsedSinceLastRefresh": 3, "isUnlimited": )") +
                          word + "}"))
          .unlimited);
}

TEST_CASE("a reset that cannot be read is not known, and no failure") {
  struct Case {
    const char* written;
    std::optional<WallTime> read;
  };
  const Case each = GENERATE(values<Case>({
      {R"("2026-11-25T02:35:00Z")", kAsked},
      {R"("2026-11-25T03:35:00+01:00")", kAsked},
      {R"("1999-01-01T00:00:00Z")", WallTime{915'148'800s}},
      {R"("9999-01-01T00:00:00Z")", WallTime::max()},
      {R"("")", std::nullopt},
      {R"("soon")", std::nullopt},
      {R"("0001-01-01T00:00:00Z")", std::nullopt},
      {"1795574100", std::nullopt},
      {"null", std::nullopt},
      {"{}", std::nullopt},
  }));
  INFO(each.written);
  CHECK(
      Success(LimitAnswer(std::string(R"({"requestLimit": 1, "requestsUsedSinceLastRefresh": 1, "nextRefreshTime": )") +
                          each.written + "}"))
          .next_reset == ToSystemTime(each.read));
}

TEST_CASE("granted credits count until they expire") {
  struct Case {
    const char* grants;
    std::int64_t bonus;
  };
  const Case each = GENERATE(values<Case>({
      {"null", 0},
      {"[]", 0},
      {"{}", 0},
      {"7", 0},
      {"[7]", 0},
      {R"([{"requestCreditsRemaining": 7}])", 7},
      {R"([{"requestCreditsRemaining": 7, "expiration": null}])", 7},
      {R"([{"requestCreditsRemaining": 7, "expiration": "2026-11-25T02:35:00.000000001Z"}])", 7},
      {R"([{"requestCreditsRemaining": 7, "expiration": "2026-11-25T02:35:00Z"}])", 0},
      {R"([{"requestCreditsRemaining": 7, "expiration": "2026-11-25T04:35:00+02:00"}])", 0},
      {R"([{"requestCreditsRemaining": 7, "expiration": "1999-01-01T00:00:00Z"}])", 0},
      {R"([{"requestCreditsRemaining": 7, "expiration": "9999-12-31T23:59:59Z"}])", 7},
      {R"([{"requestCreditsRemaining": 7, "expiration": "never"}])", 0},
      {R"([{"requestCreditsRemaining": 7, "expiration": ""}])", 0},
      {R"([{"requestCreditsGranted": 7}])", 0},
      {R"([{"requestCreditsRemaining": "many"}, {"requestCreditsRemaining": 2}])", 2},
      {R"([{"requestCreditsRemaining": -7}, {"requestCreditsRemaining": 2}])", 2},
      {R"([null, {}, {"requestCreditsRemaining": 2}, null, {"requestCreditsRemaining": 3.0}])", 5},
      {R"([{"requestCreditsRemaining": 1e300}, {"requestCreditsRemaining": 1e300}])", kMost},
  }));
  INFO(each.grants);
  CHECK(Success(LimitAnswer(kInfo, each.grants)).bonus == each.bonus);
}

TEST_CASE("of very many grants the first thousand count") {
  std::string grants = R"([{"requestCreditsRemaining": 1})";
  for (int i = 1; i < 20'000; ++i) grants += R"(, {"requestCreditsRemaining": 1})";
  CHECK(Success(LimitAnswer(kInfo, grants + "]")).bonus == 1000);
}

TEST_CASE("an answer without the quota says what it lacks") {
  const char* const body =
      GENERATE(R"({"data": {}, "message": ""})", R"({"data": {"user": {"x": 1}}})",
               R"({"data": {"user": {"user": {"requestLimitInfo": {"x": 1}}}}})",
               R"({"data": {"user": {"requestLimitInfo": {"requestLimit": 1, "requestsUsedSinceLastRefresh": 1}}}})",
               R"({"errors": [{"message": ""}]})");
  const auto failure = Failure(200, body);
  CHECK(failure.outcome == Outcome::kGarbled);
  CHECK(failure.status.code() == Code::kMisconfigured);
  CHECK_THAT(failure.status.message(), ContainsSubstring("it has no requestLimitInfo"));
  CHECK_THAT(failure.status.message(), EndsWith("check WARP_SERVER_URL"));
  CHECK_FALSE(failure.status.retryable());
}

TEST_CASE("what is not in the shape of an answer is no answer, and does no harm") {
  const auto much = [](const char* text) {
    std::string body;
    for (int i = 0; i < 2'000'000; ++i) body += text;
    return body;
  };
  const std::string body =
      GENERATE_COPY(as<std::string>(), " ", "{}", "[]", "null", "7", "<html><body>Log in to the hotel</body></html>",
                    "{\"data\": \"\xFF\xFE\"}", "\xC3", "{\"data\": {}} {}", "{'data': 1}", R"({"data": null})",
                    R"({"data": {"user": {"error": {"message": "\ud800"}}}})",
                    R"({"data": {"user": {"user": {"requestLimitInfo": {"requestLimit": NaN}}}}})", much("["),
                    much("{\"a\":"), much("]"), "\"" + much("x"));
  const auto failure = Failure(200, body);
  CHECK(failure.outcome == Outcome::kBlocked);
  CHECK(failure.status.code() == Code::kBlocked);
  CHECK_THAT(failure.status.message(), EndsWith("WARP_SERVER_URL"));
  CHECK(failure.status.message().size() < 400);
}

TEST_CASE("an answer that was cut off is no answer, wherever it was cut") {
  const std::string whole =
      LimitAnswer(kInfo, R"([{"requestCreditsRemaining": 7, "expiration": "2027-01-01T00:00:00Z"}])");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Refusal failure = Failure(200, whole.substr(0, size));
    CHECK(failure.status.code() == (size == 0 ? Code::kMisconfigured : Code::kBlocked));
  }
  CHECK(Success(whole).bonus == 7);
}

TEST_CASE("what the service wants the user to read is passed on") {
  const std::string body = GENERATE(as<std::string>(), RefusalSaying("Your plan is paused."),
                                    R"({"errors": [{"message": "Your plan is paused."}], "data": null})",
                                    R"({"errors": [{"message": "Your plan is paused."}, {"message": "second"}]})",
                                    R"({"data": {"user": {"error": {"message": "Your plan is paused."}}},
                                        "errors": [{"message": "other"}]})");
  const auto failure = Failure(200, body);
  CHECK(failure.outcome == Outcome::kRequestFault);
  CHECK(failure.status.code() == Code::kRequestRejected);
  CHECK(failure.status.error().user_message == "Your plan is paused.");
  CHECK_FALSE(failure.status.retryable());
}

TEST_CASE("errors beside a quota do not spoil it") {
  const Quota quota = Success(R"({"errors": [{"message": "bonusGrants failed"}], "data": {"user": {"user": {
      "bonusGrants": null, "requestLimitInfo": {"requestLimit": 150, "requestsUsedSinceLastRefresh": 3}}}}})");
  CHECK(quota.limit == 150);
  CHECK(quota.used == 3);
  CHECK(quota.bonus == 0);
}

TEST_CASE("the service's words come without controls, as UTF-8") {
  struct Case {
    const char* written;
    const char* read;
  };
  const Case each = GENERATE(values<Case>({
      {R"(two\nlines\tand\u0000more\u007f!)", "two lines and more !"},
      {R"(\u001b[31mred)", " [31mred"},
      {"\xC2\x9B[31mred \xC2\x80\xC2\x9F\xC2\xA0.", " [31mred   \xC2\xA0."},
      {R"(\u009b[31mred)", " [31mred"},
      {"Z\xC3\xBCrich \xF0\x9F\x90\xA7", "Z\xC3\xBCrich \xF0\x9F\x90\xA7"},
      {R"(\"quoted\")", R"("quoted")"},
  }));
  INFO(each.written);
  CHECK(Failure(200, RefusalSaying(each.written)).status.error().user_message == each.read);
}

TEST_CASE("half a character in the service's words stays out of the error") {
  // RapidJSON makes a low surrogate without its high one three bytes that are no UTF-8, or calls it an error.
  const auto failure = Failure(200, RefusalSaying(R"(a\udc00b)"));
  CHECK_FALSE(FirstInvalidUtf8(failure.status.error().user_message));
  CHECK_FALSE(FirstInvalidUtf8(failure.status.message()));
}

TEST_CASE("the service's words are cut to 1000 bytes, between two characters") {
  const auto words = [](const std::string& text) {
    return Failure(200, RefusalSaying(text)).status.error().user_message;
  };
  const std::string penguin = "\xF0\x9F\x90\xA7";
  const std::string penguins = penguin + penguin;
  CHECK(words(std::string(1000, 'x')) == std::string(1000, 'x'));
  CHECK(words(std::string(1001, 'x')) == std::string(1000, 'x'));
  CHECK(words(std::string(1'000'000, 'x')) == std::string(1000, 'x'));
  CHECK(words(std::string(996, 'x') + penguin) == std::string(996, 'x') + penguin);
  CHECK(words(std::string(996, 'x') + penguin + "y") == std::string(996, 'x') + penguin);
  for (const std::size_t before : {997U, 998U, 999U, 1000U}) {
    CHECK(words(std::string(before, 'x') + penguins) == std::string(before, 'x'));
  }
}

TEST_CASE("an account that is gone is revoked") {
  const std::string body = GENERATE(as<std::string>(), RefusalSaying("User not in context: Not found"),
                                    R"({"errors": [{"message": "User not in context: Not found"}], "data": null})");
  CHECK(Failure(200, body).outcome == Outcome::kAuthRevoked);
  CHECK(Failure(200, RefusalSaying("it says: User not in context: Not found")).outcome == Outcome::kRequestFault);
}

TEST_CASE("a quota in the body of another status is none") {
  struct Case {
    int status;
    Outcome outcome;
  };
  const Case each = GENERATE(values<Case>({
      {401, Outcome::kAuthRejected},
      {403, Outcome::kAuthRejected},
      {429, Outcome::kOverloaded},
      {500, Outcome::kServerError},
      {503, Outcome::kOverloaded},
      {400, Outcome::kRequestFault},
      {404, Outcome::kMisconfigured},
      {405, Outcome::kMisconfigured},
      {301, Outcome::kMisconfigured},
      {204, Outcome::kGarbled},
  }));
  for (const std::string& body : {std::string(), LimitAnswer(kInfo)}) {
    const auto failure = Failure(each.status, body);
    CHECK(failure.outcome == each.outcome);
    CHECK(failure.retry_after == std::optional<std::chrono::milliseconds>(7s));
    CHECK(failure.status.error().user_message.empty());
    CHECK_THAT(failure.status.message(), ContainsSubstring("(" + std::to_string(each.status) + ")"));
  }
}

TEST_CASE("a refusal brings the service's words, if it has any") {
  const char* const body =
      GENERATE(R"({"errors": [{"message": "No such\naccount"}]})", R"({"error": "No such\naccount"})",
               R"({"error": {"message": "No such\naccount"}})", R"({"message": "No such\naccount"})",
               R"({"userDisplayMessage": "No such\naccount", "error": "x"})");
  INFO(body);
  CHECK(Failure(403, body).status.error().user_message == "No such account");
  CHECK(Failure(400, body).status.error().user_message == "No such account");
}

}  // namespace
}  // namespace warppool::internal
