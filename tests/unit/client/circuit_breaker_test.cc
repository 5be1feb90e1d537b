#include "client/circuit_breaker.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "unit/fakes.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Hold = std::optional<std::chrono::milliseconds>;

constexpr bool kAnswered = true;

// A breaker, requests that are known by their numbers, and who was woken in which order.
struct Breaking {
  class Waiting final : public CircuitBreaker::Waiter {
   public:
    Waiting(Breaking* world, std::string name) : world_(world), name_(std::move(name)) {}
    ~Waiting() override { world_->breaker.Forget(this); }
    void OnBreaker() noexcept override {
      world_->woken += name_;
      const auto act = on_breaker;  // it may be destroyed there
      if (act) act();
    }

    std::function<void()> on_breaker;

   private:
    Breaking* const world_;
    const std::string name_;
  };

  SteadyTime now() const { return clock.Steady(); }
  // An overload that a request of just now has met.
  void Open(Hold retry_after = {}) { breaker.Open(now(), retry_after); }
  Hold HoldsUp(int request) const { return breaker.HoldsUp(&requests[request]); }
  void Enter(int request) { breaker.Enter(&requests[request]); }
  void Leave(int request, bool answered) { breaker.Leave(&requests[request], answered); }
  Waiting& Wait(const std::string& name) {
    waiters.push_back(std::make_unique<Waiting>(this, name));
    breaker.Wait(waiters.back().get());
    return *waiters.back();
  }
  Waiting& WaitForClose(const std::string& name) {
    waiters.push_back(std::make_unique<Waiting>(this, name));
    breaker.WaitForClose(waiters.back().get());
    return *waiters.back();
  }
  std::string TakeWoken() { return std::exchange(woken, ""); }
  void Pass(std::chrono::milliseconds time) { executor.Advance(time); }

  FakeClock clock;
  FakeExecutor executor{&clock};
  CircuitBreaker breaker{&executor, clock};
  const char requests[4]{};
  std::string woken;
  std::vector<std::unique_ptr<Waiting>> waiters;
};

TEST_CASE("a closed breaker holds up nobody") {
  Breaking b;
  CHECK_FALSE(b.breaker.is_open());
  CHECK_FALSE(b.breaker.IsDown());
  CHECK_FALSE(b.HoldsUp(0));
  b.Enter(0);  // that is no probe
  CHECK_FALSE(b.HoldsUp(1));
  b.Open();
  b.Pass(500ms);
  CHECK_FALSE(b.HoldsUp(1));
}

TEST_CASE("an open breaker holds up for 0.5, 1, 2, 4, 4 ... s, as long as overloads follow each other") {
  Breaking b;
  for (const auto pause : {500ms, 1000ms, 2000ms, 4000ms, 4000ms, 4000ms}) {
    b.Open();
    CHECK(b.HoldsUp(0) == pause);
    b.Pass(pause - 1ms);
    CHECK(b.HoldsUp(0) == 1ms);
    CHECK(b.breaker.IsDown());
    b.Pass(1ms);
    CHECK_FALSE(b.HoldsUp(0));
    CHECK_FALSE(b.breaker.IsDown());
    CHECK(b.breaker.is_open());  // but one at a time
  }
  b.breaker.Close();
  b.Open();
  CHECK(b.HoldsUp(0) == 500ms);  // from the beginning
}

TEST_CASE("no number of overloads makes the pause overflow") {
  Breaking b;
  for (int i = 0; i < 1000; ++i) {
    b.Open();
    if (i > 3) REQUIRE(b.HoldsUp(0) == 4000ms);
    b.Pass(4s);
  }
}

TEST_CASE("a service that asks for patience gets it: the longer of the two, two minutes at most") {
  struct Row {
    std::chrono::milliseconds asked;
    std::chrono::milliseconds holds_up;
  };
  const auto row = GENERATE(values<Row>({{1ms, 500ms}, {10s, 10s}, {120s, 120s}, {121s, 120s}, {24h, 120s}}));
  Breaking b;
  b.Open(row.asked);
  CHECK(b.HoldsUp(0) == row.holds_up);
}

TEST_CASE("how long it holds up is never said too short") {
  Breaking b;
  b.Open();
  b.clock.Advance(499ms + 1us);
  CHECK(b.HoldsUp(0) == 1ms);
}

