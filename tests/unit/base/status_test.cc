#include "warppool/status.h"

#include <set>
#include <string>
#include <utility>

#include "catch.h"
#include "unit/allocations.h"

namespace warppool {
namespace {

TEST_CASE("every code has a name of its own") {
  std::set<std::string> names;
  int codes = 0;
  for (int number = -10; number < 1000; ++number) {
    const std::string name = CodeName(static_cast<Code>(number));
    if (name == "unknown") continue;
    ++codes;
    names.insert(name);
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
  }
  CHECK(codes == 35);  // as many as the enumeration has
  CHECK(names.size() == 35);
  CHECK(std::string(CodeName(Code::kQuotaExhausted)) == "quota_exhausted");
  CHECK(std::string(CodeName(Code::kOk)) == "ok");
}

TEST_CASE("a status is OK until something failed") {
  const Status ok;
  CHECK(ok.ok());
  CHECK(ok.code() == Code::kOk);
  CHECK(ok.message().empty());
  CHECK(ok.token().empty());
  CHECK(ok.attempts().empty());
  CHECK_FALSE(ok.retryable());
  CHECK(ok.error().code == Code::kOk);
  CHECK(ok.ToString() == "ok");
  CHECK(Status(Code::kOk, "unheard").ok());
  CHECK(Status(Error{.code = Code::kOk, .message = {}}).ok());
}

TEST_CASE("a status tells all that is known of a failure") {
  CHECK(Status(Code::kNetwork, "no connection").ToString() == "network: no connection");
  const Status status(Error{.code = Code::kAllTokensFailed,
                            .message = "no token could serve the request",
                            .token = "SHARED_aaaaaa",
                            .http_status = 401,
                            .user_message = "Sign in again.",
                            .retryable = true,
                            .attempts = {{"PERSONAL_111111", Code::kUnauthorized, "refused"},
                                         {"SHARED_aaaaaa", Code::kQuotaExhausted, "used up"}}});
  CHECK(status.ToString() ==
        "all_tokens_failed: no token could serve the request (token SHARED_aaaaaa)\n"
        "  the service says: Sign in again.\n"
        "  PERSONAL_111111: unauthorized: refused\n"
        "  SHARED_aaaaaa: quota_exhausted: used up");
  CHECK(status.retryable());
  CHECK(status.token() == "SHARED_aaaaaa");
  CHECK(status.attempts().size() == 2);
}

TEST_CASE("a copy of a status outlives its original") {
  Status copy;
  {
    const Status original(Code::kInternal, "a message that is too long for any small string");
    copy = original;
  }
  CHECK(copy.message() == "a message that is too long for any small string");
}

TEST_CASE("out of memory can be said without memory") {
  const int before = Allocations();
  const Status status = Status::OutOfMemory();
  const Status copy = status;  // NOLINT(performance-unnecessary-copy-initialization): what is tested
  const bool failed = !copy.ok() && copy.code() == Code::kOutOfMemory && !copy.message().empty();
  const int after = Allocations();
  CHECK(failed);
  CHECK(after == before);
  CHECK(status.ToString() == "out_of_memory: out of memory");
  CHECK(Allocations() > after);  // the counter counts
}

TEST_CASE("a result holds a value or the reason why not") {
  Result<std::string> good(std::string("value"));
  CHECK(good.ok());
  CHECK(static_cast<bool>(good));
  CHECK(*good == "value");
  CHECK(good->size() == 5);
  CHECK(good.code() == Code::kOk);
  CHECK(good.status().ok());
  const std::string moved = *std::move(good);
  CHECK(moved == "value");

  const Result<std::string> bad(Status(Code::kTimeout, "nothing came"));
  CHECK_FALSE(bad.ok());
  CHECK_FALSE(static_cast<bool>(bad));
  CHECK(bad.code() == Code::kTimeout);
  CHECK(bad.status().message() == "nothing came");
}

TEST_CASE("a result that was made of an OK status holds no value, and is an internal error") {
  const Result<std::string> none{Status()};
  CHECK_FALSE(none.ok());
  CHECK(none.code() == Code::kInternal);
  CHECK_FALSE(none.status().ok());
  CHECK(none.status().message() == "without a value");
  const Result<int> copy = Result<int>(Status(Code::kOk, "unheard"));
  CHECK_FALSE(copy.ok());
  CHECK(copy.code() == Code::kInternal);
}

TEST_CASE("a result without value or error takes no memory to say so") {
  const Result<int> first{Status()};
  const int before = Allocations();
  const Result<int> none{Status()};
  CHECK(Allocations() == before);
  CHECK_FALSE(none.ok());
}

}  // namespace
}  // namespace warppool
