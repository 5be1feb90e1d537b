#include "http/refusal.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

const WallTime kNow{std::chrono::seconds(784'111'777)};  // Sun, 06 Nov 1994 08:49:37 GMT

using Headers = std::vector<std::pair<std::string, std::string>>;

Refusal Refused(int status, std::string_view body = "", Headers headers = {}) {
  const Refusal result = ReadRefusal({status, std::move(headers)}, {body}, EndpointFacts{}, kNow);
  CHECK_FALSE(result.status.ok());
  CHECK(result.status.error().http_status == status);
  CHECK_THAT(result.status.message(), ContainsSubstring(std::to_string(status)));
  return result;
}

TEST_CASE("each refusal has its outcome and its code") {
  struct Row {
    int status;
    const char* body;
    Headers headers;
    Outcome outcome;
    Code code;
    bool retryable;
  };
  const auto row = GENERATE(values<Row>({
      {401, "", {}, Outcome::kAuthRejected, Code::kUnauthorized, false},
      {402, "", {}, Outcome::kAuthRejected, Code::kUnauthorized, false},
      {403, "", {}, Outcome::kAuthRejected, Code::kUnauthorized, false},
      {403, R"({"error": "no"})", {}, Outcome::kAuthRejected, Code::kUnauthorized, false},
      {403, "<html>", {{"x-warp-error-code", "NO"}}, Outcome::kAuthRejected, Code::kUnauthorized, false},
      {403,
       R"({"error": "Your account has been blocked from using AI features. Appeal at ..."})",
       {},
       Outcome::kAuthRevoked,
       Code::kUnauthorized,
       false},
      {401, R"({"message": "User not in context: Not found"})", {}, Outcome::kAuthRevoked, Code::kUnauthorized, false},
      // a request that quotes these words is at fault itself
      {400,
       R"({"message": "User not in context: Not found"})",
       {},
       Outcome::kRequestFault,
       Code::kRequestRejected,
       false},
      // from a proxy, a firewall, or the edge
      {401, "<html>", {}, Outcome::kBlocked, Code::kBlocked, true},
      {403, "<html><title>403</title>", {}, Outcome::kBlocked, Code::kBlocked, true},
      {403, "denied", {}, Outcome::kBlocked, Code::kBlocked, true},
      {404, "<html>", {}, Outcome::kBlocked, Code::kBlocked, true},
      {451, "{}", {}, Outcome::kBlocked, Code::kBlocked, true},
      {200, "<html>Log in to the hotel", {{"content-type", "text/html"}}, Outcome::kBlocked, Code::kBlocked, true},
      {407, "<html>", {}, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {407, "", {}, Outcome::kMisconfigured, Code::kMisconfigured, false},
      // 429 is about the account's quota only if it says so
      {429, "", {{"x-warp-error-code", "OUT_OF_CREDITS"}}, Outcome::kQuotaExhausted, Code::kQuotaExhausted, false},
      {429, R"({"error": "No remaining quota: x"})", {}, Outcome::kQuotaExhausted, Code::kQuotaExhausted, false},
      {429, "No AI requests remaining", {}, Outcome::kQuotaExhausted, Code::kQuotaExhausted, false},
      {429,
       R"({"userDisplayMessage": "Out of credits.", "error": "No remaining quota"})",
       {},
       Outcome::kQuotaExhausted,
       Code::kQuotaExhausted,
       false},
      {403,
       R"({"userDisplayMessage": "Sorry.", "error": "Your account has been blocked from using AI features"})",
       {},
       Outcome::kAuthRevoked,
       Code::kUnauthorized,
       false},
      {401,
       "event: error\ndata: {\"error\": \"x\"}\n\n",
       {{"content-type", "text/event-stream"}},
       Outcome::kAuthRejected,
       Code::kUnauthorized,
       false},
      {403, "\xEF\xBB\xBF{\"error\": \"x\"}", {}, Outcome::kAuthRejected, Code::kUnauthorized, false},
      {429,
       R"({"error": true, "message": "No remaining quota"})",
       {},
       Outcome::kQuotaExhausted,
       Code::kQuotaExhausted,
       false},
      {429, R"({"error": {"code": "OUT_OF_CREDITS"}})", {}, Outcome::kQuotaExhausted, Code::kQuotaExhausted, false},
      {403, R"({"code": "OUT_OF_CREDITS"})", {}, Outcome::kQuotaExhausted, Code::kQuotaExhausted, false},
      {200, R"({"error": {"code": "OUT_OF_CREDITS"}})", {}, Outcome::kQuotaExhausted, Code::kQuotaExhausted, false},
      // ... but not in words, which may be the user's
      {429, R"({"error": "you said OUT_OF_CREDITS"})", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {429, R"({"error": "you said: No remaining quota"})", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {400, R"({"error": "No remaining quota"})", {}, Outcome::kRequestFault, Code::kRequestRejected, false},
      {429, "", {{"x-warp-error-code", "AT_CLOUD_AGENT_CAPACITY"}}, Outcome::kOverloaded, Code::kOverloaded, true},
      {403, "", {{"x-warp-error-code", "AT_CLOUD_AGENT_CAPACITY"}}, Outcome::kOverloaded, Code::kOverloaded, true},
      {429, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {429, "<html>429 Too Many Requests</html>", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {429, "quota", {{"x-warp-error-code", "OTHER"}}, Outcome::kOverloaded, Code::kOverloaded, true},
      {503, "No remaining quota", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      // the way to the service, or its load
      {425, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {502, "<html>", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {500, "<html>", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {500, R"({"error": "x"})", {}, Outcome::kServerError, Code::kServerError, true},
      {503, "", {{"x-warp-error-code", "OUT_OF_CREDITS"}}, Outcome::kOverloaded, Code::kOverloaded, true},
      {408, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {502, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {503, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {504, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {500, "", {}, Outcome::kServerError, Code::kServerError, true},
      {501, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {599, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      // the request's own fault
      {400, "", {}, Outcome::kRequestFault, Code::kRequestRejected, false},
      {404, "", {}, Outcome::kRequestFault, Code::kRequestRejected, false},
      {413, "", {}, Outcome::kRequestFault, Code::kRequestRejected, false},
      {422, "", {}, Outcome::kRequestFault, Code::kRequestRejected, false},
      {499, "", {}, Outcome::kRequestFault, Code::kRequestRejected, false},
      // a setting's
      {301, "", {}, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {307, "", {}, Outcome::kMisconfigured, Code::kMisconfigured, false},
      // no sense
      {200, "", {}, Outcome::kGarbled, Code::kNotAStream, false},
      {200, R"({"error": "words"})", {}, Outcome::kGarbled, Code::kNotAStream, false},
      {201, "", {}, Outcome::kGarbled, Code::kNotAStream, false},
      {204, "", {}, Outcome::kGarbled, Code::kNotAStream, false},
  }));
  INFO(row.status << " " << row.body);
  const Refusal result = Refused(row.status, row.body, row.headers);
  CHECK(result.outcome == row.outcome);
  CHECK(result.status.code() == row.code);
  CHECK(result.status.retryable() == row.retryable);
}

TEST_CASE("a redirect names the setting to look at") {
  CHECK_THAT(Refused(302).status.message(), ContainsSubstring("WARP_SERVER_URL"));
}

TEST_CASE("Retry-After is honoured, as seconds or a date") {
  CHECK(Refused(429, "", {{"retry-after", "7"}}).retry_after == std::chrono::milliseconds(7s));
  CHECK(Refused(503, "", {{"retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"}}).retry_after ==
        std::chrono::milliseconds(60s));
  CHECK(Refused(503, "", {{"retry-after", "7"}}).status.error().retry_after == std::chrono::milliseconds(7s));
  CHECK_FALSE(Refused(429).retry_after);
  CHECK_FALSE(Refused(429, "", {{"retry-after", "later"}}).retry_after);
}

TEST_CASE("what the service wants people to read is kept") {
  struct Row {
    const char* body;
    const char* words;
    const char* code;
  };
  const auto row = GENERATE(values<Row>({
      {R"({"userDisplayMessage": "Out of credits.", "error": "No remaining quota"})", "Out of credits.", ""},
      {R"({"error": {"userDisplayMessage": "Sorry.", "message": "m", "code": "C"}})", "Sorry.", "C"},
      {R"({"error": {"message": "m", "code": 17}})", "m", ""},
      {R"({"error": "words"})", "words", ""},
      {R"({"message": "words", "code": "C"})", "words", "C"},
      {R"({"userDisplayMessage": ""})", "", ""},
      {R"(["words"])", "", ""},
      {"<html>words</html>", "", ""},
      {R"({"message": "cut o)", "", ""},
      {"", "", ""},
  }));
  INFO(row.body);
  const Error error = Refused(429, row.body).status.error();
  CHECK(error.user_message == row.words);
  CHECK(error.service_code == row.code);
  // The header's code goes before the body's.
  CHECK(Refused(429, row.body, {{"x-warp-error-code", "H"}}).status.error().service_code == "H");
}

TEST_CASE("the service's words have an end") {
  const std::string body =
      R"({"message": ")" + std::string(100'000, 'x') + R"(", "code": ")" + std::string(5000, 'y') + "\"}";
  const Error error = Refused(400, body).status.error();
  CHECK(error.user_message.size() == 1000);
  CHECK(error.service_code.size() <= 100);
}

TEST_CASE("the end of the service's words is not within a character") {
  std::string words = "x";
  while (words.size() < 2000) words += "\xE2\x82\xAC";
  const Error error = Refused(400, R"({"message": ")" + words + "\"}").status.error();
  CHECK_FALSE(FirstInvalidUtf8(error.user_message));
}

TEST_CASE("each way to lose a transfer has its outcome, before the answer began and after") {
  struct Row {
    TransferError error;
    bool began;
    Outcome outcome;
    Code code;
    bool retryable;
  };
  const auto row = GENERATE(values<Row>({
      {TransferError::kNoConnection, false, Outcome::kNetwork, Code::kNetwork, true},
      {TransferError::kConnectionLost, false, Outcome::kNetwork, Code::kNetwork, true},
      {TransferError::kConnectionLost, true, Outcome::kStreamCut, Code::kConnectionLost, true},
      {TransferError::kSilence, false, Outcome::kNetwork, Code::kNetwork, true},
      {TransferError::kSilence, true, Outcome::kStreamCut, Code::kNetwork, true},
      {TransferError::kTlsUntrusted, false, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {TransferError::kTlsSetup, false, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {TransferError::kProxyRefused, false, Outcome::kBlocked, Code::kBlocked, true},
      {TransferError::kTooLarge, true, Outcome::kGarbled, Code::kLimitExceeded, false},
      {TransferError::kNotHttp, false, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {TransferError::kNotHttp, true, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {TransferError::kNotDecoded, true, Outcome::kGarbled, Code::kNotAStream, false},
      {TransferError::kStopped, false, Outcome::kCancelled, Code::kCancelled, false},
      {TransferError::kStopped, true, Outcome::kCancelled, Code::kCancelled, false},
      {TransferError::kInternal, true, Outcome::kGarbled, Code::kInternal, false},
  }));
  const Refusal result = ReadTransferError({row.error, "the detail"}, EndpointFacts{}, row.began);
  CHECK(result.outcome == row.outcome);
  CHECK(result.status.code() == row.code);
  CHECK(result.status.retryable() == row.retryable);
  CHECK_THAT(result.status.message(), ContainsSubstring("the detail"));
  CHECK_FALSE(result.retry_after);
}

TEST_CASE("a certificate that is not trusted names the settings to look at") {
  const std::string message =
      ReadTransferError({TransferError::kTlsUntrusted, "self-signed"}, EndpointFacts{}, false).status.message();
  CHECK_THAT(message, ContainsSubstring("WARP_CA_BUNDLE") && ContainsSubstring("WARP_SERVER_URL"));
}

TEST_CASE("a proxy that wants another log-in is named") {
  const auto transfer = ReadTransferError({TransferError::kProxyLogin, ""}, EndpointFacts{}, false);
  CHECK(transfer.outcome == Outcome::kMisconfigured);
  CHECK_THAT(transfer.status.message(), ContainsSubstring("WARP_PROXY"));
  CHECK_THAT(Refused(407, "<html>").status.message(), ContainsSubstring("WARP_PROXY"));
}

TEST_CASE(
    "an error about an answer of somebody else's says what it looked like, and none of its words as the service's") {
  const Refusal refusal = Refused(403, "<html><TITLE> Access\n denied </TITLE>", {{"content-type", "text/html"}});
  CHECK_THAT(refusal.status.message(), ContainsSubstring("text/html") && ContainsSubstring("Access  denied") &&
                                           ContainsSubstring("WARP_PROXY") && ContainsSubstring("WARP_SERVER_URL"));
  CHECK(refusal.status.error().user_message.empty());
  CHECK(Refused(403, std::string(50'000, 'x')).status.message().size() < 400);
  CHECK_THAT(Refused(403, "\x1b[31m<b>\xff").status.message(),
             !ContainsSubstring("\x1b") && !ContainsSubstring("\xff"));
}

TEST_CASE("of a refusal that was cut the status speaks, unless it is a page") {
  const auto read = [](const char* type, const char* body, bool complete) {
    return ReadRefusal({403, {{"content-type", type}}}, {body, complete}, EndpointFacts{}, kNow).outcome;
  };
  constexpr bool kCut = false;
  CHECK(read("application/json", R"({"error": {"mess)", kCut) == Outcome::kAuthRejected);
  CHECK(read("application/json", R"({"error": {"mess)", true) == Outcome::kBlocked);
  CHECK(read("", "half", kCut) == Outcome::kBlocked);
  CHECK(read("", "", kCut) == Outcome::kAuthRejected);
  CHECK(read("text/html", "", kCut) == Outcome::kBlocked);
  CHECK(read("text/html", "", true) == Outcome::kAuthRejected);
  CHECK(read("text/HTML", "half", kCut) == Outcome::kBlocked);
  CHECK(read("", " <!DOCTYPE", kCut) == Outcome::kBlocked);
}

TEST_CASE("each endpoint is called by its name") {
  constexpr EndpointFacts kQuery{Endpoint::kAccount, "the quota query"};
  CHECK(ReadRefusal({503, {}}, {}, kQuery, kNow).status.message() == "the quota query is overloaded (503)");
  CHECK(ReadRefusal({401, {}}, {}, kQuery, kNow).status.message() == "the quota query does not accept the token (401)");
  CHECK(Refused(503).status.message() == "the service is overloaded (503)");
}

TEST_CASE("an event that tells of an error brings the service's words and code, and a quota is a quota") {
  const Refusal error = ReadErrorEvent(R"({"error": {"message": "no", "code": "SOME_CODE"}})", EndpointFacts{});
  CHECK(error.outcome == Outcome::kGarbled);
  CHECK(error.status.code() == Code::kAgentError);
  CHECK(error.status.error().user_message == "no");
  CHECK(error.status.error().service_code == "SOME_CODE");
  const Refusal quota = ReadErrorEvent(R"({"code": "OUT_OF_CREDITS", "message": "no"})", EndpointFacts{});
  CHECK(quota.outcome == Outcome::kQuotaExhausted);
  CHECK(quota.status.code() == Code::kQuotaExhausted);
  CHECK(ReadErrorEvent("OUT_OF_CREDITS", EndpointFacts{}).outcome == Outcome::kGarbled);
  CHECK(ReadErrorEvent(R"({"message": "No remaining quota"})", EndpointFacts{}).outcome == Outcome::kGarbled);
  CHECK(ReadErrorEvent(R"({"code": "AT_CLOUD_AGENT_CAPACITY"})", EndpointFacts{}).outcome == Outcome::kOverloaded);
  CHECK(ReadErrorEvent("plain\x1b words", EndpointFacts{}).status.error().user_message == "plain  words");
}

TEST_CASE("words that nobody can decode are not the service's, unless its header says so") {
  const auto read = [](int status, Headers headers) {
    return ReadRefusal({status, std::move(headers)}, {"", true, false}, EndpointFacts{}, kNow).outcome;
  };
  CHECK(read(403, {}) == Outcome::kBlocked);
  CHECK(read(403, {{"x-warp-trace", "1"}}) == Outcome::kAuthRejected);
  CHECK(read(500, {}) == Outcome::kOverloaded);
  CHECK(read(503, {}) == Outcome::kOverloaded);
}

TEST_CASE("of an exchange's refusal that broke off nobody knows whom it would have blamed") {
  constexpr EndpointFacts kExchange{Endpoint::kExchange, "the token exchange", "WARP_REFRESH_URL"};
  for (const char* body : {"", R"({"error": {"message": "TOKEN_EX)"}) {
    const Refusal refusal = ReadRefusal({400, {}}, {body, false}, kExchange, kNow);
    CHECK(refusal.outcome == Outcome::kNetwork);
    CHECK(refusal.status.retryable());
  }
}

TEST_CASE("what answers in the service's place does not ask for a pause") {
  const Refusal refusal = Refused(403, "<html>", {{"retry-after", "3600"}});
  CHECK(refusal.outcome == Outcome::kBlocked);
  CHECK_FALSE(refusal.retry_after);
  CHECK_FALSE(refusal.status.error().retry_after);
}

TEST_CASE("a code in the place of words is told as the code") {
  const Error error = Refused(403, R"({"error": "REGION_NOT_ALLOWED"})").status.error();
  CHECK(error.service_code == "REGION_NOT_ALLOWED");
  CHECK(error.user_message.empty());
}

}  // namespace
}  // namespace warppool::internal