TEST_CASE("who waits for the close is not woken by the time, but by the close, and once") {
  Breaking b;
  b.Open();
  b.WaitForClose("a");
  b.WaitForClose("b");
  auto& forgotten = b.WaitForClose("c");
  b.breaker.Forget(&forgotten);
  b.Pass(1s);
  CHECK(b.TakeWoken().empty());
  b.Wait("d");
  b.Pass(0ms);
  CHECK(b.TakeWoken() == "d");  // the turn to probe is that of who waits for it
  b.breaker.Close();
  CHECK(b.TakeWoken() == "ab");
  b.breaker.Close();
  CHECK(b.TakeWoken().empty());
}

TEST_CASE("who waits for the close and then waits again stays") {
  Breaking b;
  b.Open();
  auto& again = b.WaitForClose("a");
  again.on_breaker = [&] { b.breaker.WaitForClose(&again); };
  b.breaker.Close();
  CHECK(b.TakeWoken() == "a");
  b.breaker.Forget(&again);
}

TEST_CASE("who may probe early has not done so yet") {
  Breaking b;
  b.Open(60s);
  CHECK(b.breaker.MayProbeEarly());
  CHECK(b.breaker.MayProbeEarly());
  CHECK(b.breaker.TakeEarlyProbe());
  CHECK_FALSE(b.breaker.MayProbeEarly());
  b.Pass(10s - 1ms);
  CHECK_FALSE(b.breaker.MayProbeEarly());
  b.Pass(1ms);
  CHECK(b.breaker.MayProbeEarly());
}

TEST_CASE("those that were under way when it opened have nothing new to say") {
  Breaking b;
  const SteadyTime before = b.now();
  b.Pass(1s);
  b.Open();
  b.breaker.Open(before, 60s);
  CHECK(b.HoldsUp(0) == 500ms);
  b.Pass(500ms);
  SECTION("unless the pause is over") {
    b.breaker.Open(before, {});
    CHECK(b.HoldsUp(0) == 1s);
  }
  SECTION("those that went later do") {
    b.Open(60s);
    CHECK(b.HoldsUp(0) == 60s);
  }
}

TEST_CASE("when the pause is over one goes and probes, and the others wait for what it meets") {
  Breaking b;
  b.Open();
  b.Pass(500ms);
  CHECK_FALSE(b.HoldsUp(0));
  CHECK_FALSE(b.HoldsUp(1));
  b.Enter(0);
  b.Enter(1);  // too late
  CHECK_FALSE(b.HoldsUp(0));
  CHECK(b.HoldsUp(1) == 0ms);
  SECTION("an answer closes it") {
    b.Leave(0, kAnswered);
    CHECK_FALSE(b.HoldsUp(1));
    CHECK_FALSE(b.breaker.is_open());
  }
  SECTION("an overload opens it for longer, and the next probe is another one's") {
    b.Open();
    b.Leave(0, !kAnswered);
    CHECK(b.HoldsUp(0) == 1s);
    CHECK(b.HoldsUp(1) == 1s);
    b.Pass(1s);
    CHECK_FALSE(b.HoldsUp(1));
  }
  SECTION("what says nothing leaves it to the next one") {
    b.Leave(0, !kAnswered);
    CHECK_FALSE(b.HoldsUp(1));
    CHECK(b.breaker.is_open());
    b.Enter(1);
    CHECK(b.HoldsUp(0) == 0ms);
  }
  SECTION("the answer of another one is not the probe's") {
    b.Leave(1, kAnswered);
    CHECK(b.HoldsUp(1) == 0ms);
  }
  SECTION("whoever is served closes it") {
    b.breaker.Close();
    CHECK_FALSE(b.HoldsUp(1));
    b.Open();  // the next probe is anybody's
    b.Pass(500ms);
    CHECK_FALSE(b.HoldsUp(1));
  }
}

TEST_CASE("one that probes early is the probe") {
  Breaking b;
  b.Open(60s);
  b.Enter(0);
  CHECK_FALSE(b.HoldsUp(0));
  CHECK(b.HoldsUp(1) == 60s);
  b.Leave(0, kAnswered);
  CHECK_FALSE(b.HoldsUp(1));
}

