#include "client/agent_answer.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "catch.h"

namespace warppool {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

const WallTime kNow{std::chrono::seconds(784'111'777)};  // Sun, 06 Nov 1994 08:49:37 GMT

using Headers = std::vector<std::pair<std::string, std::string>>;

AttemptResult Refusal(int status, std::string_view body = "", Headers headers = {}) {
  const AttemptResult result = ReadRefusal({status, std::move(headers)}, body, kNow);
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
      {403, "", {}, Outcome::kAuthRejected, Code::kUnauthorized, false},
      // 429 is about the account's quota only if it says so
      {429, "", {{"x-warp-error-code", "OUT_OF_CREDITS"}}, Outcome::kQuotaExhausted, Code::kQuotaExhausted, false},
      {429, R"({"error": "No remaining quota: x"})", {}, Outcome::kQuotaExhausted, Code::kQuotaExhausted, false},
      {429, "No AI requests remaining", {}, Outcome::kQuotaExhausted, Code::kQuotaExhausted, false},
      {429, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {429, "<html>429 Too Many Requests</html>", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {429, "quota", {{"x-warp-error-code", "OTHER"}}, Outcome::kOverloaded, Code::kOverloaded, true},
      {503, "No remaining quota", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      // the way to the service, or its load
      {408, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {502, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {503, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {504, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {500, "", {}, Outcome::kServerError, Code::kServerError, true},
      {501, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      {599, "", {}, Outcome::kOverloaded, Code::kOverloaded, true},
      // the request's own fault
      {400, "", {}, Outcome::kRequestFault, Code::kRequestRejected, false},
      {402, "", {}, Outcome::kRequestFault, Code::kRequestRejected, false},
      {404, "", {}, Outcome::kRequestFault, Code::kRequestRejected, false},
      {413, "", {}, Outcome::kRequestFault, Code::kRequestRejected, false},
      {422, "", {}, Outcome::kRequestFault, Code::kRequestRejected, false},
      {499, "", {}, Outcome::kRequestFault, Code::kRequestRejected, false},
      // a setting's
      {301, "", {}, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {307, "", {}, Outcome::kMisconfigured, Code::kMisconfigured, false},
      // no sense
      {201, "", {}, Outcome::kGarbled, Code::kNotAStream, false},
      {204, "", {}, Outcome::kGarbled, Code::kNotAStream, false},
  }));
  INFO(row.status << " " << row.body);
  const AttemptResult result = Refusal(row.status, row.body, row.headers);
  CHECK(result.outcome == row.outcome);
  CHECK(result.status.code() == row.code);
  CHECK(result.status.retryable() == row.retryable);
}

TEST_CASE("a redirect names the setting to look at") {
  CHECK_THAT(Refusal(302).status.message(), ContainsSubstring("WARP_SERVER_URL"));
}

TEST_CASE("Retry-After is honoured, as seconds or a date") {
  CHECK(Refusal(429, "", {{"retry-after", "7"}}).retry_after == std::chrono::milliseconds(7s));
  CHECK(Refusal(503, "", {{"retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"}}).retry_after ==
        std::chrono::milliseconds(60s));
  CHECK(Refusal(503, "", {{"retry-after", "7"}}).status.error().retry_after == std::chrono::milliseconds(7s));
  CHECK_FALSE(Refusal(429).retry_after);
  CHECK_FALSE(Refusal(429, "", {{"retry-after", "later"}}).retry_after);
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
      {R"({"error": {"message": "m", "code": 17}})", "m", "17"},
      {R"({"error": "words"})", "words", ""},
      {R"({"message": "words", "code": "C"})", "words", "C"},
      {R"({"userDisplayMessage": ""})", "", ""},
      {R"(["words"])", "", ""},
      {"<html>words</html>", "", ""},
      {R"({"message": "cut o)", "", ""},
      {"", "", ""},
  }));
  INFO(row.body);
  const Error error = Refusal(429, row.body).status.error();
  CHECK(error.user_message == row.words);
  CHECK(error.service_code == row.code);
  // The header's code goes before the body's.
  CHECK(Refusal(429, row.body, {{"x-warp-error-code", "H"}}).status.error().service_code == "H");
}

TEST_CASE("the service's words have an end") {
  const std::string body =
      R"({"message": ")" + std::string(100'000, 'x') + R"(", "code": ")" + std::string(5000, 'y') + "\"}";
  const Error error = Refusal(400, body).status.error();
  CHECK(error.user_message.size() == 1000);
  CHECK(error.service_code.size() <= 100);
}

TEST_CASE("the end of the service's words is not within a character") {
  std::string words = "x";
  while (words.size() < 2000) words += "\xE2\x82\xAC";
  const Error error = Refusal(400, R"({"message": ")" + words + "\"}").status.error();
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
      {TransferError::kNotHttp, false, Outcome::kGarbled, Code::kNotAStream, false},
      {TransferError::kNotHttp, true, Outcome::kGarbled, Code::kNotAStream, false},
      {TransferError::kNotDecoded, true, Outcome::kGarbled, Code::kNotAStream, false},
      {TransferError::kStopped, false, Outcome::kCancelled, Code::kCancelled, false},
      {TransferError::kStopped, true, Outcome::kCancelled, Code::kCancelled, false},
      {TransferError::kInternal, true, Outcome::kGarbled, Code::kInternal, false},
  }));
  const AttemptResult result = ReadTransferError({row.error, "the detail"}, row.began);
  CHECK(result.outcome == row.outcome);
  CHECK(result.status.code() == row.code);
  CHECK(result.status.retryable() == row.retryable);
  CHECK_THAT(result.status.message(), ContainsSubstring("the detail"));
  CHECK_FALSE(result.retry_after);
}

TEST_CASE("a certificate that is not trusted names the settings to look at") {
  const std::string message = ReadTransferError({TransferError::kTlsUntrusted, "self-signed"}, false).status.message();
  CHECK_THAT(message, ContainsSubstring("WARP_CA_BUNDLE") && ContainsSubstring("WARP_SERVER_URL"));
}

}  // namespace
}  // namespace warppool
