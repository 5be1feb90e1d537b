// Who stands where after tokens came and went: whose turn it is, who comes back by itself, and who belongs together.
#include "token/registry.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "unit/token/membership_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

TEST_CASE("the turn goes on behind the last one that was served and is still there") {
  Pool pool({"p1", "p2", "p3", "p4"});
  CHECK(pool.Turns(2) == "p1 p2");
  SECTION("which is gone") {
    REQUIRE(pool.pool.members().Remove("p2").ok());
    CHECK(pool.Turns(4) == "p3 p4 p1 p3");
  }
  SECTION("and so is the one before it") {
    REQUIRE(pool.pool.members().Remove("p1").ok());
    REQUIRE(pool.pool.members().Remove("p2").ok());
    CHECK(pool.Turns(3) == "p3 p4 p3");
  }
  SECTION("and the next one is gone") {
    REQUIRE(pool.pool.members().Remove("p3").ok());
    CHECK(pool.Turns(3) == "p4 p1 p2");
  }
  SECTION("which went to another tier, and came back to the end") {
    REQUIRE(pool.pool.members().Move("p2", Tier::kShared).ok());
    REQUIRE(pool.pool.members().Move("p2", Tier::kPersonal).ok());
    CHECK(pool.Turns(5) == "p3 p4 p2 p1 p3");
  }
  SECTION("which has another credential, and has had its turn all the same") {
    REQUIRE(pool.pool.members().Replace("p2", Unnamed("hunter2-other")).ok());
    CHECK(pool.Turns(4) == "p3 p4 p1 p2");
  }
  SECTION("while another one has another credential") {
    REQUIRE(pool.pool.members().Replace("p3", Unnamed("hunter2-other")).ok());
    CHECK(pool.Turns(4) == "p3 p4 p1 p2");
  }
  SECTION("with one more behind it") {
    REQUIRE(pool.pool.members().Add(ConfigOf("p5")).ok());
    CHECK(pool.Turns(5) == "p3 p4 p5 p1 p2");
  }
}

TEST_CASE("one that is added when the last one has served is the next") {
  Pool pool({"p1", "p2"});
  CHECK(pool.Turns(2) == "p1 p2");
  REQUIRE(pool.pool.members().Add(ConfigOf("p3")).ok());
  CHECK(pool.Turns(4) == "p3 p1 p2 p3");
  REQUIRE(pool.pool.members().Remove("p3").ok());
  CHECK(pool.Turns(2) == "p1 p2");
}

TEST_CASE("tiers have their own turns, whoever goes from one to the other") {
  Pool pool({"p1", "p2", "s1", "s2", "s3"});
  CHECK(pool.Turns(1) == "p1");
  TokenPool::Tokens personal{pool.pool.members().Find("p1").get(), pool.pool.members().Find("p2").get()};
  { const Lease lease = pool.Take(personal); }  // s1
  REQUIRE(pool.pool.members().Move("s1", Tier::kPersonal).ok());
  CHECK(pool.Turns(3) == "p2 s1 p1");
  REQUIRE(pool.pool.members().Move("p1", Tier::kShared).ok());
  CHECK(pool.Turns(2) == "p2 s1");
  REQUIRE(pool.pool.members().Remove("p2").ok());
  REQUIRE(pool.pool.members().Remove("s1").ok());
  CHECK(pool.Turns(4) == "s2 s3 p1 s2");
}

// Random changes of a tier's members, none of whom changes places with another: between two of a token's turns all
// that could serve all the while have theirs.
class Turns {
 public:
  explicit Turns(unsigned seed) : random_(seed), pool_({"p0", "p1", "s0"}, Recovering(1)) {}

  void Step() {
    switch (Any(10)) {
      case 0:
        Add(Tier::kPersonal);
        break;
      case 1:
        Add(Tier::kShared);
        break;
      case 2:
        if (const std::string name = AnyOf(Tier::kPersonal); count_ > 2) Remove(name);
        break;
      case 3:
        Move(AnyOf(Tier::kShared), Tier::kPersonal);
        break;
      case 4:
        if (count_ > 2) Move(AnyOf(Tier::kPersonal), Tier::kShared);
        break;
      case 5:
        Cool(AnyOf(Tier::kPersonal));
        break;
      default:
        Serve();
    }
    if (Any(8) == 0) pool_.clock.Advance(5s);
    // Who cannot serve has no claim to a turn, and a new one once he is back.
    for (const TokenStatus& token : pool_.pool.view().Snapshot().tokens) {
      if (token.state == TokenState::kReady && token.tier == Tier::kPersonal) continue;
      Forget(token.name);
    }
  }

