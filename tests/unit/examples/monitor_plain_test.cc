#include "monitor_plain.h"

#include "catch.h"
#include "unit/examples/monitor_styles.h"

using namespace std::chrono_literals;
using monitor::Picture;
using monitor::StateWatch;
using monitor::Style;
using warppool::TokenState;

namespace {

constexpr Style kLineStyle{true, true};  // colours are not for lines

Picture OneToken() {
  Picture picture;
  picture.now = kNow;
  picture.pool.tokens.resize(1);
  picture.pool.tokens[0].name = "alice";
  picture.stats.tokens.resize(1);
  picture.stats.tokens[0].name = "alice";
  return picture;
}

}  // namespace

TEST_CASE("an event is a line of pairs") {
  monitor::Remark remark{warppool::PoolEventKind::kDisabled, warppool::Tier::kShared, "alice", "", kNow, {}, 3};
  CHECK(monitor::EventLine(remark, kLineStyle) == "2027-01-15T08:00:00Z event=disabled token=alice tier=SHARED");
  remark.kind = warppool::PoolEventKind::kTierExhausted;
  remark.until = kNow + 60s;
  remark.reason = "it said \"no\"\n\x1b[2J \\";
  CHECK(monitor::EventLine(remark, kLineStyle) ==
        "2027-01-15T08:00:00Z event=\"tier exhausted\" token=alice tier=SHARED until=2027-01-15T08:01:00Z "
        "reason=\"it said \\\"no\\\"??[2J \\\\\"");
}

TEST_CASE("a failure is counted") {
  monitor::Remark remark{warppool::PoolEventKind::kFailure, warppool::Tier::kShared, "alice", "refused", kNow, {}, 2};
  CHECK(monitor::EventLine(remark, kLineStyle) ==
        "2027-01-15T08:00:00Z event=failure token=alice tier=SHARED failures=2 reason=refused");
}

TEST_CASE("a state is told once") {
  Picture picture = OneToken();
  StateWatch watch;
  const auto first = watch.Changes(picture, kLineStyle);
  REQUIRE(first.size() == 1);
  CHECK(first[0] == "2027-01-15T08:00:00Z token=alice tier=PERSONAL state=ready running=0 ok=- quota=-");
  CHECK(watch.Changes(picture, kLineStyle).empty());

  picture.pool.tokens[0].state = TokenState::kHalfOpen;
  picture.pool.tokens[0].ready_at = kNow;
  picture.pool.tokens[0].reason = "refused";
  const auto second = watch.Changes(picture, kLineStyle);
  REQUIRE(second.size() == 1);
  CHECK(second[0] ==
        "2027-01-15T08:00:00Z token=alice tier=PERSONAL state=\"half open\" back_in=now running=0 ok=- quota=- "
        "reason=refused");
}

TEST_CASE("a rest that is corrected is told again") {
  Picture picture = OneToken();
  picture.pool.tokens[0].state = TokenState::kCooling;
  picture.pool.tokens[0].ready_at = kNow + 1h;
  StateWatch watch;
  CHECK(watch.Changes(picture, kLineStyle).size() == 1);
  *picture.pool.tokens[0].ready_at += 3ms;  // reckoned anew
  CHECK(watch.Changes(picture, kLineStyle).empty());
  picture.pool.tokens[0].ready_at = kNow + 15s;
  const auto corrected = watch.Changes(picture, kLineStyle);
  REQUIRE(corrected.size() == 1);
  CHECK(corrected[0].find("back_in=15s") != std::string::npos);
  picture.pool.tokens[0].ready_at.reset();
  CHECK(watch.Changes(picture, kLineStyle).size() == 1);
}

TEST_CASE("a token that comes again is told again") {
  Picture picture = OneToken();
  StateWatch watch;
  CHECK(watch.Changes(picture, kLineStyle).size() == 1);
  CHECK(watch.Changes(Picture(), kLineStyle).empty());
  CHECK(watch.Changes(picture, kLineStyle).size() == 1);
}

TEST_CASE("the pool has a line for its totals") {
  Picture picture = OneToken();
  picture.stats.requests = {10, 6, 1, 0, 3};
  picture.stats.total.first_event.Add(80ms);
  CHECK(monitor::PoolLine(picture, kLineStyle) ==
        "2027-01-15T08:00:00Z pool ready=1 of=1 answered=6 failed=1 running=3 attempts_ok=- first_event=\"~75 ms\"");
}

TEST_CASE("the summary names each token and the totals") {
  Picture picture = OneToken();
  picture.stats.requests = {10, 6, 1, 3, 0};
  const auto lines = monitor::Summary(picture, kLineStyle);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == "summary: 1/1 ready");
  CHECK(lines[1] == "  token=alice tier=PERSONAL state=ready running=0 ok=- quota=-");
  CHECK(lines[2] == "  requests: 6 answered, 1 failed, 3 cancelled");
  CHECK(lines[3] == "  attempts: 0, - ok; JWTs: 0; first event: -");
}
