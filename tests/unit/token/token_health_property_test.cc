// Long random stories of one token, step by step against a model.
#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "amount.h"
#include "catch.h"
#include "unit/token/health_fixture.h"
#include "unit/token/health_model.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int kHealthRuns = kSanitized ? 60 : 300;
constexpr int kHealthSteps = 2000;

const std::vector<Outcome> kNeverBlamed{Outcome::kAuthStale,         Outcome::kOverloaded,   Outcome::kNetwork,
                                        Outcome::kStreamCut,         Outcome::kRequestFault, Outcome::kGarbled,
                                        Outcome::kBlocked,           Outcome::kHeld,         Outcome::kCancelled,
                                        Outcome::kFinishedOtherwise, Outcome::kMisconfigured};

// A token and its model, and all who use it.
class HealthStory {
 public:
  explicit HealthStory(unsigned seed) : random_(seed) {
    recovers_once_in_ = Any(8) == 0 ? 20 : 2;
    serves_once_in_ = Any(2) == 0 ? 1 : 10;
    token_.options.max_failures = 1 + static_cast<int>(Any(4));
    token_.options.quota_cooling = 10s;
    token_.options.recovery_delay = Any(5) == 0 ? 0s : 60s;
    token_.options.recovery_max_delay = Any(5) == 0 ? 10s : 500s;
    model_.emplace(token_.options);
  }

  void Step() {
    switch (Any(18)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return Begin();
      case 5:
      case 6:
      case 7:
      case 8:
      case 9:
        return End();
      case 10:
      case 11:
        return Judge();
      case 12:
      case 13:
      case 14:
        return token_.clock.Advance(milliseconds(Any(4) == 0 ? Any(400'000) : Any(6'000)));
      case 15:
        if (Any(serves_once_in_) == 0) Serve();
        return;
      case 16:
        if (Any(3) == 0) return Spend();
        return Correct();
      default:
        // Seldom in some stories, or none would ever come far.
        if (Any(recovers_once_in_) == 0) Same(token_.Recover(), model_->Recover(now()));
    }
  }

  // All that can be seen of it is as the model says; and what must hold whatever happened.
  std::string Difference() const {
    const TokenHealth& health = token_.health;
    const auto differs = [](const char* what, auto a, auto b) {
      return std::string(what) + ": " + std::to_string(static_cast<long long>(a)) + " instead of " +
             std::to_string(static_cast<long long>(b));
    };
    if (!difference_.empty()) return difference_;
    if (token_.state() != model_->State(now())) return differs("state", token_.state(), model_->State(now()));
    if (health.failures() != model_->Failures()) return differs("failures", health.failures(), model_->Failures());
    if (health.total_failures() != model_->total_failures()) return "total failures";
    if (health.successes() != model_->successes()) return "successes";
    if (health.generation() != model_->generation()) return "generation";
    if (health.TurnsAt() != model_->TurnsAt()) return "when it turns";
    if (health.being_probed() != (model_->Trying() && !model_->Good())) return "whether it is being probed";
    const bool half_open = token_.state() == TokenState::kHalfOpen;
    const bool being_tried = model_->Trying() && (half_open || model_->OnTrial());
    if (health.IsBeingTried(now()) != being_tried) return "whether it is being tried";
    if (token_.may_probe() != (half_open && !model_->Trying())) return "whether it may be tried";
    if (health.set_back_until() != model_->SetBackUntil()) return "until when it comes behind all others";
    if (health.ServedLately(now()) != model_->ServedLately(now())) return "whether it served lately";
    if (health.IsNew(now()) != model_->IsNew(now())) return "whether it is new";
    for (const auto ago : {0s, 3s, 20s}) {
      if (health.RefusedSince(now() - ago) != model_->RefusedSince(now() - ago)) return "whether it was refused";
    }
    if (health.failures() > token_.options.max_failures) return "more failures than disable";
    return "";
  }

  // From here a probe that succeeds when its time has come leads to ready, and so does a recovery.
  std::string DeadEnd() const {
    Patient by_hand = token_;
    by_hand.Recover();
    if (by_hand.state() != TokenState::kReady) return "a recovery by hand";
    Patient by_itself = token_;
    for (const HealthStamp& trial : trials_) by_itself.Report(Outcome::kCancelled, trial);
    if (by_itself.health.IsBeingTried(now())) return "to wait for the end of a trial";
    if (model_->Good() || (!model_->Revoked() && token_.options.recovery_delay > 0ms)) {
      by_itself.clock.Advance(1000h);
      if (by_itself.state() != TokenState::kReady && !by_itself.may_probe()) return "to wait for a probe";
    }
    // A probe of a revoked one is a health check's.
    by_itself.Succeed();
    if (by_itself.state() == TokenState::kCooling) by_itself.clock.Advance(1000h);
    if (by_itself.state() != TokenState::kReady) return "a probe that succeeds";
    if (by_itself.Begin().is_trial) return "a trial without an end";
    return "";
  }

 private:
  struct Lease {
    HealthStamp stamp;
    HealthModel::Use use;
    bool served = false;
  };
  struct Deferred {
    DeferredVerdict verdict;
    HealthModel::Use use;
  };

  std::size_t Any(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }
  SteadyTime now() const { return token_.clock.Steady(); }
  template <typename A, typename B>
  void Same(const A& is, const B& expected) {
    if (is != expected) difference_ = "the result of a call";
  }
  template <typename T>
  T Take(std::vector<T>* from) {
    std::swap((*from)[Any(from->size())], from->back());
    T taken = std::move(from->back());
    from->pop_back();
    return taken;
  }

