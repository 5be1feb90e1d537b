// Long random stories through the whole pool: who is leased, who is not, and what is told, against a copy of each
// token's health that the pool does not know of.
#include <algorithm>
#include <chrono>
#include <deque>
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
                                     Outcome::kMisconfigured, Outcome::kGarbled,      Outcome::kCancelled,
                                     Outcome::kAccepted,      Outcome::kBlocked,      Outcome::kHeld};

class PoolStory {
 public:
  explicit PoolStory(unsigned seed)
      : random_(seed), options_(AnyOptions()), pool_({"p1", "p2", "p3k", "s1", "s2k", "a1"}, options_) {
    for (const std::string& name : pool_.names) tokens_[name];
    somebody_waits_ = Any(2) == 0;
  }

  void Step() {
    const bool was_in_service = AnyInService();
    const bool would_do = AnyWouldDo({});
    // Somebody waits, and has seen by his timer what time has done.
    if (somebody_waits_ && pool_.pool.AnyReady({}) != would_do) Wrong("whether one would do");
    const int freed = pool_.freed;
    pool_.told.clear();
    switch (Any(15)) {
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
      case 8:
        Judge();
        break;
      case 9:
        Check();
        break;
      case 10:
        Recover();
        break;
      case 11:
        Serve();
        break;
      case 12:
        Refresh();
        break;
      default:
        pool_.clock.Advance(milliseconds(Any(4) == 0 ? Any(200'000) : Any(6'000)));
        return;
    }
    std::size_t exhausted = 0;
    for (const Told& event : pool_.told) exhausted += event.kind == PoolEventKind::kPoolExhausted ? 1 : 0;
    if (exhausted != (was_in_service && !AnyInService() ? 1U : 0U)) Wrong("when the pool is exhausted");
    const bool is_free = somebody_waits_ && !would_do && AnyWouldDo({});
    if (is_free && pool_.freed == freed) Wrong("that one is free is told to nobody");
  }