  const std::string& wrong() const { return wrong_; }
  int served() const { return served_; }

 private:
  std::size_t Any(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }
  std::string AnyOf(Tier tier) {
    std::vector<std::string> names;
    for (const TokenStatus& token : pool_.pool.view().Snapshot().tokens) {
      if (token.tier == tier) names.push_back(token.name);
    }
    count_ = names.size();
    return names.empty() ? "" : names[Any(names.size())];
  }
  void Forget(const std::string& name) {
    waiting_.erase(name);
    for (auto& [other, passed] : waiting_) passed.erase(name);
  }
  void Add(Tier tier) {
    TokenConfig config = ConfigOf("p" + std::to_string(++last_));
    config.tier = tier;
    if (pool_.pool.view().Snapshot().tokens.size() < 12) (void)pool_.pool.members().Add(config);
  }
  void Remove(const std::string& name) {
    Forget(name);
    if (!pool_.pool.members().Remove(name).ok()) wrong_ = "remove " + name;
  }
  void Move(const std::string& name, Tier tier) {
    if (name.empty()) return;
    Forget(name);
    if (!pool_.pool.members().Move(name, tier).ok()) wrong_ = "move " + name;
  }
  void Cool(const std::string& name) {
    const auto token = pool_.pool.members().Find(name);
    if (!token) return;
    auto lease = pool_.pool.AcquireToken(*token);
    if (lease) std::move(*lease).End({Outcome::kQuotaExhausted, Status(Code::kQuotaExhausted, "spent"), 10s});
  }
  void Serve() {
    auto lease = pool_.pool.Acquire({});
    if (!lease || lease->token().tier() != Tier::kPersonal) return;
    const std::string name = lease->token().name();
    std::move(*lease).End({Outcome::kSuccess});
    ++served_;
    // Whom this one has passed since each of the others served.
    for (const TokenStatus& token : pool_.pool.view().Snapshot().tokens) {
      if (token.tier == Tier::kPersonal && token.state == TokenState::kReady) waiting_.try_emplace(token.name);
    }
    for (auto& [other, passed] : waiting_) {
      if (other == name) continue;
      if (!passed.insert(name).second) wrong_ = name + " served twice while " + other + " waited";
    }
    waiting_[name].clear();
  }

  std::mt19937 random_;
  Pool pool_;
  std::map<std::string, std::set<std::string>> waiting_;  // who has been served since each of them was, or came
  std::size_t count_ = 0;
  int last_ = 10;
  int served_ = 0;
  std::string wrong_;
};

TEST_CASE("whoever comes and goes, nobody serves twice while another one waits for its turn") {
  for (unsigned seed = 1; seed <= 15; ++seed) {
    Turns turns(seed);
    for (int step = 0; step < 500; ++step) {
      turns.Step();
      if (turns.wrong().empty()) continue;
      INFO("seed " << seed << ", step " << step << ": " << turns.wrong());
      REQUIRE(turns.wrong().empty());
    }
    REQUIRE(turns.served() > 50);
  }
}

TEST_CASE("those that cannot serve come back in time, whoever came and went meanwhile") {
  Pool pool({"p1", "p2", "p3", "s1"}, Recovering(1));
  pool.Meet("p1", Outcome::kQuotaExhausted, "spent", 10s);
  pool.Blame("p2");  // half open in 60 s
  REQUIRE(pool.pool.members().Remove("p3").ok());
  REQUIRE(pool.pool.members().Move("p1", Tier::kAnonymous).ok());
  REQUIRE(pool.pool.members().Add(ConfigOf("p4")).ok());
  REQUIRE(pool.pool.members().Remove("p4").ok());
  CHECK(pool.pool.WhenReady({}).earliest == 10s);
  CHECK(pool.Turns(1) == "s1");
  pool.told.clear();
  pool.clock.Advance(10s);
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.TakeLines() == Pool::Lines{"recovered p1"});
  CHECK(pool.pool.WhenReady({}).earliest == 50s);
  pool.clock.Advance(50s);
  CHECK(pool.StateOf("p2") == TokenState::kHalfOpen);
  CHECK_FALSE(pool.pool.WhenReady({}).earliest);
  CHECK(pool.Take().is_probe());
}

