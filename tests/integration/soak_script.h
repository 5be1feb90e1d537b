// The service's part of the soak test: what each request is answered, by chance, and the truth about it. Whoever blames
// a token, or fails a request, has to find the reason here.
//
// Thread-safe. Decide() is called by the service's threads, the rest by the client's.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "loopback.h"
#include "soak_cast.h"
#include "soak_clock.h"
#include "soak_deck.h"
#include "soak_hours.h"
#include "soak_quotas.h"
#include "soak_request_faults.h"
#include "soak_slow_refusals.h"
#include "soak_timeline.h"
#include "soak_truth.h"
#include "warppool/status.h"

namespace warppool::soak {

class Script {
 public:
  // For about `requests` requests. Before anything is asked.
  Script(loopback::Service* service, StormClock* clock, std::uint32_t seed, int requests)
      : service_(service),
        clock_(clock),
        quotas_(service, clock),
        random_(seed),
        agent_faults_(AgentFaults(std::max(2, requests / 10'000))),
        exchange_faults_(ExchangeFaults(std::max(1, requests / 25'000))),
        account_faults_(AccountFaults(std::max(1, requests / 25'000))) {
    for (const char* what : kToHappen) counts_[what] = 0;
    for (std::size_t i = 0; i < kTokens; ++i) {
      if (kCast[i].api_key) {
        service->AcceptApiKey(CredentialOf(i, 0));
      } else {
        service->AcceptAs(CredentialOf(i, 0), AccountNameOf(i));
      }
      service->SetQuota(CredentialOf(i, 0), {.unlimited = true});
      if (kCast[i].role == Role::kMortal) truths_[i].dies_at = Below(requests / 2) + requests / 4;
    }
    service->Decide([this](loopback::Endpoint endpoint, const std::string& credential) {
      return Decide(endpoint, OwnerOf(credential), credential);
    });
  }

  // From now on everybody is well but the dead, and takes so much time that all of them are needed. Who was to die and
  // was not asked since then lives on.
  void EndStorm() {
    const std::lock_guard<std::mutex> lock(mutex_);
    storming_ = false;
    timeline_.Stop();
  }

  // All JWTs end now, if it can be said for sure that none is on its way for the first time: of a JWT that was issued
  // a moment ago nobody could tell whether it was refused for its age. So all requests that are under way have to be
  // here, past the check of their JWT, within a moment, and no answer of the exchange may be under way.
  bool ExpireJwts() {
    std::unique_lock<std::mutex> lock(mutex_);
    gate_open_ = false;
    const auto all_here = [&] { return inside_ > 0 && inside_ == timeline_.open() && jwts_under_way_ == 0; };
    const bool expires = changed_.wait_for(lock, std::chrono::milliseconds(60), all_here);
    if (expires) {
      ExpireAllJwts();
      ++counts_["JWTs expired"];
    }
    gate_open_ = true;
    changed_.notify_all();
    return expires;
  }
  // A request that its program has cancelled can still come here, and is counted for another one, which is on its way
  // with a new JWT: that may be refused now.
  bool JwtsHaveJustExpired() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return SteadyClock::now() - expired_at_ < std::chrono::milliseconds(250);
  }

  // The machine sleeps, the next time that the client calls the program, so that nothing is under way in the client's
  // thread.
  void PlanSleep(Nap nap) {
    const std::lock_guard<std::mutex> lock(mutex_);
    timeline_.Plan(nap);
  }
  // A copy.
  Timeline timeline() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return timeline_;
  }
  void EndOutage() {
    const std::lock_guard<std::mutex> lock(mutex_);
    timeline_.EndOutage();
  }
  // How often `token` was answered what everybody was, and when for the last time, by the client's monotonic clock.
  int OutageAnswers(std::size_t token) const { return Locked(token, &Truth::outage_answers); }
  SteadyClock::time_point LastOutageAnswer(std::size_t token) const { return Locked(token, &Truth::outage_at); }
  // How often it was answered what need not be a refusal, and when for the last time.
  int Unrefused(std::size_t token) const { return Locked(token, &Truth::unrefused); }
  SteadyClock::time_point LastUnrefused(std::size_t token) const { return Locked(token, &Truth::unrefused_at); }

  // The number of a request that begins, when it may.
  int RequestBegins() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return !timeline_.IsHeld(); });
    return timeline_.BeginRequest();
  }
  // In the client's thread.
  void RequestEnds(int number) {
    const std::lock_guard<std::mutex> lock(mutex_);
    timeline_.EndRequest(number);
    for (const Nap nap : timeline_.TakeNaps()) Sleep(nap);
    if (timeline_.BeginsOutage(number)) BeginOutage();
    changed_.notify_all();
  }

  void JwtArrives(std::size_t token) {
    const std::lock_guard<std::mutex> lock(mutex_);
    --jwts_under_way_;
    truths_[token].has_jwt = true;
    changed_.notify_all();
  }

  // Whether `token` deserves a failure for `code`, and the deed that it is for; the deeds before it are settled, too.
  bool TakeGuilt(std::size_t token, Code code) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Truth& truth = truths_[token];
    const bool at_agent = truth.agent_guilt[code] > 0;
    // What an exchange said speaks for whoever waited for it, even if he came when it was under way.
    const bool at_exchange = truth.exchange_guilt[code] > 0;
    if (!at_agent && at_exchange) --truth.exchange_guilt[code];
    truth.agent_guilt.clear();
    return at_agent || at_exchange;
  }
  int GuiltyAnswers(std::size_t token) const { return Locked(token, &Truth::guilty_answers); }
  int GoodAnswers(std::size_t token) const { return Locked(token, &Truth::good_answers); }
  int QuotaAnswers(std::size_t token) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return quotas_.answers(token);
  }
  bool HasSaidQuotaBack(std::size_t token, SystemClock::time_point when, SystemClock::duration tolerance) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return quotas_.HasSaidBack(token, when, tolerance);
  }
  bool IsDead(std::size_t token) const { return Locked(token, &Truth::dead); }
  int DeathsTold(std::size_t token) const { return Locked(token, &Truth::deaths_told); }
  int Rotations(std::size_t token) const { return Locked(token, &Truth::rotations); }

