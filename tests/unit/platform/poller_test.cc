// Every test runs with each of the two pollers: they are to behave alike.
#include "platform/poller.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

// Two sockets that are connected with each other.
class Pair {
 public:
  Pair() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()) == 0); }
  ~Pair() {
    CloseNear();
    CloseFar();
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  int near() const { return ends_[0]; }
  void Send() const {
    if (write(ends_[1], "x", 1) != 1) throw std::runtime_error("cannot write");
  }
  void Receive() const {
    char byte = 0;
    REQUIRE(read(ends_[0], &byte, 1) == 1);
  }
  void CloseNear() { Close(0); }
  void CloseFar() { Close(1); }

 private:
  void Close(std::size_t end) {
    if (ends_[end] >= 0) close(ends_[end]);
    ends_[end] = -1;
  }

  std::array<int, 2> ends_{-1, -1};
};

using Reported = std::map<int, Readiness>;

Reported Round(Poller& poller, int milliseconds = 0) {
  Reported reported;
  poller.Wait(milliseconds, [&](int fd, Readiness readiness) {
    CHECK(reported.count(fd) == 0);
    reported[fd] = readiness;
  });
  return reported;
}

std::unique_ptr<Poller> EachPoller() {
  using Open = Result<std::unique_ptr<Poller>> (*)();
#if defined(__linux__)
  const Open open = GENERATE(values<Open>({&OpenEpollPoller, &OpenPollPoller, &OpenPoller}));
#else
  const Open open = GENERATE(values<Open>({&OpenPollPoller, &OpenPoller}));
#endif
  auto poller = open();
  REQUIRE(poller.ok());
  return *std::move(poller);
}

TEST_CASE("a poller reports a descriptor as long as it is ready for what it is watched for") {
  const auto poller = EachPoller();
  const Pair pair;
  CHECK(Round(*poller).empty());
  poller->Watch(pair.near(), kReadable);
  CHECK(Round(*poller).empty());
  pair.Send();
  CHECK(Round(*poller, -1) == Reported{{pair.near(), kReadable}});
  CHECK(Round(*poller, -1) == Reported{{pair.near(), kReadable}});
  poller->Watch(pair.near(), kWritable);
  CHECK(Round(*poller, -1) == Reported{{pair.near(), kWritable}});
  poller->Watch(pair.near(), kReadable | kWritable);
  CHECK(Round(*poller, -1) == Reported{{pair.near(), kReadable | kWritable}});
  poller->Watch(pair.near(), 0);
  CHECK(Round(*poller).empty());
  poller->Watch(pair.near(), kReadable);
  pair.Receive();
  CHECK(Round(*poller).empty());
}

TEST_CASE("a poller that is watched for nothing that happens comes back when its time is over") {
  const auto poller = EachPoller();
  const Pair pair;
  poller->Watch(pair.near(), kReadable);
  CHECK(Round(*poller, 1).empty());
}

TEST_CASE("a poller reports a hang-up whatever the descriptor is watched for") {
  const auto poller = EachPoller();
  const Readiness interest = GENERATE(as<Readiness>(), 0, kReadable, kWritable);
  Pair pair;
  poller->Watch(pair.near(), interest);
  pair.CloseFar();
  const Reported reported = Round(*poller, -1);
  REQUIRE(reported.count(pair.near()) == 1);
  CHECK(reported.at(pair.near()) == (interest | kFailed));
}

TEST_CASE("a poller reports the other end of a pipe that nobody reads any more as failed") {
  const auto poller = EachPoller();
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  poller->Watch(ends[1], 0);
  CHECK(Round(*poller).empty());
  close(ends[0]);
  CHECK(Round(*poller, -1) == Reported{{ends[1], kFailed}});
  close(ends[1]);
}

