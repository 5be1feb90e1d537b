// Requests that only some of the tokens may serve.

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "unit/token/membership_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Tiers = std::vector<Tier>;
using TokenNames = std::vector<std::string>;

// Who may serve, and what is wanted so.
struct OnlyThese {
  OnlyThese(Pool* pool, const Tiers& tiers, const TokenNames& names) {
    auto made = pool->pool.members().Restrict(tiers, names);
    REQUIRE(made.status().ToString() == "ok");
    restriction = *std::move(made);
    wanted.only = restriction.get();
  }
  std::shared_ptr<const TokenRestriction> restriction;
  TokenPool::Wanted wanted;
};

// The names of the next `count` tokens that serve such a request; "-": none.
std::string TurnsWith(Pool* pool, const OnlyThese& only, int count) {
  std::string turns;
  for (int i = 0; i < count; ++i) {
    auto lease = pool->pool.Acquire(only.wanted);
    turns += (i == 0 ? "" : " ") + (lease ? lease->token().name() : "-");
    if (lease) std::move(*lease).End({Outcome::kSuccess});
  }
  return turns;
}

std::string RestrictionFault(const Pool& pool, const Tiers& tiers, const TokenNames& names) {
  const auto made = pool.pool.members().Restrict(tiers, names);
  if (made.ok()) return "no refusal";
  CHECK(made.code() == Code::kInvalidArgument);
  return made.status().message();
}

// Those whose lines are in WhyNotReady().
std::string TokensIn(const std::vector<Attempt>& reasons) {
  std::string named;
  for (const Attempt& reason : reasons) named += (named.empty() ? "" : " ") + reason.token;
  return named;
}

}  // namespace

TEST_CASE("a request without tiers and names is not restricted") {
  Pool pool({"p1", "s1"});
  const auto none = pool.pool.members().Restrict({}, {});
  REQUIRE(none.ok());
  CHECK(*none == nullptr);
}

TEST_CASE("only tokens of the request's tiers serve, in the order of the client") {
  Pool pool({"p1", "s1", "s2", "a1"});
  const OnlyThese shared(&pool, {Tier::kShared}, {});
  CHECK(TurnsWith(&pool, shared, 3) == "s1 s2 s1");
  const OnlyThese late(&pool, {Tier::kAnonymous, Tier::kShared, Tier::kAnonymous}, {});
  CHECK(TurnsWith(&pool, late, 2) == "s2 s1");
  for (const char* name : {"s1", "s2"}) pool.Meet(name, Outcome::kQuotaExhausted);
  CHECK(TurnsWith(&pool, late, 2) == "a1 a1");
  CHECK(TurnsWith(&pool, shared, 1) == "-");
  CHECK(pool.Turns(1) == "p1");
}

TEST_CASE("only tokens with the request's names serve, and with tiers only those in both") {
  Pool pool({"p1", "p2", "p3", "s1", "a1"});
  const OnlyThese named(&pool, {}, {"a1", "p3", "p1", "p3"});
  CHECK(TurnsWith(&pool, named, 3) == "p1 p3 p1");
  const OnlyThese both(&pool, {Tier::kShared, Tier::kAnonymous}, {"p1", "a1"});
  CHECK(TurnsWith(&pool, both, 2) == "a1 a1");
  pool.Meet("a1", Outcome::kAuthRevoked);
  CHECK(TurnsWith(&pool, both, 1) == "-");
  CHECK(TurnsWith(&pool, named, 2) == "p3 p1");
}

TEST_CASE("what no token can satisfy is refused, with its place") {
  PoolOptions options = ForGood();
  options.tier_order = {Tier::kShared, Tier::kPersonal};
  const Pool pool({"p1", "a1"}, options);
  CHECK(RestrictionFault(pool, {Tier::kPersonal, static_cast<Tier>(0)}, {}) == "tiers[1]: is no tier");
  CHECK(RestrictionFault(pool, {static_cast<Tier>(4)}, {"p1"}) == "tiers[0]: is no tier");
  CHECK(RestrictionFault(pool, {}, {"p1", "p2"}) == "tokens[1]: no token is called \"p2\"");
  CHECK(RestrictionFault(pool, {}, {""}) == "tokens[0]: no token is called \"\"");
  CHECK(RestrictionFault(pool, {}, {"a1"}) == "tokens[0]: no token is called \"a1\"");  // its tier is not used
  CHECK(RestrictionFault(pool, {Tier::kShared}, {}) == "tiers: SHARED has no token");
  CHECK(RestrictionFault(pool, {Tier::kAnonymous, Tier::kShared}, {}) ==
        "tiers: ANONYMOUS is not in tier_order, SHARED has no token");
  CHECK(RestrictionFault(pool, {Tier::kShared}, {"p1"}) == "tokens: none of them is in one of the request's tiers");
  CHECK(RestrictionFault(pool, {Tier::kShared, Tier::kPersonal}, {}) == "no refusal");
}

