#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "unit/store/store_fixture.h"
#include "warppool/state_store.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a memory store has what was written last, whoever asks") {
  const auto store = NewMemoryStore();
  CHECK(ValueOf(*store, "a") == "(none)");
  REQUIRE(store->Write({{"a", "1"}, {"b", std::string("\0\xFF", 2)}, {"a", "2"}}).ok());
  const auto other_client = store;
  CHECK(ValueOf(*other_client, "a") == "2");
  CHECK(ValueOf(*other_client, "b") == std::string("\0\xFF", 2));
  REQUIRE(store->Write({{"a", std::nullopt}, {"missing", std::nullopt}, {"b", ""}}).ok());
  CHECK(ValueOf(*store, "a") == "(none)");
  CHECK(ValueOf(*store, "b").empty());
  CHECK(ValueOf(*NewMemoryStore(), "b") == "(none)");
}

TEST_CASE("a memory store refuses what is no key, and changes nothing then") {
  const auto store = NewMemoryStore();
  const auto key = GENERATE(from_range(BadKeys()));
  CHECK(store->Read(key).code() == Code::kInvalidArgument);
  CHECK(store->Write({{"a", "1"}, {key, "1"}}).code() == Code::kInvalidArgument);
  CHECK(store->Lock(key, 0ms).code() == Code::kInvalidArgument);
  store->Unlock(key);
  CHECK(ValueOf(*store, "a") == "(none)");
}

TEST_CASE("a lock of a memory store keeps the others away until it is given back") {
  const auto store = NewMemoryStore();
  CHECK(TryLock(*store, "a"));
  CHECK_FALSE(TryLock(*store, "a"));
  CHECK_FALSE(TryLock(*store, "a", 20ms));
  CHECK_FALSE(TryLock(*store, "a", -1ms));
  CHECK(TryLock(*store, "b"));
  store->Unlock("a");
  CHECK(TryLock(*store, "a"));
  CHECK_FALSE(TryLock(*store, "b"));
  store->Unlock("never-locked");
}

TEST_CASE("who waits for a lock of a memory store gets it") {
  const auto store = NewMemoryStore();
  REQUIRE(TryLock(*store, "a"));
  bool got = false;
  std::thread waiter([&] { got = TryLock(*store, "a", std::chrono::milliseconds::max()); });
  store->Unlock("a");
  waiter.join();
  CHECK(got);
}

TEST_CASE("threads that count under a lock of a memory store lose no step") {
  const auto store = NewMemoryStore();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] { CountUp(*store, "own" + std::to_string(i), 200); });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(ValueOf(*store, "shared") == "800");
  for (int i = 0; i < 4; ++i) CHECK(ValueOf(*store, "own" + std::to_string(i)) == "200");
}

}  // namespace
}  // namespace warppool::internal