TEST_CASE("a poller does not report what was forgotten, and forgetting again is no harm") {
  const auto poller = EachPoller();
  const Pair pair;
  poller->Forget(pair.near());
  poller->Watch(pair.near(), kReadable);
  pair.Send();
  poller->Forget(pair.near());
  poller->Forget(pair.near());
  CHECK(Round(*poller).empty());
  poller->Watch(pair.near(), kReadable);
  CHECK(Round(*poller).size() == 1);
}

TEST_CASE("a poller does not report what is forgotten in the same round") {
  const auto poller = EachPoller();
  std::vector<Pair> pairs(10);
  for (const Pair& pair : pairs) {
    pair.Send();
    poller->Watch(pair.near(), kReadable);
  }
  std::set<int> seen;
  poller->Wait(-1, [&](int fd, Readiness) {
    CHECK(seen.insert(fd).second);
    // All but the first of those that are left, and itself.
    int spared = -1;
    for (const Pair& pair : pairs) {
      if (seen.count(pair.near()) == 0 && spared < 0) {
        spared = pair.near();
      } else {
        poller->Forget(pair.near());
      }
    }
  });
  // Whom the first report spares is reported after it, or has been forgotten by the second one.
  CHECK(seen.size() == 2);
}

TEST_CASE("a poller reports all that are ready, although each forgets itself") {
  const auto poller = EachPoller();
  std::vector<Pair> pairs(50);
  for (const Pair& pair : pairs) {
    pair.Send();
    poller->Watch(pair.near(), kReadable);
  }
  std::set<int> seen;
  poller->Wait(-1, [&](int fd, Readiness) {
    CHECK(seen.insert(fd).second);
    poller->Forget(fd);
  });
  CHECK(seen.size() == pairs.size());
  CHECK(Round(*poller).empty());
}

TEST_CASE("a poller reports each descriptor once in a round, whichever other one a report forgets") {
  const auto poller = EachPoller();
  const auto forgotten = static_cast<std::size_t>(GENERATE(range(0, 10)));
  std::vector<Pair> pairs(10);
  for (const Pair& pair : pairs) {
    pair.Send();
    poller->Watch(pair.near(), kReadable);
  }
  std::set<int> seen;
  poller->Wait(-1, [&](int fd, Readiness) {
    CHECK(seen.insert(fd).second);
    poller->Forget(pairs[forgotten].near());
  });
  // It may have been the first to be reported.
  CHECK(seen.size() == (seen.count(pairs[forgotten].near()) == 0 ? 9 : 10));
}

TEST_CASE("a poller does not take an older descriptor's readiness for that of a new one with its number") {
  const auto poller = EachPoller();
  std::vector<Pair> old(3);
  for (const Pair& pair : old) {
    pair.Send();
    poller->Watch(pair.near(), kReadable);
  }
  const std::set<int> numbers{old[0].near(), old[1].near(), old[2].near()};
  std::vector<std::unique_ptr<Pair>> fresh;
  int reports = 0;
  poller->Wait(-1, [&](int, Readiness) {
    ++reports;
    for (Pair& pair : old) {
      const int number = pair.near();
      if (number < 0) continue;
      pair.CloseNear();
      poller->Forget(number);
      while (fresh.empty() || fresh.back()->near() < number) fresh.push_back(std::make_unique<Pair>());
      poller->Watch(number, kReadable);
    }
  });
  CHECK(reports == 1);
  CHECK(Round(*poller).empty());
  int reused = 0;
  for (const auto& pair : fresh) {
    if (numbers.count(pair->near()) == 0) continue;
    ++reused;
    pair->Send();
    CHECK(Round(*poller, -1) == Reported{{pair->near(), kReadable}});
    pair->Receive();
  }
  CHECK(reused > 0);
}

