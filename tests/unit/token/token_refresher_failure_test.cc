#include <chrono>
#include <string>
#include <vector>

#include "catch.h"
#include "unit/token/refresher_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("the next address is asked when one fails, and its answer counts") {
  Refreshing r;
  r.Refresh();
  SECTION("no connection") {
    r.transport.Done(0, TransferError::kNoConnection);
  }
  SECTION("a lost connection") {
    r.transport.Done(0, TransferError::kConnectionLost);
  }
  SECTION("a certificate that is not trusted") {
    r.transport.Done(0, TransferError::kTlsUntrusted);
  }
  SECTION("no HTTP") {
    r.transport.Done(0, TransferError::kNotHttp);
  }
  SECTION("too much") {
    r.transport.Head(0, 200);
    r.transport.Body(0, std::string((1U << 20U) + 1, ' '));
  }
  SECTION("an answer without a token") {
    r.transport.Answer(0, 200, "{}");
  }
  SECTION("overload") {
    r.transport.Answer(0, 503, "");
  }
  SECTION("an error") {
    r.transport.Answer(0, 500, "");
  }
  SECTION("nothing there") {
    r.transport.Answer(0, 404, "not found");
  }
  SECTION("a redirect") {
    r.transport.Answer(0, 302, "");
  }
  SECTION("a refusal that is not final") {
    r.transport.Answer(0, 403, "no");
  }
  SECTION("a refused key") {
    r.transport.Answer(0, 400, R"({"error": {"message": "API key not valid."}})");
  }
  REQUIRE(r.transport.started() == 2);
  CHECK(r.results.empty());
  CHECK(r.transport.request(1).target->url == "https://localhost/token?key=fake%2Bkey");
  CHECK(r.transport.request(1).target->direct);
  CHECK(r.transport.request(1).body == r.transport.request(0).body);
  r.transport.Answer(1, 200, Issued("two"));
  CHECK(r.last().fresh);
  CHECK(r.last().outcome == Outcome::kSuccess);
  CHECK(r.results.size() == 1);
}

TEST_CASE("when all addresses fail the last one's failure is told, once to each") {
  Refreshing r;
  r.Refresh();
  r.Refresh();
  r.transport.Answer(0, 503, "");
  r.transport.Answer(1, 403, R"({"error": {"message": "NOT_NOW"}})");
  CHECK(r.transport.started() == 2);
  REQUIRE(r.results.size() == 2);
  CHECK(r.last().jwt == nullptr);
  CHECK_FALSE(r.last().fresh);
  CHECK(r.last().outcome == Outcome::kAuthRejected);
  CHECK(r.last().status.error().service_code == "NOT_NOW");
  CHECK(r.last().status.token() == "PERSONAL_fake");
  CHECK_THAT(r.log.text(), ContainsSubstring("asking the next address: PERSONAL_fake"));
  r.Refresh();  // and the next one begins with the first address again
  CHECK(r.transport.request(2).target->url == r.transport.request(0).target->url);
}

