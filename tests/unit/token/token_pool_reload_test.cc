// A whole configuration at once: who is taken for whom, and what stays of them.

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
using Names_ = std::vector<std::string>;
using Lines = Pool::Lines;

struct Reloading : Pool {
  using Pool::Pool;
  ReloadResult Reload(const std::vector<TokenConfig>& tokens, PoolOptions options = Recovering()) {
    added.clear();
    told.clear();
    return pool.members().Reload(std::move(options), tokens, &added);
  }
  ReloadResult Reload(const std::vector<std::string>& tokens) { return Reload(Configs(tokens)); }

  std::vector<std::shared_ptr<Token>> added;
};

void Check(const ReloadResult& result, const Names_& added, const Names_& removed, const Names_& changed, int kept) {
  CHECK(result.added == added);
  CHECK(result.removed == removed);
  CHECK(result.changed == changed);
  CHECK(result.kept == kept);
}

TEST_CASE("the same configuration once more changes nothing") {
  Reloading pool({"p1", "p2", "s1"}, Recovering());
  const auto token = pool.pool.members().Find("p2");
  pool.Blame("p1", "refused");
  Lease lease = pool.TakeOne("p2");
  Check(pool.Reload(Names_{"p1", "p2", "s1"}), {}, {}, {}, 3);
  CHECK(pool.told.empty());
  CHECK(pool.added.empty());
  CHECK(pool.pool.members().Find("p2") == token);
  CHECK(pool.StateOf("p1") == TokenState::kDisabled);
  CHECK(pool.Of("p1").reason == "refused");
  CHECK(pool.Of("p2").in_flight == 1);
  std::move(lease).End({Outcome::kSuccess});
  CHECK(pool.Of("p2").in_flight == 0);
  CHECK(pool.Of("p2").served == 1);
}

TEST_CASE("tokens come and go, and those that stay go on") {
  Reloading pool({"p1", "p2", "s1"}, Recovering());
  std::vector<std::string> gone;
  pool.on_gone = [&](const std::shared_ptr<Token>& token) { gone.push_back(token->name()); };
  pool.Meet("p2", Outcome::kQuotaExhausted, "spent", 60s);
  Check(pool.Reload(Names_{"a1", "s2", "p2"}), {"a1", "s2"}, {"p1", "s1"}, {}, 1);
  CHECK(gone == Names_{"p1", "s1"});
  CHECK(pool.TakeLines() == Lines{"loaded a1", "loaded s2", "removed p1", "removed s1"});
  REQUIRE(pool.added.size() == 2);
  CHECK(pool.added[0] == pool.pool.members().Find("a1"));
  CHECK(pool.added[1] == pool.pool.members().Find("s2"));
  CHECK(Names(&pool) == "p2 | s2 | a1");
  CHECK(pool.StateOf("p2") == TokenState::kCooling);
  CHECK(pool.Turns(1) == "s2");
  pool.clock.Advance(60s);
  CHECK(pool.Turns(1) == "p2");
}

TEST_CASE("a token is known by its credential, whatever it is called") {
  Reloading pool({"p1", "p2"}, Recovering());
  pool.Blame("p1");
  TokenConfig config = Unnamed("hunter2-p1");
  SECTION("under another name") {
    config.name = "mine";
    Check(pool.Reload({config, ConfigOf("p2")}), {}, {}, {"mine"}, 1);
    const auto told = pool.TakeOf(PoolEventKind::kChanged);
    REQUIRE(told.size() == 1);
    CHECK(told[0].reason == "renamed, it was p1");
    CHECK(pool.StateOf("mine") == TokenState::kDisabled);
  }
  SECTION("under none") {
    const std::string automatic = AutomaticName(Tier::kPersonal, Secret("hunter2-p1"), 6);
    Check(pool.Reload({config, ConfigOf("p2")}), {}, {}, {automatic}, 1);
    CHECK(pool.StateOf(automatic) == TokenState::kDisabled);
    // From now on the name follows it.
    CHECK(*pool.pool.members().Move(automatic, Tier::kShared) == AutomaticName(Tier::kShared, Secret("hunter2-p1"), 6));
  }
  SECTION("in another tier") {
    config.name = "p1";
    config.tier = Tier::kShared;
    Check(pool.Reload({ConfigOf("p2"), config}), {}, {}, {"p1"}, 1);
    const auto told = pool.TakeOf(PoolEventKind::kChanged);
    REQUIRE(told.size() == 1);
    CHECK(told[0].reason == "moved from tier PERSONAL");
    CHECK(Names(&pool) == "p2 | p1");
    CHECK(pool.StateOf("p1") == TokenState::kDisabled);
  }
  SECTION("both") {
    config.name = "mine";
    config.tier = Tier::kShared;
    Check(pool.Reload({config, ConfigOf("p2")}), {}, {}, {"mine"}, 1);
    const auto told = pool.TakeOf(PoolEventKind::kChanged);
    REQUIRE(told.size() == 1);
    CHECK(told[0].reason == "moved from tier PERSONAL, it was p1");
  }
  SECTION("even if two swap their names") {
    config.name = "p2";
    TokenConfig other = Unnamed("hunter2-p2");
    other.name = "p1";
    Check(pool.Reload({config, other}), {}, {}, {"p2", "p1"}, 0);
    CHECK(pool.StateOf("p2") == TokenState::kDisabled);
    CHECK(pool.StateOf("p1") == TokenState::kReady);
    CHECK(pool.pool.members().Find("p1")->configured().Reveal() == "hunter2-p2");
  }
}

