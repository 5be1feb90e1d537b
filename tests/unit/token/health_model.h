// A model of TokenHealth that knows no states: it remembers what happened, and reads everything from that.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "token/token_health.h"

namespace warppool::internal {

class HealthModel {
 public:
  // One that uses the token, or whose refusal waits for another token's success.
  struct Use {
    std::size_t seen = 0;  // how long the story was when it began
    std::size_t told = 0;  // ... and when it ended
    bool probe = false;
    std::optional<std::size_t> trial{};  // where it began, if it is one
  };

  explicit HealthModel(HealthOptions options) : options_(options) {}

  Use Begin(SteadyTime now) {
    Use use{story_.size(), 0, !Good()};
    if (!used_at_) used_at_ = now;
    if (use.probe || (OnTrial() && !Trying())) {
      use.trial = story_.size();
      Add(Fact::kTrialBegan, now);
    }
    if (!use.probe && CoolingUntil() <= now) Add(Fact::kCoolingForgotten, now);
    return use;
  }

  HealthChange Serve(const Use& use, SteadyTime now) {
    ++successes_;
    served_at_ = now;
    Add(Fact::kServed, now);
    return Prove(use, now);
  }

  HealthChange End(Outcome outcome, const Use& use, SteadyTime now, std::optional<std::chrono::milliseconds> cool_for) {
    const bool recent = Count(use.seen, Fact::kRecovered) == 0;  // no recovery since
    if (use.trial) Add(Fact::kTrialEnded, now, {}, *use.trial);
    switch (outcome) {
      case Outcome::kAccepted:
        return Prove(use, now);
      case Outcome::kAuthRevoked:
        if (!recent || Revoked()) return HealthChange::kNone;
        Add(Fact::kRevoked, now);
        return HealthChange::kDisabled;
      case Outcome::kQuotaExhausted:
        if (!recent) return HealthChange::kNone;
        return Cool(now + cool_for.value_or(options_.quota_cooling), now) ? HealthChange::kCooling
                                                                          : HealthChange::kNone;
      default:
        return HealthChange::kNone;
    }
  }

