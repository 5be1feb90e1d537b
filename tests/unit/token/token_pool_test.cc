#include "token/token_pool.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "unit/token/pool_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

TEST_CASE("tiers are tried in their order, whatever the order of the tokens") {
  Pool pool({"a1", "s1", "p1", "s2"});
  std::string order;
  TokenPool::Tokens tried;
  while (auto lease = pool.pool.Acquire({tried})) {
    order += lease->token().name() + " ";
    tried.insert(&lease->token());
  }
  CHECK(order == "p1 s1 s2 a1 ");
  CHECK(pool.Turns(3) == "p1 p1 p1");
}

TEST_CASE("the order of the tiers is configurable, and a tier left out is not used") {
  PoolOptions options = ForGood();
  options.tier_order = {Tier::kAnonymous, Tier::kPersonal};
  Pool pool({"p1", "s1", "a1"}, options);
  CHECK(pool.Turns(1) == "a1");
  pool.Meet("a1", Outcome::kAuthRevoked);
  CHECK(pool.Turns(1) == "p1");
  pool.Meet("p1", Outcome::kAuthRevoked);
  CHECK_FALSE(pool.pool.Acquire({}));
  CHECK(pool.pool.view().Snapshot().tokens.size() == 2);
  CHECK(pool.pool.members().Find("s1") == nullptr);
}

TEST_CASE("the tokens of a tier take turns, beginning with the first one") {
  Pool pool({"p1", "p2", "p3"});
  CHECK(pool.Turns(7) == "p1 p2 p3 p1 p2 p3 p1");
}

TEST_CASE("a neighbour that is disabled changes nobody else's share") {
  Pool pool({"p1", "p2", "p3"});
  CHECK(pool.Turns(2) == "p1 p2");
  pool.Meet("p3", Outcome::kAuthRevoked);
  CHECK(pool.Turns(6) == "p1 p2 p1 p2 p1 p2");
}

TEST_CASE("a neighbour that cools and returns gets its old place") {
  Pool pool({"p1", "p2", "p3", "p4"});
  pool.Meet("p2", Outcome::kQuotaExhausted);
  CHECK(pool.Turns(5) == "p3 p4 p1 p3 p4");
  pool.clock.Advance(10s);
  CHECK(pool.Turns(6) == "p1 p2 p3 p4 p1 p2");
}

TEST_CASE("turns stay fair over a long time, with one that comes and goes") {
  Pool pool({"p1", "p2", "p3"});
  for (int round = 0; round < 100; ++round) {
    pool.Meet("p2", Outcome::kQuotaExhausted);
    pool.Turns(8);
    pool.clock.Advance(10s);
    pool.Turns(3);
  }
  const auto first = pool.Of("p1").served;
  const auto third = pool.Of("p3").served;
  CHECK(std::max(first, third) - std::min(first, third) <= 100);
  CHECK(first + third + pool.Of("p2").served == 1100);
}

TEST_CASE("what was tried already is passed over, and keeps its place") {
  Pool pool({"p1", "p2", "s1"});
  TokenPool::Tokens tried{pool.pool.members().Find("p1").get()};
  CHECK(pool.Take(tried).token().name() == "p2");
  tried.insert(pool.pool.members().Find("p2").get());
  CHECK(pool.pool.AnyReady({tried}));
  CHECK(pool.Take(tried).token().name() == "s1");
  tried.insert(pool.pool.members().Find("s1").get());
  CHECK_FALSE(pool.pool.AnyReady({tried}));
  CHECK_FALSE(pool.pool.Acquire({tried}));
  CHECK(pool.Turns(2) == "p1 p2");
}

TEST_CASE("a token may serve many at once, and says how many") {
  Pool pool({"p1"});
  Lease first = pool.Take();
  {
    const Lease second = pool.Take();
    CHECK(pool.Of("p1").in_flight == 2);
  }  // dropped without a report
  CHECK(pool.Of("p1").in_flight == 1);
  std::move(first).End({Outcome::kSuccess});
  CHECK(pool.Of("p1").in_flight == 0);
  CHECK(pool.Of("p1").served == 1);
  CHECK(pool.Of("p1").failures == 0);
}

