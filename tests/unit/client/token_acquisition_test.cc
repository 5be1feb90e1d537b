#include "client/token_acquisition.h"

#include <chrono>
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
  a.gate.TurnAway();
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
    a.gate.TurnAway();
  }
  SECTION("since there was no memory to ask for it") {
    a.gate.Answer(Status::OutOfMemory());
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
    REQUIRE(a.gate.AsksToEnter());
    a.gate.TurnAway();
    CHECK(request.TakeStory() == AcquisitionStory{"p1 failed: wait"});
    a.Pass(pause);
  }
  REQUIRE(a.gate.AsksToEnter());
  a.gate.TurnAway();
  CHECK(request.TakeStory() == AcquisitionStory{"p1 failed: next", "use p2k"});
}

}  // namespace
}  // namespace warppool::internal