TEST_CASE("each way to lose an exchange has its outcome") {
  struct Row {
    TransferError error;
    Outcome outcome;
    Code code;
    bool retryable;
  };
  const auto row = GENERATE(values<Row>({
      {TransferError::kNoConnection, Outcome::kNetwork, Code::kNetwork, true},
      {TransferError::kConnectionLost, Outcome::kNetwork, Code::kNetwork, true},
      {TransferError::kSilence, Outcome::kNetwork, Code::kNetwork, true},
      {TransferError::kTlsUntrusted, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {TransferError::kNotHttp, Outcome::kMisconfigured, Code::kMisconfigured, false},
      {TransferError::kNotDecoded, Outcome::kGarbled, Code::kMisconfigured, false},
      {TransferError::kStopped, Outcome::kCancelled, Code::kCancelled, false},
      {TransferError::kInternal, Outcome::kGarbled, Code::kInternal, false},
  }));
  Refreshing r(OneAddress());
  r.Refresh();
  r.transport.Done(0, row.error, "the detail");
  CHECK(r.last().outcome == row.outcome);
  CHECK(r.last().status.code() == row.code);
  CHECK(r.last().status.retryable() == row.retryable);
  CHECK_THAT(r.last().status.message(), ContainsSubstring("the detail"));
  if (row.code == Code::kMisconfigured) CHECK_THAT(r.last().status.message(), ContainsSubstring("FIRST_SETTING"));
}

TEST_CASE("a transport that stops is not asked for another address") {
  Refreshing r;
  r.Refresh();
  r.transport.Done(0, TransferError::kStopped, "the client is being destroyed");
  CHECK(r.transport.started() == 1);
  CHECK(r.last().outcome == Outcome::kCancelled);
  CHECK(r.last().jwt == nullptr);
}

TEST_CASE("an answer of the exchange may be 1 MiB large, and no larger") {
  Refreshing r(OneAddress());
  r.Refresh();
  const std::string answer = Issued("one");
  r.transport.Head(0, 200);
  SECTION("a little less") {
    r.transport.Body(0, answer + std::string((1U << 20U) - answer.size() - 1, ' '));
    r.transport.Done(0);
    CHECK(r.last().fresh);
  }
  SECTION("more") {
    for (int i = 0; i < 20 && !r.transport.cancelled(0); ++i) r.transport.Body(0, std::string(100'000, ' '));
    CHECK(r.transport.cancelled(0));
    CHECK(r.last().outcome == Outcome::kGarbled);
    CHECK(r.last().status.code() == Code::kLimitExceeded);
  }
}

TEST_CASE("Retry-After comes along with the failure") {
  Refreshing r;
  r.Refresh();
  r.transport.Answer(0, 503, "");
  r.transport.Answer(1, 429, "", {{"retry-after", "17"}});
  CHECK(r.last().outcome == Outcome::kOverloaded);
  CHECK(r.last().status.error().retry_after == std::chrono::milliseconds(17s));
}

TEST_CASE("what one address said of the token is not undone by another that cannot be reached") {
  Refreshing r;
  r.Refresh();
  r.transport.Answer(0, 400, R"({"error":{"message":"SOMETHING_NEW"}})");
  r.transport.Answer(1, 503, "");
  CHECK(r.last().outcome == Outcome::kAuthRejected);
}

TEST_CASE("a fault that may pass counts for more than one of configuration at the other address") {
  Refreshing r;
  r.Refresh();
  r.transport.Answer(0, 502, "");
  r.transport.Answer(1, 404, "");
  CHECK(r.last().outcome == Outcome::kOverloaded);
}

TEST_CASE("without a key none is sent, and a refusal says so") {
  RefresherOptions options = TwoAddresses();
  options.api_key = Secret();
  options.endpoints.pop_back();
  Refreshing r(std::move(options));
  r.Refresh();
  CHECK(r.transport.request(0).target->url == "https://first.example/token");
  r.transport.Answer(0, 403, "");
  CHECK_THAT(r.last().status.message(), ContainsSubstring("WARP_FIREBASE_API_KEY is not set"));
}

TEST_CASE("a service that repeats the credential gets it neither into the error nor into the log") {
  Refreshing r;
  r.Refresh();
  const auto words =
      GENERATE(as<std::string>(), "Bad token: hunter2+old", "Consumer 'api_key:fake+key' has been suspended.");
  for (std::size_t i = 0; i < 2; ++i) r.transport.Answer(i, 400, R"({"error": {"message": ")" + words + "\"}}");
  const Error& error = r.last().status.error();
  CHECK_THAT(error.message + error.service_code + error.user_message,
             !ContainsSubstring("hunter2") && !ContainsSubstring("fake+key"));
}

TEST_CASE("an answer of 10 MB is broken off, and says so") {
  Refreshing r(OneAddress());
  r.Refresh();
  r.transport.Head(0, 200);
  r.transport.Body(0, std::string(10'000'000, '['));  // at once
  CHECK(r.transport.cancelled(0));
  CHECK(r.last().outcome == Outcome::kGarbled);
  CHECK(r.last().status.code() == Code::kLimitExceeded);
  CHECK(r.last().status.message() == "the answer of the token exchange is larger than 1 MiB");
  CHECK(r.executor.timers() == 0);
}

TEST_CASE("brackets in great number overflow nothing") {
  Refreshing r(OneAddress());
  r.Refresh();
  SECTION("as many as an answer may hold") {
    const auto open = GENERATE(as<std::string>(), "[", "{\"a\":");
    std::string brackets;
    while (brackets.size() + open.size() <= (1U << 20U)) brackets += open;
    r.transport.Answer(0, 200, brackets);
    CHECK(r.last().outcome == Outcome::kBlocked);
    CHECK(r.last().status.message().size() < 300);
  }
  SECTION("two million") {
    r.transport.Answer(0, 200, std::string(2'000'000, '['));
    CHECK(r.last().outcome == Outcome::kGarbled);
    CHECK(r.last().status.code() == Code::kLimitExceeded);
  }
  SECTION("in a refusal") {
    r.transport.Answer(0, 400, std::string(1'000'000, '['));
    CHECK(r.last().outcome == Outcome::kBlocked);
    CHECK(r.last().status.message().size() < 300);
  }
  CHECK(r.last().jwt == nullptr);
}

TEST_CASE("each answer without a token names what is wrong, and the setting") {
  struct Row {
    const char* body;
    Outcome outcome;
    Code code;
    const char* words;
  };
  constexpr auto kGarbled = Outcome::kGarbled;
  const auto row = GENERATE_COPY(values<Row>({
      {R"({"id_token": "", "access_token": null, "expires_in": "3600"})", kGarbled, Code::kMisconfigured,
       "it has neither id_token nor access_token"},
      {R"({"id_token": "a b"})", kGarbled, Code::kMisconfigured, "its id_token has characters that no token has"},
      {"", kGarbled, Code::kMisconfigured, "not valid JSON at byte 0"},
      {"{}", Outcome::kBlocked, Code::kBlocked, "something on the way answers"},
      {"<!DOCTYPE html><html><body>Please sign in</body></html>", Outcome::kBlocked, Code::kBlocked, "text/html"},
  }));
  Refreshing r(OneAddress());
  r.Refresh();
  r.transport.Answer(0, 200, row.body, {{"content-type", "text/html"}});
  CHECK(r.last().outcome == row.outcome);
  CHECK(r.last().status.code() == row.code);
  CHECK_THAT(r.last().status.message(),
             ContainsSubstring(row.words) && ContainsSubstring("FIRST_SETTING") && !ContainsSubstring("sign in"));
  CHECK(r.token->jwt() == nullptr);
  CHECK(r.observed.refreshed.empty());
}

TEST_CASE("how long a JWT lives is read from whatever the exchange writes") {
  struct Row {
    const char* expires_in;
    std::chrono::seconds life;
  };
  const auto row = GENERATE(values<Row>({
      {R"(, "expires_in": "1000")", 1000s},
      {R"(, "expires_in": 1000)", 1000s},
      {R"(, "expiresIn": "1000")", 1000s},
      {R"(, "expires_in": "soon")", 3600s},  // as Firebase's live
      {R"(, "expires_in": -5)", 3600s},
      {R"(, "expires_in": {"seconds": 5})", 3600s},
      {"", 3600s},
  }));
  Refreshing r;
  r.Refresh();
  r.transport.Answer(0, 200, Issued("one", row.expires_in));
  REQUIRE(r.last().jwt != nullptr);
  CHECK(r.last().jwt->expires_at == r.clock.Steady() + row.life);
  CHECK(r.last().jwt->expires_at_wall == r.clock.Wall() + row.life);
}

TEST_CASE("an exchange that writes in camel case is understood") {
  Refreshing r;
  r.Refresh();
  r.transport.Answer(0, 200,
                     R"({"idToken": "hunter2-one", "refreshToken": "hunter2-new", "expiresIn": "60", "userId": "u1"})");
  CHECK(r.last().jwt->text.Reveal() == "hunter2-one");
  CHECK(r.token->credential().Reveal() == "hunter2-new");
  CHECK(r.observed.refreshed == std::vector<std::string>{"PERSONAL_fake u1 rotated"});
}

TEST_CASE("an answer that breaks off in its middle is lost, not half understood") {
  Refreshing r(OneAddress());
  r.Refresh();
  r.transport.Head(0, 200);
  r.transport.Body(0, R"({"id_token": "hunter2-one", "refresh_token": "hunter2)");
  r.transport.Done(0, TransferError::kConnectionLost, "reset");
  CHECK(r.last().outcome == Outcome::kNetwork);
  CHECK(r.token->credential().Reveal() == "hunter2+old");
}

}  // namespace
}  // namespace warppool::internal
