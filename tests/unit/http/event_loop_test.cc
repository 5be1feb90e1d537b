#include "http/event_loop.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

// A loop in the test's own thread: what is posted before Run() runs in it, and ends it.
class Loop {
 public:
  Loop() { REQUIRE(loop_.Open().ok()); }
  EventLoop& operator*() { return loop_; }
  EventLoop* operator->() { return &loop_; }

  // Runs `start` in the loop, until something calls Stop().
  void Run(std::function<void()> start) {
    REQUIRE(loop_.Post(std::move(start)));
    loop_.Run();
  }

 private:
  EventLoop loop_;
};

TEST_CASE("what is posted runs in the order of the calls") {
  Loop loop;
  std::string order;
  loop->Post([&] { order += 'a'; });
  loop->Post([&] {
    order += 'b';
    loop->Post([&] {
      order += 'd';
      loop->Stop();
    });
  });
  loop.Run([&] { order += 'c'; });
  CHECK(order == "abcd");
}

TEST_CASE("what other threads post runs in the loop's thread, each one's in its order") {
  Loop loop;
  CHECK_FALSE(loop->InThread());
  constexpr int kThreads = 4;
  constexpr int kTasks = 2000;
  std::vector<int> seen(kThreads, 0);
  int wrong = 0;
  int left = kThreads * kTasks;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i) {
        loop->Post([&, t, i] {
          if (seen[static_cast<std::size_t>(t)]++ != i || !loop->InThread()) ++wrong;
          if (--left == 0) loop->Stop();
        });
      }
    });
  }
  loop->Run();
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(left == 0);
}

TEST_CASE("a post wakes a loop that sleeps") {
  Loop loop;
  std::atomic<bool> sleeping{false};
  bool woken = false;
  std::thread other([&] {
    while (!sleeping) std::this_thread::yield();
    std::this_thread::sleep_for(10ms);
    loop->Post([&] {
      woken = true;
      loop->Stop();
    });
  });
  loop.Run([&] { sleeping = true; });
  other.join();
  CHECK(woken);
}

TEST_CASE("timers fire in the order of their times, and not too early") {
  Loop loop;
  std::string order;
  const auto start = std::chrono::steady_clock::now();
  auto last = start;
  loop.Run([&] {
    // Long enough that a machine with too much to do sets the next ones before they are due.
    loop->After(500ms, [&] { order += 'b'; });
    loop->After(500ms, [&] { order += 'c'; });  // of two with one time the first one set comes first
    loop->After(0ms, [&] { order += 'a'; });
    loop->After(510ms, [&] {
      order += 'd';
      last = std::chrono::steady_clock::now();
      loop->Stop();
    });
    loop->After(std::chrono::milliseconds::max(), [&] { order += '!'; });
  });
  CHECK(order == "abcd");
  CHECK(last - start >= 510ms);
}

TEST_CASE("a cancelled timer does not fire") {
  Loop loop;
  std::string order;
  loop.Run([&] {
    const TimerId never = loop->After(5ms, [&] { order += '!'; });
    TimerId later = 0;
    loop->After(1ms, [&, never] {
      order += 'a';
      loop->CancelTimer(never);
      loop->CancelTimer(never);
    });
    later = loop->After(10ms, [&] { order += '!'; });
    loop->After(10ms, [&] {
      order += 'b';
      loop->Stop();
    });
    loop->CancelTimer(later);
    loop->CancelTimer(0);
    loop->CancelTimer(12345);
  });
  CHECK(order == "ab");
}

TEST_CASE("a timer may cancel one that has fallen due as well, and itself") {
  Loop loop;
  std::string order;
  TimerId self = 0;
  TimerId due = 0;
  loop.Run([&] {
    self = loop->After(1ms, [&] { loop->CancelTimer(self); });
    loop->After(2ms, [&] {
      std::this_thread::sleep_for(10ms);
      loop->CancelTimer(due);
    });
    due = loop->After(3ms, [&] { order += '!'; });
    loop->After(20ms, [&] {
      order += 'a';
      loop->Stop();
    });
  });
  CHECK(order == "a");
}

