#include "token/exchange.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <variant>

#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

std::variant<ExchangeSuccess, ExchangeFailure> ReadAnswer(int status, std::string_view body, bool has_api_key = true) {
  FetchResult answer;
  answer.head = {status, {{"retry-after", "7"}}};
  answer.body = body;
  return ReadExchange(answer, {"https://fake.invalid", "THE_SETTING"}, Secret("fake-sent"),
                      Secret(has_api_key ? "fake-api-key" : ""), {});
}

ExchangeSuccess AnsweredWith(std::string_view body) {
  INFO(body);
  auto read = ReadAnswer(200, body);
  REQUIRE(std::holds_alternative<ExchangeSuccess>(read));
  return std::get<ExchangeSuccess>(std::move(read));
}

ExchangeFailure RefusedWith(int status, std::string_view body, bool has_api_key = true) {
  INFO(status << " " << body);
  const auto read = ReadAnswer(status, body, has_api_key);
  REQUIRE(std::holds_alternative<ExchangeFailure>(read));
  const auto& failure = std::get<ExchangeFailure>(read);
  CHECK_FALSE(failure.status.ok());
  CHECK_FALSE(failure.status.message().empty());
  CHECK(failure.status.error().http_status == status);
  return failure;
}

std::string ExchangeRefusal(const std::string& message) {
  return R"({"error": {"code": 400, "message": ")" + message + R"(", "status": "INVALID_ARGUMENT"}})";
}

TEST_CASE("the form body holds the credential, percent-encoded") {
  CHECK(ExchangeBody(Secret("fake-AZaz09._~")) == "grant_type=refresh_token&refresh_token=fake-AZaz09._~");
  CHECK(ExchangeBody(Secret("a+b/c=d&e f%g\n\xC3\xA9*")) ==
        "grant_type=refresh_token&refresh_token=a%2Bb%2Fc%3Dd%26e%20f%25g%0A%C3%A9%2A");
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::string body = ExchangeBody(Secret(all));
  CHECK(body.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%&=") ==
        std::string::npos);
  CHECK(body.size() == std::string("grant_type=refresh_token&refresh_token=").size() + 66 + 3 * 190);
}

TEST_CASE("the key goes into the query, percent-encoded") {
  CHECK(ExchangeUrl("https://a.example/t", Secret("fake-key")) == "https://a.example/t?key=fake-key");
  CHECK(ExchangeUrl("https://a.example/t", Secret("a&b#c")) == "https://a.example/t?key=a%26b%23c");
  CHECK(ExchangeUrl("https://a.example/t", Secret()) == "https://a.example/t");
}

TEST_CASE("a success is read in snake case and in camel case") {
  const auto* const body =
      GENERATE(R"({"id_token": "fake.jwt.1", "refresh_token": "fake-new", "expires_in": "3600", "user_id": "u1",
                   "access_token": "fake-access", "token_type": "Bearer", "project_id": "1"})",
               R"({"idToken": "fake.jwt.1", "refreshToken": "fake-new", "expiresIn": 3600, "userId": "u1",
                   "accessToken": "fake-access"})");
  const ExchangeSuccess success = AnsweredWith(body);
  CHECK(success.bearer.Reveal() == "fake.jwt.1");
  CHECK(success.refresh_token.Reveal() == "fake-new");
  CHECK(success.life == 3600s);
  CHECK(success.user_id == "u1");
}

TEST_CASE("without an id_token the access_token is the bearer") {
  CHECK(AnsweredWith(R"({"access_token": "fake-access"})").bearer.Reveal() == "fake-access");
  CHECK(AnsweredWith(R"({"accessToken": "fake-access", "id_token": ""})").bearer.Reveal() == "fake-access");
}

TEST_CASE("a success may be silent about all but the bearer") {
  const ExchangeSuccess success = AnsweredWith(R"({"id_token": "fake.jwt.1"})");
  CHECK_FALSE(success.life);
  CHECK(success.refresh_token.empty());
  CHECK(success.user_id.empty());
}

TEST_CASE("only a text that is not empty replaces a refresh token") {
  const auto value = GENERATE(as<std::string>(), "false", "true", "0", "17", "null", "\"\"", R"(["fake-listed"])",
                              R"({"value": "fake-inner"})");
  const ExchangeSuccess success =
      AnsweredWith(R"({"id_token": "fake.jwt.1", "user_id": "u1", "refresh_token": )" + value + "}");
  CHECK(success.bearer.Reveal() == "fake.jwt.1");
  CHECK(success.refresh_token.empty());
  const ExchangeSuccess other =
      AnsweredWith(R"({"id_token": "fake.jwt.1", "refresh_token": )" + value + R"(, "refreshToken": "fake-new"})");
  CHECK(other.refresh_token.Reveal() == "fake-new");
}

