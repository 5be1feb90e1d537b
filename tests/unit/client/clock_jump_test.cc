// What a jump of the clock does to tokens that cool, to JWTs, and to those who wait.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/date_clock.h"
#include "client/wait_queue.h"
#include "unit/token/pool_fixture.h"
#include "unit/token/refresher_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

// A pool, a refresher and a queue that keep dates as a client's do.
struct Sleeper {
  Sleeper() {
    listening.on_freed = [this] { queue.Serve(); };
  }

  void Cool(std::chrono::milliseconds by) {
    auto lease = pool.Acquire({});
    REQUIRE(lease);
    std::move(*lease).End({Outcome::kQuotaExhausted, Status(Code::kQuotaExhausted, "spent"), by});
  }

  struct Waiter final : WaitQueue::Waiter {
    void OnToken(Lease lease) noexcept override { got = lease.token().name(); }
    void OnNoToken(WaitQueue::NoToken) noexcept override { got = "none"; }
    std::string got;
  };

  FakeClock clock;
  DateClock dates{clock};
  FakeExecutor executor{&clock};
  FakeTransport transport{&executor};
  Listening listening;
  TokenPool pool{With(Strategy::kFillFirst, 1), Pool::Configs({"p1"}), dates,
                 PoolReporter(Logger(), PoolEventSink(), dates), &listening};
  WaitQueue queue{&pool, &executor, clock, [](const TokenPool::Wanted&) { return false; }};
  Observed observed;
  TokenRefresher refresher{OneAddress(), &transport, &observed, dates, Logger()};
};

TEST_CASE("a token whose cooling ends while the machine sleeps is ready when it wakes") {
  Sleeper s;
  s.Cool(1h);
  CHECK_FALSE(s.pool.Acquire({}));
  s.clock.Sleep(30min);
  CHECK_FALSE(s.pool.Acquire({}));
  CHECK(s.pool.WhenReady({}).earliest == 30min);
  s.clock.Sleep(8h);
  CHECK(s.pool.Acquire({}));
}

TEST_CASE("a clock that is set back lets nobody cool any longer, and is not waited for") {
  Sleeper s;
  s.Cool(1h);
  s.clock.SetWall(-10h);
  CHECK(s.pool.WhenReady({}).earliest == 1h);
  s.clock.Advance(1h);
  CHECK(s.pool.Acquire({}));
}

TEST_CASE("who waits for a date learns within five seconds that it has come") {
  Sleeper s;
  s.Cool(1h);
  Sleeper::Waiter waiter;
  s.queue.Join(&waiter, {{}, nullptr, s.clock.Steady() + 2h});
  s.clock.Sleep(8h);
  CHECK(waiter.got.empty());
  s.executor.Advance(5s);
  CHECK(waiter.got == "p1");
}

TEST_CASE("who waits for a certain time waits no less because the clock jumps") {
  Sleeper s;
  auto busy = s.pool.Acquire({});
  Sleeper::Waiter waiter;
  s.queue.Join(&waiter, {{}, nullptr, s.clock.Steady() + 1h});
  s.clock.Sleep(8h);
  s.queue.ServeAndReview();
  s.executor.Advance(59min);
  CHECK(waiter.got.empty());
  s.executor.Advance(1min);
  CHECK(waiter.got == "none");
}

TEST_CASE("a JWT that ends while the machine sleeps is not used any more") {
  Sleeper s;
  const auto token = s.pool.members().All()[0];
  s.refresher.Refresh(token, [](const RefreshResult&) {});
  s.transport.Answer(0, 200, Issued("jwt", R"(, "expires_in": 3600)"));
  REQUIRE(TokenRefresher::Cached(token.get(), s.dates.Steady()));
  CHECK(s.pool.view().StatusOf(*token)->jwt_expires);
  s.clock.Sleep(8h);
  CHECK_FALSE(TokenRefresher::Cached(token.get(), s.dates.Steady()));
  CHECK_FALSE(s.pool.view().StatusOf(*token)->jwt_expires);
}

TEST_CASE("a JWT in use is renewed ahead of its end, though the machine has slept meanwhile") {
  Sleeper s;
  const auto token = s.pool.members().All()[0];
  s.refresher.Refresh(token, [](const RefreshResult&) {});
  s.transport.Answer(0, 200, Issued("jwt", R"(, "expires_in": 3600)"));
  token->MarkUsed();
  s.clock.Sleep(50min);
  s.refresher.OnJump();
  s.executor.Advance(4min);
  CHECK(s.observed.due.empty());
  s.executor.Advance(1min);
  CHECK(s.observed.due == std::vector<std::string>{"p1"});
  s.transport.Shutdown();
}

TEST_CASE("an exchange that wants a pause gets none that lasts beyond a sleep") {
  Sleeper s;
  const auto token = s.pool.members().All()[0];
  std::vector<RefreshResult> results;
  const auto note = [&](const RefreshResult& result) { results.push_back(result); };
  s.refresher.Refresh(token, note);
  s.transport.Answer(0, 429, "", {{"retry-after", "100"}});
  s.clock.Sleep(8h);
  s.refresher.Refresh(token, note);
  CHECK(s.transport.started() == 2);
  s.transport.Shutdown();
}

}  // namespace
}  // namespace warppool::internal
