// Long random stories, step by step against a model that knows no states: it remembers what happened, and reads
// everything from that.
#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "unit/token/health_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int kHealthRuns = 300;
constexpr int kHealthSteps = 2000;

const std::vector<Outcome> kNeverBlamed{Outcome::kAuthStale,        Outcome::kServerError,   Outcome::kOverloaded,
                                        Outcome::kNetwork,          Outcome::kStreamCut,     Outcome::kRequestFault,
                                        Outcome::kGarbled,          Outcome::kMisconfigured, Outcome::kCancelled,
                                        Outcome::kFinishedOtherwise};

class HealthModel {
 public:
  // One that uses the token, or whose server error waits for another token's success.
  struct Use {
    std::size_t seen = 0;  // how long the story was when it began
    std::size_t told = 0;  // ... and when it ended
    bool probe = false;
  };

  explicit HealthModel(HealthOptions options) : options_(options) {}

  Use Begin(SteadyTime now) {
    const Use use{story_.size(), 0, !Good()};
    if (use.probe) {
      Add(Fact::kProbeBegan, now);
    } else if (CoolingUntil() <= now) {
      Add(Fact::kCoolingForgotten, now);
    }
    return use;
  }

  HealthChange End(Outcome outcome, const Use& use, SteadyTime now, std::optional<milliseconds> cool_for) {
    const bool recent = Count(use.seen, Fact::kRecovered) == 0;  // no recovery since
    if (use.probe && recent) Add(Fact::kProbeEnded, now);
    const TokenState before = State(now);
    const int failures = Failures();
    switch (outcome) {
      case Outcome::kSuccess:
      case Outcome::kAccepted:
        if (outcome == Outcome::kSuccess) {
          ++successes_;
          Add(Fact::kServed, now);
        } else {
          Add(Fact::kAccepted, now);
        }
        if (before == TokenState::kReady || before == TokenState::kCooling) {
          return failures == 0 ? HealthChange::kNone : HealthChange::kCleared;
        }
        if (!use.probe || !recent) return HealthChange::kNone;
        Recovered(now);
        return HealthChange::kRecovered;
      case Outcome::kAuthRejected:
        return Blame(use, now);
      case Outcome::kAuthRevoked:
        if (!recent || Dead()) return HealthChange::kNone;
        Add(Fact::kDied, now);
        return HealthChange::kDisabled;
      case Outcome::kQuotaExhausted:
        if (!recent) return HealthChange::kNone;
        return Cool(now + cool_for.value_or(options_.quota_cooling), now) ? HealthChange::kCooling
                                                                          : HealthChange::kNone;
      default:
        return HealthChange::kNone;
    }
  }

  HealthChange Confirm(const Use& use, SteadyTime now) {
    if (Count(use.told, Fact::kServed) > 0) return HealthChange::kNone;
    if (use.probe && Probing()) return HealthChange::kNone;
    return Blame(use, now);
  }

  bool Cool(SteadyTime until, SteadyTime now) {
    const bool was_ready = State(now) == TokenState::kReady;
    Add(Fact::kSpent, now, until);
    return was_ready && until > now;
  }
  bool Correct(SteadyTime until, SteadyTime now) {
    const SteadyTime before = CoolingUntil();
    if (before <= now || before == until) return false;
    Add(Fact::kCoolingForgotten, now);
    Add(Fact::kSpent, now, until);
    return true;
  }
  bool Recover(SteadyTime now) {
    const bool was_ready = State(now) == TokenState::kReady;
    Add(Fact::kCoolingForgotten, now);
    Recovered(now);
    return !was_ready;
  }

  std::size_t told() const { return story_.size(); }
  std::uint64_t successes() const { return successes_; }
  std::uint64_t generation() const { return generation_; }
  std::uint64_t total_failures() const { return failed_before_ + Count(generation_began_, Fact::kFailure); }

