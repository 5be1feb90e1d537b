#include "client/token_acquisition.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "catch.h"
#include "unit/client/acquisition_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using AcquisitionStory = Acquiring::Story;

// ------------------------------------------------------------------------------------- An exchange that others hold --

TEST_CASE("a lock that another process does not give up is no overload of the exchange") {
  Acquiring a({"p1"});
  auto& request = a.Start();
  a.lock.Say(FakeExchangeLock::Kind::kHeld);
  CHECK(request.TakeStory() == AcquisitionStory{"p1 failed: give up", "none"});
  CHECK(request.status->code() == Code::kOverloaded);
  CHECK_FALSE(a.exchange.is_open());
  CHECK(a.pool.StateOf("p1") == TokenState::kReady);
  CHECK(a.pool.Of("p1").total_failures == 0);
}

TEST_CASE("a lock that is not given up while the exchange is overloaded shows nothing of whether that is over") {
  Acquiring a({"p1"});
  a.exchange.Open(a.pool.clock.Steady(), {});
  a.Pass(500ms);
  auto& request = a.Start();
  REQUIRE(request.TakeStory().empty());  // it probes, and waits for the lock
  SECTION("since others have it") {
    a.lock.Say(FakeExchangeLock::Kind::kHeld);
  }
  SECTION("since there was no memory to ask for it") {
    a.lock.Answer(Status::OutOfMemory());
    CHECK(request.status->code() == Code::kOutOfMemory);
  }
  CHECK(a.exchange.is_open());
  CHECK_FALSE(a.exchange.HoldsUp(&a));  // another one may probe
}

TEST_CASE(
    "a conversation waits for its token while another process exchanges it, and moves only when no wait is left") {
  Acquiring a({"p1", "p2k"});
  auto& request = a.StartKept("p1");
  for (const auto pause : {1000ms, 4000ms, 16000ms}) {
    REQUIRE(a.lock.IsAsked());
    a.lock.Say(FakeExchangeLock::Kind::kHeld);
    CHECK(request.TakeStory() == AcquisitionStory{"p1 failed: wait"});
    a.Pass(pause);
  }
  REQUIRE(a.lock.IsAsked());
  a.lock.Say(FakeExchangeLock::Kind::kHeld);
  CHECK(request.TakeStory() == AcquisitionStory{"p1 failed: next", "use p2k"});
}

// ---------------------------------------------------------------------------------------- A probe before the time --

TEST_CASE("an early probe is spent by who is sent, and not by who finds no token for it") {
  Acquiring a({"p1k"}, With(Strategy::kFillFirst, 1));
  auto& busy = a.Start();
  REQUIRE(busy.TakeStory() == AcquisitionStory{"use p1k"});
  a.agent.Open(a.pool.clock.Steady(), 60s);
  CHECK(a.StartHurried().TakeStory() == AcquisitionStory{"none"});
  busy.acquisition.End();
  auto& early = a.StartHurried();
  CHECK(early.TakeStory() == AcquisitionStory{"use p1k"});
  early.acquisition.End();
  auto& late = a.StartHurried();
  CHECK(late.TakeStory() == AcquisitionStory{"none"});
  CHECK(late.status->code() == Code::kOverloaded);
}

TEST_CASE("of those that get a bearer for an early probe one is sent") {
  Acquiring a({"p1"});
  a.agent.Open(a.pool.clock.Steady(), 60s);
  Patience patience;
  patience.deadline = a.pool.clock.Steady() + 10s;
  auto& first = a.Start(patience);
  auto& second = a.Start(patience);
  a.lock.Grant();
  a.transport.Answer(0, 200, Issued("jwt"));
  a.lock.HasKept();
  CHECK(first.TakeStory() == AcquisitionStory{"use p1"});
  CHECK(second.TakeStory() == AcquisitionStory{"none"});
  CHECK(second.status->code() == Code::kOverloaded);
}

TEST_CASE("an early probe of the exchange is spent when that is asked") {
  Acquiring a({"p1"});
  a.exchange.Open(a.pool.clock.Steady(), 60s);
  Patience patience;
  patience.deadline = a.pool.clock.Steady() + 10s;
  CHECK(a.Start(patience).TakeStory().empty());
  CHECK(a.lock.IsAsked());
  CHECK_FALSE(a.exchange.MayProbeEarly());
  CHECK(a.agent.MayProbeEarly());
}

// --------------------------------------------------------------------------------------- The wait after an overload --

// Two tokens, with each of which a request is under way; the second one meets an overload at both.
struct MetOverload : Acquiring {
  explicit MetOverload(std::optional<std::chrono::milliseconds> retry_after = {}) : Acquiring({"p1k", "p2k"}) {
    REQUIRE(other.TakeStory() == AcquisitionStory{"use p1k"});
    REQUIRE(waits.TakeStory() == AcquisitionStory{"use p2k"});
    waits.MeetOverload(retry_after);
    waits.MeetOverload(retry_after);
    REQUIRE(waits.TakeStory() == AcquisitionStory{"p2k failed: next", "use p1k", "p1k failed: wait"});
    REQUIRE(agent.is_open());
  }

  Request& other = Start();
  Request& waits = Start();
};

TEST_CASE("who has met an overload goes on as soon as another request is served") {
  MetOverload a;
  a.Pass(100ms);
  CHECK(a.waits.TakeStory().empty());
  a.other.acquisition.NoteServing();
  CHECK(a.waits.TakeStory() == AcquisitionStory{"use p2k"});
  a.Pass(10s);
  CHECK(a.waits.TakeStory().empty());  // once
}

TEST_CASE("who has met an overload waits as long as it was told to, whoever is served meanwhile") {
  MetOverload a(10s);
  a.Pass(2s);
  a.other.acquisition.NoteServing();
  CHECK(a.waits.TakeStory().empty());
  a.Pass(8s - 1ms);
  CHECK(a.waits.TakeStory().empty());
  a.Pass(1ms);
  CHECK(a.waits.TakeStory() == AcquisitionStory{"use p2k"});
}

TEST_CASE("who has met an overload does not go on because somebody may probe") {
  MetOverload a;
  a.Pass(1s - 1ms);
  CHECK(a.waits.TakeStory().empty());
  a.Pass(1ms);
  CHECK(a.waits.TakeStory() == AcquisitionStory{"use p2k"});
}

TEST_CASE("who was cancelled in its wait after an overload hears nothing of its end") {
  MetOverload a;
  a.waits.acquisition.End();
  a.other.acquisition.NoteServing();
  a.Pass(10s);
  CHECK(a.waits.TakeStory().empty());
}

TEST_CASE("who has met an overload of the exchange goes on when that works again") {
  Acquiring a({"p1"});
  auto& request = a.Start();
  a.lock.Grant();
  a.transport.Answer(0, 503, "");
  CHECK(request.TakeStory() == AcquisitionStory{"p1 failed: wait"});
  a.agent.Close();
  CHECK_FALSE(a.lock.IsAsked());
  a.exchange.Close();
  CHECK(a.lock.IsAsked());
}

}  // namespace
}  // namespace warppool::internal
