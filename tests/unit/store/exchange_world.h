// Processes that share a store and exchange its credential by the rule of store/exchange_rule.h, and the service that
// replaces it: a world that goes on by one step at a time, so that a test decides who comes before whom. Whatever a
// process does to the record is one step; sending, being served, receiving, writing and releasing are steps of their
// own, and between them it may be stopped, be killed, or lose its store.
//
//   ExchangeWorld world({ExchangeWorld::Rotation::kAtOnce, 2, ExchangeWorld::Often(9)});
//   world.Play("A takes the free lock, and will send R0");  // false: that is not what can happen now
//   world.broken();                                         // the first promise that was broken; empty: none
//
// Credentials are R0, R1, ... in the order in which the service issued them. After each step the promises of
// exchange_promises.h are checked, and by RunOn() the one about the end:
//
//   I3  Everybody who lives gets a JWT, if the store has a valid credential or nothing was lost on the way.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/exchange_rule.h"
#include "unit/store/exchange_promises.h"
#include "unit/store/exchange_situation.h"

namespace warppool::internal {

class ExchangeWorld : public ExchangeSituation {
 public:
  using ExchangeSituation::ExchangeSituation;

  const std::string& broken() const { return broken_; }
  std::string Log() const {
    std::string all;
    for (const std::string& line : log_) all += "\n  " + line;
    return all + "\n";
  }
  std::string WhatCanHappen() const {
    std::string all;
    for (const Step& step : Possible()) all += "\n  " + After(step).log_.back();
    return all;
  }

  // Takes the step that reads like this.
  bool Play(const std::string& text) {
    for (const Step& step : Possible()) {
      ExchangeWorld next = After(step);
      if (next.log_.back() != text) continue;
      *this = std::move(next);
      return true;
    }
    return false;
  }

  void Perform(const Step& step) {
    const ExchangeStanding before = Standing();
    event_ = ExchangeEvent::kUsual;
    if (step.action >= Action::kStop) --left_[static_cast<std::size_t>(step.action) - kFirstDisturbance];
    Do(step);
    const ExchangeStanding after = Standing();
    was_lost_ = was_lost_ || LosesCredential(before, after);
    if (broken_.empty()) broken_ = BrokenPromise(before, after, event_, IsUndisturbed());
  }

  // All disturbances end, and everybody goes on until there is nothing left to do.
  void RunOn(std::mt19937* random) {
    for (Process& process : processes_) {
      if (process.run != Run::kDead) process.run = Run::kRunning;
      process.hung = false;
    }
    log_.push_back("everybody goes on, with a store");
    constexpr int kMostSteps = 3'000;  // a hundred are usual
    for (int count = 0; count < kMostSteps && broken_.empty() && !IsAtRest(); ++count) {
      std::vector<Step> steps = Possible();
      const auto disturbs = [](const Step& step) { return IsDisturbance(step.action); };
      steps.erase(std::remove_if(steps.begin(), steps.end(), disturbs), steps.end());
      if (steps.empty()) break;
      Perform(steps[(*random)() % steps.size()]);
    }
    if (!broken_.empty()) return;
    const bool has_all = !Any([](const Process& process) { return process.run != Run::kDead && !process.has_jwt; });
    if (!has_all && (StoreHasValid() || !was_lost_)) broken_ = "I3: somebody who lives gets no JWT";
    if (has_all && !IsAtRest()) broken_ = "I3: it does not come to an end";
    if (record_.counters.requests != saves_) broken_ = "a save was lost";
  }

 private:
  ExchangeWorld After(const Step& step) const {
    ExchangeWorld next = *this;
    next.Perform(step);
    return next;
  }

  template <typename... Args>
  void Say(fmt::format_string<Args...> text, Args&&... args) {
    log_.push_back(fmt::format(text, std::forward<Args>(args)...));
  }