TEST_CASE("a token is known by the credential that replaced the configured one, and keeps what it knows") {
  Reloading pool({"p1", "p2"}, Recovering());
  pool.token("p1").Rotate(Secret("hunter2-rotated"));
  const auto token = pool.pool.members().Find("p1");
  TokenConfig config = Unnamed("hunter2-rotated");
  config.name = "p1";
  Check(pool.Reload({config, ConfigOf("p2")}), {}, {}, {}, 2);
  CHECK(pool.pool.members().Find("p1") == token);
  CHECK(token->credential().Reveal() == "hunter2-rotated");
  CHECK(token->serial() == 1);
}

TEST_CASE("another credential under the name of one that is gone is its replacement") {
  Reloading pool({"p1", "p2"}, Recovering());
  pool.Succeed("p1");
  pool.Meet("p1", Outcome::kAuthRevoked);
  const auto old = pool.pool.members().Find("p1");
  std::vector<std::shared_ptr<Token>> gone;
  pool.on_gone = [&](const std::shared_ptr<Token>& token) { gone.push_back(token); };
  TokenConfig config = Unnamed("hunter2-other", Tier::kShared);
  config.name = "p1";
  Check(pool.Reload({config, ConfigOf("p2")}), {}, {}, {"p1"}, 1);
  CHECK(gone == std::vector<std::shared_ptr<Token>>{old});
  REQUIRE(pool.added.size() == 1);
  CHECK(pool.added[0] == pool.pool.members().Find("p1"));
  CHECK(pool.TakeLines() == Lines{"changed p1"});
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.Of("p1").served == 1);
  CHECK(pool.Of("p1").tier == Tier::kShared);
}

TEST_CASE("the same credential is worth more than the same name") {
  Reloading pool({"p1", "p2"}, Recovering());
  pool.Blame("p1");
  TokenConfig renamed = Unnamed("hunter2-p1");
  renamed.name = "p2";
  SECTION("and the name's former owner is gone") {
    Check(pool.Reload({renamed}), {}, {"p2"}, {"p2"}, 0);
    CHECK(Names(&pool) == "p2");
  }
  SECTION("and what has the other's name now is not taken for it, either") {
    TokenConfig other = Unnamed("hunter2-other");
    other.name = "p1";
    Check(pool.Reload({other, renamed}), {"p1"}, {"p2"}, {"p2"}, 0);
    CHECK(pool.StateOf("p1") == TokenState::kReady);
    CHECK(Names(&pool) == "p1 p2");
  }
  CHECK(pool.StateOf("p2") == TokenState::kDisabled);
}

TEST_CASE("tokens without a credential are known by their names, and get a new source of bearers") {
  Reloading pool({"p1"}, Recovering());
  REQUIRE(pool.pool.members().Add(Supplied("pa")).ok());
  const auto token = pool.pool.members().Find("pa");
  TokenConfig config = Supplied("pa");
  config.bearer_source.supply = [](const std::string&) -> Result<SuppliedBearer> {
    return SuppliedBearer{Secret("hunter2-newer"), {}};
  };
  Check(pool.Reload({ConfigOf("p1"), config}), {}, {}, {}, 2);
  CHECK(pool.pool.members().Find("pa") == token);
  CHECK(token->bearer_source().supply("pa")->value.Reveal() == "hunter2-newer");
  SECTION("but not for one with a credential") {
    TokenConfig other = Unnamed("hunter2-other");
    other.name = "pa";
    Check(pool.Reload({ConfigOf("p1"), other}), {}, {}, {"pa"}, 1);
    CHECK(pool.pool.members().Find("pa") != token);
    Check(pool.Reload({ConfigOf("p1"), config}), {}, {}, {"pa"}, 1);
    CHECK(pool.pool.members().Find("pa")->kind() == CredentialKind::kCallback);
  }
}

TEST_CASE("the same text as a credential of another kind is another credential") {
  Reloading pool({"p1", "p2"}, Recovering());
  pool.Meet("p1", Outcome::kAuthRevoked);
  TokenConfig config = ConfigOf("p1");
  config.kind = CredentialKind::kApiKey;
  Check(pool.Reload({config, ConfigOf("p2")}), {}, {}, {"p1"}, 1);
  CHECK(pool.StateOf("p1") == TokenState::kReady);
}