  // Whether the request was to fail with this, by what `token` was answered. Each answer fails one.
  bool TakeRequestFault(std::size_t token, const Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return request_faults_.Take(token, status);
  }
  // What is wrong with what the client says of `token`, if that is about a slow refusal; empty: nothing.
  std::string HearRefusal(std::size_t token, std::string_view words, bool at_exchange) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return slow_refusals_.Heard(token, words, at_exchange, SteadyClock::now());
  }
  // Those that nobody heard of.
  int RequestFaultsLeft() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return request_faults_.left();
  }

  // How often everything happened.
  std::map<std::string, int> Counts() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::map<std::string, int> counts = counts_;
    for (const Deck* deck : {&agent_faults_, &exchange_faults_, &account_faults_}) {
      for (const Card& card : deck->cards()) counts[card.name] = card.played;
    }
    return counts;
  }
  int agent_requests() const { return LockedCount(&Script::agent_requests_); }
  int jwts_under_way() const { return LockedCount(&Script::jwts_under_way_); }
  int exchanges() const { return LockedCount(&Script::exchanges_); }
  // How many of those there may be at most, probes left aside: each JWT that is missing is fetched once.
  int ExchangesDue() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto exchanged = std::count_if(kCast.begin(), kCast.end(), [](const Part& part) { return !part.api_key; });
    return static_cast<int>(exchanged) + ended_jwts_ + refused_jwts_ + failed_exchanges_ + short_lives_;
  }
  // What the client did that it must not.
  std::vector<std::string> Complaints() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::string> all = complaints_;
    for (std::string& unheard : slow_refusals_.Unheard()) all.push_back(std::move(unheard));
    return all;
  }

 private:
  using Decision = std::optional<loopback::Behaviour>;

  template <typename T>
  T Locked(std::size_t token, T Truth::*member) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return truths_[token].*member;
  }
  int LockedCount(int Script::*member) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return this->*member;
  }
  int Below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  bool Percent(double chance) { return std::uniform_real_distribution<double>(0, 100)(random_) < chance; }

  void Sleep(Nap nap) {
    const std::chrono::seconds time = nap == Nap::kMinutes
                                          ? std::chrono::minutes(2) + std::chrono::seconds(Below(240))
                                          : std::chrono::hours(1) + std::chrono::seconds(Below(4 * 3600));
    clock_->Sleep(time, nap != Nap::kUncounted);
    ++counts_[NameOf(nap)];
    if (nap != Nap::kMinutes) CountEndOfJwts();
    if (nap == Nap::kHours || (nap == Nap::kUncounted && kWallClockEndsDates)) {
      last_before_sleep_ = timeline_.begun();
      for (Truth& truth : truths_) truth.has_jwt = false;
    }
    if (nap != Nap::kUncounted) timeline_.BeginHour();
  }

  void BeginOutage() {
    if (timeline_.outage() != Outage::kExchangeLogin && timeline_.outage() != Outage::kExchangePages) return;
    ExpireAllJwts();
  }

  void ExpireAllJwts() {
    service_->ExpireJwts();
    expired_at_ = SteadyClock::now();
    CountEndOfJwts();
  }
  void CountEndOfJwts() {
    ended_jwts_ += static_cast<int>(
        std::count_if(truths_.begin(), truths_.end(), [](const Truth& truth) { return truth.has_jwt; }));
  }

  Decision Decide(loopback::Endpoint endpoint, std::size_t token, const std::string& credential) {
    std::unique_lock<std::mutex> lock(mutex_);
    switch (endpoint) {
      case loopback::Endpoint::kExchange:
        return Exchange(token, credential, &lock);
      case loopback::Endpoint::kAgent:
        ++inside_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return gate_open_; });
        --inside_;
        return Agent(token, credential);
      case loopback::Endpoint::kAccount:
        break;
    }
    ++counts_["account asked"];
    if (storming_ && Percent(65)) return account_faults_.Draw(&random_).play();
    return std::nullopt;
  }

  // ------------------------------------------------------------------------------------------------------- the agent
  // --

  Decision Agent(std::size_t token, const std::string& credential) {
    ++agent_requests_;
    Truth& truth = truths_[token];
    const Outage outage = timeline_.outage();
    if (outage == Outage::kAgentLogin) {
      ++refused_jwts_;
      return InOutage(&truth, k401ForAll, loopback::Status(401));
    }
    if (outage == Outage::kAgentPages) return InOutage(&truth, kPageForAll, Page(403));
    if (!IsAlive(&truth)) {
      ++refused_jwts_;
      Guilty(&truth, &Truth::agent_guilt, Code::kUnauthorized, "401 of the dead");
      return loopback::Status(401);
    }
    const Role role = kCast[token].role;
    if (storming_ && role == Role::kGuilty) {
      if (auto spell = AgentSpell(token)) return spell;
    }
    ++truth.unrefused;
    truth.unrefused_at = SteadyClock::now();
    if (!storming_) return Good(&truth).Delay(std::chrono::milliseconds(20));
    if (!quotas_.MayAsk(token)) Complain(token, "is asked although it rests");
    CheckJwt(token);
    // When it alone serves, the others' turn is not to be over before the outage is.
    if (role == Role::kRock) return Good(&truth).Delay(std::chrono::milliseconds(outage == Outage::kNone ? 0 : 20));
    if (role == Role::kQuota && Percent(3)) return quotas_.AnswerThatTells(token, &counts_);
    if (role == Role::kAskedQuota && Percent(5)) {
      return quotas_.AnswerThatTellsNothing(token, credential, &counts_);
    }
    if (Percent(8)) return PlayFault(&agent_faults_, token);
    if (Percent(0.4)) return request_faults_.Next(token, &counts_);
    return Good(&truth);
  }

  loopback::Behaviour InOutage(Truth* truth, const char* what, loopback::Behaviour behaviour) {
    ++counts_[what];
    ++truth->outage_answers;
    truth->outage_at = clock_->Dates();
    return behaviour;
  }

  loopback::Behaviour PlayFault(Deck* deck, std::size_t token) {
    const Card& card = deck->Draw(&random_);
    slow_refusals_.Sent(card.name, token, SteadyClock::now());
    return card.play();
  }

  loopback::Behaviour Good(Truth* truth) {
    ++truth->good_answers;
    auto behaviour = loopback::Ok().Chunks(1 + Below(8));
    if (Percent(10)) behaviour.Delay(std::chrono::milliseconds(1 + Below(4)));
    if (Percent(1)) behaviour.Gap(std::chrono::milliseconds(1));
    if (Percent(0.2)) behaviour.ByteByByte();
    return behaviour;
  }

  bool IsAlive(Truth* truth) {
    if (storming_ && truth->dies_at >= 0 && agent_requests_ >= truth->dies_at) truth->dead = true;
    return !truth->dead;
  }

  void Guilty(Truth* truth, std::map<Code, int> Truth::*where, Code code, const char* what) {
    ++(truth->*where)[code];
    ++truth->guilty_answers;
    ++counts_[what];
  }

  // A spell begins if this is the token's hour.
  void BeginSpell(std::size_t token) {
    Truth& truth = truths_[token];
    const Guilt guilt = GuiltIn(timeline_.hour(), token);
    const bool always = guilt == Guilt::kRefused || guilt == Guilt::kServerError;
    if (truth.spell_hour != timeline_.hour()) truth.spell_left = 0;
    if (truth.spell_left > 0 || !(always || (guilt == Guilt::kAny && Percent(2)))) return;
    const bool refused = guilt == Guilt::kRefused || (guilt == Guilt::kAny && Percent(50));
    const auto number = static_cast<std::size_t>(always ? timeline_.hour() : ++spells_);
    truth.spell = SpellOf(refused, number);
    truth.spell_left = always ? std::numeric_limits<int>::max() : 1 + Below(6);
    truth.spell_hour = timeline_.hour();
  }

  Decision AgentSpell(std::size_t token) {
    BeginSpell(token);
    Truth* const truth = &truths_[token];
    if (truth->spell_left == 0) return std::nullopt;
    switch (truth->spell) {
      case Spell::kForbidden:
        --truth->spell_left;
        Guilty(truth, &Truth::agent_guilt, Code::kUnauthorized, "403");
        return loopback::Status(403);
      case Spell::kServerError:
        --truth->spell_left;
        Guilty(truth, &Truth::agent_guilt, Code::kServerError, "500");
        return loopback::Status(500);
      case Spell::kUnauthorized:
        --truth->spell_left;
        break;
      case Spell::kExchangeRefused:
      case Spell::kExchangeError:
        break;  // so that the client comes for a new one
    }
    ++refused_jwts_;
    Guilty(truth, &Truth::agent_guilt, Code::kUnauthorized, "401");
    return loopback::Status(401);
  }

  // Not of those that were sent before the clock was set.
  void CheckJwt(std::size_t token) {
    if (kCast[token].api_key || truths_[token].has_jwt || last_before_sleep_ == 0) return;
    if (timeline_.AreOver(last_before_sleep_)) Complain(token, "is asked with a JWT that has ended");
  }

  // ---------------------------------------------------------------------------------------------------- the exchange
  // --

  Decision Exchange(std::size_t token, const std::string& credential, std::unique_lock<std::mutex>* lock) {
    ++exchanges_;
    Truth& truth = truths_[token];
    if (credential != CredentialOf(token, truth.rotations)) Complain(token, "is exchanged as what was replaced");
    if (++truth.exchanging > 1) Complain(token, "is exchanged twice at the same time");
    if (Percent(20)) {
      lock->unlock();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      lock->lock();
    }
    --truth.exchanging;
    const Outage outage = timeline_.outage();
    if (outage == Outage::kExchangeLogin || outage == Outage::kExchangePages) {
      ++failed_exchanges_;
      if (outage == Outage::kExchangePages) return InOutage(&truth, kExchangePageForAll, Page(403));
      return InOutage(&truth, kExchange400ForAll, RefusalOfExchange());
    }
    if (!IsAlive(&truth)) {
      ++truth.deaths_told;
      ++failed_exchanges_;
      ++counts_[kCast[token].death];
      return loopback::Dead(kCast[token].death);
    }
    if (storming_ && kCast[token].role == Role::kGuilty) {
      if (auto spell = ExchangeSpell(token)) return spell;
    }
    // Who has met an outage may have nobody left that needs no exchange.
    if (storming_ && kCast[token].role != Role::kRock && timeline_.IsThrough() && Percent(40)) {
      ++failed_exchanges_;
      if (Percent(10)) return RotationWithoutJwt(token);
      return PlayFault(&exchange_faults_, token);
    }
    ++jwts_under_way_;
    auto behaviour = loopback::Ok();
    if (Percent(30)) {
      behaviour.RotateTo(CredentialOf(token, ++truth.rotations));
      ++counts_["rotation"];
    }
    if (Percent(10)) {
      behaviour.JwtLife(std::chrono::seconds(5));
      ++counts_["short-lived JWT"];
      ++short_lives_;
    }
    return behaviour;
  }

  // The only copy of what it is exchanged as from now on, in an answer that is of no use otherwise.
  loopback::Behaviour RotationWithoutJwt(std::size_t token) {
    ++counts_["rotation without a JWT"];
    Truth& truth = truths_[token];
    const std::string credential = CredentialOf(token, ++truth.rotations);
    service_->AcceptAs(credential, AccountNameOf(token));
    return loopback::Raw(R"({"refresh_token":")" + credential + R"("})");
  }

  Decision ExchangeSpell(std::size_t token) {
    BeginSpell(token);
    Truth* const truth = &truths_[token];
    if (truth->spell_left == 0) return std::nullopt;
    if (truth->spell == Spell::kExchangeRefused) {
      --truth->spell_left;
      ++failed_exchanges_;
      Guilty(truth, &Truth::exchange_guilt, Code::kUnauthorized, "exchange 400");
      return RefusalOfExchange();
    }
    if (truth->spell == Spell::kExchangeError) {
      --truth->spell_left;
      ++failed_exchanges_;
      Guilty(truth, &Truth::exchange_guilt, Code::kServerError, "exchange 500");
      return loopback::Status(500);
    }
    return std::nullopt;
  }

  void Complain(std::size_t token, const std::string& what) {
    if (complaints_.size() < 20) complaints_.push_back(NameOf(token) + " " + what);
  }

  loopback::Service* const service_;
  StormClock* const clock_;
  Quotas quotas_;
  mutable std::mutex mutex_;
  Timeline timeline_;
  std::condition_variable changed_;
  std::mt19937 random_;
  Deck agent_faults_;
  Deck exchange_faults_;
  Deck account_faults_;
  std::array<Truth, kTokens> truths_;
  bool storming_ = true;
  bool gate_open_ = true;
  std::size_t inside_ = 0;                // agent requests at the gate
  SteadyClock::time_point expired_at_{};  // all JWTs, the last time
  int jwts_under_way_ = 0;                // issued, and the client has not said that it has them
  int agent_requests_ = 0;
  int exchanges_ = 0;
  int refused_jwts_ = 0;
  int failed_exchanges_ = 0;
  int short_lives_ = 0;
  int spells_ = 0;
  int last_before_sleep_ = 0;  // the last one that may have sent a JWT that a sleep has ended
  int ended_jwts_ = 0;
  RequestFaults request_faults_;
  SlowRefusals slow_refusals_;
  std::map<std::string, int> counts_;
  std::vector<std::string> complaints_;
};

}  // namespace warppool::soak
