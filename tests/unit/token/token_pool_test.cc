#include "token/token_pool.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unit/fakes.h"

namespace warppool {
namespace {

using namespace std::chrono_literals;
using Catch::Contains;

// "p.." are personal tokens, "s.." shared, "a.." anonymous ones, named so.
struct Pool {
  explicit Pool(const std::vector<std::string>& names, int max_strikes = 1,
                std::vector<Tier> order = {Tier::kPersonal, Tier::kShared, Tier::kAnonymous})
      : pool({std::move(order), {max_strikes, 10s}}, Configs(names), clock, PoolReporter(log.logger(), nullptr, clock)) {}

  static std::vector<TokenConfig> Configs(const std::vector<std::string>& names) {
    std::vector<TokenConfig> configs;
    for (const std::string& name : names) {
      const Tier tier = name[0] == 'p' ? Tier::kPersonal : name[0] == 's' ? Tier::kShared : Tier::kAnonymous;
      configs.push_back({Secret("hunter2-" + name), tier, CredentialKind::kRefreshToken, name});
    }
    return configs;
  }
  Lease Take(const TokenPool::Tokens& excluded = {}) {
    auto lease = pool.Acquire({excluded});
    REQUIRE(lease);
    return *std::move(lease);
  }
  // The names of the next `count` tokens to serve, all of which succeed.
  std::string Turns(int count) {
    std::string turns;
    for (int i = 0; i < count; ++i) {
      Lease lease = Take();
      turns += (i == 0 ? "" : " ") + lease.token().name();
      std::move(lease).End({Outcome::kSuccess});
    }
    return turns;
  }
  // Ends a lease of the token `name` in this way, without a turn of its own for anybody else.
  std::optional<Lease::Charge> Meet(const std::string& name, Outcome outcome, const std::string& why = "because") {
    TokenPool::Tokens others;
    for (const TokenStatus& token : pool.Snapshot().tokens) {
      if (token.name != name) others.insert(pool.Find(token.name).get());
    }
    return Take(others).End({outcome, Status(Code::kUnauthorized, why)});
  }
  TokenStatus Of(const std::string& name) {
    for (const TokenStatus& token : pool.Snapshot().tokens) {
      if (token.name == name) return token;
    }
    FAIL("no token " << name);
    return {};
  }

