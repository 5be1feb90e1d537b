#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "unit/token/pool_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

// "p1 1, p2 0": the tokens and their turns, in the order of the pool.
std::string TurnsOf(Pool* pool) {
  std::string text;
  for (const TokenExplanation& e : pool->pool.view().Explain()) {
    text += (text.empty() ? "" : ", ") + e.name + " " + std::to_string(e.turn);
  }
  return text;
}

TEST_CASE("whoever asks why no token is ready is told for each") {
  Pool pool({"p1", "p2", "s1", "s2"});
  CHECK(pool.pool.view().WhyNotReady({}).empty());
  pool.Meet("p1", Outcome::kAuthRevoked, "expired");
  pool.Meet("p2", Outcome::kQuotaExhausted, "used up");
  pool.Blame("s2", "refused");
  const auto reasons = pool.pool.view().WhyNotReady({pool.pool.members().Find("s2").get()});
  REQUIRE(reasons.size() == 2);
  CHECK(reasons[0].token == "p1");
  CHECK(reasons[0].code == Code::kNoTokenReady);
  CHECK(reasons[0].message == "disabled: expired");
  CHECK(reasons[1].token == "p2");
  CHECK(reasons[1].message == "cooling: used up");
  pool.clock.Advance(10s);
  CHECK(pool.pool.view().WhyNotReady({}).size() == 2);
}

TEST_CASE("the reason why it is disabled is not forgotten over what happens later") {
  Pool pool({"p1"});
  const Lease late = pool.Take();
  Lease later = pool.Take();
  pool.Meet("p1", Outcome::kAuthRevoked, "expired");
  std::move(later).End({Outcome::kNetwork, Status(Code::kNetwork, "lost")});
  CHECK(pool.pool.view().WhyNotReady({}).at(0).message == "disabled: expired");
  CHECK(pool.Of("p1").last_error_message == "lost");
}

TEST_CASE("a failure that is confirmed later is explained by the error that it was") {
  Pool pool({"p1", "p2"});
  const auto deferred = pool.Meet("p1", Outcome::kServerError, "failed with 500");
  pool.Meet("p1", Outcome::kNetwork, "lost");
  pool.Confirm(deferred);
  CHECK(pool.pool.view().WhyNotReady({}).at(0).message == "disabled: failed with 500");
}

TEST_CASE("the summary says per tier how many are ready, and of how many where some are not") {
  Pool pool({"p1", "p2", "p3", "p4", "s1", "s2"});
  CHECK(pool.pool.view().Snapshot().Summary() == "6/6 active (PERSONAL: 4, SHARED: 2)");
  pool.Meet("p2", Outcome::kAuthRevoked);
  CHECK(pool.pool.view().Snapshot().Summary() == "5/6 active (PERSONAL: 3/4, SHARED: 2)");
  pool.Meet("s1", Outcome::kQuotaExhausted);
  pool.Meet("s2", Outcome::kQuotaExhausted);
  CHECK(pool.pool.view().Snapshot().Summary() == "3/6 active (PERSONAL: 3/4, SHARED: 0/2)");
  CHECK(pool.pool.view().Snapshot().Active() == 3);
  pool.clock.Advance(10s);
  CHECK(pool.pool.view().Snapshot().Active() == 5);
}

TEST_CASE("a snapshot tells what is known of a token") {
  Pool pool({"s1"}, ForGood(3));
  pool.pool.members().Find("s1")->SetJwt(
      std::make_shared<const Jwt>(MakeJwt(Secret("jwt-hunter2"), 60s, pool.clock.Steady(), pool.clock.Wall())));
  pool.Tell("s1", "alice");
  const auto jwt_expires = pool.clock.Wall() + 60s;
  pool.Blame("s1", "refused");
  pool.Meet("s1", Outcome::kQuotaExhausted, "used up");
  const TokenStatus token = pool.Of("s1");
  CHECK(token.tier == Tier::kShared);
  CHECK(token.state == TokenState::kCooling);
  CHECK(token.failures == 1);
  CHECK(token.refreshes == 1);
  CHECK(token.last_error == Code::kUnauthorized);
  CHECK(token.last_error_message == "used up");
  CHECK(token.ready_at == pool.clock.Wall() + 10s);
  CHECK(token.jwt_expires == jwt_expires);
  pool.clock.Advance(60s);
  CHECK_FALSE(pool.Of("s1").ready_at);
  CHECK_FALSE(pool.Of("s1").jwt_expires);
}

// -------------------------------------------------------------------------------------------------------- Explain() --

TEST_CASE("with all ready it explains the order of each strategy") {
  struct Row {
    Strategy strategy;
    const char* turns;
  };
  const auto row = GENERATE(values<Row>({
      {Strategy::kRoundRobin, "p1 3, p2 1, p3 2, s1 4"},
      {Strategy::kFillFirst, "p1 1, p2 2, p3 3, s1 4"},
      {Strategy::kLeastInFlight, "p1 2, p2 3, p3 1, s1 4"},
  }));
  Pool pool({"p1", "p2", "p3", "s1"}, With(row.strategy));
  const Lease second = pool.TakeOne("p2");
  const Lease first = pool.TakeOne("p1");  // the last one
  Lease again = pool.TakeOne("p2");
  pool.TakeOne("p1").End({Outcome::kSuccess});
  // In flight: p1 one, p2 two, p3 none; the turn is with p2.
  CHECK(TurnsOf(&pool) == row.turns);
}