  void Do(const Step& step) {
    Process& process = processes_[step.who];
    const std::string name = NameOf(step.who);
    switch (step.action) {
      case Action::kLook:
        return Look({StoreHasJwt(), MayTakeOver(process), false}, name, &process);
      case Action::kTakeEarly:
        return Look({false, true, false}, name, &process, " too early");
      case Action::kProbe:
        return Look({false, false, true}, name, &process);
      case Action::kServe:
        return Serve(name, &process);
      case Action::kWrite:
        return WriteGot(name, &process);
      case Action::kJudge:
        return JudgeRefusal(name, &process);
      case Action::kFinish:
        return Finish(name, &process);
      case Action::kEndSave:
        return EndSave(name, &process);
      case Action::kTick:
        return Tick();
      case Action::kTenMinutes:
        return TenMinutes();
      case Action::kKill:
        return Kill(name, &process);
      case Action::kEndJwt:
        return EndJwt();
      case Action::kLose:
        return Lose(name, &process);
      case Action::kSend:
        process.state = State::kSent;
        process.net = Net::kRequest;
        return Say("{} sends {}", name, NameOf(process.turn.sent));
      case Action::kReceive:
        process.state = State::kWriting;
        process.has_jwt = process.net == Net::kGranted;
        process.net = Net::kNone;
        return Say("{} receives R{}", name, process.got);
      case Action::kSeeBreak:
        process.state = process.got == kNoCredential ? State::kDone : State::kWriting;
        process.net = Net::kNone;
        return Say("{} sees the connection break", name);
      case Action::kFailWrite:
        return Say("{}: the write of R{} fails", name, process.got);
      case Action::kLeaveDoubt:
        process.state = State::kIdle;
        process.without_store = false;
        return Say("{} is in doubt no more", name);
      case Action::kFindLifted:
        process.state = State::kIdle;
        return Say("{} finds another credential in the store", name);
      case Action::kGoWithoutStore:
        if (process.state == State::kWriting) process.turn.sent = Credential(process.got);
        if (process.turn.number == 0) process.turn.number = ++drawn_;
        process.turn.refused.clear();
        process.without_store = true;
        process.state = State::kReady;
        return Say("{} goes without the store, and will send {}", name, NameOf(process.turn.sent));
      case Action::kTakeUnseen: {
        if (process.turn.number == 0) process.turn.number = ++drawn_;
        ExchangeTurn forgotten = process.turn;
        Take({}, &forgotten, &record_);
        ++version_;
        return Say("{} has the lock, but does not learn of it", name);
      }
      case Action::kWriteUnseen:
        Write(Credential(process.got), JwtOf(process), process.turn, &record_);
        ++version_;
        return Say("{}: its write of R{} takes effect, but does not return", name, process.got);
      case Action::kGoOn:
        process.run = Run::kRunning;
        return Say("{} goes on", name);
      case Action::kStoreAnswers:
        process.hung = false;
        return Say("{}: the store answers again", name);
      case Action::kStop:
        process.run = Run::kStopped;
        return Say("{} is stopped", name);
      case Action::kHang:
        process.hung = true;
        return Say("{}: the store hangs", name);
      case Action::kSleep:
        return Say("the machine sleeps");  // of which what was seen awake knows nothing
      case Action::kBeLate:
        process.is_late = true;
        return Say("{}: refresh_timeout passes, the transfer lives on", name);
      case Action::kWedge:
        process.run = Run::kWedged;
        return Say("{}: its I/O thread hangs", name);
      case Action::kBeginSave:
        process.save.emplace(version_, record_);
        ++process.save->second.counters.requests;
        return Say("{} begins a save, reads {}", name, NameOf(record_.credential));
      case Action::kEndGrace:
        event_ = ExchangeEvent::kMayLose;
        for (int& uses : uses_) uses = std::min(uses, 0);
        return Say("the service: the grace ends");
    }
  }

