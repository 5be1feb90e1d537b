#include "client/wait_queue.h"

#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "wait_queue_fixture.h"

namespace warppool {
namespace {

using namespace std::chrono_literals;
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
  w.Drop("a");
  CHECK_FALSE(w.queue.anybody_waits());
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
  w.Free("p1", Outcome::kAuthDead);
  w.Free("p2", Outcome::kAuthRejected);
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
      w.Join("w" + std::to_string(i), row.alike || i % 2 == 1 ? QueueWorld::Wanted() : w.Without({"p1"}));
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
    w.queue.Join(&a, {{}, w.clock.Steady() + QueueWorld::kPatient});
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

TEST_CASE("each waits as long as it may, whoever is served meanwhile") {
  QueueWorld w({"p1"});
  w.TakeAll();
  w.Join("a", {}, 30s);
  w.Join("b", {}, 10s);
  w.Join("c", w.Without({}), 20s);
  w.Join("d", {}, 10s + 1ms, false);
  w.Pass(9999ms);
  CHECK(w.Take().empty());
  w.Pass(1ms);
  CHECK(w.Take() == QueueStory{"b:time"});
  w.Pass(1ms);
  CHECK(w.Take() == QueueStory{"d:time"});
  w.Free("p1");
  CHECK(w.Take() == QueueStory{"a:p1"});
  w.Pass(9998ms);
  CHECK(w.Take().empty());
  w.Pass(1ms);
  CHECK(w.Take() == QueueStory{"c:time"});
  CHECK(w.loop.executor.timers() == 0);
}

TEST_CASE("many whose time is up at once are all told") {
  QueueWorld w({"p1"});
  w.TakeAll();
  for (int i = 0; i < 100; ++i) w.Join("w", {}, 5s);
  w.Pass(5s);
  CHECK(w.Take() == QueueStory(100, "w:time"));
}

TEST_CASE("a token that comes back by itself is given to who waits, at its time") {
  QueueWorld w({"p1", "p2"});
  w.TakeAll();
  w.Free("p1", Outcome::kQuotaExhausted, 8s);
  w.Free("p2", Outcome::kQuotaExhausted, 3s);
  w.Join("a");
  w.Join("b");
  w.Pass(2999ms);
  CHECK(w.Take().empty());
  w.Pass(1ms);
  CHECK(w.Take() == QueueStory{"a:p2"});
  w.Pass(5s);
  CHECK(w.Take() == QueueStory{"b:p1"});
}

TEST_CASE("a token that comes back sooner or later than was thought is noticed") {
  QueueWorld w({"p1"});
  w.TakeAll();
  w.Free("p1", Outcome::kQuotaExhausted, 60s);
  w.Join("a", {}, 100s);
  Quota quota;
  quota.limit = 10;
  quota.used = 10;
  SECTION("sooner") {
    quota.next_reset = w.clock.Wall() + std::chrono::seconds(20);
    w.pool.NoteQuota(*w.token("p1"), quota, false);
    w.loop.executor.RunPosted();
    w.Pass(19s);
    CHECK(w.Take().empty());
    w.Pass(1s);
    CHECK(w.Take() == QueueStory{"a:p1"});
  }
  SECTION("at once") {
    quota.used = 0;
    w.pool.NoteQuota(*w.token("p1"), quota, true);
    w.loop.executor.RunPosted();
    CHECK(w.Take() == QueueStory{"a:p1"});
  }
  SECTION("later") {
    quota.next_reset = w.clock.Wall() + std::chrono::seconds(90);
    w.pool.NoteQuota(*w.token("p1"), quota, false);
    w.loop.executor.RunPosted();
    w.Pass(89s);
    CHECK(w.Take().empty());
    w.Pass(1s);
    CHECK(w.Take() == QueueStory{"a:p1"});
  }
  SECTION("too late") {
    quota.next_reset = w.clock.Wall() + std::chrono::seconds(101);
    w.pool.NoteQuota(*w.token("p1"), quota, false);
    w.loop.executor.RunPosted();
    CHECK(w.Take() == QueueStory{"a:hopeless"});
  }
}

TEST_CASE("when the last prospect is gone, those who need one are told at once") {
  QueueWorld w({"p1", "p2"});
  w.TakeAll();
  w.Join("a");
  w.Join("b", w.Without({"p1"}));
  w.Join("c", {}, 20s, false);
  w.Join("d", {}, 5s);
  SECTION("for all of them") {
    w.Free("p1", Outcome::kAuthDead);
    CHECK(w.Take().empty());
    w.Free("p2", Outcome::kAuthDead);
    CHECK(w.Take() == QueueStory{"d:hopeless", "a:hopeless", "b:hopeless"});
  }
  SECTION("for who wants no other one") {
    w.Free("p2", Outcome::kAuthDead);
    CHECK(w.Take() == QueueStory{"b:hopeless"});
  }
  SECTION("for who cannot wait so long") {
    w.Free("p1", Outcome::kQuotaExhausted, 10s);
    w.Free("p2", Outcome::kAuthDead);
    CHECK(w.Take() == QueueStory{"d:hopeless", "b:hopeless"});
    w.Pass(10s);
    CHECK(w.Take() == QueueStory{"a:p1"});
  }
  w.leases.clear();
  w.loop.executor.RunPosted();
  w.Drop("c");
  w.Pass(20s);
}

TEST_CASE("who needs a JWT that is there is told when that ends") {
  QueueWorld w({"p1"});
  const auto token = w.pool.Find("p1");
  token->SetJwt(std::make_shared<const Jwt>(
      MakeJwt(Secret("jwt-hunter2"), std::chrono::seconds(60), w.clock.Steady(), w.clock.Wall())));
  w.TakeAll();
  QueueWorld::Wanted no_exchange;
  no_exchange.without_exchange = true;
  w.Join("a", no_exchange);
  w.Pass(61s);
  CHECK(w.Take().empty());
  w.Free("p1");
  CHECK(w.Take() == QueueStory{"a:hopeless"});
}

TEST_CASE("a quota that is asked for is a prospect, until the answer is there") {
  QueueWorld w({"p1", "p2"});
  w.TakeAll();
  bool asked = true;
  w.quota_asked = [&](const TokenPool::Tokens& excluded) { return asked && excluded.count(w.token("p2")) == 0; };
  w.Free("p1", Outcome::kQuotaExhausted, 10h);
  w.Join("a");
  w.Join("b", w.Without({"p1"}));
  w.Free("p2", Outcome::kQuotaExhausted, 10h);
  CHECK(w.Take().empty());
  w.Join("c", w.Without({"p2"}));
  CHECK(w.Take() == QueueStory{"c:hopeless"});
  asked = false;
  w.queue.ServeAndReview();
  CHECK(w.Take() == QueueStory{"a:hopeless", "b:hopeless"});
}

TEST_CASE("when there is no memory for one of them, the others are served all the same") {
  QueueWorld w({"p1", "p2"});
  w.TakeAll();
  w.Join("a");
  w.Join("b", w.Without({"p1"}));
  w.Join("c");
  SECTION("for a timer") {
    // The next one is needed when a token comes back before the first wait ends.
    w.loop.failures = 1;
    w.Free("p2", Outcome::kQuotaExhausted, 5s);
    CHECK(w.Take() == QueueStory{"a:memory"});
    w.Pass(5s);
    CHECK(w.Take() == QueueStory{"b:p2"});
  }
  SECTION("for two") {
    w.loop.failures = 2;
    w.Free("p2", Outcome::kQuotaExhausted, 5s);
    CHECK(w.Take() == QueueStory{"a:memory", "b:memory"});
    w.Pass(5s);
    CHECK(w.Take() == QueueStory{"c:p2"});
  }
  SECTION("for a review") {
    int failures = 1;
    w.quota_asked = [&](const TokenPool::Tokens&) -> bool {
      if (failures-- > 0) throw std::bad_alloc();
      return false;
    };
    w.Free("p2", Outcome::kAuthDead);
    CHECK(w.Take() == QueueStory{"a:memory", "b:hopeless"});
    w.Free("p1");
    CHECK(w.Take() == QueueStory{"c:p1"});
  }
  SECTION("for anything at all") {
    w.loop.failures = 100;
    w.Free("p2", Outcome::kQuotaExhausted, 5s);
    CHECK(w.Take() == QueueStory{"a:memory", "b:memory", "c:memory"});
    CHECK_FALSE(w.queue.anybody_waits());
  }
}

TEST_CASE("who is told that there is no token may join again, and serve the queue") {
  QueueWorld w({"p1", "p2"});
  w.TakeAll();
  auto& a = w.Join("a", w.Without({"p2"}), 5s);
  a.on_end = [&] {
    a.on_end = nullptr;
    w.queue.Join(&a, {{}, w.clock.Steady() + 5s});
  };
  w.Join("b", w.Without({"p1"}));
  w.Pass(5s);
  CHECK(w.Take() == QueueStory{"a:time"});
  w.Free("p2");
  CHECK(w.Take() == QueueStory{"b:p2"});
  w.Pass(4999ms);
  CHECK(w.Take().empty());
  w.Pass(1ms);
  CHECK(w.Take() == QueueStory{"a:time"});
}

}  // namespace
}  // namespace warppool