  void Rest(const Use& use, SteadyTime now) {
    if (Count(use.seen, Fact::kRecovered) == 0 && !Revoked()) Add(Fact::kRefused, now);
  }
  HealthChange Confirm(const Use& use, SteadyTime now) {
    if (Lapsed(use) || Revoked() || (use.probe && Trying())) return HealthChange::kNone;
    const bool was_good = Good();
    Add(Fact::kFailure, now);
    if (!was_good) return HealthChange::kProbeFailed;
    return Good() ? HealthChange::kFailure : HealthChange::kDisabled;
  }
  void SetBack(const Use& use, SteadyTime now) {
    if (!Lapsed(use) && SetBackUntil() <= now) Add(Fact::kSetBack, now);
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

  // In a row: those since it served, or was accepted, while it was in use.
  int Failures() const {
    const auto failures = static_cast<int>(Count(Cleared(), Fact::kFailure));
    return std::min(failures, options_.max_failures);
  }
  bool Revoked() const { return Count(generation_began_, Fact::kRevoked) > 0; }
  bool Good() const { return !Revoked() && Failures() < options_.max_failures; }
  // Somebody tries it: the last one that began to, and neither it nor anybody else has brought an end to that.
  bool Trying() const {
    std::optional<std::size_t> began;
    for (std::size_t i = Cleared(); i < story_.size(); ++i) {
      if (story_[i].fact == Fact::kTrialBegan) began = i;
      if (story_[i].fact == Fact::kTrialEnded && story_[i].began == began) began.reset();
    }
    return began.has_value();
  }
  bool OnTrial() const { return Count(Cleared(), Fact::kRefused) > 0; }
  bool RefusedSince(SteadyTime begin) const { return RestsUntil() > begin + kRest; }
  bool ServedLately(SteadyTime now) const { return served_at_ && now - *served_at_ < kLately; }
  bool IsNew(SteadyTime now) const { return used_at_ && now - *used_at_ < kFirstUse; }

  TokenState State(SteadyTime now) const {
    if (Good()) {
      if (now < CoolingUntil()) return TokenState::kCooling;
      return now < RestsUntil() ? TokenState::kResting : TokenState::kReady;
    }
    const auto turns = TurnsAt();
    return turns && *turns <= now ? TokenState::kHalfOpen : TokenState::kDisabled;
  }
  std::optional<SteadyTime> TurnsAt() const {
    const SteadyTime rested = std::max(CoolingUntil(), RestsUntil());
    if (Good()) return rested == SteadyTime() ? std::nullopt : std::optional(rested);
    const auto half_open = HalfOpenAt();
    return half_open ? std::optional(std::max(*half_open, rested)) : std::nullopt;
  }
  SteadyTime SetBackUntil() const {
    SteadyTime until{};
    std::chrono::milliseconds time = kSetBack / 2;
    for (std::size_t i = Cleared(); i < story_.size(); ++i) {
      if (story_[i].fact != Fact::kSetBack) continue;
      time = std::min(2 * time, kLongestSetBack);
      until = story_[i].at + time;
    }
    return until;
  }

 private:
  enum class Fact {
    kServed,
    kCleared,
    kRefused,
    kFailure,
    kRevoked,
    kSetBack,
    kSpent,
    kCoolingForgotten,
    kTrialBegan,
    kTrialEnded,
    kRecovered
  };
  struct Entry {
    Fact fact;
    SteadyTime at;
    SteadyTime until;
    std::size_t began;  // of the trial that ended
  };

  void Add(Fact fact, SteadyTime at, SteadyTime until = {}, std::size_t began = 0) {
    story_.push_back({fact, at, until, began});
  }
  void Recovered(SteadyTime now) {
    failed_before_ = total_failures();
    ++generation_;
    Add(Fact::kRecovered, now);
    generation_began_ = story_.size();  // what was before counts no longer
  }
  // It works, as `use` has shown. One that is disabled is brought back by its probe only.
  HealthChange Prove(const Use& use, SteadyTime now) {
    if (Good()) {
      const bool had_failures = Failures() > 0;
      Add(Fact::kCleared, now);
      return had_failures ? HealthChange::kCleared : HealthChange::kNone;
    }
    if (!use.probe || Count(use.seen, Fact::kRecovered) > 0) return HealthChange::kNone;
    Recovered(now);
    return HealthChange::kRecovered;
  }
  // From where on there is anything that is held against it.
  std::size_t Cleared() const {
    std::size_t from = story_.size();
    while (from > generation_began_ && story_[from - 1].fact != Fact::kCleared) --from;
    return from;
  }
  std::uint64_t Count(std::size_t from, Fact fact) const {
    return static_cast<std::uint64_t>(std::count_if(story_.begin() + static_cast<std::ptrdiff_t>(from), story_.end(),
                                                    [fact](const Entry& entry) { return entry.fact == fact; }));
  }
  // A refusal says nothing if something was held against the token since its use began, or forgiven, or if it served
  // since it was refused.
  bool Lapsed(const Use& use) const {
    return Count(use.seen, Fact::kFailure) > 0 || Count(use.seen, Fact::kRecovered) > 0 ||
           Count(use.told, Fact::kServed) > 0;
  }

  // The latest that was ever said, since it was forgotten.
  SteadyTime CoolingUntil() const {
    SteadyTime until{};
    for (auto entry = story_.rbegin(); entry != story_.rend() && entry->fact != Fact::kCoolingForgotten; ++entry) {
      if (entry->fact == Fact::kSpent) until = std::max(until, entry->until);
    }
    return until;
  }
  SteadyTime RestsUntil() const {
    SteadyTime until{};
    for (std::size_t i = Cleared(); i < story_.size(); ++i) {
      if (story_[i].fact == Fact::kRefused) until = story_[i].at + kRest;
    }
    return until;
  }

  // Of a disabled one: the failure that disabled it begins the first delay, each later one the next.
  std::optional<SteadyTime> HalfOpenAt() const {
    if (Revoked() || options_.recovery_delay.count() == 0) return std::nullopt;
    int failures = 0;
    std::optional<SteadyTime> until;
    std::chrono::milliseconds delay{};
    for (std::size_t i = Cleared(); i < story_.size(); ++i) {
      if (story_[i].fact != Fact::kFailure || ++failures < options_.max_failures) continue;
      delay = until ? std::min(2 * delay, std::max(options_.recovery_max_delay, options_.recovery_delay))
                    : options_.recovery_delay;
      until = story_[i].at + delay;
    }
    return until;
  }

  const HealthOptions options_;
  std::vector<Entry> story_;
  std::size_t generation_began_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t failed_before_ = 0;
  std::uint64_t successes_ = 0;
  std::optional<SteadyTime> served_at_{};
  std::optional<SteadyTime> used_at_{};
};

}  // namespace warppool::internal