TEST_CASE("one that cools and is removed is waited for no more") {
  Pool pool({"p1", "p2"}, Recovering(1));
  pool.Meet("p1", Outcome::kQuotaExhausted, "spent", 10s);
  pool.Meet("p2", Outcome::kQuotaExhausted, "spent", 20s);
  CHECK(pool.pool.WhenReady({}).earliest == 10s);
  REQUIRE(pool.pool.members().Remove("p1").ok());
  CHECK(pool.pool.WhenReady({}).earliest == 20s);
  pool.clock.Advance(20s);
  CHECK(pool.Turns(1) == "p2");
}

TEST_CASE("a probe that is under way stays the only one when others come and go") {
  Pool pool({"p1", "p2"}, Recovering(1));
  pool.Blame("p1");
  pool.clock.Advance(60s);
  Lease probe = pool.TakeOne("p1");
  REQUIRE(probe.is_probe());
  REQUIRE(pool.pool.members().Add(ConfigOf("p3")).ok());
  REQUIRE(pool.pool.members().Move("p1", Tier::kShared).ok());
  CHECK(pool.WhyNot("p1") == "half open: a request is trying it");
  CHECK_FALSE(pool.pool.Acquire({{pool.pool.members().Find("p2").get(), pool.pool.members().Find("p3").get()}}));
  std::move(probe).End({Outcome::kSuccess});
  CHECK(pool.StateOf("p1") == TokenState::kReady);
}

TEST_CASE("tokens of one account stay one, until they leave or get another credential") {
  Pool pool({"p1", "p2", "s1"}, Recovering());
  for (const char* name : {"p1", "p2", "s1"}) pool.Tell(name, "an account");
  REQUIRE(pool.pool.members().Add(ConfigOf("p4")).ok());
  CHECK(pool.Of("p2").same_account == "p1");
  CHECK(pool.Of("s1").same_account == "p1");
  SECTION("one cools for all") {
    pool.Meet("s1", Outcome::kQuotaExhausted, "spent", 60s);
    for (const char* name : {"p1", "p2", "s1"}) CHECK(pool.StateOf(name) == TokenState::kCooling);
    CHECK(pool.StateOf("p4") == TokenState::kReady);
  }
  SECTION("but for one that is gone") {
    REQUIRE(pool.pool.members().Remove("p1").ok());
    CHECK(pool.Of("p2").same_account.empty());
    CHECK(pool.Of("s1").same_account == "p2");
    pool.Meet("p2", Outcome::kQuotaExhausted, "spent", 60s);
    CHECK(pool.StateOf("s1") == TokenState::kCooling);
  }
  SECTION("or is another one's now") {
    REQUIRE(pool.pool.members().Replace("p2", Unnamed("hunter2-other")).ok());
    CHECK(pool.Of("p2").same_account.empty());
    pool.Meet("p1", Outcome::kQuotaExhausted, "spent", 60s);
    CHECK(pool.StateOf("p2") == TokenState::kReady);
    CHECK(pool.StateOf("s1") == TokenState::kCooling);
    pool.Tell("p2", "an account");  // it was the same account after all
    CHECK(pool.StateOf("p2") == TokenState::kCooling);
  }
  SECTION("in another tier, too") {
    REQUIRE(pool.pool.members().Move("p1", Tier::kAnonymous).ok());
    pool.Meet("p1", Outcome::kQuotaExhausted, "spent", 60s);
    CHECK(pool.StateOf("p2") == TokenState::kCooling);
    CHECK(pool.StateOf("s1") == TokenState::kCooling);
  }
}

}  // namespace
}  // namespace warppool::internal