TEST_CASE("a timer that sets itself anew starves nobody") {
  Loop loop;
  int rounds = 0;
  bool posted_ran = false;
  std::function<void()> again = [&] {
    if (++rounds == 5) loop->Post([&] { posted_ran = true; });
    if (posted_ran || rounds > 100'000) return loop->Stop();
    loop->After(-1ms, again);  // due before it is set
  };
  loop.Run(again);
  CHECK(posted_ran);
  CHECK(rounds < 100);
}

TEST_CASE("a task that posts itself anew starves nobody") {
  Loop loop;
  int rounds = 0;
  bool timer_fired = false;
  std::function<void()> again = [&] {
    if (timer_fired || ++rounds > 100'000) return loop->Stop();
    loop->Post(again);
  };
  loop.Run([&] {
    loop->After(0ms, [&] { timer_fired = true; });
    again();
  });
  CHECK(timer_fired);
  CHECK(rounds < 100);
}

TEST_CASE("what a task posts runs although nobody wakes the loop, before it waits") {
  Loop loop;
  int steps = 0;
  std::function<void()> next = [&] {
    if (++steps == 50) return loop->Stop();
    loop->Post(next);
  };
  loop.Run([&] {
    loop->After(30s, [&] { loop->Stop(); });  // a guard against hanging
    next();
  });
  CHECK(steps == 50);
}

TEST_CASE("between the posting of a task and its run the round is told") {
  Loop loop;
  int told = 0;
  int told_at_posting = 0;
  int told_at_run = 0;
  loop->SetOnRound([&] { ++told; });
  loop.Run([&] {
    told_at_posting = told;
    loop->Post([&] {
      told_at_run = told;
      loop->Stop();
    });
  });
  CHECK(told_at_run > told_at_posting);
}

TEST_CASE("before it waits the loop calls who has asked for it, and runs what that posts and sets") {
  Loop loop;
  std::string order;
  loop->SetBeforeWait([&] {
    order += 'w';
    if (order == "aw") loop->Post([&] { order += 'b'; });
    if (order == "awbw") loop->After(0ms, [&] { order += 't'; });
    if (order == "awbwtw") loop->Stop();
  });
  loop.Run([&] { order += 'a'; });
  CHECK(order == "awbwtw");
}

TEST_CASE("what was posted before the stop still runs, and nothing is taken after it") {
  Loop loop;
  std::string order;
  bool taken = true;
  loop->Post([&] {
    loop->Stop();
    taken = loop->Post([&] { order += '!'; });
  });
  loop->Post([&] { order += 'a'; });
  loop->Run();
  CHECK(order == "a");
  CHECK_FALSE(taken);
  CHECK_FALSE(loop->Post([] {}));
  loop->Stop();
  loop->Run();  // returns at once
}

TEST_CASE("a task that throws takes nobody with it") {
  Loop loop;
  std::string order;
  loop->Post([] { throw std::runtime_error("task"); });
  loop->Post([] { throw 1; });
  loop.Run([&] {
    order += 'a';
    loop->After(0ms, [] { throw std::runtime_error("timer"); });
    loop->After(1ms, [&] {
      order += 'b';
      loop->Stop();
    });
  });
  CHECK(order == "ab");
}

TEST_CASE("a descriptor is heard of while it is watched") {
  Loop loop;
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::string read_bytes;
  int calls_after = 0;
  bool watched = true;
  loop->SetIoHandler([&](int fd, Readiness readiness) {
    if (!watched) ++calls_after;
    if (fd != ends[0] || (readiness & kReadable) == 0) return;
    char byte = 0;
    if (read(fd, &byte, 1) == 1) read_bytes += byte;
    if (read_bytes != "xy") return;
    watched = false;
    loop->Watch(fd, 0);
    if (write(ends[1], "z", 1) != 1) ++calls_after;
    loop->After(20ms, [&] { loop->Stop(); });
  });
  loop.Run([&] {
    loop->Watch(ends[0], kReadable);
    loop->Watch(ends[0], kReadable);  // again is no harm
    if (write(ends[1], "xy", 2) != 2) loop->Stop();
  });
  close(ends[0]);
  close(ends[1]);
  CHECK(read_bytes == "xy");
  CHECK(calls_after == 0);
}

// Two pipes, and a handler that reads a byte each time it hears of one and writes down whose it was.
struct Pipes {
  explicit Pipes(Loop* loop) : loop(*loop) {
    for (auto& pipe_ends : ends) REQUIRE(pipe(pipe_ends) == 0);
    this->loop->SetIoHandler([this](int fd, Readiness) {
      const std::size_t which = fd == ends[0][0] ? 0 : 1;
      char byte = 0;
      if (!reads || read(fd, &byte, 1) == 1) order += which == 0 ? 'a' : 'b';
      if (on_read) on_read(which);
    });
  }
  ~Pipes() {
    for (auto& pipe_ends : ends) {
      close(pipe_ends[0]);
      close(pipe_ends[1]);
    }
  }
  Pipes(const Pipes&) = delete;
  Pipes& operator=(const Pipes&) = delete;

  void Watch(std::size_t which) { loop->Watch(ends[which][0], kReadable); }
  void Send(std::size_t which) {
    if (write(ends[which][1], "x", 1) != 1) order += '!';
  }

  Loop& loop;
  int ends[2][2] = {};
  bool reads = true;
  std::string order;
  std::function<void(std::size_t)> on_read;
};

TEST_CASE("what has arrived is read before a timer that has fallen due meanwhile fires") {
  Loop loop;
  Pipes pipes(&loop);
  loop.Run([&] {
    pipes.Watch(0);
    loop->After(1ms, [&] {
      pipes.order += 't';
      loop->Stop();
    });
    // As if the process had been stopped: both have come when the loop goes on.
    pipes.Send(0);
    std::this_thread::sleep_for(5ms);
  });
  CHECK(pipes.order == "at");
}

TEST_CASE("what has arrived while a callback took its time is read before a timer that fell due meanwhile fires") {
  Loop loop;
  Pipes pipes(&loop);
  pipes.on_read = [&](std::size_t which) {
    if (which != 0) return;
    pipes.Send(1);  // after the round that this belongs to was polled
    std::this_thread::sleep_for(20ms);
  };
  bool late = false;
  SECTION("in the round that waits") {
    loop.Run([&] {
      pipes.Watch(0);
      pipes.Watch(1);
      loop->After(10ms, [&] {
        pipes.order += 't';
        loop->Stop();
      });
      pipes.Send(0);
    });
  }
  SECTION("in the round that reads before another timer fires") {
    late = true;
    loop.Run([&] {
      pipes.Watch(0);
      pipes.Watch(1);
      loop->After(0ms, [&] { pipes.order += 'z'; });
      loop->After(10ms, [&] {
        pipes.order += 't';
        loop->Stop();
      });
      pipes.Send(0);
    });
  }
  CHECK(pipes.order == (late ? "azbt" : "abt"));
}

TEST_CASE("a descriptor that is ready for ever holds off no timer") {
  Loop loop;
  Pipes pipes(&loop);
  pipes.reads = false;
  loop.Run([&] {
    pipes.Watch(0);
    pipes.Send(0);
    loop->After(0ms, [&] { pipes.order += 't'; });
    loop->After(5ms, [&] { loop->Stop(); });
  });
  CHECK(pipes.order.substr(0, 2) == "at");  // read once, and then it fires
}

}  // namespace
}  // namespace warppool::internal
