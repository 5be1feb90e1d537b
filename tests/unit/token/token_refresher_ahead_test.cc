#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "catch.h"
#include "unit/token/refresher_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;

const Names kDue{"PERSONAL_fake"};

RefresherOptions Randomly(double unit_random) {
  RefresherOptions options = TwoAddresses();
  options.unit_random = [unit_random] { return unit_random; };
  return options;
}

TEST_CASE("who observes is told of each JWT, whose it is, and whether the credential was replaced") {
  Refreshing r;
  r.Refresh();
  r.transport.Answer(0, 200, Issued("one", R"(, "user_id": "u1", "refresh_token": "hunter2-new")"));
  r.Refresh();
  r.transport.Answer(1, 200, Issued("two", R"(, "user_id": "u1", "refresh_token": "hunter2-new")"));  // the same again
  r.Refresh();
  r.transport.Answer(2, 200, Issued("three"));
  r.Refresh();
  r.FailAll(3);
  CHECK(r.observed.refreshed == Names{"PERSONAL_fake u1 rotated", "PERSONAL_fake u1", "PERSONAL_fake "});
  CHECK(r.observed.jwts == Names{"hunter2-one", "hunter2-two", "hunter2-three"});
}

TEST_CASE("a JWT that is in use falls due before anybody would have to wait for the next") {
  struct Row {
    double unit_random;
    std::chrono::milliseconds at;
  };
  // It lives for an hour, and would be refreshed 5 minutes before its end.
  const auto row = GENERATE(values<Row>({{0, 3300s}, {0.5, 3225s}, {0.999, 3150'150ms}}));
  Refreshing r(Randomly(row.unit_random));
  r.Issue(0, "one", 3600s);
  CHECK(r.Use());
  r.executor.Advance(row.at - 1ms);
  CHECK(r.observed.due.empty());
  r.executor.Advance(1ms);
  CHECK(r.observed.due == kDue);
  CHECK(r.transport.started() == 1);  // what follows is for the observer to decide
  r.executor.Advance(1h);
  CHECK(r.observed.due == kDue);  // once
  CHECK(r.executor.timers() == 0);
}

TEST_CASE("a JWT that nobody has used since it was issued does not fall due") {
  Refreshing r;
  r.Issue(0, "one", 3600s);
  SECTION("never used") {}
  SECTION("the one before was used") {
    CHECK(r.Use());
    r.Issue(1, "two", 3600s);
  }
  r.executor.Advance(2h);
  CHECK(r.observed.due.empty());
  CHECK(r.executor.timers() == 0);
}

TEST_CASE("a JWT that was handed out by its exchange counts as used when it is marked so") {
  Refreshing r;
  r.Issue(0, "one", 3600s);
  r.token->MarkUsed();
  r.executor.Advance(3300s);
  CHECK(r.observed.due == kDue);
}

TEST_CASE("a new JWT takes the old one's timer away") {
  Refreshing r;
  for (std::size_t i = 0; i < 20; ++i) {
    r.Issue(i, "jwt" + std::to_string(i), 3600s);
    CHECK(r.Use());
    CHECK(r.executor.timers() == 1);
    r.executor.Advance(1000s);
  }
  CHECK(r.observed.due.empty());
  r.executor.Advance(2300s);
  CHECK(r.observed.due == kDue);
  CHECK(r.executor.timers() == 0);
}

TEST_CASE("a JWT that was refused meanwhile does not fall due") {
  Refreshing r;
  r.Issue(0, "one", 3600s);
  CHECK(r.Use());
  r.token->DropJwt("hunter2-one");
  r.executor.Advance(2h);
  CHECK(r.observed.due.empty());
}

TEST_CASE("two tokens fall due on their own") {
  Refreshing r;
  const auto other = std::make_shared<Token>("SHARED_fake", Tier::kShared, CredentialKind::kRefreshToken, Secret("x"));
  r.Issue(0, "one", 3600s);
  CHECK(r.Use());
  r.executor.Advance(100s);
  r.refresher.Refresh(other, [](const RefreshResult&) {});
  r.transport.Answer(1, 200, Issued("other", R"(, "expires_in": 3600)"));
  other->MarkUsed();
  CHECK(r.executor.timers() == 2);
  r.executor.Advance(3200s);
  CHECK(r.observed.due == kDue);
  r.executor.Advance(100s);
  CHECK(r.observed.due == Names{"PERSONAL_fake", "SHARED_fake"});
}

TEST_CASE("a JWT that is old already is not waited for") {
  Refreshing r(Randomly(0.9));
  r.Issue(0, "one", 0s);
  CHECK(r.executor.timers() == 0);
}

TEST_CASE("without an observer nothing falls due, and no timer is left") {
  Refreshing r(TwoAddresses(), false);
  r.Issue(0, "one", 3600s);
  CHECK(r.Use());
  CHECK(r.executor.timers() == 0);
}

TEST_CASE("whoever is told that a JWT is due may refresh it there and then") {
  Refreshing r;
  r.observed.on_due = [&] { r.Refresh(); };
  r.Issue(0, "one", 3600s);
  CHECK(r.Use());
  r.executor.Advance(3300s);
  REQUIRE(r.transport.started() == 2);
  CHECK(r.Use() == false);  // those who come now wait for it
  r.transport.Answer(1, 200, Issued("two", R"(, "expires_in": 3600)"));
  CHECK(r.last().jwt->text.Reveal() == "hunter2-two");
  CHECK(r.executor.timers() == 1);
  CHECK(r.Use());
  r.executor.Advance(3300s);
  CHECK(r.transport.started() == 3);
}

TEST_CASE("while the old JWT lives, each failure doubles the time until the next exchange") {
  Refreshing r(OneAddress());
  r.Issue(0, "one", 24h);  // the last 5 minutes of which are for refreshing
  r.executor.Advance(24h - 300s);
  std::size_t exchange = 1;
  for (const auto delay : {30s, 60s, 120s}) {
    REQUIRE_FALSE(r.Use());
    r.Refresh();
    r.transport.Done(exchange++, TransferError::kNoConnection);
    REQUIRE(r.last().jwt != nullptr);
    CHECK(r.last().jwt->refresh_at == r.clock.Steady() + delay);
    CHECK(r.Use());
    r.executor.Advance(delay - 1ms);
    CHECK(r.Use());
    r.executor.Advance(1ms);
  }
  r.Refresh();
  r.transport.Done(exchange, TransferError::kNoConnection);
  CHECK(r.last().jwt->refresh_at == r.last().jwt->expires_at);  // 240 s would be beyond its end
}

TEST_CASE("the time between two exchanges grows to 300 s, lengthened at random, and a success begins anew") {
  RefresherOptions options = OneAddress();
  options.unit_random = [] { return 0.5; };
  Refreshing r(std::move(options));
  r.Issue(0, "one", 24h);
  std::size_t exchange = 1;
  const auto fail = [&] {
    r.Refresh();
    r.transport.Done(exchange++, TransferError::kNoConnection);
    return r.last().jwt->refresh_at - r.clock.Steady();
  };
  for (const auto delay : {30s, 60s, 120s, 240s, 300s, 300s})
    CHECK(fail() == std::chrono::milliseconds(delay) * 23 / 20);  // 15 % more
  r.Issue(exchange++, "two", 24h);
  CHECK(fail() == 34500ms);
}

TEST_CASE("a failed exchange leaves the next try to a timer, too") {
  Refreshing r(OneAddress());
  r.Issue(0, "one", 3600s);
  r.executor.Advance(3300s);
  r.Refresh();
  r.transport.Done(1, TransferError::kNoConnection);
  CHECK(r.Use());
  CHECK(r.executor.timers() == 1);
  r.executor.Advance(30s);
  CHECK(r.observed.due == kDue);
  CHECK(r.executor.timers() == 0);
}

TEST_CASE("a failed exchange leaves the next try to a timer however the dice fall") {
  RefresherOptions options = OneAddress();
  options.unit_random = [] { return 0.9; };
  Refreshing r(std::move(options));
  r.Issue(0, "one", 3600s);
  r.executor.Advance(3300s);
  r.Refresh();
  r.transport.Done(1, TransferError::kNoConnection);
  REQUIRE(r.last().jwt != nullptr);
  CHECK(r.Use());
  r.executor.Advance(38100ms);  // 30 s, and 27 % more
  CHECK_FALSE(r.Use());         // a request would have to wait for the next one now
  CHECK(r.observed.due == kDue);
}

}  // namespace
}  // namespace warppool::internal