  // In a row: those since the last success that found the token in use, but a success brings no disabled one back.
  int Failures() const {
    int failures = 0;
    for (std::size_t i = generation_began_; i < story_.size(); ++i) {
      if (story_[i].fact == Fact::kDied || failures == options_.max_failures) break;
      if (story_[i].fact == Fact::kFailure) ++failures;
      if (story_[i].fact == Fact::kServed || story_[i].fact == Fact::kAccepted) failures = 0;
    }
    return failures;
  }
  bool Dead() const { return Count(generation_began_, Fact::kDied) > 0; }
  bool Good() const { return !Dead() && Failures() < options_.max_failures; }
  bool Probing() const {
    const auto began = Count(generation_began_, Fact::kProbeBegan);
    return began > Count(generation_began_, Fact::kProbeEnded);
  }

  TokenState State(SteadyTime now) const {
    if (Good()) return now < CoolingUntil() ? TokenState::kCooling : TokenState::kReady;
    const auto turns = TurnsAt();
    return turns && *turns <= now ? TokenState::kHalfOpen : TokenState::kDisabled;
  }
  std::optional<SteadyTime> TurnsAt() const {
    const SteadyTime cooling = CoolingUntil();
    if (Good()) return cooling == SteadyTime() ? std::nullopt : std::optional(cooling);
    const auto rest = RestsUntil();
    return rest ? std::optional(std::max(*rest, cooling)) : std::nullopt;
  }

 private:
  enum class Fact {
    kServed,
    kAccepted,
    kFailure,
    kDied,
    kSpent,
    kCoolingForgotten,
    kProbeBegan,
    kProbeEnded,
    kRecovered
  };
  struct Entry {
    Fact fact;
    SteadyTime at;
    SteadyTime until;
  };

  void Add(Fact fact, SteadyTime at, SteadyTime until = {}) { story_.push_back({fact, at, until}); }
  void Recovered(SteadyTime now) {
    failed_before_ = total_failures();
    ++generation_;
    Add(Fact::kRecovered, now);
    generation_began_ = story_.size();  // what was before counts no longer
  }
  std::uint64_t Count(std::size_t from, Fact fact) const {
    return static_cast<std::uint64_t>(std::count_if(story_.begin() + static_cast<std::ptrdiff_t>(from), story_.end(),
                                                    [fact](const Entry& entry) { return entry.fact == fact; }));
  }
  // It counts only if nothing has been held against the token since, nor forgiven.
  HealthChange Blame(const Use& use, SteadyTime now) {
    if (Count(use.seen, Fact::kFailure) > 0 || Count(use.seen, Fact::kRecovered) > 0 || Dead()) {
      return HealthChange::kNone;
    }
    const bool was_good = Good();
    Add(Fact::kFailure, now);
    if (!was_good) return HealthChange::kProbeFailed;
    return Good() ? HealthChange::kFailure : HealthChange::kDisabled;
  }

  // The latest that was ever said, since it was forgotten.
  SteadyTime CoolingUntil() const {
    SteadyTime until{};
    for (auto entry = story_.rbegin(); entry != story_.rend() && entry->fact != Fact::kCoolingForgotten; ++entry) {
      if (entry->fact == Fact::kSpent) until = std::max(until, entry->until);
    }
    return until;
  }

  // Of a disabled one: the failure that disabled it begins the first rest, each later one the next.
  std::optional<SteadyTime> RestsUntil() const {
    if (Dead() || options_.recovery_delay == 0ms) return std::nullopt;
    int failures = 0;
    std::optional<SteadyTime> until;
    milliseconds rest{};
    for (std::size_t i = generation_began_; i < story_.size(); ++i) {
      const bool disabled = failures == options_.max_failures;
      const bool good = story_[i].fact == Fact::kServed || story_[i].fact == Fact::kAccepted;
      if (good && !disabled) failures = 0;
      if (story_[i].fact != Fact::kFailure) continue;
      if (!disabled && ++failures < options_.max_failures) continue;
      rest = until ? std::min(2 * rest, std::max(options_.recovery_max_delay, options_.recovery_delay))
                   : options_.recovery_delay;
      until = story_[i].at + rest;
    }
    return until;
  }

  const HealthOptions options_;
  std::vector<Entry> story_;
  std::size_t generation_began_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t failed_before_ = 0;
  std::uint64_t successes_ = 0;
};