TEST_CASE("names by fingerprint are those that a client with this configuration would give") {
  const auto [first, second] = Colliding();
  Reloading pool({"p1"}, Recovering());
  const std::string once = AutomaticName(Tier::kPersonal, Secret(first), 6);
  REQUIRE(pool.pool.members().Add(Unnamed(first)).ok());
  CHECK(Names(&pool) == "p1 " + once);
  const std::string longer = AutomaticName(Tier::kPersonal, Secret(first), 7);
  const std::string other = AutomaticName(Tier::kPersonal, Secret(second), 7);
  Check(pool.Reload({ConfigOf("p1"), Unnamed(first), Unnamed(second)}), {other}, {}, {longer}, 1);
  CHECK(Names(&pool) == "p1 " + longer + " " + other);
  CHECK(pool.pool.members().Find(once) == nullptr);
  CHECK(pool.pool.members().Find(longer)->configured().Reveal() == first);
}

TEST_CASE("the order is that of the configuration, and the turn goes on behind the last one that served") {
  Reloading pool({"p1", "p2", "p3"}, Recovering());
  CHECK(pool.Turns(2) == "p1 p2");
  pool.Reload(Names_{"p2", "p4", "p3", "p1"});
  CHECK(Names(&pool) == "p2 p4 p3 p1");
  CHECK(pool.Turns(4) == "p4 p3 p1 p2");
}

TEST_CASE("another credential in a reload takes over the turn of the one before") {
  Reloading pool({"p1", "p2", "p3"}, Recovering());
  CHECK(pool.Turns(2) == "p1 p2");
  TokenConfig config = Unnamed("hunter2-other");
  config.name = "p2";
  SECTION("in its tier") {
    pool.Reload({ConfigOf("p1"), config, ConfigOf("p3")});
    CHECK(pool.Turns(4) == "p3 p1 p2 p3");
  }
  SECTION("and not in another one") {
    config.tier = Tier::kShared;
    pool.Reload({ConfigOf("p1"), config, ConfigOf("p3"), ConfigOf("s1")});
    CHECK(pool.Turns(2) == "p3 p1");
    TokenPool::Tokens personal{pool.pool.members().Find("p1").get(), pool.pool.members().Find("p3").get()};
    CHECK(pool.Take(personal).token().name() == "p2");
  }
}

TEST_CASE("a tier that is not used any more loses its tokens, and one that is used gains them") {
  Reloading pool({"p1", "s1"}, Recovering());
  PoolOptions options = Recovering();
  options.tier_order = {Tier::kAnonymous, Tier::kPersonal};
  Check(pool.Reload(Pool::Configs({"p1", "s1", "a1"}), options), {"a1"}, {"s1"}, {}, 1);
  CHECK(Names(&pool) == "a1 | p1");
  CHECK(pool.Turns(1) == "a1");
  Check(pool.Reload(Pool::Configs({"p1", "s1", "a1"})), {"s1"}, {}, {}, 2);
  CHECK(Names(&pool) == "p1 | s1 | a1");
  CHECK(pool.Turns(1) == "p1");
}

TEST_CASE("new limits hold at once, for what runs already, too") {
  Reloading pool({"p1", "s1"}, With(Strategy::kRoundRobin));
  std::vector<Lease> leases;
  for (int i = 0; i < 3; ++i) leases.push_back(pool.Take());
  CHECK(pool.Of("p1").in_flight == 3);
  pool.Reload(Pool::Configs({"p1", "s1"}), With(Strategy::kRoundRobin, 2));
  CHECK(pool.WhyNot("p1") == "busy: 3 of 2 requests at a time");
  CHECK(pool.Turns(1) == "s1");
  pool.freed = 0;
  leases.pop_back();
  CHECK(pool.freed == 0);
  CHECK(pool.Turns(1) == "s1");
  leases.pop_back();
  CHECK(pool.freed == 1);
  CHECK(pool.Turns(1) == "p1");
  leases.push_back(pool.Take());
  CHECK(pool.Turns(1) == "s1");
  pool.Reload(Pool::Configs({"p1", "s1"}), With(Strategy::kRoundRobin));
  CHECK(pool.Turns(1) == "p1");
  leases.clear();
  CHECK(pool.Of("p1").in_flight == 0);
}

TEST_CASE("a strategy that counts knows what runs already") {
  Reloading pool({"p1", "p2"}, With(Strategy::kFillFirst));
  const Lease first = pool.Take();
  const Lease second = pool.Take();
  CHECK(pool.Of("p1").in_flight == 2);
  pool.Reload(Pool::Configs({"p1", "p2"}), With(Strategy::kLeastInFlight));
  CHECK(pool.Turns(3) == "p2 p2 p2");
}

TEST_CASE("a new threshold counts from the next failure on") {
  Reloading pool({"p1", "p2"}, Recovering(3));
  pool.Blame("p1");
  pool.Blame("p1");
  pool.LetRest("p1");
  pool.Reload(Pool::Configs({"p1", "p2"}), Recovering(1));
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  pool.Blame("p1");
  CHECK(pool.StateOf("p1") == TokenState::kDisabled);
}

}  // namespace
}  // namespace warppool::internal