  void Look(const TakeOptions& options, const std::string& name, Process* process, const char* how_early = "") {
    if (process->turn.number == 0) process->turn.number = ++drawn_;
    const std::uint64_t holder = record_.exchange.number;
    const ExchangeStep step = Take(options, &process->turn, &record_);
    ++version_;
    process->ticks = 0;
    if (step == ExchangeStep::kSend) {
      process->state = State::kReady;
      return Say("{} {}{}, and will send {}", name, HowItTook(holder, *process), how_early, NameOf(process->turn.sent));
    }
    if (step == ExchangeStep::kHeld) {
      process->state = State::kWaiting;
      process->turn.sent = record_.credential;
      process->seen = Lock();
      return Say("{} waits for the lock", name);
    }
    Release(process->turn, &record_);  // it may have taken it, and not have learnt of it
    process->turn.number = 0;
    process->has_jwt = step == ExchangeStep::kUseJwt;
    process->state = process->has_jwt ? State::kIdle : State::kRevoked;
    Say("{} finds {} in the store", name, process->has_jwt ? "a JWT" : "the mark \"revoked\"");
  }

  std::string HowItTook(std::uint64_t holder, const Process& process) const {
    if (holder == 0) return "takes the free lock";
    if (holder == process.turn.number) return "finds that it has the lock";
    for (std::size_t who = 0; who < processes_.size(); ++who) {
      if (processes_[who].turn.number == holder) return "takes the lock over from " + NameOf(who);
    }
    return "takes the lock over from nobody";  // it was not given back
  }

  void Serve(const std::string& name, Process* process) {
    const auto sent = static_cast<std::size_t>(NumberOf(process->turn.sent));
    const bool is_dead = process->run == Run::kDead;
    if (uses_[sent] == 0) {
      process->net = is_dead ? Net::kNone : Net::kRefused;
      return Say("the service refuses R{} of {}", sent, name);
    }
    if (is_dead) event_ = ExchangeEvent::kMayLose;  // nobody receives it
    int issued = NumberOf(process->turn.sent);
    if (rotation_ != Rotation::kNever) {
      issued = static_cast<int>(uses_.size());
      if (rotation_ == Rotation::kAtOnce) uses_[sent] = 0;
      if (uses_[sent] > 0) --uses_[sent];
      std::replace(uses_.begin(), uses_.end(), kUsesForEver, kGraceUses);
      uses_.push_back(kUsesForEver);
    }
    process->net = is_dead ? Net::kNone : Net::kGranted;
    if (!is_dead) process->got = issued;
    Say("the service answers {}: R{} -> R{}", name, sent, issued);
  }

  std::optional<StoredJwt> JwtOf(const Process& process) const {
    if (!process.has_jwt) return std::nullopt;
    return StoredJwt{Secret("fake.jwt"), now_ + std::chrono::hours(1), std::chrono::hours(1)};
  }

  void WriteGot(const std::string& name, Process* process) {
    const Secret got = Credential(process->got);
    const std::set<int> had = Standing().store;
    const bool was_current = record_.credential == got && process->turn.sent != got;
    // An empty answer says that the credential stays as it was.
    Write(got == process->turn.sent ? Secret() : got, JwtOf(*process), process->turn, &record_);
    ++version_;
    const char* where = "nowhere";
    if (Standing().store.count(process->got) != 0) where = had.count(process->got) != 0 ? "(known)" : "as a candidate";
    if (record_.credential == got && !was_current) where = "as current";
    process->turn.sent = got;
    process->got = kNoCredential;
    process->state = State::kDone;
    Say("{} writes {} {}", name, NameOf(got), where);
  }

