// What is counted: of each token, of tiers and in all, whoever comes and goes.

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "unit/token/membership_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

// Of each token that is there, by name.
Counters CountersOf(Pool* pool, const std::string& name) {
  for (const TokenStats& token : pool->pool.view().Statistics().tokens) {
    if (token.name == name) return token.counters;
  }
  FAIL("no token " << name);
  return {};
}

TierStats TierOf(Pool* pool, Tier tier) {
  for (const TierStats& stats : pool->pool.view().Statistics().tiers) {
    if (stats.tier == tier) return stats;
  }
  FAIL("no tier " << TierName(tier));
  return {};
}

std::vector<std::uint64_t> Numbers(const Counters& counters) {
  std::vector<std::uint64_t> numbers(counters.outcomes.begin(), counters.outcomes.end());
  const Latency& latency = counters.first_event;
  numbers.insert(numbers.end(), latency.buckets.begin(), latency.buckets.end());
  numbers.push_back(static_cast<std::uint64_t>(latency.sum.count()));
  numbers.insert(numbers.end(), {counters.requests, counters.failures, counters.refreshes});
  return numbers;
}

TEST_CASE("each attempt counts once, when it begins and by how it ended") {
  Pool pool({"p1"}, ForGood(1000));
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    INFO(OutcomeName(outcome));
    Lease lease = pool.Take();
    CHECK(CountersOf(&pool, "p1").requests == i + 1);
    CHECK(CountersOf(&pool, "p1").Of(outcome) == 0);
    std::move(lease).End({outcome, Status(Code::kInternal, "because"), 0ms});
    CHECK(CountersOf(&pool, "p1").Of(outcome) == 1);
    pool.pool.Recover("p1");
  }
  const Counters counters = CountersOf(&pool, "p1");
  CHECK(counters.FailedAttempts() == kOutcomeCount - 3);
  CHECK(counters.failures == 0);  // by itself none is: see below
}

TEST_CASE("a refusal or a server error counts as a failure when it is confirmed, and once") {
  const auto outcome = GENERATE(Outcome::kAuthRejected, Outcome::kServerError);
  Pool pool({"p1"}, ForGood(1000));
  const auto deferred = pool.Meet("p1", outcome);
  CHECK(CountersOf(&pool, "p1").failures == 0);
  pool.Confirm(deferred);
  pool.Confirm(deferred);
  CHECK(CountersOf(&pool, "p1").failures == 1);
  CHECK(CountersOf(&pool, "p1").Of(outcome) == 1);
}

TEST_CASE("a lease that is dropped was cancelled") {
  Pool pool({"p1"});
  { const Lease lease = pool.Take(); }
  CHECK(CountersOf(&pool, "p1").Of(Outcome::kCancelled) == 1);
}

