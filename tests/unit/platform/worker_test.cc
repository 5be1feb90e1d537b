#include "platform/worker.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

TEST_CASE("what is posted runs in its order, in one thread that is not the caller's") {
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  Worker worker;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(worker.Post([&, i] {
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
    }));
  }
  worker.Close();
  REQUIRE(order.size() == 1000);
  for (int i = 0; i < 1000; ++i) REQUIRE(order[static_cast<std::size_t>(i)] == i);
  for (const auto& thread : threads) REQUIRE(thread == threads[0]);
  CHECK(threads[0] != std::this_thread::get_id());
}

TEST_CASE("what was posted before the end runs, and nothing after it") {
  int ran = 0;
  Worker worker;
  std::promise<void> go;
  worker.Post([&] { go.get_future().wait(); });  // so that the others wait still when it is closed
  for (int i = 0; i < 10; ++i) worker.Post([&] { ++ran; });
  std::thread closing([&] { worker.Close(); });
  go.set_value();
  closing.join();
  CHECK(ran == 10);
  CHECK_FALSE(worker.Post([&] { ++ran; }));
  worker.Close();
  CHECK(ran == 10);
}

TEST_CASE("a worker without work has no thread, and ends all the same") {
  { const Worker worker; }
  Worker worker;
  worker.Close();
  CHECK_FALSE(worker.Post([] {}));
}

TEST_CASE("a task may post another one") {
  std::vector<int> order;
  {
    Worker worker;
    worker.Post([&] {
      worker.Post([&] { order.push_back(3); });
      order.push_back(1);
    });
    worker.Post([&] { order.push_back(2); });
    std::promise<void> done;
    worker.Post([&] { worker.Post([&] { done.set_value(); }); });
    done.get_future().wait();
  }
  std::sort(order.begin(), order.end());  // whether 2 was there in time is a matter of chance
  CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("what a task throws is dropped, and the next one runs") {
  bool ran = false;
  Worker worker;
  worker.Post([] { throw std::runtime_error("no"); });
  worker.Post([] { throw 1; });
  worker.Post([&] { ran = true; });
  worker.Close();
  CHECK(ran);
}

TEST_CASE("it knows its thread, while there is one") {
  Worker worker;
  CHECK_FALSE(worker.InThread());
  bool inside = false;
  worker.Post([&] { inside = worker.InThread(); });
  worker.Close();
  CHECK(inside);
  CHECK_FALSE(worker.InThread());
  // A later thread may well get the same id.
  for (int i = 0; i < 20; ++i) {
    bool is_taken_for_it = true;
    std::thread([&] { is_taken_for_it = worker.InThread(); }).join();
    CHECK_FALSE(is_taken_for_it);
  }
}

TEST_CASE("closed in its own thread, it runs what is left and ends by itself") {
  std::promise<bool> last;
  bool accepted = true;
  Worker worker;
  worker.Post([&] {
    worker.Post([&] { last.set_value(worker.InThread()); });
    worker.Close();
    accepted = worker.Post([] {});
  });
  CHECK(last.get_future().get());
  CHECK_FALSE(accepted);
}

TEST_CASE("it may be destroyed in its own thread") {
  std::promise<void> last;
  std::promise<void> posted;  // nobody else is inside any more
  auto worker = std::make_unique<Worker>();
  Worker* const posting = worker.get();
  posting->Post([&last, &posted, owned = std::move(worker).release()] {
    posted.get_future().wait();
    owned->Post([&last] { last.set_value(); });
    delete owned;
  });
  posted.set_value();
  last.get_future().wait();
  CHECK(true);  // that it came so far
}

TEST_CASE("tasks of many threads all run, each thread's in their order") {
  constexpr int kThreads = 4;
  constexpr int kTasks = 500;
  std::vector<std::vector<int>> ran(kThreads);
  {
    Worker worker;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kTasks; ++i) worker.Post([&, t, i] { ran[static_cast<std::size_t>(t)].push_back(i); });
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  for (const auto& of_thread : ran) {
    REQUIRE(of_thread.size() == kTasks);
    CHECK(std::is_sorted(of_thread.begin(), of_thread.end()));
  }
}

TEST_CASE("its thread takes none of the program's signals") {
  Worker worker;
  sigset_t blocked;
  sigemptyset(&blocked);
  worker.Post([&] { pthread_sigmask(SIG_SETMASK, nullptr, &blocked); });
  worker.Close();
  for (const int signal : {SIGINT, SIGTERM, SIGALRM, SIGCHLD, SIGUSR1}) CHECK(sigismember(&blocked, signal) == 1);
  sigset_t own;
  pthread_sigmask(SIG_SETMASK, nullptr, &own);
  CHECK(sigismember(&own, SIGTERM) == 0);  // who starts it keeps his own
}

}  // namespace
}  // namespace warppool::internal