  void Begin() {
    // Requests get a token that is ready, or the one try of one that has rested or is half open; checks any, but of a
    // disabled one, too, one at a time.
    const TokenState state = token_.state();
    if (token_.health.being_probed()) return;
    const bool serves = state == TokenState::kReady || state == TokenState::kHalfOpen;
    if ((!serves || token_.health.IsBeingTried(now())) && Any(10) != 0) return;
    const std::size_t burst = state == TokenState::kReady ? 1 + Any(4) : 1;
    for (std::size_t i = 0; i < burst; ++i) {
      const HealthStamp stamp = token_.Begin();
      leases_.push_back({stamp, model_->Begin(now())});
      Same(stamp.is_probe, leases_.back().use.probe);
      Same(stamp.is_trial, leases_.back().use.trial.has_value());
      if (stamp.is_trial) trials_.push_back(stamp);
    }
  }

  void Serve() {
    if (leases_.empty()) return;
    Lease& lease = leases_[Any(leases_.size())];
    if (std::exchange(lease.served, true)) return;
    Same(token_.Serve(lease.stamp), model_->Serve(lease.use, now()));
  }

  void End() {
    if (leases_.empty()) return;
    const Lease lease = Take(&leases_);
    Outcome outcome = Outcome::kSuccess;
    switch (Any(8)) {
      case 0:
      case 1:
      case 2:
        outcome = Any(3) == 0 ? Outcome::kServerError : Outcome::kAuthRejected;
        break;
      case 3:
        outcome = Outcome::kQuotaExhausted;
        break;
      case 4:
        outcome = Any(10) == 0 ? Outcome::kAuthRevoked : Outcome::kAccepted;
        break;
      case 5:
      case 6:
        outcome = kNeverBlamed[Any(kNeverBlamed.size())];
        break;
      default:
        break;
    }
    if (outcome == Outcome::kSuccess && !lease.served && Any(serves_once_in_) != 0) outcome = Outcome::kNetwork;
    const TokenState before = token_.state();
    const int failures = token_.health.failures();
    const auto turns = token_.health.TurnsAt();
    const auto cool_for = Any(2) == 0 ? std::nullopt : std::optional(milliseconds(Any(100'000)));
    const auto change = token_.Report(outcome, lease.stamp, cool_for);
    Same(change, model_->End(outcome, lease.use, now(), cool_for));
    const bool never_blamed = std::count(kNeverBlamed.begin(), kNeverBlamed.end(), outcome) > 0;
    if (never_blamed && (change != HealthChange::kNone || token_.state() != before ||
                         token_.health.failures() != failures || token_.health.TurnsAt() != turns)) {
      difference_ = "what is nobody's fault";
    }
    if (outcome == Outcome::kSuccess && !lease.served) Same(token_.Serve(lease.stamp), model_->Serve(lease.use, now()));
    if (outcome != Outcome::kServerError && outcome != Outcome::kAuthRejected) return;
    token_.health.Rest(lease.stamp, now());
    model_->Rest(lease.use, now());
    if (token_.health.failures() != failures) difference_ = "what nobody has confirmed";
    deferred_.push_back({token_.health.Defer(lease.stamp), lease.use});
    deferred_.back().use.told = model_->told();
  }

  void Judge() {
    if (deferred_.empty()) return;
    const Deferred deferred = Take(&deferred_);
    if (Any(3) == 0) {
      token_.SetBack(deferred.verdict);
      model_->SetBack(deferred.use, now());
    } else {
      Same(token_.Confirm(deferred.verdict), model_->Confirm(deferred.use, now()));
    }
    if (Any(4) == 0) deferred_.push_back(deferred);  // twice is once
  }

  void Spend() {
    const SteadyTime until = now() + milliseconds(Any(100'000)) - 10s;
    Same(token_.health.CoolUntil(until, now()), model_->Cool(until, now()));
  }
  void Correct() {
    const SteadyTime until = now() + milliseconds(Any(100'000));
    Same(token_.health.CorrectCooling(until, now()), model_->Correct(until, now()));
  }

  std::mt19937 random_;
  Patient token_;
  std::optional<HealthModel> model_;
  std::vector<Lease> leases_;
  std::vector<HealthStamp> trials_;  // all there ever were
  std::vector<Deferred> deferred_;
  std::size_t recovers_once_in_ = 1;
  std::size_t serves_once_in_ = 1;
  std::string difference_;
};

TEST_CASE("whatever happens, a token's health is what its story says, and there is a way back") {
  for (unsigned seed = 1; seed <= kHealthRuns; ++seed) {
    HealthStory story(seed);
    for (int step = 0; step < kHealthSteps; ++step) {
      story.Step();
      std::string wrong = story.Difference();
      if (wrong.empty() && step % 50 == 0) wrong = story.DeadEnd();
      if (wrong.empty()) continue;
      INFO("seed " << seed << ", step " << step << ": " << wrong);
      REQUIRE(wrong.empty());
    }
  }
}

TEST_CASE("a burst of requests that fail together is at most one failure") {
  for (unsigned seed = 1; seed <= kHealthRuns; ++seed) {
    std::mt19937 random(seed);
    INFO("seed " << seed);
    Patient token;
    token.options.max_failures = 1000;
    for (int burst = 1; burst <= 20; ++burst) {
      std::vector<HealthStamp> leases;
      for (std::size_t i = 0, n = 1 + random() % 50; i < n; ++i) leases.push_back(token.Begin());
      for (const HealthStamp& lease : leases) {
        if (random() % 3 == 0) token.clock.Advance(1s);
        token.Confirm(token.Refuse(lease, random() % 3 == 0 ? Outcome::kServerError : Outcome::kAuthRejected));
      }
      REQUIRE(token.health.failures() == burst);
    }
  }
}

}  // namespace
}  // namespace warppool::internal
