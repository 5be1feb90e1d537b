// Whose fault a refusal was: the pool's judgement, once another token has served the same request.
#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "catch.h"
#include "unit/token/membership_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Lines = Pool::Lines;

constexpr bool kAtExchange = true;
constexpr bool kWitnessRefreshed = true;

// "p1k" is an API key; "supplied" has a source of the program's.
struct Court : Pool {
  explicit Court(PoolOptions options = ForGood(3)) : Pool({"p1", "p2", "p3", "p1k", "p2k", "s1"}, std::move(options)) {
    REQUIRE(pool.members().Add(Supplied("supplied")).ok());
    REQUIRE(pool.members().Add(Supplied("supplied too")).ok());
    told.clear();
  }

  DeferredFailure Refuse(const std::string& name, Outcome outcome = Outcome::kAuthRejected, bool at_exchange = false) {
    auto deferred = TakeOne(name).End({outcome, Status(Code::kUnauthorized, "refused"), {}, at_exchange});
    REQUIRE(deferred);
    return *std::move(deferred);
  }
  void Judge(const DeferredFailure& deferred, const std::string& witness, bool refreshed = false) {
    pool.Judge(deferred, {&token(witness), refreshed});
  }
  bool IsSetBack(const std::string& name) {
    LetRest(name);
    return Explained(name).reason.find("behind all others") != std::string::npos;
  }
};

TEST_CASE("a refusal of a token that is gone holds back no news of the others") {
  Court pool;
  const auto deferred = pool.Refuse("p1");
  pool.TakeOne("p2").End({Outcome::kQuotaExhausted, Status(Code::kQuotaExhausted, "spent"), 5s});
  REQUIRE(pool.pool.members().Remove("p1").ok());
  pool.clock.Advance(5s);
  const auto recovered = [&] {
    return std::count_if(pool.told.begin(), pool.told.end(),
                         [](const Told& told) { return told.kind == PoolEventKind::kRecovered; });
  };
  pool.Judge(deferred, "p3");
  pool.Turns(1);
  CHECK(recovered() == 1);
}

TEST_CASE("a refusal is a failure if a token of the same kind serves, else its token comes behind the others") {
  struct Row {
    const char* refused;
    const char* witness;
    bool is_failure;
  };
  const auto row = GENERATE(values<Row>({{"p1", "p2", true},
                                         {"p1", "s1", true},
                                         {"p1", "p1k", false},
                                         {"p1", "supplied", false},
                                         {"p1k", "p2k", true},
                                         {"p1k", "p1", false},
                                         {"p1k", "supplied", false},
                                         {"supplied", "supplied too", true},
                                         {"supplied", "p1", false},
                                         {"supplied", "p1k", false}}));
  INFO(row.refused << " " << row.witness);
  Court pool;
  const auto deferred = pool.Refuse(row.refused);
  CHECK(pool.Of(row.refused).failures == 0);
  CHECK(pool.TakeOf(PoolEventKind::kFailure).empty());
  pool.Judge(deferred, row.witness);
  CHECK(pool.Of(row.refused).failures == (row.is_failure ? 1 : 0));
  CHECK(pool.Of(row.refused).total_failures == (row.is_failure ? 1 : 0));
  CHECK(pool.TakeOf(PoolEventKind::kFailure).size() == (row.is_failure ? 1 : 0));
  CHECK(pool.IsSetBack(row.refused) == !row.is_failure);
}

TEST_CASE("of a server error any token that serves is a witness") {
  const auto* const witness = GENERATE("p2", "p1k", "supplied");
  Court pool;
  pool.Judge(pool.Refuse("p1", Outcome::kServerError), witness);
  CHECK(pool.Of("p1").failures == 1);
  CHECK_FALSE(pool.IsSetBack("p1"));
}

