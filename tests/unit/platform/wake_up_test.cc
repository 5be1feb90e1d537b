// Every test runs with each of the two kinds: they are to behave alike.
#include "platform/wake_up.h"

#include <fcntl.h>
#include <poll.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

std::unique_ptr<WakeUp> EachWakeUp() {
  using Open = Result<std::unique_ptr<WakeUp>> (*)();
#if defined(__linux__)
  const Open open = GENERATE(values<Open>({&OpenEventfdWakeUp, &OpenPipeWakeUp, &OpenWakeUp}));
#else
  const Open open = GENERATE(values<Open>({&OpenPipeWakeUp, &OpenWakeUp}));
#endif
  auto wake_up = open();
  REQUIRE(wake_up.ok());
  return *std::move(wake_up);
}

bool IsReadable(const WakeUp& wake_up, int milliseconds = 0) {
  pollfd entry{wake_up.descriptor(), POLLIN, 0};
  return poll(&entry, 1, milliseconds) == 1 && entry.revents == POLLIN;
}

TEST_CASE("a wake-up is readable from a signal on until it is cleared") {
  const auto wake_up = EachWakeUp();
  CHECK_FALSE(IsReadable(*wake_up));
  for (int i = 0; i < 3; ++i) {
    wake_up->Signal();
    CHECK(IsReadable(*wake_up));
    CHECK(IsReadable(*wake_up));
    wake_up->Clear();
    CHECK_FALSE(IsReadable(*wake_up));
  }
  wake_up->Clear();  // does not wait
  CHECK_FALSE(IsReadable(*wake_up));
}

TEST_CASE("any number of signals is cleared at once, and none of them waits") {
  const auto wake_up = EachWakeUp();
  for (int i = 0; i < 200'000; ++i) wake_up->Signal();  // more than a pipe holds
  CHECK(IsReadable(*wake_up));
  wake_up->Clear();
  CHECK_FALSE(IsReadable(*wake_up));
}

TEST_CASE("a signal of another thread wakes who waits for the descriptor") {
  const auto wake_up = EachWakeUp();
  std::atomic<bool> begun{false};
  std::thread other([&] {
    while (!begun) std::this_thread::yield();
    wake_up->Signal();
  });
  begun = true;
  CHECK(IsReadable(*wake_up, -1));
  other.join();
}

TEST_CASE("the last of many threads' signals is seen, whenever others are cleared") {
  const auto wake_up = EachWakeUp();
  constexpr int kThreads = 4;
  constexpr int kSignals = 5'000;
  std::atomic<int> sent{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kSignals; ++i) {
        ++sent;
        wake_up->Signal();
      }
    });
  }
  // Cleared before it is counted, as the event loop does: none is missed.
  bool heard = true;
  for (int seen = 0; heard && seen < kThreads * kSignals; seen = sent.load()) {
    heard = IsReadable(*wake_up, 60'000);
    wake_up->Clear();
  }
  CHECK(heard);
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("the descriptor of a wake-up is closed when a program is started, and with the wake-up") {
  int fd = -1;
  {
    const auto wake_up = EachWakeUp();
    fd = wake_up->descriptor();
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  }
  CHECK(fcntl(fd, F_GETFD) == -1);
}

}  // namespace
}  // namespace warppool::internal