TEST_CASE("a lease that is moved is one lease still") {
  Pool pool({"p1", "p2"});
  Lease first = pool.Take();
  Lease moved = std::move(first);
  CHECK(pool.Of("p1").in_flight == 1);
  CHECK(moved.token().name() == "p1");
  SECTION("into one that held another: that one ends") {
    moved = pool.Take();
    CHECK(moved.token().name() == "p2");
    CHECK(pool.Of("p1").in_flight == 0);
    CHECK(pool.Of("p2").in_flight == 1);
  }
  SECTION("into one that was moved from") {
    first = std::move(moved);
    CHECK(first.token().name() == "p1");
    CHECK(pool.Of("p1").in_flight == 1);
  }
  SECTION("out of a function that ends it") {
    std::move(moved).End({Outcome::kSuccess});
  }
  { const Lease last = std::move(moved); }
  { const Lease last = std::move(first); }
  CHECK(pool.Of("p1").in_flight == 0);
  CHECK(pool.Of("p2").in_flight == 0);
}

TEST_CASE("fill first serves with the first one that can, and leaves the others in reserve") {
  Pool pool({"p1", "p2", "p3", "s1"}, With(Strategy::kFillFirst));
  CHECK(pool.Turns(3) == "p1 p1 p1");
  pool.Blame("p1");
  CHECK(pool.Turns(2) == "p2 p2");
  pool.Meet("p2", Outcome::kQuotaExhausted);
  CHECK(pool.Turns(2) == "p3 p3");
  pool.clock.Advance(10s);
  CHECK(pool.Turns(1) == "p2");
  pool.pool.Recover("p1");
  CHECK(pool.Turns(1) == "p1");
}

TEST_CASE("least in flight serves with the one that has least to do") {
  Pool pool({"p1", "p2", "p3", "s1"}, With(Strategy::kLeastInFlight));
  std::vector<Lease> leases;
  for (const char* name : {"p1", "p2", "p3", "p1", "p2"}) {
    leases.push_back(pool.Take());
    CHECK(leases.back().token().name() == name);
  }
  CHECK(pool.Take().token().name() == "p3");  // and ends at once
  std::move(leases[0]).End({Outcome::kSuccess});
  std::move(leases[3]).End({Outcome::kNetwork});
  CHECK(pool.Turns(2) == "p1 p1");  // p1 serves nobody, p2 two, p3 one
  CHECK(pool.Of("p2").in_flight == 2);
}

TEST_CASE("least in flight takes equals in turn") {
  Pool pool({"p1", "p2", "p3"}, With(Strategy::kLeastInFlight));
  CHECK(pool.Turns(7) == "p1 p2 p3 p1 p2 p3 p1");
}

TEST_CASE("a token that serves as many as it may is passed over until one of them ends") {
  Pool pool({"p1", "s1"}, With(Strategy::kRoundRobin, 2));
  std::vector<Lease> leases;
  for (const char* name : {"p1", "p1", "s1", "s1"}) {
    leases.push_back(pool.Take());
    CHECK(leases.back().token().name() == name);
  }
  CHECK_FALSE(pool.pool.AnyReady({}));
  CHECK_FALSE(pool.pool.Acquire({}));
  CHECK(pool.StateOf("p1") == TokenState::kReady);  // it has its hands full, that is all
  const auto reasons = pool.pool.view().WhyNotReady({});
  REQUIRE(reasons.size() == 2);
  CHECK(reasons[0].message == "busy: 2 of 2 requests at a time");
  CHECK(pool.freed == 0);
  std::move(leases[2]).End({Outcome::kSuccess});
  CHECK(pool.freed == 1);
  CHECK(pool.pool.AnyReady({}));
  std::move(leases[3]).End({Outcome::kOverloaded});
  CHECK(pool.freed == 1);  // one who waits was told already
  CHECK(pool.Turns(1) == "s1");
  leases.erase(leases.begin());
  CHECK(pool.Turns(1) == "p1");
}

TEST_CASE("who waits for a busy token is told when there is nothing to wait for any more") {
  const auto outcome = GENERATE(Outcome::kAuthRejected, Outcome::kAuthRevoked, Outcome::kQuotaExhausted);
  Pool pool({"p1", "p2"}, With(Strategy::kRoundRobin, 1));
  pool.Suffer("p1", outcome);
  CHECK(pool.freed == 1);
  CHECK_FALSE(pool.pool.Acquire({pool.AllBut("p1")}));
}