TEST_CASE("a name stands for the token that has it at the start") {
  Pool pool({"p1", "p2", "s1"});
  const OnlyThese only(&pool, {}, {"p1"});
  SECTION("renamed, it may serve still, and who gets its name may not") {
    REQUIRE(pool.pool.members().Rename("p1", "mine").ok());
    REQUIRE(pool.pool.members().Rename("p2", "p1").ok());
    CHECK(TurnsWith(&pool, only, 2) == "mine mine");
  }
  SECTION("with another credential it may serve still") {
    REQUIRE(pool.pool.members().Replace("p1", Unnamed("hunter2-new")).ok());
    CHECK(TurnsWith(&pool, only, 2) == "p1 p1");
    REQUIRE(pool.pool.members().Replace("p1", Unnamed("hunter2-newer")).ok());
    CHECK(TurnsWith(&pool, only, 1) == "p1");
  }
  SECTION("removed, it cannot serve any more, nor can a new one of its name") {
    REQUIRE(pool.pool.members().Remove("p1").ok());
    CHECK_FALSE(pool.pool.members().HasAny(*only.restriction));
    REQUIRE(pool.pool.members().Add(ConfigOf("p1")).ok());
    CHECK(TurnsWith(&pool, only, 2) == "- -");
    CHECK_FALSE(pool.pool.members().HasAny(*only.restriction));
    CHECK_FALSE(pool.pool.WhenReady(only.wanted).earliest);
  }
  SECTION("in a new configuration it is known by its credential, else by its name") {
    std::vector<std::shared_ptr<Token>> added;
    auto configs = Pool::Configs({"p1", "p2", "s1"});
    std::swap(configs[0].name, configs[1].name);
    pool.pool.members().Reload(ForGood(), configs, &added);
    CHECK(TurnsWith(&pool, only, 2) == "p2 p2");
    configs[0].credential = Secret("hunter2-new");
    pool.pool.members().Reload(ForGood(), configs, &added);
    CHECK(TurnsWith(&pool, only, 2) == "p2 p2");
    configs.erase(configs.begin());
    pool.pool.members().Reload(ForGood(), configs, &added);
    CHECK(TurnsWith(&pool, only, 2) == "- -");
  }
}

TEST_CASE("a token's tier is the one that it is in when it is chosen") {
  Pool pool({"p1", "p2", "s1"});
  const OnlyThese personal(&pool, {Tier::kPersonal}, {});
  const OnlyThese both(&pool, {Tier::kPersonal}, {"p1"});
  REQUIRE(pool.pool.members().Move("p1", Tier::kShared).ok());
  CHECK(TurnsWith(&pool, personal, 2) == "p2 p2");
  CHECK(TurnsWith(&pool, both, 1) == "-");
  CHECK_FALSE(pool.pool.members().HasAny(*both.restriction));
  REQUIRE(pool.pool.members().Move("p1", Tier::kPersonal).ok());
  CHECK(TurnsWith(&pool, both, 1) == "p1");
  REQUIRE(pool.pool.members().Move("s1", Tier::kPersonal).ok());
  REQUIRE(pool.pool.members().Add(ConfigOf("p3")).ok());
  CHECK(TurnsWith(&pool, personal, 4) == "s1 p3 p2 p1");
}

TEST_CASE("only tokens that may serve count for when one is ready") {
  Pool pool({"p1", "s1"}, With(Strategy::kRoundRobin, 1));
  const OnlyThese personal(&pool, {Tier::kPersonal}, {});
  pool.Meet("p1", Outcome::kQuotaExhausted, "because", 50s);
  CHECK(pool.pool.AnyReady({}));
  CHECK_FALSE(pool.pool.AnyReady(personal.wanted));
  CHECK(pool.pool.WhenReady(personal.wanted).earliest == 50s);
  pool.Meet("s1", Outcome::kQuotaExhausted, "because", 20s);
  CHECK(pool.pool.WhenReady({}).earliest == 20s);
  CHECK(pool.pool.WhenReady(personal.wanted).earliest == 50s);
  pool.clock.Advance(20s);
  const Lease busy = pool.Take();
  CHECK(busy.token().name() == "s1");
  CHECK(pool.pool.WhenReady({}).busy);
  CHECK_FALSE(pool.pool.WhenReady(personal.wanted).busy);
  CHECK(TokensIn(pool.pool.view().WhyNotReady({})) == "p1 s1");
  CHECK(TokensIn(pool.pool.view().WhyNotReady({}, personal.restriction.get())) == "p1");
  CHECK(pool.pool.members().AnyOther({&pool.token("p1")}));
  CHECK_FALSE(pool.pool.members().AnyOther({&pool.token("p1")}, personal.restriction.get()));
  CHECK(pool.pool.members().AnyOther({}, personal.restriction.get()));
}

TEST_CASE("a disabled token is tried by those whom it may serve") {
  Pool pool({"p1", "s1"}, Recovering());
  const OnlyThese personal(&pool, {Tier::kPersonal}, {});
  const OnlyThese shared(&pool, {}, {"s1"});
  pool.Blame("s1");
  pool.Blame("p1");
  pool.clock.Advance(60s);
  const auto probe = pool.pool.Acquire(shared.wanted);
  REQUIRE(probe);
  CHECK(probe->is_probe());
  CHECK(probe->token().name() == "s1");
  CHECK_FALSE(pool.pool.Acquire(shared.wanted));
  CHECK(pool.pool.WhenReady(shared.wanted).busy);
  const auto other = pool.pool.Acquire(personal.wanted);
  REQUIRE(other);
  CHECK(other->token().name() == "p1");
}

TEST_CASE("the token that a conversation keeps to, and those of its account, serve only if they may") {
  Pool pool({"p1", "p2", "s1", "s2"});
  for (const char* name : {"p2", "s1", "s2"}) pool.Tell(name, "account");
  OnlyThese personal(&pool, {Tier::kPersonal}, {});
  personal.wanted.preferred = &pool.token("s1");
  CHECK(TurnsWith(&pool, personal, 2) == "p2 p2");
  OnlyThese first(&pool, {}, {"p1"});
  first.wanted.preferred = &pool.token("s1");
  CHECK(TurnsWith(&pool, first, 2) == "p1 p1");
  CHECK(pool.pool.members().Concerns(pool.token("s1"), *personal.restriction));
  CHECK(pool.pool.members().Concerns(pool.token("p1"), *first.restriction));
  CHECK_FALSE(pool.pool.members().Concerns(pool.token("s1"), *first.restriction));
}

}  // namespace warppool::internal
