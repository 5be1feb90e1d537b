#include "http/timer_queue.h"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

using std::chrono::milliseconds;

SteadyTime TimerTime(int ms) {
  return SteadyTime(milliseconds(ms));
}

void RunAllTimers(TimerQueue* timers) {
  while (!timers->empty()) timers->TakeFirst()();
}

}  // namespace

TEST_CASE("timers come in the order of their times, and those of one time in the order in which they were set") {
  TimerQueue timers;
  std::vector<int> due;
  std::vector<int> set;
  std::minstd_rand random(7);
  for (int i = 0; i < 500; ++i) set.push_back(static_cast<int>(random() % 100));
  std::vector<TimerId> cancelled;
  for (const int ms : set) {
    timers.Add(TimerTime(ms), [&due, ms] { due.push_back(ms); });
    cancelled.push_back(timers.Add(TimerTime(99 - ms), [&due] { due.push_back(-1); }));
  }
  for (const TimerId id : cancelled) timers.Cancel(id);
  CHECK(timers.first_due() == TimerTime(*std::min_element(set.begin(), set.end())));
  RunAllTimers(&timers);
  std::sort(set.begin(), set.end());
  CHECK(due == set);

  std::string order;
  for (const char c : {'a', 'b', 'c', 'd'}) timers.Add(TimerTime(5), [&order, c] { order += c; });
  RunAllTimers(&timers);
  CHECK(order == "abcd");
}

TEST_CASE("the id of a timer that is over cancels none that was set later") {
  TimerQueue timers;
  bool ran = false;
  const TimerId over = timers.Add(TimerTime(1), [] {});
  timers.TakeFirst()();
  const TimerId later = timers.Add(TimerTime(1), [&ran] { ran = true; });
  CHECK(later != over);
  CHECK(over != 0);
  timers.Cancel(over);
  timers.Cancel(0);
  timers.Cancel(12345);
  RunAllTimers(&timers);
  CHECK(ran);
  timers.Cancel(later);
  CHECK(timers.empty());
}

TEST_CASE("no timer has the id 0, which is none, and no two have the same, however often a place is used again") {
  TimerQueue timers;
  TimerId last = 0;
  for (int i = 0; i < 100'000; ++i) {
    const TimerId id = timers.Add(TimerTime(1), [] {});
    if (id <= last) FAIL(id << " after " << last);  // all of them have the first place
    last = id;
    timers.Cancel(id);
  }
}

TEST_CASE("a timer that is cancelled lets go of what its task holds") {
  TimerQueue timers;
  const auto held = std::make_shared<int>(1);
  const TimerId id = timers.Add(TimerTime(1), [held] {});
  CHECK(held.use_count() == 2);
  timers.Cancel(id);
  CHECK(held.use_count() == 1);
}

TEST_CASE("timers are counted, so that those that were set meanwhile can be told") {
  TimerQueue timers;
  timers.Add(TimerTime(9), [] {});
  const auto last = timers.last_number();
  timers.Add(TimerTime(1), [] {});
  CHECK(timers.first_number() > last);
  timers.TakeFirst();
  CHECK(timers.first_number() == last);
}

}  // namespace warppool::internal