  // Seldom: to look has the pool notice what time has done, which it must notice by itself.
  void Look() {
    for (const TokenStatus& status : pool_.pool.view().Snapshot().tokens) {
      const Mirror& token = tokens_.at(status.name);
      if (status.state != token.health.StateAt(now())) Wrong("the state of " + status.name);
      if (status.in_flight != token.in_flight) Wrong("how many " + status.name + " serves");
      if (status.failures != token.health.failures()) Wrong("the failures of " + status.name);
      if (status.total_failures != token.failures) Wrong("all failures of " + status.name);
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
    for (const TokenStatus& status : pool_.pool.view().Snapshot().tokens) {
      if (status.in_flight != 0) Wrong(status.name + " serves somebody still");
    }
    pool_.pool.RecoverAll();
    if (pool_.pool.view().Snapshot().Active() != 6) Wrong("a recovery of all");
  }

  const std::string& wrong() const { return wrong_; }

 private:
  struct Mirror {
    TokenHealth health;
    int in_flight = 0;
    int refreshes = 0;
    std::uint64_t failures = 0;
  };
  struct Held {
    Lease lease;
    HealthStamp stamp;
    bool is_request;
    bool served = false;
  };
  struct Deferred {
    DeferredFailure deferred;
    std::string name;
    DeferredVerdict verdict;
    int refreshes;
  };
  struct Met {
    SteadyTime time;
    Outcome outcome;
    std::string name;
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
  // A rest is no reason for an alarm.
  bool AnyInService() const {
    return std::any_of(tokens_.begin(), tokens_.end(), [&](const auto& entry) {
      const TokenState state = entry.second.health.StateAt(now());
      return state == TokenState::kReady || state == TokenState::kResting;
    });
  }
  bool WouldDo(const std::string& name, const TokenPool::Wanted& wanted) {
    const Mirror& token = tokens_.at(name);
    if (wanted.excluded.count(&pool_.token(name)) != 0) return false;
    if (options_.max_in_flight > 0 && token.in_flight >= options_.max_in_flight) return false;
    if (token.health.IsBeingTried(now())) return false;
    const TokenState state = token.health.StateAt(now());
    return state == TokenState::kReady || (wanted.may_probe && state == TokenState::kHalfOpen);
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
    const auto rank = [&](const std::string& token) {
      return std::make_pair(tokens_.at(token).health.IsSetBack(now()), pool_.token(token).tier());
    };
    for (const std::string& other : pool_.names) {
      if (WouldDo(other, wanted) && rank(other) < rank(name)) Wrong("a worse one first");
    }
    Hold(*std::move(lease), true);
  }

  void Check() {
    const std::string& name = pool_.names[Any(pool_.names.size())];
    auto lease = pool_.pool.AcquireToken(pool_.token(name));
    if (lease.has_value() == tokens_.at(name).health.being_probed()) Wrong("who may check");
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
    if (outcome == Outcome::kSuccess && !held.served) token.health.Serve(held.stamp, now());
    const bool is_deferred = outcome == Outcome::kServerError || outcome == Outcome::kAuthRejected;
    if (is_deferred) {
      token.health.Rest(held.stamp, now());
      met_.push_back({now(), outcome, name});
      if (met_.size() > 50) met_.pop_front();
    }
    const bool at_exchange = Any(3) == 0;
    auto deferred = std::move(held.lease).End({outcome, Status(Code::kInternal, "because"), cool_for, at_exchange});
    if (deferred.has_value() != is_deferred) Wrong("what waits for a witness");
    if (deferred) deferred_.push_back({*std::move(deferred), name, token.health.Defer(held.stamp), token.refreshes});
  }

  void Serve() {
    if (leases_.empty()) return;
    Held& held = leases_[Any(leases_.size())];
    if (!std::exchange(held.served, true)) tokens_.at(held.lease.token().name()).health.Serve(held.stamp, now());
    held.lease.NoteServing();  // twice is once
  }

  void Refresh() {
    const std::string& name = pool_.names[Any(pool_.names.size())];
    if (name.back() == 'k') return;
    ++tokens_.at(name).refreshes;
    pool_.Tell(name, "");
  }

  void Judge() {
    if (deferred_.empty()) return;
    std::swap(deferred_[Any(deferred_.size())], deferred_.back());
    const Deferred judged = std::move(deferred_.back());
    deferred_.pop_back();
    const std::string& witness = pool_.names[Any(pool_.names.size())];
    const bool refreshed = Any(2) == 0;
    pool_.pool.Judge(judged.deferred, {&pool_.token(witness), refreshed});
    const DeferredFailure& deferred = judged.deferred;
    Mirror& token = tokens_.at(judged.name);
    if (witness == judged.name || (deferred.at_exchange && token.refreshes != judged.refreshes)) return;
    const bool same_kind = (witness.back() == 'k') == (judged.name.back() == 'k');
    if ((deferred.outcome == Outcome::kAuthRejected && !same_kind) || (deferred.at_exchange && !refreshed)) {
      return token.health.SetBack(judged.verdict, now());
    }
    const bool flaps = std::any_of(met_.begin(), met_.end(), [&](const Met& met) {
      return met.outcome == deferred.outcome && met.name != judged.name && deferred.time - met.time < 60s &&
             tokens_.at(met.name).health.ServedLately(met.time);
    });
    if (flaps) return;
    if (token.health.Confirm(judged.verdict, now(), options_.health) != HealthChange::kNone) ++token.failures;
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
  bool somebody_waits_ = false;
  std::deque<Met> met_;
  std::vector<Deferred> deferred_;
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

TEST_CASE("requests and checks that fail together are one failure of each token, whichever of them they had") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    INFO("seed " << seed);
    Pool pool({"p1", "p2", "p3"}, ForGood(1000));
    for (int burst = 1; burst <= 20; ++burst) {
      std::vector<Lease> leases;
      while (auto lease = pool.pool.Acquire({})) {
        leases.push_back(*std::move(lease));
        if (leases.size() == 50) break;  // those that were refused are tried by one request each
      }
      for (std::size_t n = random() % 50; n > 0; --n) {
        leases.push_back(pool.pool.AcquireToken(pool.token(pool.names[random() % 3])).value());
      }
      std::shuffle(leases.begin(), leases.end(), random);
      for (Lease& lease : leases) pool.Blame(std::move(lease));
      pool.clock.Advance(kRest);
      for (const char* name : {"p1", "p2", "p3"}) REQUIRE(pool.Of(name).failures == burst);
    }
  }
}

}  // namespace
}  // namespace warppool::internal