TEST_CASE("a token that is asked for itself is leased in whatever state") {
  Pool pool({"p1", "p2", "p3"}, Recovering());
  pool.Blame("p1");
  pool.Meet("p2", Outcome::kQuotaExhausted);
  const auto disabled = pool.pool.AcquireToken(pool.token("p1"));
  REQUIRE(disabled);
  CHECK(disabled->is_probe());
  CHECK(disabled->token().name() == "p1");
  CHECK_FALSE(pool.pool.AcquireToken(pool.token("p1")));  // somebody tries it already
  const auto cooling = pool.pool.AcquireToken(pool.token("p2"));
  REQUIRE(cooling);
  CHECK_FALSE(cooling->is_probe());
  CHECK(pool.pool.AcquireToken(pool.token("p2")));
  CHECK(pool.StateOf("p2") == TokenState::kCooling);
  const auto ready = pool.pool.AcquireToken(pool.token("p3"));
  REQUIRE(ready);
  CHECK_FALSE(ready->is_probe());
  const Token stranger("p4", Tier::kPersonal, CredentialKind::kRefreshToken, Secret("hunter2-p4"));
  CHECK_FALSE(pool.pool.AcquireToken(stranger));
}

TEST_CASE("who must not try a disabled token is not given it itself either") {
  Pool pool({"p1", "p2"}, Recovering());
  constexpr bool kEvenDisabled = true;
  CHECK(pool.pool.AcquireToken(pool.token("p1"), !kEvenDisabled));
  pool.Blame("p1");
  pool.Meet("p2", Outcome::kQuotaExhausted);
  CHECK_FALSE(pool.pool.AcquireToken(pool.token("p1"), !kEvenDisabled));
  CHECK(pool.pool.AcquireToken(pool.token("p2"), !kEvenDisabled));  // it cools, that is all
  pool.clock.Advance(60s);
  CHECK_FALSE(pool.pool.AcquireToken(pool.token("p1"), !kEvenDisabled));  // the probe is for a request
  CHECK(pool.pool.AcquireToken(pool.token("p1"), kEvenDisabled));
}

TEST_CASE("a check of a token takes nobody's turn, and counts for no limit") {
  const Strategy strategy = GENERATE(Strategy::kRoundRobin, Strategy::kLeastInFlight);
  Pool pool({"p1", "p2", "p3"}, With(strategy, 1));
  pool.TakeLines();
  {
    const auto check = pool.pool.AcquireToken(pool.token("p1"));
    REQUIRE(check);
    CHECK(pool.Of("p1").in_flight == 0);
    CHECK(pool.Turns(3) == "p1 p2 p3");
    const Lease busy = pool.TakeOne("p2");
    CHECK(pool.pool.AcquireToken(pool.token("p2")));  // and ends at once
    CHECK(pool.Of("p2").in_flight == 1);
  }
  CHECK(pool.Of("p1").in_flight == 0);
  for (const std::string& line : pool.TakeLines()) CHECK(line.substr(0, 6) == "chosen");  // the five requests
}

TEST_CASE("what needs no exchange is served by keys, and by tokens whose JWT lives") {
  Pool pool({"p1", "p2", "p3", "s1k"}, Recovering());
  pool.GiveJwt("p2", 60s);
  pool.GiveJwt("p3", 30s);
  TokenPool::Wanted wanted;
  wanted.without_exchange = true;
  const auto serve = [&] {
    auto lease = pool.pool.Acquire(wanted);
    return lease ? lease->token().name() : "";
  };
  CHECK(serve() == "p2");
  CHECK(serve() == "p3");
  CHECK(serve() == "p2");
  pool.clock.Advance(30s);
  CHECK(serve() == "p2");
  CHECK(pool.Turns(2) == "p3 p1");  // the others have not lost their turn
  pool.clock.Advance(30s);
  CHECK(serve() == "s1k");
  wanted.excluded = {&pool.token("s1k")};
  CHECK(serve().empty());
  CHECK_FALSE(pool.pool.AnyReady(wanted));
}

TEST_CASE("no two leases are one, and a pool serves as many as there are requests") {
  Pool pool({"p1", "p2", "p3"});
  std::vector<Lease> leases;
  for (int i = 0; i < 300; ++i) leases.push_back(pool.Take());
  for (const char* name : {"p1", "p2", "p3"}) CHECK(pool.Of(name).in_flight == 100);
  std::set<const Token*> tokens;
  for (const Lease& lease : leases) tokens.insert(&lease.token());
  CHECK(tokens.size() == 3);
  leases.clear();
  for (const char* name : {"p1", "p2", "p3"}) CHECK(pool.Of(name).in_flight == 0);
}

}  // namespace
}  // namespace warppool::internal