TEST_CASE("an exchange that refuses one token is judged by who has been through the exchange") {
  const Outcome outcome = GENERATE(Outcome::kAuthRejected, Outcome::kServerError);
  Court pool;
  const auto deferred = pool.Refuse("p1", outcome, kAtExchange);
  SECTION("a witness with a JWT of before shows nothing") {
    pool.Judge(deferred, "p2", !kWitnessRefreshed);
    CHECK(pool.Of("p1").failures == 0);
    CHECK(pool.IsSetBack("p1"));
  }
  SECTION("one with a JWT of its own exchange does") {
    pool.Judge(deferred, "p2", kWitnessRefreshed);
    CHECK(pool.Of("p1").failures == 1);
    CHECK_FALSE(pool.IsSetBack("p1"));
  }
  SECTION("it lapses when the token itself was exchanged since") {
    pool.Tell("p1", "");
    pool.Judge(deferred, "p2", kWitnessRefreshed);
    CHECK(pool.Of("p1").failures == 0);
    CHECK_FALSE(pool.IsSetBack("p1"));
  }
}

TEST_CASE("that a token was exchanged since says nothing of what the agent refused") {
  Court pool;
  const auto deferred = pool.Refuse("p1");
  pool.Tell("p1", "");
  pool.Judge(deferred, "p2");
  CHECK(pool.Of("p1").failures == 1);
}

TEST_CASE("no token is its own witness") {
  Court pool;
  pool.Judge(pool.Refuse("p1"), "p1", kWitnessRefreshed);
  pool.Judge(pool.Refuse("p1", Outcome::kServerError), "p1", kWitnessRefreshed);
  CHECK(pool.Of("p1").failures == 0);
  CHECK_FALSE(pool.IsSetBack("p1"));
}

TEST_CASE("a deferred failure lapses when its token has served since") {
  Court pool;
  const auto* const witness = GENERATE("p2", "p1k");  // neither a failure, nor behind the others
  const auto deferred = pool.Refuse("p1");
  Lease lease = pool.TakeOne("p1");
  lease.NoteServing();
  pool.Judge(deferred, witness);
  CHECK(pool.Of("p1").failures == 0);
  CHECK_FALSE(pool.IsSetBack("p1"));
}

TEST_CASE("a request that was refused by a burst of one token's leases is one failure") {
  Court pool;
  std::vector<Lease> leases;
  for (int i = 0; i < 10; ++i) leases.push_back(pool.TakeOne("p1"));
  for (Lease& lease : leases) {
    const auto deferred = std::move(lease).End({Outcome::kAuthRejected, Status(Code::kUnauthorized, "refused")});
    pool.Judge(deferred.value(), "p2");
  }
  CHECK(pool.Of("p1").failures == 1);
}

TEST_CASE("a failure that is confirmed is told with the words of the refusal, and frees nobody") {
  Court pool(Recovering(1));
  const auto deferred = pool.Refuse("p1");
  pool.told.clear();
  pool.Judge(deferred, "p2");
  REQUIRE(pool.told.size() == 2);
  CHECK(pool.told[1].reason == "refused");
  CHECK(pool.told[1].until == pool.clock.Wall() + 60s);
  CHECK(pool.TakeLines() == Lines{"failure p1", "disabled p1"});
  CHECK(pool.StateOf("p1") == TokenState::kDisabled);
}

// -------------------------------------------------------------------------------------------------------- Flapping --

// p2 serves, and is refused some time later.
TEST_CASE("a service that refuses whom it served a moment ago is believed of nobody") {
  struct Row {
    Outcome outcome;                // of both
    std::chrono::milliseconds age;  // how long ago p2 had served when it met it
    std::chrono::milliseconds ago;  // and how long ago it met it
    int failures;                   // of p1
  };
  const auto row = GENERATE(values<Row>({{Outcome::kAuthRejected, 10min - 1ms, 0ms, 0},
                                         {Outcome::kServerError, 0ms, 0ms, 0},
                                         {Outcome::kAuthRejected, 0ms, 1min - 1ms, 0},
                                         {Outcome::kAuthRejected, 10min, 0ms, 1},
                                         {Outcome::kAuthRejected, 0ms, 1min, 1}}));
  Court pool;
  pool.Succeed("p2");
  pool.clock.Advance(row.age);
  pool.Refuse("p2", row.outcome);
  pool.clock.Advance(row.ago);
  pool.Judge(pool.Refuse("p1", row.outcome), "s1");
  CHECK(pool.Of("p1").failures == row.failures);
  CHECK_FALSE(pool.IsSetBack("p1"));
}

