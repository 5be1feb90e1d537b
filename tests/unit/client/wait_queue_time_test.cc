// How long they wait: until their time is up, until a token comes back, or until there is nothing to wait for.
#include <chrono>
#include <memory>
#include <new>
#include <utility>

#include "client/wait_queue.h"
#include "unit/client/wait_queue_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using QueueWorld = WaitQueueWorld;
using QueueStory = WaitQueueWorld::Story;

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
    quota.next_reset = ToSystemTime(w.clock.Wall() + std::chrono::seconds(20));
    w.pool.accounts().NoteQuota(*w.token("p1"), quota, false);
    w.loop.executor.RunPosted();
    w.Pass(19s);
    CHECK(w.Take().empty());
    w.Pass(1s);
    CHECK(w.Take() == QueueStory{"a:p1"});
  }
  SECTION("at once") {
    quota.used = 0;
    w.pool.accounts().NoteQuota(*w.token("p1"), quota, true);
    w.loop.executor.RunPosted();
    CHECK(w.Take() == QueueStory{"a:p1"});
  }
  SECTION("later") {
    quota.next_reset = ToSystemTime(w.clock.Wall() + std::chrono::seconds(90));
    w.pool.accounts().NoteQuota(*w.token("p1"), quota, false);
    w.loop.executor.RunPosted();
    w.Pass(89s);
    CHECK(w.Take().empty());
    w.Pass(1s);
    CHECK(w.Take() == QueueStory{"a:p1"});
  }
  SECTION("too late") {
    quota.next_reset = ToSystemTime(w.clock.Wall() + std::chrono::seconds(101));
    w.pool.accounts().NoteQuota(*w.token("p1"), quota, false);
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
    w.Free("p1", Outcome::kAuthRevoked);
    CHECK(w.Take().empty());
    w.Free("p2", Outcome::kAuthRevoked);
    CHECK(w.Take() == QueueStory{"d:hopeless", "a:hopeless", "b:hopeless"});
  }
  SECTION("for who wants no other one") {
    w.Free("p2", Outcome::kAuthRevoked);
    CHECK(w.Take() == QueueStory{"b:hopeless"});
  }
  SECTION("for who cannot wait so long") {
    w.Free("p1", Outcome::kQuotaExhausted, 10s);
    w.Free("p2", Outcome::kAuthRevoked);
    CHECK(w.Take() == QueueStory{"d:hopeless", "b:hopeless"});
    w.Pass(10s);
    CHECK(w.Take() == QueueStory{"a:p1"});
  }
  w.leases.clear();
  w.loop.executor.RunPosted();
  w.Drop("c");
  w.Pass(20s);
}

TEST_CASE("a token that rests is a prospect, and is given to one who tries it") {
  QueueWorld w({"p1"}, With(Strategy::kFillFirst));
  w.TakeOne("p1");
  w.Free("p1", Outcome::kAuthRejected);
  w.Join("a");
  w.Join("b");
  w.Pass(4999ms);
  CHECK(w.Take().empty());
  w.Pass(1ms);
  CHECK(w.Take() == QueueStory{"a:p1"});
  SECTION("with the first event all may have it") {
    w.leases.back().second.NoteServing();
    w.loop.executor.RunPosted();
    CHECK(w.Take() == QueueStory{"b:p1"});
  }
  SECTION("when it ends without a word the next one tries it") {
    w.Free("p1", Outcome::kNetwork);
    CHECK(w.Take() == QueueStory{"b:p1"});
  }
}

TEST_CASE("who waited for a token shares a refusal that another one met there meanwhile") {
  QueueWorld w({"p1"}, With(Strategy::kFillFirst));
  w.TakeOne("p1");
  w.Free("p1", Outcome::kAuthRejected);
  w.Pass(1s);
  w.Join("a", w.Began());
  w.Join("b", w.Began());
  w.Join("c", w.Began(), 20s, false);
  w.Pass(4s);
  CHECK(w.Take() == QueueStory{"a:p1"});
  w.Pass(1s);
  w.Join("d", w.Began());  // it is being tried: any moment
  w.Pass(1s);
  w.Free("p1", Outcome::kAuthRejected);
  CHECK(w.Take() == QueueStory{"b:hopeless", "d:hopeless"});
  w.Join("e", w.Began());  // begins after it
  CHECK(w.Take().empty());
  w.Pass(5s);
  CHECK(w.Take() == QueueStory{"c:p1"});  // who needs no prospect waits on
  w.Free("p1", Outcome::kAuthRejected);
  CHECK(w.Take() == QueueStory{"e:hopeless"});
}

