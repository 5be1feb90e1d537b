#include "client/wait_queue.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"

namespace warppool {
namespace {

// Those who wait, by their names; each does something when it is to look again.
struct Queue {
  class Waiter final : public WaitQueue::Waiter {
   public:
    Waiter(Queue* queue, std::string name) : queue_(queue), name_(std::move(name)) {}
    void LookAgain() noexcept override {
      queue_->looked += name_;
      const auto act = on_look;  // it may be replaced, or destroyed with this
      if (act) act();
    }
    std::function<void()> on_look;

   private:
    Queue* const queue_;
    const std::string name_;
  };

  struct Entry {
    std::string name;
    std::unique_ptr<Waiter> waiter;
    WaitQueue::Place place;
  };

  Waiter& Join(const std::string& name) {
    auto waiter = std::make_unique<Waiter>(this, name);
    const auto place = queue.Join(waiter.get());
    entries.push_back({name, std::move(waiter), place});
    return *entries.back().waiter;
  }
  // It leaves, and is destroyed.
  void Leave(const std::string& name) {
    for (auto it = entries.begin(); it != entries.end(); ++it) {
      if (it->name != name) continue;
      queue.Leave(it->place);
      entries.erase(it);
      return;
    }
    FAIL("nobody is called " << name);
  }
  std::string Serve() {
    looked.clear();
    queue.Serve();
    return looked;
  }

  WaitQueue queue;
  std::vector<Entry> entries;
  std::string looked;
};

TEST_CASE("a queue without anybody serves nobody") {
  Queue q;
  CHECK_FALSE(q.queue.anybody_waits());
  CHECK(q.Serve().empty());
}

TEST_CASE("first come, first served, and who stays is asked each time") {
  Queue q;
  q.Join("a");
  q.Join("b");
  q.Join("c");
  CHECK(q.queue.anybody_waits());
  CHECK(q.Serve() == "abc");
  q.Leave("b");
  q.Join("d");
  CHECK(q.Serve() == "acd");
  q.Leave("a");
  q.Leave("d");
  q.Leave("c");
  CHECK_FALSE(q.queue.anybody_waits());
  CHECK(q.Serve().empty());
}

TEST_CASE("who looks again may leave, be it itself or another one") {
  struct Row {
    const char* leaves;  // when b looks
    const char* looked;
    const char* next;
  };
  const auto row = GENERATE(values<Row>({
      {"b", "abcd", "acd"},
      {"a", "abcd", "bcd"},
      {"c", "abd", "abd"},
      {"d", "abc", "abc"},
      {"bc", "abd", "ad"},
      {"cd", "ab", "ab"},
      {"abcd", "ab", ""},
      {"dcba", "ab", ""},
  }));
  INFO(row.leaves);
  Queue q;
  q.Join("a");
  q.Join("b").on_look = [&] {
    for (const char* name = row.leaves; *name != '\0'; ++name) q.Leave(std::string(1, *name));
  };
  q.Join("c");
  q.Join("d");
  CHECK(q.Serve() == row.looked);
  for (auto& entry : q.entries) entry.waiter->on_look = nullptr;
  CHECK(q.Serve() == row.next);
  CHECK(q.queue.anybody_waits() == (*row.next != '\0'));
}

TEST_CASE("who joins while others are served waits for the next round at the latest") {
  Queue q;
  bool joined = false;
  q.Join("a").on_look = [&] {
    if (!joined) q.Join("x");
    joined = true;
  };
  q.Join("b");
  const std::string first = q.Serve();
  CHECK(first.substr(0, 2) == "ab");
  CHECK(q.Serve() == "abx");
}

TEST_CASE("who leaves and joins again goes to the end") {
  Queue q;
  bool again = false;
  q.Join("a").on_look = [&] {
    if (again) return;
    again = true;
    q.Leave("a");
    q.Join("a");
  };
  q.Join("b");
  q.Serve();
  CHECK(q.Serve() == "ba");
}

TEST_CASE("to serve while serving has the round repeated, not nested") {
  Queue q;
  int depth = 0;
  int deepest = 0;
  int calls = 0;
  q.Join("a");
  q.Join("b").on_look = [&] {
    deepest = std::max(deepest, ++depth);
    if (++calls == 1) {
      q.queue.Serve();
      q.queue.Serve();  // one repetition will do for both
    }
    --depth;
  };
  q.Join("c");
  CHECK(q.Serve() == "abcabc");
  CHECK(deepest == 1);
  CHECK(q.Serve() == "abc");
}

TEST_CASE("a repeated round does without those who have left") {
  Queue q;
  q.Join("a").on_look = [&] { q.Leave("a"); };
  q.Join("b").on_look = [&] {
    q.Leave("b");
    q.queue.Serve();
  };
  q.Join("c");
  CHECK(q.Serve() == "abcc");
}

TEST_CASE("one who leaves between two rounds does no harm") {
  Queue q;
  q.Join("a");
  q.Serve();
  q.Leave("a");
  q.Join("b");
  CHECK(q.Serve() == "b");
}

}  // namespace
}  // namespace warppool