TEST_CASE("it is not flapping what others met who never served, or what was something else, or its own") {
  Court pool;
  SECTION("never served") {
    pool.Refuse("p2");
  }
  SECTION("something else") {
    pool.Succeed("p2");
    pool.Refuse("p2", Outcome::kServerError);
  }
  SECTION("an overload is nothing of the kind") {
    pool.Succeed("p2");
    pool.Meet("p2", Outcome::kOverloaded);
  }
  SECTION("its own") {
    pool.Succeed("p1");
    pool.Refuse("p1");
  }
  pool.Judge(pool.Refuse("p1"), "s1");
  CHECK(pool.Of("p1").failures == 1);
}

TEST_CASE("what was met in the minute before a refusal counts, however late its witness comes") {
  Court pool;
  pool.Succeed("p2");
  pool.Refuse("p2");
  pool.clock.Advance(30s);
  const auto deferred = pool.Refuse("p1");
  pool.clock.Advance(5min);
  pool.Judge(deferred, "s1");
  CHECK(pool.Of("p1").failures == 0);
}

TEST_CASE("what was met after the refusal, and before it is judged, counts as well") {
  Court pool;
  pool.Succeed("p2");
  const auto deferred = pool.Refuse("p1");
  pool.Refuse("p2");
  pool.Judge(deferred, "s1");
  CHECK(pool.Of("p1").failures == 0);
}

TEST_CASE("some refusals are remembered") {
  const int others = GENERATE(254, 255);
  Court pool(ForGood(1000));
  pool.Succeed("p2");
  pool.Refuse("p2");
  std::vector<Lease> leases;
  for (int i = 0; i < others; ++i) leases.push_back(pool.TakeOne("p3"));
  for (Lease& lease : leases) std::move(lease).End({Outcome::kAuthRejected, Status(Code::kUnauthorized, "no")});
  pool.Judge(pool.Refuse("p1"), "s1");  // p2's is the 256th, or is not remembered any more
  CHECK(pool.Of("p1").failures == (others == 254 ? 0 : 1));
}

// ----------------------------------------------------------------------------------------------- Behind all others --

// The tokens in the order in which one request would get them.
std::string OrderOf(Pool* pool, TokenPool::Wanted wanted = {}) {
  std::string order;
  while (const auto lease = pool->pool.Acquire(wanted)) {
    order += (order.empty() ? "" : " ") + lease->token().name();
    wanted.excluded.insert(&lease->token());
  }
  return order;
}

struct SetBackPool : Pool {
  explicit SetBackPool(std::vector<std::string> names, PoolOptions options = Recovering(3))
      : Pool(std::move(names), std::move(options)) {}
  // A token of another kind serves in its place, and it has rested.
  void SetBack(const std::string& name, Outcome outcome = Outcome::kAuthRejected) {
    const auto deferred = TakeOne(name).End({outcome, Status(Code::kUnauthorized, "refused")});
    const Token witness("witness", Tier::kPersonal, CredentialKind::kApiKey, Secret("hunter2-witness"));
    pool.Judge(deferred.value(), {&witness});
  }
};

TEST_CASE("tokens that are set back come behind all tiers, among themselves in their order, for a minute") {
  const auto strategy = GENERATE(Strategy::kRoundRobin, Strategy::kFillFirst, Strategy::kLeastInFlight);
  SetBackPool pool({"p1", "p2", "s1", "s2", "a1"}, With(strategy));
  pool.SetBack("s2");
  pool.SetBack("p1");
  pool.LetRest("p1");
  CHECK(OrderOf(&pool) == "p2 s1 a1 p1 s2");
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.Explained("p1").turn == 4);
  CHECK(pool.Explained("s2").turn == 5);
  CHECK(pool.Explained("p1").reason ==
        "ready, but behind all others since it was refused; 3 others would be tried before it");
  CHECK(pool.pool.view().Snapshot().Active() == 5);
  pool.clock.Advance(55s);  // and 5 s of rest
  CHECK(pool.Explained("p1").turn <= 2);
  CHECK(OrderOf(&pool).find("s2") < OrderOf(&pool).find("a1"));
}