TEST_CASE("requests get the tokens in the order that it explains") {
  const auto strategy = GENERATE(Strategy::kRoundRobin, Strategy::kFillFirst, Strategy::kLeastInFlight);
  Pool pool({"p1", "p2", "p3", "p4", "s1", "s2"}, With(strategy, 3));
  pool.Blame("p2");
  pool.Blame("s1");
  pool.clock.Advance(60s);
  pool.Meet("p3", Outcome::kQuotaExhausted);
  const Lease busy = pool.TakeOne("p4");
  std::vector<std::string> explained(7);
  for (const TokenExplanation& e : pool.pool.view().Explain()) {
    if (e.turn > 0) explained.at(static_cast<std::size_t>(e.turn)) = e.name;
  }
  TokenPool::Wanted wanted;
  std::vector<std::string> got{""};
  while (const auto lease = pool.pool.Acquire(wanted)) {
    got.push_back(lease->token().name());
    wanted.excluded.insert(&lease->token());
    if (lease->is_probe()) wanted.may_probe = false;  // one in a request
  }
  explained.resize(got.size());
  CHECK(got == explained);
  CHECK(got.size() == 5);  // without the cooling one, and the second one that is half open
}

TEST_CASE("it says for each token why") {
  Pool pool({"p1", "p2", "p3", "p4", "p5", "p6"}, Recovering());
  pool.Blame("p4", "refused");
  pool.Blame("p5", "refused, too");
  pool.clock.Advance(60s);
  pool.Meet("p2", Outcome::kQuotaExhausted, "used up", 5s);
  pool.Meet("p3", Outcome::kAuthRevoked, "expired");
  pool.Succeed("p6");
  const auto now = pool.clock.Wall();
  const auto explained = pool.pool.view().Explain();
  REQUIRE(explained.size() == 6);
  CHECK(explained[0].turn == 1);
  CHECK(explained[0].tier == Tier::kPersonal);
  CHECK(explained[0].reason == "ready; its turn is next");
  CHECK_FALSE(explained[0].until);
  CHECK(explained[1].turn == 0);
  CHECK(explained[1].reason == "cooling: used up");
  CHECK(explained[1].until == now + 5s);
  CHECK(explained[2].turn == 0);
  CHECK(explained[2].reason == "disabled: expired");
  CHECK_FALSE(explained[2].until);
  CHECK(explained[3].turn == 2);
  CHECK(explained[3].reason == "half open after \"refused\", and to be tried; 1 other would be tried before it");
  CHECK(explained[4].turn == 0);
  CHECK(explained[4].reason == "half open; a request tries one such token, and another one's turn is before");
  CHECK_FALSE(explained[4].until);
  CHECK(explained[5].turn == 3);
  CHECK(explained[5].reason == "ready; 2 others would be tried before it");
}

TEST_CASE("it says until when a token is disabled") {
  Pool pool({"p1"}, Recovering());
  pool.Blame("p1", "refused");
  CHECK(pool.Explained("p1").turn == 0);
  CHECK(pool.Explained("p1").until == pool.clock.Wall() + 60s);
  pool.clock.Advance(60s);
  CHECK(pool.Explained("p1").turn == 1);
  CHECK(pool.Explained("p1").reason == "half open after \"refused\", and to be tried; its turn is next");
}

TEST_CASE("it tells a busy token from one that is being tried") {
  Pool pool({"p1", "p2"}, With(Strategy::kRoundRobin, 1));
  const Lease busy = pool.TakeOne("p1");
  pool.Blame("p2");
  pool.clock.Advance(60s);
  const Lease probe = pool.TakeOne("p2");
  for (const char* name : {"p1", "p2"}) {
    CHECK(pool.Explained(name).turn == 0);
    CHECK_FALSE(pool.Explained(name).until);  // any moment
  }
  CHECK(pool.Explained("p1").reason == "busy: 1 of 1 requests at a time");
  CHECK(pool.Explained("p2").reason == "half open: a request is trying it");
}

TEST_CASE("to explain changes nothing") {
  Pool pool({"p1", "p2", "p3"});
  for (const char* name : {"p1", "p2", "p3", "p1"}) {
    for (int i = 0; i < 3; ++i) pool.pool.view().Explain();
    CHECK(pool.Turns(1) == name);
  }
}

TEST_CASE("a snapshot of a half-open token says since when it may be tried") {
  Pool pool({"p1"}, Recovering());
  pool.Blame("p1", "refused");
  const auto since = pool.clock.Wall() + 60s;
  pool.clock.Advance(100s);
  const TokenStatus token = pool.Of("p1");
  CHECK(token.state == TokenState::kHalfOpen);
  CHECK(token.ready_at == since);
  CHECK(token.reason == "refused");
  CHECK(token.failures == 1);
  CHECK(token.total_failures == 1);
}

}  // namespace
}  // namespace warppool::internal