TEST_CASE("what is no text is no bearer") {
  const auto value = GENERATE(as<std::string>(), "true", "17", R"(["fake.jwt.1"])");
  CHECK(AnsweredWith(R"({"id_token": )" + value + R"(, "access_token": "fake-access"})").bearer.Reveal() ==
        "fake-access");
}

TEST_CASE("the life of a token is a number of seconds, written as a string or a number") {
  const auto life = [](const std::string& value) {
    return AnsweredWith(R"({"id_token": "fake.jwt.1", "expires_in": )" + value + "}").life;
  };
  CHECK(life("\"3600\"") == 3600s);
  CHECK(life("3600") == 3600s);
  CHECK(life("0") == 0s);
  CHECK(life("3599.5") == 3599s);
  CHECK(life("9223372036854775807") == 1'000'000'000s);
  CHECK_FALSE(life("null"));
  CHECK_FALSE(life("\"\""));
}

TEST_CASE("an exponent is a part of the number") {
  CHECK(AnsweredWith(R"({"id_token": "fake.jwt.1", "expires_in": 3.6e3})").life == 3600s);
}

TEST_CASE("a life that makes no sense counts as not told, and costs neither bearer nor rotated credential") {
  const auto life = GENERATE(as<std::string>(), "\"36 months\"", "\"soon\"", "-1", "true", "\"nan\"");
  const ExchangeSuccess success =
      AnsweredWith(R"({"id_token": "fake.jwt.1", "refresh_token": "fake-rotated", "expires_in": )" + life + "}");
  CHECK_FALSE(success.life);
  CHECK(success.refresh_token.Reveal() == "fake-rotated");
}

TEST_CASE("an answer that cannot be used is nobody's fault, and another address is asked") {
  struct Row {
    const char* body;
    Outcome outcome;
  };
  const auto row = GENERATE(values<Row>({
      {"", Outcome::kGarbled},
      {R"({"id_token": ""})", Outcome::kGarbled},
      {R"({"refresh_token": "fake-rotated"})", Outcome::kGarbled},
      {R"({"error": "fake.jwt"})", Outcome::kGarbled},
      // not in the shape of the exchange: from somebody else
      {"<html>welcome</html>", Outcome::kBlocked},
      {"null", Outcome::kBlocked},
      {"[]", Outcome::kBlocked},
      {"{}", Outcome::kBlocked},
      {R"({"data": {"id_token": "fake.jwt.1"}})", Outcome::kBlocked},
  }));
  const ExchangeFailure failure = RefusedWith(200, row.body);
  CHECK(failure.outcome == row.outcome);
  CHECK(failure.ask_elsewhere == (failure.status.error().http_status != 407));
  CHECK(failure.status.retryable() == (row.outcome == Outcome::kBlocked));
  CHECK_THAT(failure.status.message(), ContainsSubstring("THE_SETTING"));
  CHECK_THAT(failure.status.ToString(), !ContainsSubstring("fake.jwt.1"));
}

TEST_CASE("a bearer that would bring header lines of its own is refused") {
  const auto bearer = GENERATE(as<std::string>(), "fake\\r\\nX-Evil: 1", "fake\\n", "\\rfake", "fake jwt", "fake\\tjwt",
                               "fake\\u0000", "fake\\u007f", "f\xC3\xA4ke");
  const std::string id_token = "{\"id_token\": \"" + bearer + "\"}";
  INFO(id_token);
  CHECK(RefusedWith(200, id_token).outcome == Outcome::kGarbled);
  CHECK(RefusedWith(200, "{\"access_token\": \"" + bearer + "\"}").outcome == Outcome::kGarbled);
}

TEST_CASE("four messages are final, with or without words behind them") {
  const auto message =
      GENERATE(as<std::string>(), "TOKEN_EXPIRED", "INVALID_REFRESH_TOKEN", "USER_DISABLED", "USER_NOT_FOUND");
  for (const int status : {400, 401, 403}) {
    for (const char* const words : {"", " : words", ": words", " "}) {
      const ExchangeFailure failure = RefusedWith(status, ExchangeRefusal(message + words));
      CHECK(failure.outcome == Outcome::kAuthRevoked);
      CHECK_FALSE(failure.ask_elsewhere);
      CHECK(failure.status.code() == Code::kUnauthorized);
      CHECK(failure.status.error().service_code == message);
      CHECK_THAT(failure.status.message(), ContainsSubstring("(" + message + ")"));
      CHECK_FALSE(failure.status.retryable());
    }
  }
  CHECK(RefusedWith(400, "{\"error\": \"" + message + "\"}").outcome == Outcome::kAuthRevoked);
}

TEST_CASE("words that only resemble a final message are not final") {
  const auto message = GENERATE(as<std::string>(), "token_expired", "TOKEN_EXPIRED really", "A TOKEN_EXPIRED",
                                "INVALID_ID_TOKEN", "words: TOKEN_EXPIRED", "?");
  const ExchangeFailure failure = RefusedWith(400, ExchangeRefusal(message));
  CHECK(failure.outcome == Outcome::kAuthRejected);
  CHECK(failure.ask_elsewhere == (failure.status.error().http_status != 407));
}

TEST_CASE("some messages speak of a setting, and name it") {
  struct Row {
    const char* message;
    const char* setting;
  };
  const auto row = GENERATE(values<Row>({
      {"MISSING_REFRESH_TOKEN", "THE_SETTING"},
      {"INVALID_GRANT_TYPE", "THE_SETTING"},
      {"PROJECT_NUMBER_MISMATCH", "WARP_FIREBASE_API_KEY"},
  }));
  for (const char* const words : {"", " : words"}) {
    const ExchangeFailure failure = RefusedWith(400, ExchangeRefusal(std::string(row.message) + words));
    CHECK(failure.outcome == Outcome::kMisconfigured);
    CHECK(failure.status.code() == Code::kMisconfigured);
    CHECK(failure.status.error().service_code == row.message);
    CHECK_THAT(failure.status.message(), ContainsSubstring(row.setting));
  }
}

TEST_CASE("the exchange's rate limits are nobody's fault") {
  const auto message = GENERATE(as<std::string>(), "QUOTA_EXCEEDED", "TOO_MANY_ATTEMPTS_TRY_LATER");
  for (const char* const words : {"", " : words"}) {
    const ExchangeFailure failure = RefusedWith(400, ExchangeRefusal(message + words));
    CHECK(failure.outcome == Outcome::kOverloaded);
    CHECK(failure.status.code() == Code::kOverloaded);
    CHECK(failure.status.retryable());
    CHECK(failure.ask_elsewhere == (failure.status.error().http_status != 407));
  }
}

TEST_CASE("a refusal that is not in the exchange's own shape says nothing of the token") {
  const int status = GENERATE(400, 401, 402, 403, 404, 405, 407, 410, 413, 421, 451);
  const auto body = GENERATE(as<std::string>(), "Bad Request", "<html><title>403 Forbidden</title></html>", "{", "[]",
                             "{}", "\"TOKEN_EXPIRED\"", R"({"status": "denied"})");
  const ExchangeFailure failure = RefusedWith(status, body);
  CHECK(failure.outcome == (status == 407 ? Outcome::kMisconfigured : Outcome::kBlocked));
  CHECK(failure.status.code() == (status == 407 ? Code::kMisconfigured : Code::kBlocked));
  CHECK(failure.ask_elsewhere == (failure.status.error().http_status != 407));
  CHECK_THAT(failure.status.message(),
             ContainsSubstring(fmt::format("({}", status)) && ContainsSubstring("WARP_PROXY"));
}

TEST_CASE("a refused API key is the configuration's fault, and the message names the setting") {
  const auto message = GENERATE(as<std::string>(), "API key not valid. Please pass a valid API key.",
                                "The request is missing a valid API key.", "API_KEY_INVALID",
                                "api Key expired. Please renew the API key.");
  const ExchangeFailure with = RefusedWith(400, ExchangeRefusal(message), true);
  CHECK(with.outcome == Outcome::kMisconfigured);
  CHECK(with.status.code() == Code::kMisconfigured);
  CHECK_THAT(with.status.message(), ContainsSubstring("check WARP_FIREBASE_API_KEY"));
  const ExchangeFailure without = RefusedWith(403, ExchangeRefusal(message), false);
  CHECK(without.outcome == Outcome::kMisconfigured);
  CHECK_THAT(without.status.message(), ContainsSubstring("set WARP_FIREBASE_API_KEY"));
}

TEST_CASE("a refusal when no key was sent says that, too") {
  CHECK_THAT(RefusedWith(403, ExchangeRefusal("Forbidden"), false).status.message(),
             ContainsSubstring("WARP_FIREBASE_API_KEY"));
  CHECK_THAT(RefusedWith(403, ExchangeRefusal("Forbidden"), true).status.message(),
             !ContainsSubstring("WARP_FIREBASE_API_KEY"));
}

TEST_CASE("each other status has its meaning") {
  struct Row {
    int status;
    Outcome outcome;
    Code code;
    bool retryable;
  };
  const auto row = GENERATE(values<Row>({
      {301, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {302, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {308, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {404, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {405, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {407, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {425, Outcome::kOverloaded, Code::kOverloaded, true},
      {408, Outcome::kOverloaded, Code::kOverloaded, true},
      {429, Outcome::kOverloaded, Code::kOverloaded, true},
      {500, Outcome::kServerError, Code::kServerError, true},
      {501, Outcome::kOverloaded, Code::kOverloaded, true},
      {502, Outcome::kOverloaded, Code::kOverloaded, true},
      {503, Outcome::kOverloaded, Code::kOverloaded, true},
      {504, Outcome::kOverloaded, Code::kOverloaded, true},
      {599, Outcome::kOverloaded, Code::kOverloaded, true},
      {401, Outcome::kAuthRejected, Code::kUnauthorized, false},
      {403, Outcome::kAuthRejected, Code::kUnauthorized, false},
      {418, Outcome::kAuthRejected, Code::kUnauthorized, false},
  }));
  for (const char* body : {"", R"({"error": {"message": "words"}})", R"({"message": "words"})"}) {
    const ExchangeFailure failure = RefusedWith(row.status, body);
    CHECK(failure.outcome == row.outcome);
    CHECK(failure.status.code() == row.code);
    CHECK(failure.status.retryable() == row.retryable);
    CHECK(failure.ask_elsewhere == (failure.status.error().http_status != 407));
    CHECK(failure.status.error().retry_after == std::chrono::milliseconds(7s));
  }
}

TEST_CASE("of a 5xx and a 429 the shape says no more than the status, but a 500 of somebody else's is an overload") {
  for (const int status : {429, 500, 502, 503}) {
    CHECK(RefusedWith(status, "<html>try later</html>").outcome == Outcome::kOverloaded);
  }
}

TEST_CASE("an address where no exchange is names the setting that it comes from") {
  CHECK_THAT(RefusedWith(404, "").status.message(), ContainsSubstring("THE_SETTING"));
  CHECK_THAT(RefusedWith(307, "").status.message(), ContainsSubstring("THE_SETTING"));
}

TEST_CASE("a success of another kind is no refusal of the token") {
  for (const int status : {201, 202, 204}) CHECK(RefusedWith(status, "").outcome == Outcome::kGarbled);
}

TEST_CASE("the service's words are made printable, and short") {
  const std::string words =
      RefusedWith(400, ExchangeRefusal("line\\nbreak \\u001b[31m gr\xC3\xBC\xC3\x9F")).status.message();
  CHECK_THAT(words, ContainsSubstring("line break  [31m gr\xC3\xBC\xC3\x9F"));
  CHECK(RefusedWith(400, ExchangeRefusal(std::string(5000, 'x'))).status.message().size() < 500);
}

TEST_CASE("no part of a credential is in an error, however the service quotes it") {
  const std::string sent = "fakexyzw";
  std::string escaped;
  for (const char c : sent) escaped += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
  // Words are cut after 200 bytes: in front of the credential, behind it, and inside it.
  for (const std::size_t before : {0U, 185U, 192U, 196U, 199U}) {
    for (const std::string& quoted : {sent, escaped}) {
      INFO(before << " " << quoted);
      FetchResult answer;
      answer.head.status = 400;
      answer.body = R"({"error":{"message":")" + std::string(before, '.') + quoted + R"( is not known"}})";
      const auto read = ReadExchange(answer, {"https://fake.invalid", "THE_SETTING"}, Secret(sent), Secret(), {});
      REQUIRE(std::holds_alternative<ExchangeFailure>(read));
      const std::string& message = std::get<ExchangeFailure>(read).status.message();
      CHECK(message.find("fake") == message.npos);
      CHECK(message.find("..f") == message.npos);
    }
  }
}

TEST_CASE("no part of a credential is in an error, though a header quotes it") {
  const std::string sent = "fake-" + std::string(300, 'q');
  FetchResult answer;
  answer.head = {403, {{"x-warp-error-code", sent}, {"content-type", sent}}};
  const auto read = ReadExchange(answer, {"https://fake.invalid", "THE_SETTING"}, Secret(sent), Secret(), {});
  const Status& status = std::get<ExchangeFailure>(read).status;
  CHECK_THAT(status.ToString() + status.error().service_code,
             !ContainsSubstring("qqq") && ContainsSubstring("[secret]"));
}

}  // namespace
}  // namespace warppool::internal
