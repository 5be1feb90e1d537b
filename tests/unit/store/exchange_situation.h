// Processes that share a store, and the service that replaces its credential: how things stand, and what can happen
// next. What then happens is in exchange_world.h.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/exchange_rule.h"
#include "unit/store/exchange_promises.h"

namespace warppool::internal {

class ExchangeSituation {
 public:
  // What an exchange does to the credential that was sent. kWithGrace: the newest is good for ever, those before it for
  // kGraceUses more exchanges, until the grace ends.
  enum class Rotation : std::uint8_t { kNever, kAtOnce, kWithGrace };

  enum class Action : std::uint8_t {
    // What happens by itself.
    kLook,
    kSend,
    kServe,
    kReceive,
    kSeeBreak,
    kWrite,
    kJudge,
    kFinish,
    kLeaveDoubt,
    kFindLifted,
    kEndSave,
    kTick,
    kTenMinutes,
    // With a store that does not answer; the last two are done there, but nobody learns of it.
    kGoWithoutStore,
    kTakeUnseen,
    kWriteUnseen,
    // The end of a disturbance.
    kGoOn,
    kStoreAnswers,
    // Disturbances: as often as the world allows.
    kStop,
    kKill,
    kHang,
    kLose,
    kSleep,
    kEndJwt,
    kBeLate,
    kWedge,
    kBeginSave,
    kFailWrite,
    kTakeEarly,
    kEndGrace,
    kProbe,
  };
  static constexpr auto kFirstDisturbance = static_cast<std::size_t>(Action::kStop);
  static constexpr auto kDisturbances = static_cast<std::size_t>(Action::kProbe) - kFirstDisturbance + 1;

  using Budget = std::array<int, kDisturbances>;  // how often each disturbance may come
  static Budget Often(int times) {
    Budget budget{};
    budget.fill(times);
    return budget;
  }

  struct Options {
    Rotation rotation;
    std::size_t processes;
    Budget budget;
  };
  struct Step {
    Action action;
    std::size_t who;
  };

  explicit ExchangeSituation(const Options& options)
      : rotation_(options.rotation), start_(options.budget), left_(options.budget), processes_(options.processes) {
    record_.credential = Credential(0);
    for (Process& process : processes_) process.turn.sent = Credential(0);
  }

  static bool IsDisturbance(Action action) { return action >= Action::kGoWithoutStore; }

  std::vector<Step> Possible() const {
    std::vector<Step> steps;
    const auto may = [&](Action action, std::size_t who) {
      if (action < Action::kStop || Left(action) > 0) steps.push_back({action, who});
    };
    for (std::size_t who = 0; who < processes_.size(); ++who) {
      const Process& process = processes_[who];
      const auto it_may = [&](Action action) { may(action, who); };
      if (process.net == Net::kRequest) it_may(Action::kServe);
      if (process.run == Run::kDead) continue;
      if (process.run != Run::kRunning) it_may(Action::kGoOn);
      if (process.run == Run::kRunning && process.hung) AddWithoutStore(process, it_may);
      if (process.run == Run::kRunning && !process.hung) AddWithStore(process, it_may);
      if (process.run == Run::kRunning) AddOthers(process, it_may);
      if (process.net == Net::kRequest || process.net == Net::kGranted || process.net == Net::kRefused) {
        it_may(Action::kLose);
      }
      it_may(Action::kKill);
    }
    if (StoreHasJwt() || Any([](const Process& process) { return process.has_jwt; })) may(Action::kEndJwt, 0);
    if (std::any_of(uses_.begin(), uses_.end(), [](int uses) { return uses > 0; })) may(Action::kEndGrace, 0);
    may(Action::kSleep, 0);
    const auto owes = [&](const Process& process) { return IsAwake(process) && Owes(process); };
    if (!record_.exchange.owed.empty() && Any(IsAwake) && !Any(owes)) may(Action::kTenMinutes, 0);
    const auto takes_over = [&](const Process& process) { return IsAwake(process) && MayTakeOver(process); };
    const bool is_waited_for = Any([](const Process& process) { return process.state == State::kWaiting; });
    if (record_.exchange.number != 0 && is_waited_for && !Any(takes_over)) may(Action::kTick, 0);
    return steps;
  }

  bool HasJwt(std::size_t who) const { return processes_[who].has_jwt; }

 protected:
  enum class State : std::uint8_t { kIdle, kWaiting, kReady, kSent, kWriting, kDone, kInDoubt, kRevoked };
  enum class Run : std::uint8_t { kRunning, kStopped, kDead, kWedged };  // wedged: only its store's thread goes on
  enum class Net : std::uint8_t { kNone, kRequest, kGranted, kOveraged, kRefused, kBroken };

  static constexpr int kTicksToTakeOver = 2;
  static constexpr int kGraceUses = 2;

  struct Process {
    Run run = Run::kRunning;
    State state = State::kIdle;
    Net net = Net::kNone;
    ExchangeTurn turn{};
    int got = kNoCredential;                         // issued to it, and not written yet
    std::pair<std::uint64_t, std::uint64_t> seen{};  // the lock as it saw it last
    int ticks = 0;                                   // for which it has been the same
    bool has_jwt = false;
    bool hung = false;           // its store does not answer
    bool is_late = false;        // it renews no more
    bool without_store = false;  // what it sends is not under the lock
    bool is_given_up = false;    // it owed an answer for ten minutes
    std::string doubted{};
    std::optional<std::pair<std::uint64_t, StoredToken>> save{};  // the version that it read, and what it makes of it
  };

