// Long random stories through the whole pool: who is leased, who is not, and what is told, against a copy of each
// token's health that the pool does not know of.
#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "unit/token/pool_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int kPoolRuns = 60;
constexpr int kPoolSteps = 1000;

const std::vector<Outcome> kOutcomes{Outcome::kSuccess,       Outcome::kSuccess,      Outcome::kSuccess,
                                     Outcome::kSuccess,       Outcome::kAuthRejected, Outcome::kAuthRejected,
                                     Outcome::kAuthRejected,  Outcome::kAuthRevoked,  Outcome::kQuotaExhausted,
                                     Outcome::kServerError,   Outcome::kServerError,  Outcome::kOverloaded,
                                     Outcome::kNetwork,       Outcome::kStreamCut,    Outcome::kRequestFault,
                                     Outcome::kMisconfigured, Outcome::kGarbled,      Outcome::kCancelled};

class PoolStory {
 public:
  explicit PoolStory(unsigned seed)
      : random_(seed), options_(AnyOptions()), pool_({"p1", "p2", "p3", "s1", "s2", "a1"}, options_) {
    for (const std::string& name : pool_.names) tokens_[name];
  }

  void Step() {
    const bool was_ready = AnyReady();
    pool_.told.clear();
    switch (Any(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        Acquire();
        break;
      case 4:
      case 5:
      case 6:
        End();
        break;
      case 7:
        Confirm();
        break;
      case 8:
        Check();
        break;
      case 9:
        Recover();
        break;
      default:
        pool_.clock.Advance(milliseconds(Any(4) == 0 ? Any(200'000) : Any(12'000)));
        return;
    }
    std::size_t exhausted = 0;
    for (const Told& event : pool_.told) exhausted += event.kind == PoolEventKind::kPoolExhausted ? 1 : 0;
    if (exhausted != (was_ready && !AnyReady() ? 1U : 0U)) Wrong("when the pool is exhausted");
  }

  // Seldom: to look has the pool notice what time has done, which it must notice by itself.
  void Look() {
    for (const TokenStatus& status : pool_.pool.Snapshot().tokens) {
      const Mirror& token = tokens_.at(status.name);
      if (status.state != token.health.StateAt(now())) Wrong("the state of " + status.name);
      if (status.in_flight != token.in_flight) Wrong("how many " + status.name + " serves");
      if (status.failures != token.health.failures()) Wrong("the failures of " + status.name);
    }
    if (pool_.pool.AnyReady({}) != AnyWouldDo({})) Wrong("whether one would do");
    const auto outlook = pool_.pool.WhenReady({}).earliest;
    std::optional<milliseconds> expected;
    for (const auto& [name, token] : tokens_) {
      const TokenState state = token.health.StateAt(now());
      if (state == TokenState::kReady || state == TokenState::kHalfOpen || !token.health.TurnsAt()) continue;
      const auto wait = std::chrono::ceil<milliseconds>(*token.health.TurnsAt() - now());
      expected = std::min(expected.value_or(wait), wait);
    }
    if (outlook != expected) Wrong("when one would do");
  }

  void Finish() {
    leases_.clear();
    for (const TokenStatus& status : pool_.pool.Snapshot().tokens) {
      if (status.in_flight != 0) Wrong(status.name + " serves somebody still");
    }
    pool_.pool.RecoverAll();
    if (pool_.pool.Snapshot().Active() != 6) Wrong("a recovery of all");
  }

  const std::string& wrong() const { return wrong_; }

 private:
  struct Mirror {
    TokenHealth health;
    int in_flight = 0;
  };
  struct Held {
    Lease lease;
    HealthStamp stamp;
    bool is_request;
  };
  struct Charge {
    Lease::Charge charge;
    std::string name;
    PendingCharge pending;
  };

  PoolOptions AnyOptions() {
    PoolOptions options = Recovering(1 + static_cast<int>(Any(3)));
    if (Any(4) == 0) options.health.recovery_delay = 0s;
    options.strategy = static_cast<Strategy>(1 + Any(3));
    options.max_in_flight = Any(2) == 0 ? 0 : 1 + static_cast<int>(Any(3));
    return options;
  }

  std::size_t Any(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }
  SteadyTime now() const { return pool_.clock.Steady(); }
  void Wrong(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }
  bool AnyReady() const {
    return std::any_of(tokens_.begin(), tokens_.end(),
                       [&](const auto& entry) { return entry.second.health.StateAt(now()) == TokenState::kReady; });
  }
  bool WouldDo(const std::string& name, const TokenPool::Wanted& wanted) {
    const Mirror& token = tokens_.at(name);
    if (wanted.excluded.count(&pool_.token(name)) != 0) return false;
    if (options_.max_in_flight > 0 && token.in_flight >= options_.max_in_flight) return false;
    const TokenState state = token.health.StateAt(now());
    return state == TokenState::kReady || (wanted.may_probe && token.health.MayProbeAt(now()));
  }
  bool AnyWouldDo(const TokenPool::Wanted& wanted) {
    return std::any_of(tokens_.begin(), tokens_.end(), [&](const auto& e) { return WouldDo(e.first, wanted); });
  }

  void Hold(Lease lease, bool is_request) {
    Mirror& token = tokens_.at(lease.token().name());
    const HealthStamp stamp = token.health.Begin(now());
    if (is_request) ++token.in_flight;
    if (stamp.is_probe != lease.is_probe()) Wrong("whether it is a probe");
    leases_.push_back({std::move(lease), stamp, is_request});
  }

  void Acquire() {
    TokenPool::Wanted wanted;
    wanted.may_probe = Any(3) != 0;
    for (const std::string& name : pool_.names) {
      if (Any(4) == 0) wanted.excluded.insert(&pool_.token(name));
    }
    auto lease = pool_.pool.Acquire(wanted);
    if (!lease) {
      if (AnyWouldDo(wanted)) Wrong("one that would do is not found");
      return;
    }
    const std::string name = lease->token().name();
    if (!WouldDo(name, wanted)) Wrong(name + " would not do, and is leased");
    for (const std::string& other : pool_.names) {
      if (WouldDo(other, wanted) && pool_.token(other).tier() < lease->token().tier()) Wrong("a worse tier first");
    }
    Hold(*std::move(lease), true);
  }

  void Check() {
    const std::string& name = pool_.names[Any(pool_.names.size())];
    auto lease = pool_.pool.AcquireToken(pool_.token(name));
    if (lease.has_value() == tokens_.at(name).health.probing()) Wrong("who may check");
    if (lease) Hold(*std::move(lease), false);
  }

  void End() {
    if (leases_.empty()) return;
    std::swap(leases_[Any(leases_.size())], leases_.back());
    Held held = std::move(leases_.back());
    leases_.pop_back();
    const std::string name = held.lease.token().name();
    Mirror& token = tokens_.at(name);
    Outcome outcome = kOutcomes[Any(kOutcomes.size())];
    if (outcome == Outcome::kAuthRevoked && Any(4) != 0) outcome = Outcome::kNetwork;
    const auto cool_for = Any(2) == 0 ? std::nullopt : std::optional(milliseconds(Any(100'000)));
    if (held.is_request) --token.in_flight;
    token.health.Report(outcome, held.stamp, now(), cool_for, options_.health);
    auto charge = std::move(held.lease).End({outcome, Status(Code::kInternal, "because"), cool_for});
    if (charge.has_value() != (outcome == Outcome::kServerError)) Wrong("what is a charge");
    if (charge) charges_.push_back({*std::move(charge), name, token.health.Charge(held.stamp)});
  }

  void Confirm() {
    if (charges_.empty()) return;
    std::swap(charges_[Any(charges_.size())], charges_.back());
    const Charge charge = std::move(charges_.back());
    charges_.pop_back();
    tokens_.at(charge.name).health.Confirm(charge.pending, now(), options_.health);
    pool_.pool.Confirm(charge.charge);
  }

  void Recover() {
    if (Any(4) != 0) return;
    const std::string& name = pool_.names[Any(pool_.names.size())];
    tokens_.at(name).health.Recover(now());
    pool_.pool.Recover(name);
  }

  std::mt19937 random_;
  const PoolOptions options_;
  Pool pool_;
  std::map<std::string, Mirror> tokens_;
  std::vector<Charge> charges_;
  std::vector<Held> leases_;  // must end before the pool
  std::string wrong_;
};

TEST_CASE("whatever happens, the pool leases who can serve, and says so when nobody can") {
  for (unsigned seed = 1; seed <= kPoolRuns; ++seed) {
    PoolStory story(seed);
    for (int step = 0; step < kPoolSteps; ++step) {
      story.Step();
      if (step % 20 == 0) story.Look();
      if (story.wrong().empty()) continue;
      INFO("seed " << seed << ", step " << step << ": " << story.wrong());
      REQUIRE(story.wrong().empty());
    }
    story.Finish();
    INFO("seed " << seed << ", at the end: " << story.wrong());
    REQUIRE(story.wrong().empty());
  }
}

TEST_CASE("requests that fail together failure each token once, whichever of them they had") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    INFO("seed " << seed);
    Pool pool({"p1", "p2", "p3"}, ForGood(1000));
    for (int burst = 1; burst <= 20; ++burst) {
      std::vector<Lease> leases;
      for (std::size_t n = 3 + random() % 50; n > 0; --n) leases.push_back(pool.Take());
      std::shuffle(leases.begin(), leases.end(), random);
      for (Lease& lease : leases) std::move(lease).End({Outcome::kAuthRejected, Status(Code::kUnauthorized, "no")});
      for (const char* name : {"p1", "p2", "p3"}) REQUIRE(pool.Of(name).failures == burst);
    }
  }
}

}  // namespace
}  // namespace warppool::internal