TEST_CASE("the time to the first event counts where there was one, however the request ended") {
  Pool pool({"p1"});
  pool.Take().End({Outcome::kSuccess, {}, {}, false, 70ms});
  pool.Take().End({Outcome::kStreamCut, Status(Code::kConnectionLost, "cut"), {}, false, 2'000ms});
  pool.Take().End({Outcome::kNetwork, Status(Code::kNetwork, "nobody there")});
  const Latency latency = CountersOf(&pool, "p1").first_event;
  CHECK(latency.Count() == 2);
  CHECK(latency.sum == 2'070ms);
  CHECK(latency.buckets[1] == 1);
  CHECK(latency.buckets[5] == 1);
}

TEST_CASE("a check is no request: only what it proves counts") {
  Pool pool({"p1"}, ForGood(3));
  auto lease = pool.pool.AcquireToken(pool.token("p1"));
  REQUIRE(lease);
  CHECK_FALSE(pool.pool.view().Statistics().tokens[0].last_used);
  pool.Confirm(
      std::move(*lease).End({Outcome::kAuthRejected, Status(Code::kUnauthorized, "refused"), {}, false, 70ms}));
  const Counters counters = CountersOf(&pool, "p1");
  CHECK(counters.requests == 0);
  CHECK(counters.Of(Outcome::kAuthRejected) == 0);
  CHECK(counters.first_event.Count() == 0);
  CHECK(counters.failures == 1);
  CHECK(pool.Of("p1").in_flight == 0);
}

TEST_CASE("a stale JWT is counted where the lease goes on") {
  Pool pool({"p1", "p2"});
  Lease lease = pool.Take();
  lease.CountStale();
  lease.CountStale();
  CHECK(CountersOf(&pool, "p1").Of(Outcome::kAuthStale) == 2);
  CHECK(pool.Of("p1").in_flight == 1);
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  REQUIRE(pool.pool.members().Remove("p1").ok());
  lease.CountStale();
  std::move(lease).End({Outcome::kSuccess});
  const Counters total = pool.pool.view().Statistics().total;
  CHECK(total.Of(Outcome::kAuthStale) == 3);
  CHECK(total.requests == 1);
  CHECK(total.Successes() == 1);
}

TEST_CASE("a token was used last when a request got it") {
  Pool pool({"p1"});
  CHECK_FALSE(pool.pool.view().Statistics().tokens[0].last_used);
  pool.clock.Advance(3s);
  const WallTime used = pool.clock.Wall();
  Lease lease = pool.Take();
  pool.clock.Advance(3s);
  std::move(lease).End({Outcome::kSuccess});
  CHECK(pool.pool.view().Statistics().tokens[0].last_used == used);
}

TEST_CASE("a token keeps its counters under another name, in another tier and with another credential") {
  Pool pool({"p1", "p2", "s1"});
  pool.Succeed("p1");
  pool.Tell("p1", "");
  pool.clock.Advance(3s);
  const auto used = pool.pool.view().Statistics().tokens[0].last_used;
  REQUIRE(pool.pool.members().Rename("p1", "mine").ok());
  REQUIRE(pool.pool.members().Move("mine", Tier::kShared).ok());
  REQUIRE(pool.pool.members().Replace("mine", Unnamed("hunter2-other")).ok());
  CHECK(CountersOf(&pool, "mine").requests == 1);
  CHECK(CountersOf(&pool, "mine").Successes() == 1);
  CHECK(CountersOf(&pool, "mine").refreshes == 1);
  const Stats stats = pool.pool.view().Statistics();
  CHECK(stats.tokens[2].name == "mine");
  CHECK(stats.tokens[2].last_used == used);
  // What it did for a tier stays with the tier.
  CHECK(TierOf(&pool, Tier::kPersonal).counters.requests == 1);
  CHECK(TierOf(&pool, Tier::kShared).counters.requests == 0);
  pool.Succeed("mine");
  REQUIRE(pool.pool.members().Move("mine", Tier::kPersonal).ok());
  REQUIRE(pool.pool.members().Remove("mine").ok());
  CHECK(TierOf(&pool, Tier::kPersonal).counters.requests == 1);
  CHECK(TierOf(&pool, Tier::kShared).counters.requests == 1);
  CHECK(pool.pool.view().Statistics().total.requests == 2);
}

TEST_CASE("a tier without tokens is shown as long as there is something to tell of it") {
  Pool pool({"p1", "s1"});
  CHECK(pool.pool.view().Statistics().tiers.size() == 2);
  pool.Succeed("s1");
  REQUIRE(pool.pool.members().Remove("s1").ok());
  const TierStats shared = TierOf(&pool, Tier::kShared);
  CHECK(shared.tokens == 0);
  CHECK(shared.ready == 0);
  CHECK(shared.counters.requests == 1);
  SECTION("even if it is not used any more") {
    PoolOptions options = ForGood();
    options.tier_order = {Tier::kPersonal};
    std::vector<std::shared_ptr<Token>> added;
    pool.pool.members().Reload(options, {ConfigOf("p1")}, &added);
    CHECK(TierOf(&pool, Tier::kShared).counters.requests == 1);
    CHECK(pool.pool.view().Statistics().total.requests == 1);
  }
}

TEST_CASE("a request that outlives its token is counted where it was served") {
  Pool pool({"p1", "p2", "s1"});
  Lease lease = pool.Take();
  SECTION("which was removed") {
    REQUIRE(pool.pool.members().Remove("p1").ok());
  }
  SECTION("which has another credential") {
    REQUIRE(pool.pool.members().Replace("p1", Unnamed("hunter2-other")).ok());
  }
  std::move(lease).End({Outcome::kSuccess, {}, {}, false, 70ms});
  CHECK(TierOf(&pool, Tier::kPersonal).counters.requests == 1);
  CHECK(TierOf(&pool, Tier::kPersonal).counters.Successes() == 1);
  CHECK(TierOf(&pool, Tier::kPersonal).counters.first_event.Count() == 1);
}

// Random changes of all kinds, with requests under way.
class Ledger {
 public:
  explicit Ledger(unsigned seed) : random_(seed), pool_({"p0", "p1", "s0"}, Recovering(2)) {}

  void Step() {
    switch (Any(12)) {
      case 0:
        (void)pool_.pool.members().Add(New());
        break;
      case 1:
        (void)pool_.pool.members().Remove(AnyName());
        break;
      case 2:
        (void)pool_.pool.members().Rename(AnyName(), Any(3) == 0 ? "" : "n" + std::to_string(Any(9)));
        break;
      case 3:
        (void)pool_.pool.members().Move(AnyName(), AnyTier());
        break;
      case 4:
        (void)pool_.pool.members().Replace(AnyName(), New());
        break;
      case 5:
        if (Any(4) == 0) Reload();
        break;
      case 6:
        pool_.clock.Advance(std::chrono::seconds(Any(100)));
        break;
      case 7:
        Restore();
        break;
      case 8:
      case 9:
        End();
        break;
      default:
        Begin();
    }
    Look();
  }
  void Finish() {
    while (!leases_.empty()) End();
    Look();
  }
  const std::string& wrong() const { return wrong_; }
  std::uint64_t requests() const { return expected_.requests; }

 private:
  std::size_t Any(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }
  Tier AnyTier() { return static_cast<Tier>(1 + Any(3)); }
  std::string AnyName() {
    const auto tokens = pool_.pool.members().All();
    return tokens[Any(tokens.size())]->name();
  }
  TokenConfig New() {
    TokenConfig config = Unnamed("hunter2-" + std::to_string(Any(12)), AnyTier());
    if (Any(2) == 0) config.name = "n" + std::to_string(Any(9));
    return config;
  }
  void Reload() {
    PoolOptions options = Recovering(1 + static_cast<int>(Any(3)));
    if (Any(2) == 0) std::shuffle(options.tier_order.begin(), options.tier_order.end(), random_);
    if (Any(3) == 0) options.tier_order.pop_back();
    std::map<std::string, TokenConfig> tokens;  // without duplicates, as a configuration
    tokens["-"] = Unnamed("hunter2-always", options.tier_order[0]);
    for (std::size_t i = 0; i < 1 + Any(6); ++i) {
      TokenConfig config = New();
      config.name.clear();
      const std::string credential(config.credential.Reveal());
      tokens.emplace(credential, std::move(config));
    }
    std::vector<TokenConfig> configs;
    for (const auto& [credential, config] : tokens) configs.push_back(config);
    std::vector<std::shared_ptr<Token>> added;
    pool_.pool.members().Reload(std::move(options), configs, &added);
  }
  // What a store brings counts as if it had been counted here.
  void Restore() {
    const auto added = pool_.pool.members().Add(New());
    if (!added.ok()) return;
    PoolRecords::Kept kept;
    kept.token = *added;
    kept.counters.requests = Any(50);
    kept.counters.outcomes[0] = kept.counters.requests;
    expected_ += kept.counters;
    pool_.pool.records().Restore(kept, "");
  }
  void Begin() {
    auto lease = pool_.pool.Acquire({});
    if (!lease) return;
    ++expected_.requests;
    leases_.push_back(*std::move(lease));
  }
  void End() {
    if (leases_.empty()) return;
    std::swap(leases_[Any(leases_.size())], leases_.back());
    Lease lease = std::move(leases_.back());
    leases_.pop_back();
    if (Any(5) == 0) {
      lease.CountStale();
      ++expected_.outcomes[static_cast<std::size_t>(Outcome::kAuthStale)];
    }
    const auto outcome = Any(3) == 0 ? static_cast<Outcome>(Any(kOutcomeCount)) : Outcome::kSuccess;
    const auto first_event = Any(2) == 0 ? std::nullopt : std::optional(std::chrono::milliseconds(Any(70'000)));
    ++expected_.outcomes[static_cast<std::size_t>(outcome)];
    if (first_event) expected_.first_event.Add(*first_event);
    std::move(lease).End({outcome, Status(Code::kInternal, "because"), 1s, false, first_event});
  }

  void Look() {
    const Stats stats = pool_.pool.view().Statistics();
    Counters total = stats.total;
    total.failures = 0;  // the pool's own business
    if (Numbers(total) != Numbers(expected_)) Wrong("the sum of all that began and ended");
    std::map<Tier, std::vector<std::uint64_t>> now;
    Counters sum;
    for (const TierStats& tier : stats.tiers) {
      now[tier.tier] = Numbers(tier.counters);
      sum += tier.counters;
    }
    if (Numbers(sum) != Numbers(stats.total)) Wrong("the sum of the tiers");
    for (const auto& [tier, before] : tiers_) {
      if (now.count(tier) == 0) {
        Wrong(std::string(TierName(tier)) + " is not told of any more");
        continue;
      }
      for (std::size_t i = 0; i < before.size(); ++i) {
        if (now[tier][i] < before[i]) Wrong(std::string("a counter of ") + TierName(tier) + " went back");
      }
    }
    // A tier of which nothing was counted may go.
    for (auto& [tier, numbers] : now) {
      if (std::any_of(numbers.begin(), numbers.end(), [](auto number) { return number > 0; })) tiers_[tier] = numbers;
    }
  }
  void Wrong(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }

  std::mt19937 random_;
  Pool pool_;
  Counters expected_;
  std::map<Tier, std::vector<std::uint64_t>> tiers_;
  std::vector<Lease> leases_;  // must end before the pool
  std::string wrong_;
};

TEST_CASE("whoever comes and goes, nothing that was counted is lost, and no tier's numbers go back") {
  for (unsigned seed = 1; seed <= 15; ++seed) {
    Ledger ledger(seed);
    for (int step = 0; step < 400; ++step) {
      ledger.Step();
      if (ledger.wrong().empty()) continue;
      INFO("seed " << seed << ", step " << step << ": " << ledger.wrong());
      REQUIRE(ledger.wrong().empty());
    }
    ledger.Finish();
    INFO("seed " << seed << ", at the end: " << ledger.wrong());
    REQUIRE(ledger.wrong().empty());
    REQUIRE(ledger.requests() > 50);
  }
}

}  // namespace
}  // namespace warppool::internal