// A token and its model, and all who use it.
class HealthStory {
 public:
  explicit HealthStory(unsigned seed) : random_(seed) {
    recovers_once_in_ = Any(8) == 0 ? 20 : 2;
    token_.options.max_failures = 1 + static_cast<int>(Any(4));
    token_.options.quota_cooling = 10s;
    token_.options.recovery_delay = Any(5) == 0 ? 0s : 60s;
    token_.options.recovery_max_delay = Any(5) == 0 ? 10s : 500s;
    model_.emplace(token_.options);
  }

  void Step() {
    switch (Any(16)) {
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
        return Confirm();
      case 12:
      case 13:
        return token_.clock.Advance(milliseconds(Any(4) == 0 ? Any(400'000) : Any(12'000)));
      case 14:
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
    if (health.probing() != model_->Probing()) return "whether it is being tried";
    const bool half_open = token_.state() == TokenState::kHalfOpen;
    if (token_.may_probe() != (half_open && !model_->Probing())) return "whether it may be tried";
    if (health.failures() > token_.options.max_failures) return "more failures than disable";
    return "";
  }

  // From here a probe that succeeds when its time has come leads to ready, and so does a recovery.
  std::string DeadEnd() const {
    Patient by_hand = token_;
    by_hand.Recover();
    if (by_hand.state() != TokenState::kReady) return "a recovery by hand";
    Patient by_itself = token_;
    for (const HealthStamp& probe : probes_) by_itself.Report(Outcome::kCancelled, probe);
    if (model_->Good() || (!model_->Dead() && token_.options.recovery_delay > 0ms)) {
      by_itself.clock.Advance(1000h);
      if (by_itself.state() != TokenState::kReady && !by_itself.may_probe()) return "to wait for a probe";
    }
    // A probe of a dead one is a health check's.
    by_itself.Report(Outcome::kSuccess);
    if (by_itself.state() == TokenState::kCooling) by_itself.clock.Advance(1000h);
    if (by_itself.state() != TokenState::kReady) return "a probe that succeeds";
    return "";
  }

 private:
  struct Lease {
    HealthStamp stamp;
    HealthModel::Use use;
  };
  struct Charge {
    PendingCharge pending;
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
    // Requests get a token that is ready, or the probe of a half-open one; health checks any, but one at a time.
    if (token_.health.probing()) return;
    if (token_.state() == TokenState::kDisabled && Any(10) != 0) return;
    const std::size_t burst = token_.state() == TokenState::kReady ? 1 + Any(4) : 1;
    for (std::size_t i = 0; i < burst; ++i) {
      const HealthStamp stamp = token_.Begin();
      leases_.push_back({stamp, model_->Begin(now())});
      Same(stamp.is_probe, leases_.back().use.probe);
      if (stamp.is_probe) probes_.push_back(stamp);
    }
  }

  void End() {
    if (leases_.empty()) return;
    const Lease lease = Take(&leases_);
    Outcome outcome = Outcome::kSuccess;
    switch (Any(8)) {
      case 0:
      case 1:
      case 2:
        outcome = Outcome::kAuthRejected;
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
    if (outcome != Outcome::kServerError) return;
    charges_.push_back({token_.health.Charge(lease.stamp), lease.use});
    charges_.back().use.told = model_->told();
  }

  void Confirm() {
    if (charges_.empty()) return;
    const Charge charge = Take(&charges_);
    Same(token_.Confirm(charge.pending), model_->Confirm(charge.use, now()));
    if (Any(4) == 0) charges_.push_back(charge);  // twice is once
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
  std::vector<HealthStamp> probes_;  // all there ever were
  std::vector<Charge> charges_;
  std::size_t recovers_once_in_ = 1;
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
        if (random() % 3 == 0) {
          token.Report(Outcome::kServerError, lease);
          token.Confirm(token.health.Charge(lease));
        } else {
          token.Report(Outcome::kAuthRejected, lease);
        }
      }
      REQUIRE(token.health.failures() == burst);
    }
  }
}

}  // namespace
}  // namespace warppool::internal
