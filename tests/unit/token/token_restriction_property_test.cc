// Long random stories of a pool whose tokens come, go and change: no restricted request ever gets a token that may not
// serve it, and whoever may serve it does.

#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "unit/token/membership_fixture.h"

namespace warppool::internal {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kRestrictionSeeds = 40;
constexpr int kRestrictionSteps = 600;
constexpr Tier kEachTier[] = {Tier::kPersonal, Tier::kShared, Tier::kAnonymous};

class RestrictionStory {
 public:
  explicit RestrictionStory(unsigned seed)
      : random_(seed), pool_({"p1", "p2", "s1", "s2", "a1"}, With(static_cast<Strategy>(1 + Any(3)), AnyLimit())) {
    for (const std::string& name : pool_.names) who_[name] = ++last_;
  }

  void Step() {
    switch (Any(12)) {
      case 0:
        return AddRule();
      case 1:
        return Rename();
      case 2:
        return Remove();
      case 3:
        return Add();
      case 4:
        return Move();
      case 5:
        return Replace();
      case 6:
      case 7:
        return End();
      case 8:
        return pool_.clock.Advance(milliseconds(Any(90'000)));
      default:
        return Acquire();
    }
  }

  const std::string& wrong() const { return wrong_; }
  int served() const { return served_; }
  int refused() const { return refused_; }

 private:
  // A restriction, and the same as the test understands it.
  struct Rule {
    std::shared_ptr<const TokenRestriction> only;
    std::set<Tier> tiers;
    std::set<int> tokens;
  };

  std::size_t Any(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }
  int AnyLimit() { return Any(2) == 0 ? 0 : 2; }
  std::string AnyName() {
    auto it = who_.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(Any(who_.size())));
    return it->first;
  }
  std::string NewName() { return "n" + std::to_string(++last_); }
  void Wrong(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }
  void Must(bool good, const char* what) {
    if (!good) Wrong(what);
  }

  bool MayServe(const Token& token, const Rule& rule) const {
    const bool tier = rule.tiers.empty() || rule.tiers.count(token.tier()) != 0;
    return tier && (rule.tokens.empty() || rule.tokens.count(who_.at(token.name())) != 0);
  }
  TokenPool::Tokens Outside(const Rule& rule) const {
    TokenPool::Tokens outside;
    for (const auto& token : pool_.pool.members().All()) {
      if (!MayServe(*token, rule)) outside.insert(token.get());
    }
    return outside;
  }

  void AddRule() {
    Rule rule;
    std::vector<Tier> tiers;
    std::vector<std::string> names;
    for (std::size_t n = Any(3); n > 0; --n) tiers.push_back(kEachTier[Any(3)]);
    for (std::size_t n = Any(4); n > 0; --n) names.push_back(AnyName());
    rule.tiers.insert(tiers.begin(), tiers.end());
    for (const std::string& name : names) rule.tokens.insert(who_.at(name));
    auto only = pool_.pool.members().Restrict(tiers, names);
    Must(only.ok() == (Outside(rule).size() < who_.size()), "what is refused at once");
    if (!only.ok() || *only == nullptr) return;
    rule.only = *std::move(only);
    rules_.push_back(std::move(rule));
  }

  void Rename() {
    const std::string name = AnyName();
    // Names come back: of one that was renamed or removed, to another one.
    const std::string wanted = Any(2) == 0 || free_.empty() ? NewName() : free_[Any(free_.size())];
    if (!pool_.pool.members().Rename(name, wanted).ok()) return;
    const int who = who_.at(name);
    who_.erase(name);
    who_[wanted] = who;
    free_.push_back(name);
  }

  void Remove() {
    const std::string name = AnyName();
    if (who_.size() < 3 || !pool_.pool.members().Remove(name).ok()) return;
    who_.erase(name);
    free_.push_back(name);
  }

  void Add() {
    TokenConfig config = ConfigOf(NewName());
    config.tier = kEachTier[Any(3)];
    if (Any(2) == 0 && !free_.empty()) config.name = free_[Any(free_.size())];
    if (who_.size() < 8 && pool_.pool.members().Add(config).ok()) who_[config.name] = ++last_;
  }

  void Move() { Must(pool_.pool.members().Move(AnyName(), kEachTier[Any(3)]).ok(), "a move"); }
  void Replace() {
    Must(pool_.pool.members().Replace(AnyName(), Unnamed("hunter2-" + NewName())).ok(), "a new credential");
  }

  void Acquire() {
    if (rules_.empty()) return;
    const Rule& rule = rules_[Any(rules_.size())];
    TokenPool::Wanted wanted;
    wanted.may_probe = Any(3) != 0;
    if (Any(4) == 0) wanted.preferred = &pool_.token(AnyName());
    // The same by leaving all others out.
    TokenPool::Wanted same = wanted;
    same.excluded = Outside(rule);
    wanted.only = rule.only.get();
    const bool any = pool_.pool.AnyReady(same);
    const auto outlook = pool_.pool.WhenReady(same);
    Must(pool_.pool.AnyReady(wanted) == any, "whether one would do");
    Must(pool_.pool.WhenReady(wanted).earliest == outlook.earliest, "when one would do");
    Must(pool_.pool.WhenReady(wanted).busy == outlook.busy, "whether one is busy");
    Must(pool_.pool.members().HasAny(*rule.only) == (same.excluded.size() < who_.size()), "whether there is one");
    auto lease = pool_.pool.Acquire(wanted);
    Must(lease.has_value() == any, "one that would do is not found");
    ++(lease ? served_ : refused_);
    if (!lease) return;
    Must(MayServe(lease->token(), rule), "one that may not serve is leased");
    leases_.push_back(*std::move(lease));
  }

  void End() {
    if (leases_.empty()) return;
    std::swap(leases_[Any(leases_.size())], leases_.back());
    Lease lease = std::move(leases_.back());
    leases_.pop_back();
    constexpr Outcome kEnds[] = {Outcome::kSuccess, Outcome::kSuccess, Outcome::kAuthRejected, Outcome::kQuotaExhausted,
                                 Outcome::kNetwork};
    std::move(lease).End({kEnds[Any(5)], Status(Code::kInternal, "because"), milliseconds(Any(30'000))});
  }

  std::mt19937 random_;
  int last_ = 0;
  Pool pool_;
  std::map<std::string, int> who_;  // is called so
  std::vector<std::string> free_;   // names that were somebody's
  std::vector<Rule> rules_;
  std::vector<Lease> leases_;  // must end before the pool
  int served_ = 0;
  int refused_ = 0;
  std::string wrong_;
};

TEST_CASE("whatever happens, no restricted request gets a token that may not serve it, and any that may does") {
  int served = 0;
  int refused = 0;
  for (unsigned seed = 1; seed <= kRestrictionSeeds; ++seed) {
    RestrictionStory story(seed);
    for (int step = 0; step < kRestrictionSteps; ++step) {
      story.Step();
      if (story.wrong().empty()) continue;
      INFO("seed " << seed << ", step " << step << ": " << story.wrong());
      REQUIRE(story.wrong().empty());
    }
    served += story.served();
    refused += story.refused();
  }
  // The seeds are fixed: both have happened, and often.
  CHECK(served > 1000);
  CHECK(refused > 1000);
}

}  // namespace
}  // namespace warppool::internal
