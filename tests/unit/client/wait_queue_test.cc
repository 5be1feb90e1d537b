// Who is served, and in which order.
#include "client/wait_queue.h"

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "unit/client/wait_queue_fixture.h"

namespace warppool::internal {
namespace {

using QueueWorld = WaitQueueWorld;
using QueueStory = WaitQueueWorld::Story;

TEST_CASE("a queue without anybody serves nobody") {
  QueueWorld w({"p1"});
  CHECK_FALSE(w.queue.anybody_waits());
  w.queue.Serve();
  w.queue.ServeAndReview();
  CHECK(w.loop.executor.timers() == 0);
}

TEST_CASE("who joins while a token is ready has it at once") {
  QueueWorld w({"p1"});
  w.Join("a");
  CHECK(w.Take() == QueueStory{"a:p1"});
  CHECK_FALSE(w.queue.anybody_waits());
}

TEST_CASE("first come, first served, and one for each token that comes free") {
  QueueWorld w({"p1", "p2"});
  w.TakeAll();
  for (const char* name : {"a", "b", "c", "d"}) w.Join(name);
  CHECK(w.queue.anybody_waits());
  w.Free("p2");
  CHECK(w.Take() == QueueStory{"a:p2"});
  w.End("p1");
  w.End("p2");
  w.loop.executor.RunPosted();
  CHECK(w.Take() == QueueStory{"b:p1", "c:p2"});
  w.Free("p1");
  CHECK(w.Take() == QueueStory{"d:p1"});
  CHECK_FALSE(w.queue.anybody_waits());
}

TEST_CASE("a freed token goes to the first one that it suits, whoever waits before") {
  QueueWorld w({"p1", "p2", "s1k"});
  w.TakeAll();
  QueueWorld::Wanted no_exchange;
  no_exchange.without_exchange = true;
  w.Join("a", w.Without({"p1"}));
  w.Join("b", no_exchange);
  w.Join("c");
  w.Join("d", w.Without({"p1"}));
  w.Join("e");
  w.Free("p1");
  CHECK(w.Take() == QueueStory{"c:p1"});
  w.Free("p1");
  CHECK(w.Take() == QueueStory{"e:p1"});
  w.Free("p1");
  CHECK(w.Take().empty());
  w.Free("s1k");
  CHECK(w.Take() == QueueStory{"a:s1k"});
  w.Free("s1k");
  CHECK(w.Take() == QueueStory{"b:s1k"});
  w.Free("p2");
  CHECK(w.Take() == QueueStory{"d:p2"});
}

TEST_CASE("one that nothing suits holds up nobody, and keeps its place") {
  QueueWorld w({"p1", "p2"});
  w.TakeAll();
  w.Join("a", w.Without({"p1", "p2"}), QueueWorld::kPatient, false);
  w.Join("b");
  w.Join("c");
  w.Free("p1");
  w.Free("p2");
  CHECK(w.Take() == QueueStory{"b:p1", "c:p2"});
  CHECK(w.queue.anybody_waits());
  CHECK(w.loop.executor.timers() == 1);
  w.Drop("a");
  CHECK_FALSE(w.queue.anybody_waits());
  CHECK(w.loop.executor.timers() == 0);
}

TEST_CASE("those whom the same tokens may serve have their turn, whoever of them leaves, and block nobody") {
  QueueWorld w({"p1", "p2", "p3"});
  w.TakeAll();
  w.JoinRestricted("a", {"p1", "p2"});
  w.JoinRestricted("b", {"p2", "p1"});
  w.JoinRestricted("c", {"p1", "p2"});
  w.Join("d");
  w.Drop("a");
  w.Free("p3");
  CHECK(w.Take() == QueueStory{"d:p3"});
  w.Free("p3");
  CHECK(w.Take().empty());
  w.Free("p2");
  w.Free("p1");
  CHECK(w.Take() == QueueStory{"b:p2", "c:p1"});
}

TEST_CASE("who would rather have one token takes another one, too, and in its turn") {
  QueueWorld w({"p1", "p2"});
  w.TakeAll();
  w.Join("a");
  QueueWorld::Wanted rather;
  rather.preferred = w.token("p2");
  w.Join("b", rather);
  w.Join("c", rather);
  w.Free("p2");
  CHECK(w.Take() == QueueStory{"a:p2"});
  w.End("p1");
  w.End("p2");
  w.loop.executor.RunPosted();
  CHECK(w.Take() == QueueStory{"b:p2", "c:p1"});
}

TEST_CASE("who must not try a disabled token leaves it to who may") {
  QueueWorld w({"p1", "p2"});
  w.TakeAll();
  w.Free("p1", Outcome::kAuthRevoked);
  w.Blame("p2");
  QueueWorld::Wanted no_probe;
  no_probe.may_probe = false;
  w.Join("a", no_probe, QueueWorld::kPatient, false);
  w.Join("b");
  CHECK(w.pool.Recover("p1"));
  CHECK(w.pool.Recover("p2"));
  w.loop.executor.RunPosted();
  CHECK(w.Take() == QueueStory{"a:p1", "b:p2"});
}

// What a list in the order of arrival would do: each freed token to the first one that it suits.
TEST_CASE("it serves as a plain list would, whatever those who wait want") {
  const unsigned seed = GENERATE(1U, 2U, 3U, 4U, 5U);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::vector<std::string> tokens{"p1", "p2", "p3", "s1k"};
  QueueWorld w(tokens);
  w.TakeAll();
  struct Model {
    std::string name;
    std::vector<std::string> without;
  };
  std::vector<Model> model;
  int served = 0;
  for (int step = 0; step < 3000; ++step) {
    const unsigned what = random() % 8;
    if (what < 4) {
      Model waiter{"w" + std::to_string(step), {}};
      for (const std::string& token : tokens) {
        if (what < 3 && random() % 3 == 0) waiter.without.push_back(token);
      }
      w.Join(waiter.name, w.Without(waiter.without), QueueWorld::kPatient, false);
      model.push_back(std::move(waiter));
    } else if (what == 4 && !model.empty()) {
      const auto leaves = model.begin() + static_cast<std::ptrdiff_t>(random() % model.size());
      w.Drop(leaves->name);
      model.erase(leaves);
    } else {
      const std::string& freed = tokens[random() % tokens.size()];
      const auto suits = [&](const Model& waiter) {
        return std::find(waiter.without.begin(), waiter.without.end(), freed) == waiter.without.end();
      };
      const auto next = std::find_if(model.begin(), model.end(), suits);
      w.Free(freed);
      if (next == model.end()) {
        REQUIRE(w.Take().empty());
        w.TakeAll();
      } else {
        REQUIRE(w.Take() == QueueStory{next->name + ":" + freed});
        model.erase(next);
        ++served;
      }
    }
    REQUIRE(w.queue.anybody_waits() == !model.empty());
  }
  CHECK(served > 500);
}

TEST_CASE("a freed token, and one who leaves, cost the same however many wait") {
  struct Row {
    bool alike;
    int others;  // for who wants something else there is one more question
  };
  const auto row = GENERATE(values<Row>({{true, 0}, {false, 1}}));
  std::vector<int> costs;
  for (const int count : {10, 1000}) {
    QueueWorld w({"p1", "p2"});
    w.TakeAll();
    for (int i = 0; i < count; ++i) {
      QueueWorld::Wanted wanted = w.Began();  // each at its own time, which makes no other wish of it
      if (!row.alike && i % 2 == 0) wanted.excluded = w.Without({"p1"}).excluded;
      w.Join("w" + std::to_string(i), wanted);
      w.clock.Advance(std::chrono::milliseconds(1));
    }
    const int before = w.counting.reads();
    w.Free("p1");
    CHECK(w.Take() == QueueStory{row.alike ? "w0:p1" : "w1:p1"});
    w.Drop("w5");
    costs.push_back(w.counting.reads() - before);
    CHECK(w.loop.executor.timers() == 1);
  }
  CHECK(costs[0] == costs[1]);
  CHECK(costs[1] <= 6 + 2 * row.others);
}

TEST_CASE("who is served may leave, join again, and have others leave and be destroyed") {
  struct Row {
    const char* leave;  // when b is served
    QueueStory first;
    QueueStory then;
  };
  const auto row = GENERATE(values<Row>({
      {"", {"a:p1", "b:p2", "c:p3"}, {"d:p1"}},
      {"b", {"a:p1", "b:p2", "c:p3"}, {"d:p1"}},
      {"c", {"a:p1", "b:p2", "d:p3"}, {}},
      {"bcd", {"a:p1", "b:p2"}, {}},
      {"dcb", {"a:p1", "b:p2"}, {}},
      {"acd", {"a:p1", "b:p2"}, {}},
  }));
  INFO(row.leave);
  QueueWorld w({"p1", "p2", "p3"});
  w.TakeAll();
  w.Join("a");
  w.Join("b").on_end = [&] {
    for (const char* name = row.leave; *name != '\0'; ++name) w.Drop(std::string(1, *name));
  };
  w.Join("c");
  w.Join("d");
  for (const char* name : {"p1", "p2", "p3"}) w.End(name);
  w.loop.executor.RunPosted();
  CHECK(w.Take() == row.first);
  w.Free("p1");
  CHECK(w.Take() == row.then);
}

TEST_CASE("who is served and joins again goes to the end") {
  QueueWorld w({"p1"});
  w.TakeAll();
  auto& a = w.Join("a");
  a.on_end = [&] {
    a.on_end = nullptr;
    w.queue.Join(&a, {{}, nullptr, w.clock.Steady() + QueueWorld::kPatient});
  };
  w.Join("b");
  for (int i = 0; i < 3; ++i) w.Free("p1");
  CHECK(w.Take() == QueueStory{"a:p1", "b:p1", "a:p1"});
}

TEST_CASE("a token that is given back while others are served goes to the next one, and nothing is nested") {
  QueueWorld w({"p1"});
  w.TakeAll();
  int depth = 0;
  int deepest = 0;
  for (const char* name : {"a", "b", "c"}) {
    w.Join(name).on_end = [&] {
      deepest = std::max(deepest, ++depth);
      w.End("p1");
      w.queue.Serve();
      --depth;
    };
  }
  w.Free("p1");
  CHECK(w.Take() == QueueStory{"a:p1", "b:p1", "c:p1"});
  CHECK(deepest == 1);
}

TEST_CASE("one who leaves while the pool tells that its token is chosen does no harm") {
  QueueWorld w({"p1"});
  w.TakeAll();
  w.Join("a");
  w.Join("b");
  bool dropped = false;
  w.on_event = [&](const PoolEvent& event) {
    if (event.kind == PoolEventKind::kChosen && !std::exchange(dropped, true)) w.Drop("a");
  };
  w.Free("p1");
  w.loop.executor.RunPosted();
  CHECK(w.Take() == QueueStory{"b:p1"});
}

}  // namespace
}  // namespace warppool::internal