TEST_CASE("a descriptor that is closed may be forgotten afterwards, and its number watched again") {
  const auto poller = EachPoller();
  Pair first;
  const int number = first.near();
  first.Send();
  poller->Watch(number, kReadable);
  first.CloseNear();
  const bool waits_between = GENERATE(true, false);
  if (waits_between) {
    CHECK(Round(*poller).empty());
  }
  const bool forgets = GENERATE(true, false);
  if (forgets) poller->Forget(number);
  const Pair second;
  REQUIRE(second.near() == number);
  CHECK(Round(*poller).empty());
  if (waits_between || forgets) {  // then the new one is not taken for it
    second.Send();
    CHECK(Round(*poller).empty());
    second.Receive();
  }
  poller->Watch(number, kReadable);
  CHECK(Round(*poller).empty());
  second.Send();
  CHECK(Round(*poller, -1) == Reported{{number, kReadable}});
}

TEST_CASE("what is closed and not forgotten does not keep a poller from waiting") {
  const auto poller = EachPoller();
  Pair gone;
  const Pair pair;
  poller->Watch(gone.near(), kReadable);
  poller->Watch(pair.near(), kReadable);
  gone.CloseNear();
  CHECK(Round(*poller).empty());  // in which it is noticed
  std::atomic<bool> begun{false};
  std::thread sender([&] {
    while (!begun) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // a poller that does not wait comes back before this
    pair.Send();
  });
  begun = true;
  const Reported reported = Round(*poller, -1);
  sender.join();
  CHECK(reported == Reported{{pair.near(), kReadable}});
}

TEST_CASE("what is closed and not forgotten hinders no other descriptor") {
  const auto poller = EachPoller();
  std::vector<Pair> pairs(5);
  for (const Pair& pair : pairs) poller->Watch(pair.near(), kReadable);
  const std::array<int, 2> gone{pairs[1].near(), pairs[3].near()};
  pairs[1].CloseNear();
  pairs[3].CloseNear();
  CHECK(Round(*poller).empty());
  pairs[0].Send();
  pairs[4].Send();
  CHECK(Round(*poller, -1) == Reported{{pairs[0].near(), kReadable}, {pairs[4].near(), kReadable}});
  for (const int fd : gone) poller->Forget(fd);
  poller->Forget(pairs[0].near());
  pairs[2].Send();
  CHECK(Round(*poller, -1) == Reported{{pairs[2].near(), kReadable}, {pairs[4].near(), kReadable}});
}

TEST_CASE("a report may watch another descriptor, which is reported from the next round on") {
  const auto poller = EachPoller();
  const Pair first;
  const Pair second;
  first.Send();
  second.Send();
  poller->Watch(first.near(), kReadable);
  std::vector<int> seen;
  poller->Wait(-1, [&](int fd, Readiness) {
    seen.push_back(fd);
    poller->Watch(second.near(), kReadable);
  });
  CHECK(seen == std::vector<int>{first.near()});
  CHECK(Round(*poller, -1).size() == 2);
}

TEST_CASE("a poller reports all of 1,000 descriptors in one round, and each as it is") {
  const auto poller = EachPoller();
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  constexpr std::size_t kDescriptors = 1'000;
  limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, 2 * kDescriptors + 100);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  std::vector<Pair> pairs(kDescriptors);
  std::set<int> expected;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    poller->Watch(pairs[i].near(), kReadable);
    if (i % 2 == 0) {
      pairs[i].Send();
      expected.insert(pairs[i].near());
    }
  }
  std::set<int> seen;
  for (const auto& [fd, readiness] : Round(*poller)) {
    CHECK(readiness == kReadable);
    seen.insert(fd);
  }
  CHECK(seen == expected);
}

// The descriptors that a program that is started would inherit.
std::set<int> Inherited() {
  std::set<int> inherited;
  for (int fd = 0; fd < 100; ++fd) {
    const int flags = fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) inherited.insert(fd);
  }
  return inherited;
}

TEST_CASE("no program that is started inherits a poller's descriptor") {
  const std::set<int> before = Inherited();
  const auto poller = EachPoller();
  CHECK(Inherited() == before);
}

}  // namespace
}  // namespace warppool::internal
