#include "base/handoff.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a value that is there already is had at once, as often as one asks") {
  Handoff<std::string> handoff;
  handoff.Bring("here");
  CHECK(handoff.Wait(0ms) == "here");
  CHECK(handoff.Wait(-1ms) == "here");
  CHECK(handoff.Wait(std::chrono::milliseconds::max()) == "here");
}

TEST_CASE("a value that does not come is not waited for any longer than asked") {
  Handoff<int> handoff;
  CHECK_FALSE(handoff.Wait(0ms));
  const auto before = std::chrono::steady_clock::now();
  CHECK_FALSE(handoff.Wait(20ms));
  CHECK(std::chrono::steady_clock::now() - before >= 20ms);
  handoff.Bring(7);  // it may still come
  CHECK(handoff.Wait(0ms) == 7);
}

TEST_CASE("a value that another thread brings ends the wait") {
  const auto timeout =
      GENERATE(std::chrono::milliseconds(-1), std::chrono::milliseconds(60'000), std::chrono::milliseconds::max());
  Handoff<std::string> handoff;
  std::thread bringer([&] {
    std::this_thread::sleep_for(20ms);
    handoff.Bring("here");
  });
  const auto before = std::chrono::steady_clock::now();
  const std::optional<std::string> value = handoff.Wait(timeout);
  bringer.join();
  CHECK(value == "here");
  CHECK(std::chrono::steady_clock::now() - before < 30s);
}

TEST_CASE("all who wait get the value") {
  Handoff<int> handoff;
  std::vector<std::optional<int>> got(4);
  std::vector<std::thread> waiters;
  for (auto& slot : got) waiters.emplace_back([&] { slot = handoff.Wait(60s); });
  handoff.Bring(7);
  for (std::thread& waiter : waiters) waiter.join();
  CHECK(got == std::vector<std::optional<int>>(4, 7));
}

TEST_CASE("nothing is lost between a thread that brings and one that waits") {
  for (int i = 0; i < 500; ++i) {
    const auto handoff = std::make_shared<Handoff<int>>();
    std::thread bringer([handoff, i] { handoff->Bring(i); });
    const auto value = handoff->Wait(60s);
    bringer.join();
    REQUIRE(value == i);
  }
}

}  // namespace
}  // namespace warppool::internal
