#include "client/failure_report.h"

#include <chrono>
#include <string>
#include <vector>

#include "catch.h"
#include "unit/token/pool_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::EndsWith;

// A request that has failed, and the pool that it has failed with.
struct Failing {
  explicit Failing(std::vector<std::string> names) : pool(std::move(names)) {}

  void Tried(const std::string& token, Code code) {
    attempts.push_back({token, code, "because of " + std::string(CodeName(code))});
    wanted.excluded.insert(&pool.token(token));
  }
  Status Report(const Status& last) {
    return AllTokensFailed({attempts, wanted, only, "no token is ready", bad_setting}, last, &pool.pool);
  }
  // "p1: code" of each attempt that the error tells of.
  static std::vector<std::string> AttemptsOf(const Status& status) {
    std::vector<std::string> lines;
    for (const Attempt& attempt : status.error().attempts) {
      lines.push_back(attempt.token + ": " + CodeName(attempt.code));
    }
    return lines;
  }

  Pool pool;
  std::vector<Attempt> attempts;
  TokenPool::Wanted wanted;
  const TokenRestriction* only = nullptr;
  const Status* bad_setting = nullptr;
};

using AttemptLines = std::vector<std::string>;

Status LastOf(Code code, const std::string& token) {
  Error error{.code = code, .message = "the last one's words"};
  error.token = token;
  return Status(std::move(error));
}

TEST_CASE("tokens that all met the same have their common code, and the last one's words") {
  Failing f({"p1", "p2"});
  f.Tried("p1", Code::kUnauthorized);
  f.Tried("p2", Code::kUnauthorized);
  const Status status = f.Report(LastOf(Code::kUnauthorized, "p2"));
  CHECK(status.code() == Code::kUnauthorized);
  CHECK(status.message() == "the last one's words");
  CHECK(Failing::AttemptsOf(status) == AttemptLines{"p1: unauthorized", "p2: unauthorized"});
  CHECK(status.token().empty());  // it is the word of many
}

TEST_CASE("what a token met last is what it counts with") {
  Failing f({"p1", "p2"});
  f.Tried("p1", Code::kNetwork);
  f.Tried("p2", Code::kOverloaded);
  f.Tried("p1", Code::kOverloaded);
  CHECK(f.Report(LastOf(Code::kOverloaded, "p1")).code() == Code::kOverloaded);
}

TEST_CASE("tokens that met different things have all failed, for different reasons") {
  Failing f({"p1", "p2"});
  f.Tried("p1", Code::kUnauthorized);
  f.Tried("p2", Code::kServerError);
  const Status status = f.Report(LastOf(Code::kServerError, "p2"));
  CHECK(status.code() == Code::kAllTokensFailed);
  CHECK(status.message() == "every token failed, for different reasons");
  CHECK(Failing::AttemptsOf(status) == AttemptLines{"p1: unauthorized", "p2: server_error"});
}

TEST_CASE("the only token's failure names it") {
  Failing f({"p1"});
  f.Tried("p1", Code::kServerError);
  const Status status = f.Report(LastOf(Code::kServerError, "p1"));
  CHECK(status.code() == Code::kServerError);
  CHECK(status.token() == "p1");
}

TEST_CASE("a setting that breaks every exchange is what is told, with the tokens that failed for it") {
  Failing f({"p1", "p2"});
  f.Tried("p1", Code::kMisconfigured);
  f.Tried("p2", Code::kUnauthorized);
  const Status bad(Code::kMisconfigured, "WARP_REFRESH_URL leads nowhere");
  f.bad_setting = &bad;
  const Status status = f.Report(LastOf(Code::kUnauthorized, "p2"));
  CHECK(status.code() == Code::kMisconfigured);
  CHECK(status.message() == "WARP_REFRESH_URL leads nowhere");
  CHECK(Failing::AttemptsOf(status) == AttemptLines{"p1: misconfigured", "p2: unauthorized"});
}

TEST_CASE("of tokens that were not tried it is told why they are not ready, and when the first one is") {
  Failing f({"p1", "p2", "p3"});
  f.pool.Meet("p2", Outcome::kQuotaExhausted, "spent", 70s);
  f.pool.Meet("p3", Outcome::kQuotaExhausted, "spent", 50s);
  f.pool.Meet("p1", Outcome::kAuthRevoked);
  SECTION("none was tried") {
    const Status status = f.Report(Status(Code::kNoTokenReady, "no token is ready"));
    CHECK(status.code() == Code::kNoTokenReady);
    CHECK(status.error().attempts.size() == 3);
    CHECK(status.retryable());
    CHECK(status.error().retry_after == 50s);
  }
  SECTION("one was, and is told once") {
    f.Tried("p1", Code::kUnauthorized);
    const Status status = f.Report(LastOf(Code::kUnauthorized, "p1"));
    CHECK(status.error().attempts.size() == 3);
    CHECK(status.error().attempts[0].code == Code::kUnauthorized);
    CHECK(status.retryable());
  }
  SECTION("the service asks for less patience") {
    Error error{.code = Code::kOverloaded, .message = "busy"};
    error.retry_after = 3s;
    CHECK(f.Report(Status(std::move(error))).error().retry_after == 3s);
  }
  SECTION("the service asks for more") {
    Error error{.code = Code::kOverloaded, .message = "busy"};
    error.retry_after = 100s;
    CHECK(f.Report(Status(std::move(error))).error().retry_after == 50s);
  }
}

TEST_CASE("nothing is said of trying again when no token comes back by itself") {
  Failing f({"p1"});
  f.pool.Meet("p1", Outcome::kAuthRevoked);
  const Status status = f.Report(Status(Code::kNoTokenReady, "no token is ready"));
  CHECK_FALSE(status.retryable());
  CHECK_FALSE(status.error().retry_after);
}

TEST_CASE("a request that says who may serve is told so, and hears of nobody else") {
  Failing f({"p1", "s1"});
  f.pool.Meet("p1", Outcome::kQuotaExhausted, "spent", 50s);
  f.pool.Meet("s1", Outcome::kQuotaExhausted, "spent", 70s);
  const TokenRestriction shared{{Tier::kShared}, {}};
  f.only = &shared;
  f.wanted.only = &shared;
  SECTION("nobody was tried: that is told in the present words") {
    const Status status = f.Report(Status(Code::kNoTokenReady, "it was different when the wait began"));
    CHECK(status.message() == "no token is ready; who may serve is restricted by the request's tiers");
    CHECK(status.error().retry_after == 70s);
    CHECK(status.error().attempts.size() == 1);
    CHECK(status.error().attempts[0].token == "s1");
  }
  SECTION("one was") {
    f.Tried("s1", Code::kUnauthorized);
    const Status status = f.Report(LastOf(Code::kUnauthorized, "s1"));
    CHECK_THAT(status.message(), EndsWith("; who may serve is restricted by the request's tiers"));
    CHECK(Failing::AttemptsOf(status) == AttemptLines{"s1: unauthorized"});
  }
}

}  // namespace
}  // namespace warppool::internal
