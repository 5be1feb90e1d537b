#include "platform/worker_pool.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

std::shared_ptr<const void> Lane() {
  return std::make_shared<int>();
}

// Tasks that hang in here until they are let go.
class Hanging {
 public:
  ~Hanging() { LetGo(); }
  std::function<void()> Task() {
    return [this] {
      ++inside_;
      released_.wait();
      --inside_;
    };
  }
  void WaitUntilInside(int count) const {
    while (inside_ < count) std::this_thread::yield();
  }
  int inside() const { return inside_; }
  void LetGo() {
    if (!std::exchange(let_go_, true)) release_.set_value();
  }

 private:
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
  std::atomic<int> inside_{0};
  bool let_go_ = false;
};

TEST_CASE("the tasks of one lane run one after the other, in the order of the calls") {
  std::vector<int> order;  // no lock: a race here is what is looked for
  WorkerPool pool(8);
  const auto lane = Lane();
  for (int i = 0; i < 1000; ++i) REQUIRE(pool.Post(lane, [&, i] { order.push_back(i); }));
  pool.Close();
  REQUIRE(order.size() == 1000);
  for (int i = 0; i < 1000; ++i) REQUIRE(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("a task that hangs holds up its own lane alone") {
  Hanging hanging;
  WorkerPool pool(8);
  const auto stuck = Lane();
  std::atomic<bool> behind{false};
  pool.Post(stuck, hanging.Task());
  pool.Post(stuck, [&] { behind = true; });
  for (int i = 0; i < 100; ++i) {
    std::promise<void> ran;
    REQUIRE(pool.Post(Lane(), [&] { ran.set_value(); }));
    ran.get_future().wait();
  }
  CHECK_FALSE(behind);
  hanging.LetGo();
  pool.Close();
  CHECK(behind);
}

TEST_CASE("there are no more threads than are allowed, and what waits for one runs when one is free") {
  Hanging hanging;
  WorkerPool pool(3);
  std::atomic<int> ran{0};
  for (int i = 0; i < 3; ++i) pool.Post(Lane(), hanging.Task());
  hanging.WaitUntilInside(3);
  for (int i = 0; i < 5; ++i) {
    pool.Post(Lane(), hanging.Task());
    pool.Post(Lane(), [&] { ++ran; });
  }
  CHECK(hanging.inside() == 3);
  CHECK(ran == 0);
  hanging.LetGo();
  pool.Close();
  CHECK(ran == 5);
}

TEST_CASE("as long as nothing hangs one thread does it all, one task after the other") {
  WorkerPool pool(8);
  std::set<std::thread::id> threads;
  for (int i = 0; i < 50; ++i) {
    std::promise<std::thread::id> ran;
    pool.Post(Lane(), [&] { ran.set_value(std::this_thread::get_id()); });
    threads.insert(ran.get_future().get());
    // Whoever has answered may still be busy with its end: another one may be needed, but they do not add up.
  }
  CHECK(threads.size() < 50);
}

TEST_CASE("a lane that ends begins anew, with an address that another one had") {
  WorkerPool pool(2);
  std::atomic<int> ran{0};
  for (int i = 0; i < 1000; ++i) pool.Post(Lane(), [&] { ++ran; });
  pool.Close();
  CHECK(ran == 1000);
  CHECK_FALSE(pool.Post(Lane(), [&] { ++ran; }));
}

TEST_CASE("what has not begun is dropped, and what has begun is waited for") {
  Hanging hanging;
  WorkerPool pool(2);
  const auto lane = Lane();
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> watched = held;
  std::atomic<int> ran{0};
  pool.Post(lane, hanging.Task());
  hanging.WaitUntilInside(1);
  pool.Post(lane, [&ran, kept = std::move(held)] { ++ran; });
  CHECK_FALSE(watched.expired());
  pool.DropRest();
  CHECK(watched.expired());
  auto closed = std::async(std::launch::async, [&] { pool.Close(); });
  // Whoever did not wait would be back by now, most of the time.
  CHECK(closed.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout);
  hanging.LetGo();
  closed.get();
  CHECK(ran == 0);
}

TEST_CASE("what a task of a pool throws is dropped, and it may end its own pool") {
  auto pool = std::make_unique<WorkerPool>(2);
  const auto lane = Lane();
  std::promise<bool> ended;
  std::promise<void> begin;
  pool->Post(lane, [] { throw std::runtime_error("task"); });
  pool->Post(lane, [&] {
    begin.get_future().wait();
    const bool inside = pool->InThread();
    pool.reset();
    ended.set_value(inside);
  });
  CHECK_FALSE(pool->InThread());
  begin.set_value();
  CHECK(ended.get_future().get());
}

// Threads that can be had only as long as the test says so.
struct ScarceThreads {
  WorkerPool::StartThread Start() {
    return [this](std::function<void()> run) {
      ++asked;
      if (!are_left) throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
      return std::thread(std::move(run));
    };
  }
  bool are_left = false;
  int asked = 0;
};

TEST_CASE("a task for which no thread can be started is refused, and never runs") {
  ScarceThreads threads;
  WorkerPool pool(8, threads.Start());
  const auto lane = Lane();
  std::atomic<int> ran{0};
  const auto task = [&ran, held = std::shared_ptr<const void>(lane)] { ++ran; };
  CHECK_THROWS_AS(pool.Post(lane, task), std::system_error);
  CHECK(lane.use_count() == 2);  // its own, and the task's: none is left in the pool
  threads.are_left = true;
  CHECK(pool.Post(lane, [&ran] { ran += 10; }));
  pool.Close();
  CHECK(ran == 10);
}

TEST_CASE("a task that may wait for a thread runs before the next one of its lane") {
  ScarceThreads threads;
  WorkerPool pool(8, threads.Start());
  const auto lane = Lane();
  std::string order;
  CHECK(pool.Post(
      lane, [&order] { order += 'a'; }, WorkerPool::WithoutThread::kWait));
  CHECK_THROWS_AS(pool.Post(lane, [&order] { order += 'x'; }), std::system_error);
  CHECK(order.empty());
  threads.are_left = true;
  CHECK(pool.Post(lane, [&order] { order += 'b'; }));
  pool.Close();
  CHECK(order == "ab");
}

TEST_CASE("when no other thread can be started, one that is busy does it later") {
  Hanging hanging;
  ScarceThreads threads;
  threads.are_left = true;
  WorkerPool pool(8, threads.Start());
  CHECK(pool.Post(Lane(), hanging.Task()));
  hanging.WaitUntilInside(1);
  threads.are_left = false;
  std::atomic<bool> ran{false};
  CHECK(pool.Post(Lane(), [&ran] { ran = true; }));
  CHECK(threads.asked == 2);
  CHECK_FALSE(ran);
  hanging.LetGo();
  pool.Close();
  CHECK(ran);
}

}  // namespace
}  // namespace warppool::internal