TEST_CASE("one in ten seconds may probe early") {
  Breaking b;
  CHECK(b.breaker.TakeEarlyProbe());
  CHECK_FALSE(b.breaker.TakeEarlyProbe());
  b.Pass(10s - 1ms);
  CHECK_FALSE(b.breaker.TakeEarlyProbe());
  b.Pass(1ms);
  CHECK(b.breaker.TakeEarlyProbe());
  b.breaker.Close();
  CHECK_FALSE(b.breaker.TakeEarlyProbe());
}

// ------------------------------------------------------------------------------------------------------- Who waits --

TEST_CASE("when the pause is over the first one is woken, and the others when it has found out") {
  Breaking b;
  b.Open();
  b.Wait("a").on_breaker = [&] { b.Enter(0); };
  b.Wait("b").on_breaker = [&] { b.Enter(1); };
  b.Wait("c");
  CHECK(b.executor.timers() == 1);
  b.Pass(499ms);
  CHECK(b.TakeWoken().empty());
  b.Pass(1ms);
  CHECK(b.TakeWoken() == "a");
  b.Pass(1h);
  CHECK(b.TakeWoken().empty());
  CHECK(b.executor.timers() == 0);
  SECTION("that it serves: all") {
    b.Leave(0, kAnswered);
    CHECK(b.TakeWoken() == "bc");
  }
  SECTION("that it has too much to do: the next one, after the next pause") {
    b.Open();
    b.Leave(0, !kAnswered);
    b.Pass(999ms);
    CHECK(b.TakeWoken().empty());
    b.Pass(1ms);
    CHECK(b.TakeWoken() == "b");
  }
  SECTION("nothing: the next one, at once") {
    b.Leave(0, !kAnswered);
    b.Pass(0ms);
    CHECK(b.TakeWoken() == "b");
  }
}

TEST_CASE("one that is woken, and does not probe, has the next one woken") {
  Breaking b;
  b.Open();
  b.Wait("a");
  b.Wait("b");
  b.Wait("c").on_breaker = [&] { b.Enter(0); };
  b.Wait("d");
  b.Pass(500ms);
  CHECK(b.TakeWoken() == "abc");
}

TEST_CASE("a longer pause moves the hour for those that wait") {
  Breaking b;
  b.Open();
  b.Wait("a");
  b.Pass(400ms);
  b.Open(60s);
  b.Pass(60s - 1ms);
  CHECK(b.TakeWoken().empty());
  b.Pass(1ms);
  CHECK(b.TakeWoken() == "a");
}

TEST_CASE("who waits may leave, and be destroyed") {
  Breaking b;
  b.Open();
  b.Wait("a");
  auto& second = b.Wait("b");
  b.Wait("c");
  b.waiters.erase(b.waiters.begin());
  b.breaker.Forget(&second);
  b.breaker.Forget(&second);  // it does not wait: nothing happens
  b.Pass(500ms);
  CHECK(b.TakeWoken() == "c");
  CHECK(b.executor.timers() == 0);
}

TEST_CASE("a timer is there only while somebody waits") {
  Breaking b;
  b.Open();
  CHECK(b.executor.timers() == 0);
  auto& one = b.Wait("a");
  CHECK(b.executor.timers() == 1);
  b.breaker.Forget(&one);
  CHECK(b.executor.timers() == 0);
}

TEST_CASE("who is woken may wait again, have others leave, and be destroyed") {
  Breaking b;
  b.Open();
  auto& first = b.Wait("a");
  auto& second = b.Wait("b");
  b.Wait("c");
  b.Wait("d");
  SECTION("wait again: not in the same round") {
    first.on_breaker = [&] { b.breaker.Wait(&first); };
    b.breaker.Close();
    CHECK(b.TakeWoken() == "abcd");
    first.on_breaker = nullptr;
    b.breaker.Close();
    CHECK(b.TakeWoken() == "a");
  }
  SECTION("have others leave") {
    first.on_breaker = [&] { b.breaker.Forget(&second); };
    b.breaker.Close();
    CHECK(b.TakeWoken() == "acd");
  }
  SECTION("be destroyed") {
    first.on_breaker = [&] { b.waiters.erase(b.waiters.begin()); };
    b.breaker.Close();
    CHECK(b.TakeWoken() == "abcd");
  }
  SECTION("open it again") {
    first.on_breaker = [&] { b.Open(10s); };
    b.breaker.Close();
    CHECK(b.TakeWoken() == "abcd");  // each asks again
    CHECK(b.HoldsUp(0) == 10s);
  }
}

}  // namespace
}  // namespace warppool::internal