  void JudgeRefusal(const std::string& name, Process* process) {
    const std::string refused = NameOf(process->turn.sent);
    const ExchangeStep step = Judge(StoreHasJwt(), &process->turn, &record_);
    ++version_;
    process->net = Net::kNone;
    process->got = kNoCredential;
    process->is_late = false;
    process->is_given_up = false;
    std::string then;
    switch (step) {
      case ExchangeStep::kAgain:
        process->state = State::kDone;
        then = "; others hold the lock or got a JWT: it begins again";
        break;
      case ExchangeStep::kSend:
        process->state = State::kReady;
        then = "; tries " + NameOf(process->turn.sent);
        break;
      case ExchangeStep::kInDoubt:
        process->state = State::kInDoubt;
        process->doubted = process->turn.refused;
        process->turn.number = 0;
        then = ": in doubt";
        break;
      case ExchangeStep::kRevoked:
        event_ = ExchangeEvent::kMarked;
        process->state = State::kRevoked;
        process->turn.number = 0;
        process->without_store = false;
        then = ": revoked";
        break;
      case ExchangeStep::kUseJwt:
      case ExchangeStep::kHeld:
        broken_ = "a refusal cannot be judged so";
        break;
    }
    Say("{} is told that {} is refused for good{}", name, refused, then);
  }

  void Finish(const std::string& name, Process* process) {
    Say("{} {}", name, Holds(*process) ? "releases the lock" : "is done");
    Release(process->turn, &record_);
    ++version_;
    process->turn.number = 0;
    process->turn.refused.clear();
    process->state = State::kIdle;
    process->is_late = process->is_given_up = process->without_store = false;
  }

  // A save is about another part of the record: if that is another one by now, it is read again.
  void EndSave(const std::string& name, Process* process) {
    if (process->save->first != version_) {
      process->save->second = record_;
      ++process->save->second.counters.requests;
    }
    record_ = std::move(process->save->second);
    ++version_;
    ++saves_;
    process->save.reset();
    Say("{} ends its save", name);
  }

  // The holder renews, if it can, and then those who wait have a look.
  void Tick() {
    bool is_renewed = false;
    for (Process& process : processes_) {
      const bool knows = process.state != State::kIdle && process.state != State::kWaiting;
      if (knows && IsAwake(process) && !process.is_late && Renew(process.turn, &record_)) is_renewed = true;
    }
    if (is_renewed) ++version_;
    for (Process& process : processes_) {
      if (process.state != State::kWaiting || !IsAwake(process)) continue;
      process.ticks = process.seen == Lock() ? process.ticks + 1 : 0;
      process.seen = Lock();
    }
    Say("a tick: {}", is_renewed ? "the holder renews" : "no renewal is seen");
  }

  void TenMinutes() {
    for (Process& process : processes_) process.is_given_up = process.is_given_up || Owes(process);
    const std::vector<OwedAnswer> owed = record_.exchange.owed;
    for (const OwedAnswer& answer : owed) NoteSeen({answer.number, kOwedFor}, &record_);
    ++version_;
    Say("10 minutes pass without an answer");
  }

  // What it sent may be served all the same.
  void Kill(const std::string& name, Process* process) {
    event_ = ExchangeEvent::kMayLose;
    Process dead;
    dead.run = Run::kDead;
    dead.turn = process->turn;
    if (process->net == Net::kRequest) dead.net = Net::kRequest;
    *process = std::move(dead);
    Say("{} is killed", name);
  }

  void EndJwt() {
    now_ += std::chrono::hours(2);
    for (Process& process : processes_) {
      process.has_jwt = false;
      if (process.net == Net::kGranted) process.net = Net::kOveraged;
    }
    Say("the JWT ends");
  }

  void Lose(const std::string& name, Process* process) {
    event_ = ExchangeEvent::kMayLose;
    if (process->net == Net::kGranted) process->got = kNoCredential;
    process->net = Net::kBroken;
    Say("{}: its answer is lost on the way", name);
  }

  std::uint64_t version_ = 0;  // of the record: a commit fails if it is another one than when it was read
  std::uint64_t saves_ = 0;
  std::uint64_t drawn_ = 0;  // numbers of the lock
  ExchangeEvent event_ = ExchangeEvent::kUsual;
  bool was_lost_ = false;
  std::string broken_;
  std::vector<std::string> log_;
};

}  // namespace warppool::internal