TEST_CASE("of those with the same wish each has its own beginning") {
  QueueWorld w({"p1", "p2"});
  w.TakeAll();
  w.Join("a", w.Began());
  w.Pass(1s);
  w.Free("p1", Outcome::kAuthRejected);
  CHECK(w.Take().empty());  // p2 is busy: any moment
  w.Pass(1s);
  w.Join("b", w.Began(), 30s);
  w.Free("p2", Outcome::kAuthRevoked);
  CHECK(w.Take() == QueueStory{"a:hopeless"});  // it has seen p1 refused
  w.Pass(4s);
  CHECK(w.Take() == QueueStory{"b:p1"});
}

TEST_CASE("who waited for a token that served lately waits for the next try") {
  QueueWorld w({"p1"}, With(Strategy::kFillFirst));
  w.TakeOne("p1");
  w.Free("p1");
  w.TakeOne("p1");
  w.Free("p1", Outcome::kAuthRejected);
  w.Pass(1s);
  w.Join("a", w.Began());
  w.Join("b", w.Began());
  w.Pass(4s);
  w.Free("p1", Outcome::kAuthRejected);
  CHECK(w.Take() == QueueStory{"a:p1"});
  w.Pass(5s);
  CHECK(w.Take() == QueueStory{"b:p1"});
}

TEST_CASE("who needs a JWT that is there is told when that ends") {
  QueueWorld w({"p1"});
  const auto token = w.pool.members().Find("p1");
  token->SetJwt(std::make_shared<const Jwt>(
      MakeJwt(Secret("jwt-hunter2"), std::chrono::seconds(60), w.clock.Steady(), w.clock.Wall())));
  w.TakeAll();
  QueueWorld::Wanted no_exchange;
  no_exchange.without_exchange = true;
  w.Join("a", no_exchange);
  w.Pass(59s);
  CHECK(w.Take().empty());
  w.Pass(6s);  // the longest sleep is 5 s
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
    w.Free("p2", Outcome::kQuotaExhausted, 4s);
    CHECK(w.Take() == QueueStory{"a:memory"});
    w.Pass(4s);
    CHECK(w.Take() == QueueStory{"b:p2"});
  }
  SECTION("for two") {
    w.loop.failures = 2;
    w.Free("p2", Outcome::kQuotaExhausted, 4s);
    CHECK(w.Take() == QueueStory{"a:memory", "b:memory"});
    w.Pass(4s);
    CHECK(w.Take() == QueueStory{"c:p2"});
  }
  SECTION("for a review") {
    int failures = 1;
    w.quota_asked = [&](const TokenPool::Tokens&) -> bool {
      if (failures-- > 0) throw std::bad_alloc();
      return false;
    };
    w.Free("p2", Outcome::kAuthRevoked);
    CHECK(w.Take() == QueueStory{"a:memory", "b:hopeless"});
    w.Free("p1");
    CHECK(w.Take() == QueueStory{"c:p1"});
  }
  SECTION("for anything at all") {
    w.loop.failures = 100;
    w.Free("p2", Outcome::kQuotaExhausted, 4s);
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
    w.queue.Join(&a, {{}, nullptr, w.clock.Steady() + 5s});
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

TEST_CASE("a token whose time comes while it is looked for is not one that never comes") {
  for (int read = 1; read <= 12; ++read) {
    INFO("time passes before read " << read);
    QueueWorld w({"p1"});
    w.TakeAll();
    w.Free("p1", Outcome::kQuotaExhausted, 10s);
    w.clock.AdvanceBeforeRead(read, 11s);
    w.Join("a");
    w.Pass(12s);
    CHECK(w.Take() == QueueStory{"a:p1"});
  }
}

}  // namespace
}  // namespace warppool::internal