TEST_CASE("a token that is set back takes turns with those that are, too") {
  SetBackPool pool({"p1", "p2", "p3"});
  for (const char* name : {"p1", "p2", "p3"}) pool.SetBack(name);
  for (const char* name : {"p1", "p2", "p3"}) pool.LetRest(name);
  std::string turns;
  for (int i = 0; i < 6; ++i) turns += pool.Take().token().name() + " ";  // dropped: which clears nothing
  CHECK(turns == "p1 p2 p3 p1 p2 p3 ");
}

TEST_CASE("a token that is set back serves whom nobody else may serve, and who stays with it") {
  SetBackPool pool({"p1", "p2", "s1"});
  pool.SetBack("p1");
  pool.LetRest("p1");
  CHECK(pool.Take(pool.AllBut("p1")).token().name() == "p1");
  TokenPool::Wanted preferred;
  preferred.preferred = &pool.token("p1");
  CHECK(pool.pool.Acquire(preferred)->token().name() == "p1");
  const auto only = *pool.pool.members().Restrict({}, {"p1"});
  TokenPool::Wanted restricted;
  restricted.only = only.get();
  CHECK(pool.pool.Acquire(restricted)->token().name() == "p1");
}

TEST_CASE("with its first event a token that was set back has its place again") {
  SetBackPool pool({"p1", "p2", "s1"}, With(Strategy::kFillFirst));
  pool.SetBack("p1");
  Lease lease = pool.TakeOne("p1");
  CHECK(OrderOf(&pool) == "p2 s1");  // one at a time tries it
  const int freed = pool.freed;
  lease.NoteServing();
  CHECK(pool.freed == freed + 1);
  CHECK(OrderOf(&pool) == "p1 p2 s1");
}

TEST_CASE("a recovery by hand gives a token its place again") {
  SetBackPool pool({"p1", "p2"}, With(Strategy::kFillFirst));
  pool.SetBack("p1");
  pool.LetRest("p1");
  REQUIRE(OrderOf(&pool) == "p2 p1");
  pool.pool.Recover("p1");
  CHECK(OrderOf(&pool) == "p1 p2");
}

TEST_CASE("a half-open token that is set back is tried after all others, and is there now") {
  SetBackPool pool({"p1", "s1"}, Recovering(1));
  pool.Blame("p1");
  pool.clock.Advance(60s);
  REQUIRE(pool.TakeOne("p1").is_probe());  // dropped
  pool.SetBack("p1");
  pool.clock.Advance(5s);
  CHECK(pool.StateOf("p1") == TokenState::kHalfOpen);
  CHECK(OrderOf(&pool) == "s1 p1");
  CHECK_FALSE(pool.pool.WhenReady({}).earliest);  // not when it comes behind nobody any more
}

TEST_CASE("those that are set back stay so, whoever comes and goes") {
  SetBackPool pool({"p1", "p2", "s1"}, With(Strategy::kFillFirst));
  pool.SetBack("p1");
  pool.LetRest("p1");
  REQUIRE(pool.pool.members().Add(ConfigOf("p3")).ok());
  CHECK(OrderOf(&pool) == "p2 p3 s1 p1");
  REQUIRE(pool.pool.members().Remove("p2").ok());
  CHECK(OrderOf(&pool) == "p3 s1 p1");
  pool.clock.Advance(55s);
  CHECK(OrderOf(&pool) == "p1 p3 s1");
}

TEST_CASE("a token that has rested by then is set back at once, which changes no state and is told to nobody") {
  SetBackPool pool({"p1", "p2"}, With(Strategy::kFillFirst));
  const auto deferred = pool.TakeOne("p1").End({Outcome::kAuthRejected, Status(Code::kUnauthorized, "refused")});
  pool.LetRest("p1");
  REQUIRE(pool.StateOf("p1") == TokenState::kReady);
  pool.told.clear();
  const Token witness("witness", Tier::kPersonal, CredentialKind::kApiKey, Secret("hunter2-witness"));
  pool.pool.Judge(deferred.value(), {&witness});
  CHECK(pool.told.empty());
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.Of("p1").failures == 0);
  CHECK(OrderOf(&pool) == "p2 p1");
}

}  // namespace
}  // namespace warppool::internal
