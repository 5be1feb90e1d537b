#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "unit/token/refresher_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using std::chrono::milliseconds;

RefresherOptions Patient(RefresherOptions options) {
  options.longest_pause = 120s;
  return options;
}

// One address, which has asked for a pause.
struct Pausing : Refreshing {
  explicit Pausing(const std::string& retry_after = "20", int status = 429) : Refreshing(Patient(OneAddress())) {
    Refresh();
    transport.Answer(0, status, "", {{"retry-after", retry_after}});
    REQUIRE(results.size() == 1);
  }
};

TEST_CASE("an address that asks for a pause gets it: no exchange is sent, and the time that is left is told") {
  Pausing r;
  CHECK(r.last().status.error().retry_after == milliseconds(20s));
  r.executor.Advance(5s);
  r.Refresh();
  CHECK(r.results.size() == 1);  // never from inside
  r.executor.RunPosted();
  REQUIRE(r.results.size() == 2);
  CHECK(r.last().outcome == Outcome::kOverloaded);
  CHECK(r.last().jwt == nullptr);
  CHECK(r.last().status.code() == Code::kOverloaded);
  CHECK(r.last().status.token() == "PERSONAL_fake");
  CHECK(r.last().status.error().retry_after == milliseconds(15s));
  r.executor.Advance(15s - 1ms);
  r.Refresh();
  r.executor.RunPosted();
  CHECK(r.last().status.error().retry_after == milliseconds(1ms));
  CHECK(r.transport.started() == 1);
}

TEST_CASE("when the pause is over the address is asked again") {
  Pausing r;
  r.executor.Advance(20s);
  r.Refresh();
  REQUIRE(r.transport.started() == 2);
  r.transport.Answer(1, 200, Issued("one"));
  CHECK(r.last().fresh);
  r.Refresh();  // and nothing of it is left
  CHECK(r.transport.started() == 3);
}

TEST_CASE("all who come in a pause share its end, and one who has forgotten is not called") {
  Pausing r;
  const auto first = r.Refresh();
  for (int i = 0; i < 4; ++i) r.Refresh();
  r.refresher.Forget(first);
  r.executor.RunPosted();
  CHECK(r.order == std::vector<int>{0, 2, 3, 4, 5});
  CHECK(r.transport.started() == 1);
  r.executor.RunPosted();
  CHECK(r.results.size() == 5);
}

TEST_CASE("a pause of one token is none of another") {
  Pausing r;
  const auto other = std::make_shared<Token>("SHARED_fake", Tier::kShared, CredentialKind::kRefreshToken, Secret("x"));
  r.refresher.Refresh(other, [](const RefreshResult&) {});
  CHECK(r.transport.started() == 2);
}

TEST_CASE("no address gets a longer pause than is allowed") {
  Pausing r("86400");
  r.executor.Advance(120s - 1ms);
  r.Refresh();
  r.executor.RunPosted();
  CHECK(r.transport.started() == 1);
  CHECK(r.last().status.error().retry_after == milliseconds(1ms));
  r.executor.Advance(1ms);
  r.Refresh();
  CHECK(r.transport.started() == 2);
}

TEST_CASE("a failure without a wish for a pause is followed by none") {
  Pausing r("");
  r.Refresh();
  CHECK(r.transport.started() == 2);
}

TEST_CASE("a pause of zero is none") {
  Pausing r("0");
  r.Refresh();
  CHECK(r.transport.started() == 2);
}

TEST_CASE("in a pause the old JWT serves") {
  Refreshing r(Patient(OneAddress()));
  r.Issue(0, "one", 3600s);
  r.executor.Advance(3400s);
  r.Refresh();
  r.transport.Answer(1, 503, "", {{"retry-after", "100"}});
  REQUIRE(r.last().jwt != nullptr);
  r.executor.Advance(50s);
  r.Refresh();
  r.executor.RunPosted();
  REQUIRE(r.last().jwt != nullptr);
  CHECK(r.last().jwt->text.Reveal() == "hunter2-one");
  CHECK_FALSE(r.last().fresh);
  CHECK(r.last().outcome == Outcome::kOverloaded);
  CHECK(r.transport.started() == 2);
}

TEST_CASE("a pause that the first address asks for is kept, whatever becomes of the second one") {
  Refreshing r(Patient(TwoAddresses()));
  r.Refresh();
  r.transport.Answer(0, 429, "", {{"retry-after", "60"}});
  SECTION("not to be reached") {
    r.transport.Done(1, TransferError::kNoConnection, "nobody there");
  }
  SECTION("broken") {
    r.transport.Answer(1, 500, "");
  }
  SECTION("configured badly") {
    r.transport.Answer(1, 404, "");
  }
  REQUIRE(r.results.size() == 1);
  r.Refresh();
  r.executor.RunPosted();
  CHECK(r.transport.started() == 2);
}

TEST_CASE("a second address that has an answer knows no pause") {
  Refreshing r(Patient(TwoAddresses()));
  r.Refresh();
  r.transport.Answer(0, 429, "", {{"retry-after", "60"}});
  r.transport.Answer(1, 200, Issued("one"));
  CHECK(r.last().fresh);
  r.Refresh();
  CHECK(r.transport.started() == 3);
}

// One refusal is one failure: whoever comes in the pause has not been refused once more.
TEST_CASE("what a pause repeats is blamed on no token") {
  struct Row {
    int status;
    Outcome outcome;
  };
  const auto row = GENERATE(values<Row>({{403, Outcome::kAuthRejected}, {500, Outcome::kServerError}}));
  Pausing r("20", row.status);
  CHECK(r.last().outcome == row.outcome);
  r.Refresh();
  r.executor.RunPosted();
  CHECK(r.transport.started() == 1);
  CHECK(r.last().outcome == Outcome::kOverloaded);
}

}  // namespace
}  // namespace warppool::internal
