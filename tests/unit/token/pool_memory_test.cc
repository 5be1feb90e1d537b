// A pool that finds no memory: it stays what it was, and a token that was leased comes back all the same.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capi/failing_memory.h"
#include "catch.h"
#include "token/registry.h"
#include "unit/token/membership_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

// As many as any of the calls below may need.
constexpr int kMostAllocations = 200;

// Does `attempt` again and again in worlds of its own, with memory for one allocation more each time, until there is
// enough. `attempt(allowed)` says whether there was.
template <typename Attempt>
void UntilThereIsEnough(const Attempt& attempt) {
  for (int allowed = 0; allowed < kMostAllocations; ++allowed) {
    INFO("allocations allowed: " << allowed);
    if (attempt(allowed)) {
      CHECK(allowed > 0);  // else the test has shown nothing
      return;
    }
  }
  FAIL("there is never enough memory");
}

PoolOptions OneAtATime(Strategy strategy) {
  PoolOptions options = Recovering(3);
  options.strategy = strategy;
  options.max_in_flight = 1;
  return options;
}

TEST_CASE("a lease that ends without memory gives its token back") {
  const auto outcome = GENERATE(Outcome::kSuccess, Outcome::kAuthRejected, Outcome::kServerError,
                                Outcome::kQuotaExhausted, Outcome::kNetwork, Outcome::kCancelled);
  const auto strategy = GENERATE(Strategy::kRoundRobin, Strategy::kLeastInFlight);
  INFO(OutcomeName(outcome));
  UntilThereIsEnough([&](int allowed) {
    Pool pool({"p1"}, OneAtATime(strategy));
    pool.on_unsaved = [](bool) {};
    Lease lease = pool.Take();
    REQUIRE_FALSE(pool.pool.Acquire({}));
    const Status why(Code::kInternal, "a reason that is too long for any small string");
    bool thrown = false;
    bool failed = false;
    {
      const FailingMemory failing(allowed);
      try {
        std::move(lease).End({outcome, why, 10s});
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
      failed = FailingMemory::Failed();
    }
    if (thrown) CHECK(pool.freed > 0);
    pool.clock.Advance(20s);
    CHECK(pool.Of("p1").in_flight == 0);
    CHECK(pool.pool.Acquire({}));
    return !failed;
  });
}

TEST_CASE("a trial that ends without memory lets the next one come") {
  UntilThereIsEnough([&](int allowed) {
    Pool pool({"p1"}, Recovering(3));
    pool.Meet("p1", Outcome::kAuthRejected);
    pool.LetRest("p1");
    std::optional<Lease> trial = pool.Take();
    REQUIRE_FALSE(pool.pool.Acquire({}));
    const Status why(Code::kInternal, "a reason that is too long for any small string");
    bool failed = false;
    {
      const FailingMemory failing(allowed);
      try {
        std::move(*trial).End({Outcome::kNetwork, why, {}});
      } catch (const std::bad_alloc&) {
      }
      failed = FailingMemory::Failed();
    }
    CHECK(pool.pool.Acquire({}));
    return !failed;
  });
}

TEST_CASE("a lease is given back without memory, and counts for nothing") {
  Pool pool({"p1"}, OneAtATime(Strategy::kLeastInFlight));
  pool.on_unsaved = [](bool) {};
  Lease lease = pool.Take();
  {
    const FailingMemory failing(0);
    std::move(lease).GiveBack();
  }
  CHECK(pool.Of("p1").in_flight == 0);
  CHECK(pool.pool.Acquire({}));
}

TEST_CASE("a token is leased by its load, or somewhat out of turn, when there is no memory to sort by it") {
  PoolOptions options = Recovering();
  options.strategy = Strategy::kLeastInFlight;
  Pool pool({"p1", "p2", "p3"}, options);
  std::vector<Lease> leases;
  leases.reserve(9);
  {
    const FailingMemory failing(0);
    for (int i = 0; i < 9; ++i) {
      auto lease = pool.pool.Acquire({});
      if (!lease) break;
      leases.push_back(*std::move(lease));
    }
  }
  CHECK(leases.size() == 9);
  leases.clear();
  CHECK(pool.pool.view().Snapshot().Active() == 3);
  CHECK(pool.Turns(3).size() == std::string("p1 p2 p3").size());
}

// Members of a registry, one of which cools.
struct Arranged {
  Arranged() {
    for (const char* name : {"p1", "p2", "s1"}) members.push_back(std::make_shared<PoolMember>(name, ConfigOf(name)));
    members[0]->account = "alice";
    members[1]->health.CoolUntil(now + 10s, now);
    registry.Arrange(Options(), members, now);
  }
  static Registry::Options Options() { return {{Tier::kPersonal, Tier::kShared}, Strategy::kLeastInFlight, 1}; }
  // The members' names as they stand, and what the registry knows of each.
  std::string View() const {
    std::string view;
    for (const auto& member : registry.All()) {
      view += member->token.name();
      if (!member->is_member) view += " gone";
      if (registry.Find(member->token.name()) != member.get()) view += " unknown";
      if (registry.CanServe(*member)) view += " serves";
      view += ", ";
    }
    return view + std::to_string(registry.due().size()) + " due";
  }

  const SteadyTime now{1h};
  Registry::Members members;
  Registry registry;
};

TEST_CASE("a registry that finds no memory for its new members has its old ones") {
  UntilThereIsEnough([&](int allowed) {
    Arranged a;
    const std::string before = a.View();
    REQUIRE(before == "p1 serves, p2, s1 serves, 1 due");
    Registry::Members others{a.members[2], a.members[1]};
    for (const char* name : {"p3", "p4"}) others.push_back(std::make_shared<PoolMember>(name, ConfigOf(name)));
    others[2]->account = "bob";
    others[3]->health.CoolUntil(a.now + 5s, a.now);
    Registry::Options options = Arranged::Options();
    bool thrown = false;
    bool failed = false;
    {
      const FailingMemory failing(allowed);
      try {
        a.registry.Arrange(std::move(options), others, a.now);
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
      failed = FailingMemory::Failed();
    }
    CHECK(a.View() == (thrown ? before : "p2, p3 serves, p4, s1 serves, 2 due"));
    // Those that were due come back, without memory, too.
    const FailingMemory failing(0);
    while (a.registry.AnyDue(a.now + 10s)) a.registry.FileNextDue(a.now + 10s);
    CHECK(a.registry.CanServe(*a.members[1]));
    return !failed;
  });
}

TEST_CASE("an account that finds no memory is not known, and the one before is") {
  UntilThereIsEnough([&](int allowed) {
    Arranged a;
    const std::string account(40, 'b');
    bool failed = false;
    {
      const FailingMemory failing(allowed);
      try {
        a.registry.SetAccount(a.members[0].get(), account);
      } catch (const std::bad_alloc&) {
      }
      failed = FailingMemory::Failed();
    }
    CHECK(a.members[0]->account == (failed ? "alice" : account));
    CHECK(a.registry.FirstOf(*a.members[0]) == a.members[0].get());
    CHECK(a.registry.MembersOf(a.members[0].get()).size() == 1);
    return !failed;
  });
}

}  // namespace
}  // namespace warppool::internal