  static Secret Credential(int number) { return Secret(fmt::format("fake-R{}", number)); }
  static int NumberOf(const Secret& credential) { return std::stoi(std::string(credential.Reveal().substr(6))); }
  static std::string NameOf(const Secret& credential) { return fmt::format("R{}", NumberOf(credential)); }
  static std::string NameOf(std::size_t who) { return std::string(1, "ABC"[who]); }
  static bool IsAwake(const Process& process) { return process.run == Run::kRunning && !process.hung; }

  template <typename Predicate>
  bool Any(const Predicate& predicate) const {
    return std::any_of(processes_.begin(), processes_.end(), predicate);
  }
  int Left(Action action) const { return left_[static_cast<std::size_t>(action) - kFirstDisturbance]; }
  bool StoreHasJwt() const { return record_.jwt && record_.jwt->expires > now_; }
  bool Holds(const Process& process) const {
    return process.turn.number != 0 && process.turn.number == record_.exchange.number;
  }
  bool Owes(const Process& process) const {
    const auto& owed = record_.exchange.owed;
    return std::any_of(owed.begin(), owed.end(), [&](const auto& it) { return it.number == process.turn.number; });
  }
  std::pair<std::uint64_t, std::uint64_t> Lock() const { return {record_.exchange.number, record_.exchange.renewal}; }
  bool MayTakeOver(const Process& process) const {
    return process.state == State::kWaiting && process.ticks >= kTicksToTakeOver && process.seen == Lock();
  }
  bool IsAtRest() const {
    return !Any([](const Process& process) {
      return process.run != Run::kDead && (!process.has_jwt || process.state != State::kIdle || process.save);
    });
  }
  ExchangeStanding Standing() const {
    ExchangeStanding standing;
    standing.uses = uses_;
    standing.store.insert(NumberOf(record_.credential));
    for (const Secret& candidate : record_.exchange.candidates) standing.store.insert(NumberOf(candidate));
    for (const Process& process : processes_) {
      standing.hands.push_back(process.got);
      standing.is_silent.push_back(process.without_store || process.is_given_up);
      if (process.run != Run::kDead && process.state == State::kSent) ++standing.exchanges;
    }
    standing.has_jwt = StoreHasJwt();
    return standing;
  }
  bool StoreHasValid() const {
    const ExchangeStanding standing = Standing();
    return std::any_of(standing.store.begin(), standing.store.end(),
                       [&](int credential) { return IsAccepted(standing, credential); });
  }
  // The end of a JWT and a write that fails disturb nobody's turn.
  bool IsUndisturbed() const {
    for (std::size_t i = 0; i < kDisturbances; ++i) {
      const auto action = static_cast<Action>(i + kFirstDisturbance);
      const bool is_harmless = action == Action::kEndJwt || action == Action::kFailWrite ||
                               action == Action::kBeginSave || action == Action::kEndGrace;
      if (!is_harmless && left_[i] != start_[i]) return false;
    }
    return true;
  }

  Rotation rotation_;
  Budget start_;
  Budget left_;
  std::vector<int> uses_{kUsesForEver};  // of each credential: how often the service would still accept it
  WallTime now_{};
  StoredToken record_;
  std::vector<Process> processes_;

 private:
  template <typename May>
  void AddWithoutStore(const Process& process, const May& may) const {
    may(Action::kStoreAnswers);
    const bool is_looking = process.state == State::kIdle || process.state == State::kWaiting;
    if (process.state == State::kWriting && !process.without_store) may(Action::kWriteUnseen);
    if (process.has_jwt) return;
    if (is_looking || process.state == State::kWriting) may(Action::kGoWithoutStore);
    const bool is_free = record_.exchange.number == 0 && !StoreHasJwt() && !IsRevoked(record_);
    if (is_looking && is_free) may(Action::kTakeUnseen);
  }

  template <typename May>
  void AddWithStore(const Process& process, const May& may) const {
    if (process.save) return may(Action::kEndSave);
    may(Action::kBeginSave);
    switch (process.state) {
      case State::kIdle:
      case State::kWaiting: {
        if (process.has_jwt) return;
        const bool is_held = record_.exchange.number != 0 && !Holds(process);
        const bool can_end = StoreHasJwt() || IsRevoked(record_);
        if (can_end || !is_held || process.state == State::kIdle || MayTakeOver(process)) may(Action::kLook);
        if (!can_end && is_held && process.state == State::kWaiting) may(Action::kTakeEarly);
        return;
      }
      case State::kSent:
        if (process.net == Net::kRefused) may(Action::kJudge);
        return;
      case State::kWriting:
        may(Action::kWrite);
        return may(Action::kFailWrite);
      case State::kDone:
        return may(Action::kFinish);
      case State::kInDoubt:
        if (IsDoubtOver(StoreHasJwt(), process.doubted, record_)) may(Action::kLeaveDoubt);
        return;
      case State::kRevoked:
        if (StoreHasJwt() || !IsRevoked(record_)) return may(Action::kFindLifted);
        if (record_.exchange.number == 0) may(Action::kProbe);
        return;
      case State::kReady:
        return;
    }
  }

  template <typename May>
  void AddOthers(const Process& process, const May& may) const {
    if (process.state == State::kReady) may(Action::kSend);
    if (process.net == Net::kGranted || process.net == Net::kOveraged) may(Action::kReceive);
    if (process.net == Net::kBroken) may(Action::kSeeBreak);
    may(Action::kStop);
    if (process.state == State::kSent && Holds(process)) may(Action::kWedge);
    if (!process.hung) may(Action::kHang);
    if (process.net == Net::kRequest && Holds(process) && !process.is_late) may(Action::kBeLate);
  }
};

}  // namespace warppool::internal
