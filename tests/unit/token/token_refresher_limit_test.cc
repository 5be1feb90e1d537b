// How long anybody waits for an exchange, and what becomes of one that nobody waits for any more.

#include <chrono>
#include <string>
#include <utility>

#include "catch.h"
#include "unit/token/exchange_lock_fixture.h"
#include "unit/token/refresher_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

const std::string kRotating = R"(, "expires_in": 3600, "refresh_token": "hunter2-new")";

TEST_CASE("who waits for an exchange leaves at its limit, and the answer that comes later is taken") {
  Refreshing r;
  r.Refresh();
  r.executor.Advance(29'999ms);
  CHECK(r.results.empty());
  r.executor.Advance(1ms);
  REQUIRE(r.results.size() == 1);
  CHECK(r.last().jwt == nullptr);
  CHECK(r.last().outcome == Outcome::kNetwork);
  CHECK(r.last().status.code() == Code::kNetwork);
  CHECK(r.last().status.error().token == "PERSONAL_fake");
  CHECK(r.last().status.message().find("30000 ms") != std::string::npos);
  CHECK_FALSE(r.transport.cancelled(0));
  CHECK(r.transport.started() == 1);

  r.executor.Advance(1s);
  r.transport.Answer(0, 200, Issued("late", kRotating));
  CHECK(r.results.size() == 1);
  CHECK(r.token->credential() == Secret("hunter2-new"));
  CHECK(r.observed.refreshed == std::vector<std::string>{"PERSONAL_fake  rotated"});
  REQUIRE(r.Use());
  CHECK(r.token->jwt()->text.Reveal() == "hunter2-late");
}

TEST_CASE("who asks while an exchange lives on waits for it, and the credential is not sent twice at a time") {
  Refreshing r;
  r.Refresh();
  r.executor.Advance(30s);
  REQUIRE(r.results.size() == 1);
  r.Refresh();
  r.executor.Advance(29'999ms);  // it has a limit of its own
  CHECK(r.results.size() == 1);
  CHECK(r.transport.started() == 1);
  SECTION("its answer is theirs") {
    r.transport.Answer(0, 200, Issued("late", kRotating));
    REQUIRE(r.results.size() == 2);
    CHECK(r.last().fresh);
    CHECK(r.last().jwt->text.Reveal() == "hunter2-late");
  }
  SECTION("they leave in turn") {
    r.executor.Advance(1ms);
    REQUIRE(r.results.size() == 2);
    CHECK(r.last().outcome == Outcome::kNetwork);
    CHECK(r.transport.started() == 1);
  }
  CHECK(r.order == std::vector<int>{0, 1});
}

TEST_CASE("those who wait for one exchange leave one by one, and one who has forgotten is not called") {
  Refreshing r;
  r.Refresh();
  r.executor.Advance(10s);
  r.Refresh();
  const auto forgotten = r.Refresh();
  r.executor.Advance(20s);
  CHECK(r.order == std::vector<int>{0});
  r.refresher.Forget(forgotten);
  r.executor.Advance(10s);
  CHECK(r.order == std::vector<int>{0, 1});
  r.transport.Answer(0, 200, Issued("late", R"(, "expires_in": 10)"));
  CHECK(r.order == std::vector<int>{0, 1});
}

TEST_CASE("an exchange that lives on is broken off after two minutes, and the next address is asked for nobody") {
  Refreshing r;
  r.Refresh();
  r.executor.Advance(149'999ms);
  CHECK_FALSE(r.transport.cancelled(0));
  CHECK(r.transport.started() == 1);
  r.executor.Advance(1ms);
  CHECK(r.transport.cancelled(0));
  REQUIRE(r.transport.started() == 2);
  r.Refresh();  // joins
  CHECK(r.transport.started() == 2);
  r.transport.Answer(1, 200, Issued("second", kRotating));
  CHECK(r.last().fresh);
  CHECK(r.token->credential() == Secret("hunter2-new"));
}

TEST_CASE("each address has the whole time") {
  Refreshing r;
  r.Refresh();
  r.executor.Advance(29s);
  r.transport.Done(0, TransferError::kConnectionLost, "gone");
  REQUIRE(r.transport.started() == 2);
  r.executor.Advance(29s);
  CHECK(r.results.empty());
  r.executor.Advance(1s);
  CHECK(r.results.size() == 1);
}

TEST_CASE("while the old JWT lives it serves those who leave, and those who come do not wait for the same") {
  Refreshing r;
  r.Issue(0, "first", 3600s);
  r.executor.Advance(3301s);
  REQUIRE_FALSE(r.Use());
  r.Refresh();
  r.Refresh();
  r.executor.Advance(30s);
  REQUIRE(r.results.size() == 3);
  for (std::size_t i = 1; i < 3; ++i) {
    REQUIRE(r.results[i].jwt != nullptr);
    CHECK(r.results[i].jwt->text.Reveal() == "hunter2-first");
    CHECK_FALSE(r.results[i].fresh);
    CHECK(r.results[i].outcome == Outcome::kNetwork);
  }
  CHECK(r.Use());
  r.executor.Advance(29s);
  CHECK(r.Use());  // one failure, not two
  r.executor.Advance(2s);
  CHECK_FALSE(r.Use());
  r.transport.Answer(1, 200, Issued("late", kRotating));
  CHECK(r.Use());
}

TEST_CASE("an exchange that lives on stays precious, and is kept and left when its answer has come") {
  Locking r;
  r.Refresh();
  r.lock.Grant();
  r.executor.Advance(30s);
  REQUIRE(r.results.size() == 1);
  CHECK(r.refresher.HasPrecious());
  r.transport.Answer(0, 200, Issued("late", kRotating));
  CHECK(r.refresher.HasPrecious());
  CHECK(r.token->credential() == Secret("hunter2+old"));  // until it is in safety
  r.lock.HasKept();
  CHECK(r.token->credential() == Secret("hunter2-new"));
  CHECK_FALSE(r.refresher.HasPrecious());
  CHECK(r.observed.refreshed.size() == 1);
  CHECK(r.results.size() == 1);
}

TEST_CASE("the limit does not run while others keep the token") {
  Locking r;
  r.Refresh();
  r.executor.Advance(40s);
  CHECK(r.results.empty());
  r.lock.Grant();
  r.executor.Advance(29s);
  CHECK(r.results.empty());
  r.executor.Advance(1s);
  CHECK(r.results.size() == 1);
}

}  // namespace
}  // namespace warppool::internal