  FakeClock clock;
  LogLines log;
  TokenPool pool;
};

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
  Pool pool({"p1", "s1", "a1"}, 1, {Tier::kAnonymous, Tier::kPersonal});
  CHECK(pool.Turns(1) == "a1");
  pool.Meet("a1", Outcome::kAuthDead);
  CHECK(pool.Turns(1) == "p1");
  pool.Meet("p1", Outcome::kAuthDead);
  CHECK_FALSE(pool.pool.Acquire({}));
  CHECK(pool.pool.Snapshot().tokens.size() == 2);
  CHECK(pool.pool.Find("s1") == nullptr);
}

TEST_CASE("the tokens of a tier take turns, beginning with the first one") {
  Pool pool({"p1", "p2", "p3"});
  CHECK(pool.Turns(7) == "p1 p2 p3 p1 p2 p3 p1");
}

TEST_CASE("a neighbour that is disabled changes nobody else's share") {
  Pool pool({"p1", "p2", "p3"});
  CHECK(pool.Turns(2) == "p1 p2");
  pool.Meet("p3", Outcome::kAuthDead);
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
  TokenPool::Tokens tried{pool.pool.Find("p1").get()};
  CHECK(pool.Take(tried).token().name() == "p2");
  tried.insert(pool.pool.Find("p2").get());
  CHECK(pool.pool.AnyReady({tried}));
  CHECK(pool.Take(tried).token().name() == "s1");
  tried.insert(pool.pool.Find("s1").get());
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
  CHECK(pool.Of("p1").strikes == 0);
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

TEST_CASE("a server error strikes only when another token serves the request") {
  Pool pool({"p1", "p2"});
  const auto charge = pool.Meet("p1", Outcome::kServerError);
  REQUIRE(charge);
  CHECK(pool.Of("p1").strikes == 0);
  SECTION("confirmed") {
    pool.pool.Confirm(*charge);
    CHECK(pool.Of("p1").state == TokenState::kDisabled);
    CHECK(pool.Of("p1").blamed == 1);
  }
  SECTION("lapsed, since it proved itself") {
    pool.Meet("p1", Outcome::kSuccess);
    pool.pool.Confirm(*charge);
    CHECK(pool.Of("p1").state == TokenState::kReady);
  }
  CHECK_FALSE(pool.Meet("p2", Outcome::kOverloaded));
  CHECK_FALSE(pool.Meet("p2", Outcome::kAuthRejected));
}

TEST_CASE("whoever asks why no token is ready is told for each") {
  Pool pool({"p1", "p2", "s1", "s2"});
  CHECK(pool.pool.WhyNotReady({}).empty());
  pool.Meet("p1", Outcome::kAuthDead, "expired");
  pool.Meet("p2", Outcome::kQuotaExhausted, "used up");
  pool.Meet("s2", Outcome::kAuthRejected, "refused");
  const auto reasons = pool.pool.WhyNotReady({pool.pool.Find("s2").get()});
  REQUIRE(reasons.size() == 2);
  CHECK(reasons[0].token == "p1");
  CHECK(reasons[0].code == Code::kNoTokenReady);
  CHECK(reasons[0].message == "disabled: expired");
  CHECK(reasons[1].token == "p2");
  CHECK(reasons[1].message == "cooling: used up");
  pool.clock.Advance(10s);
  CHECK(pool.pool.WhyNotReady({}).size() == 2);
}

TEST_CASE("the reason for a rest is not forgotten over what happens later") {
  Pool pool({"p1"});
  const Lease late = pool.Take();
  Lease later = pool.Take();
  pool.Meet("p1", Outcome::kAuthDead, "expired");
  std::move(later).End({Outcome::kNetwork, Status(Code::kNetwork, "lost")});
  CHECK(pool.pool.WhyNotReady({}).at(0).message == "disabled: expired");
  CHECK(pool.Of("p1").last_error_message == "lost");
}

TEST_CASE("a confirmed charge is explained by the error that it was made for") {
  Pool pool({"p1", "p2"});
  const auto charge = pool.Meet("p1", Outcome::kServerError, "failed with 500");
  REQUIRE(charge);
  pool.Meet("p1", Outcome::kNetwork, "lost");
  pool.pool.Confirm(*charge);
  CHECK(pool.pool.WhyNotReady({}).at(0).message == "disabled: failed with 500");
}

TEST_CASE("the summary says per tier how many are ready, and of how many where some are not") {
  Pool pool({"p1", "p2", "p3", "p4", "s1", "s2"});
  CHECK(pool.pool.Snapshot().Summary() == "6/6 active (PERSONAL: 4, SHARED: 2)");
  pool.Meet("p2", Outcome::kAuthDead);
  CHECK(pool.pool.Snapshot().Summary() == "5/6 active (PERSONAL: 3/4, SHARED: 2)");
  pool.Meet("s1", Outcome::kQuotaExhausted);
  pool.Meet("s2", Outcome::kQuotaExhausted);
  CHECK(pool.pool.Snapshot().Summary() == "3/6 active (PERSONAL: 3/4, SHARED: 0/2)");
  CHECK(pool.pool.Snapshot().Active() == 3);
  pool.clock.Advance(10s);
  CHECK(pool.pool.Snapshot().Active() == 5);
}

TEST_CASE("a snapshot tells what is known of a token") {
  Pool pool({"s1"}, 3);
  pool.pool.Find("s1")->SetJwt(
      std::make_shared<const Jwt>(MakeJwt(Secret("jwt-hunter2"), 60s, pool.clock.Steady(), pool.clock.Wall())));
  pool.Meet("s1", Outcome::kAuthRejected, "refused");
  pool.Meet("s1", Outcome::kQuotaExhausted, "used up");
  const TokenStatus token = pool.Of("s1");
  CHECK(token.tier == Tier::kShared);
  CHECK(token.state == TokenState::kCooling);
  CHECK(token.strikes == 1);
  CHECK(token.refreshes == 1);
  CHECK(token.last_error == Code::kUnauthorized);
  CHECK(token.last_error_message == "used up");
  CHECK(token.ready_at == pool.clock.Wall() + 10s);
  CHECK(token.jwt_expires == pool.clock.Wall() + 60s);
  pool.clock.Advance(60s);
  CHECK_FALSE(pool.Of("s1").ready_at);
  CHECK_FALSE(pool.Of("s1").jwt_expires);
}

TEST_CASE("the log tells what becomes of tokens, under their names") {
  Pool pool({"p1", "s1"}, 2);
  pool.Meet("p1", Outcome::kAuthRejected, "refused");
  pool.Meet("p1", Outcome::kSuccess);
  pool.Meet("p1", Outcome::kAuthRejected, "refused");
  pool.Meet("p1", Outcome::kAuthRejected, "refused");
  pool.Meet("s1", Outcome::kAuthDead, "expired");
  CHECK_THAT(pool.log.text(), Contains("INFO Selected token: p1 (priority: PERSONAL)\n") &&
                                  Contains("WARNING Token failure 1/2: p1: refused\n") &&
                                  Contains("INFO Token works again: p1: it served a request, its failures are cleared\n") &&
                                  Contains("WARNING Token deactivated after 2 failures: p1: refused\n") &&
                                  Contains("WARNING Token deactivated: s1: expired\n") && !Contains("hunter2"));
}

}  // namespace
}  // namespace warppool
