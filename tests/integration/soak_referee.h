// Watches the client in the soak test: follows each token by what the client says of it, and compares that with what
// the service knows. Pool events, and the events and ends of pushed streams, come in the client's I/O thread, and so in
// their true order.
//
// Thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "soak_cast.h"
#include "soak_clock.h"
#include "soak_script.h"
#include "warppool/event.h"
#include "warppool/log.h"
#include "warppool/status.h"
#include "warppool/token_pool.h"

namespace warppool::soak {

class Referee {
 public:
  // What the client is configured with.
  struct Rules {
    int max_failures;
    std::chrono::milliseconds quota_cooling;
  };
  struct Totals {
    int successes = 0;
    int faults = 0;  // requests that were to fail
    int retries = 0;
    int waits = 0;  // for a token
    int failures = 0;
    int disabled = 0;
    int probes = 0;
    int recovered = 0;
    int coolings = 0;
    int corrections = 0;  // of them: the account knew better
    int rotations = 0;
  };

  Referee(Script* script, const StormClock* clock, Rules rules) : script_(script), clock_(clock), rules_(rules) {}

  // What one request gave.
  struct End {
    std::string query;
    std::string text;
    std::string token;  // that served it
    int starts = 0;
    int finishes = 0;
    Status status;
  };

  void OnLog(const LogRecord& record) {
    const std::lock_guard<std::mutex> lock(mutex_);
    SearchForSecrets(record.message);
    HearExchange(record.message);
  }

  // The agent is done. The token has served since its first event.
  void OnDone(const std::string& token) {
    const std::lock_guard<std::mutex> lock(mutex_);
    View& view = views_[PositionOf(token)];
    ++view.served;
    view.charges = 0;
    view.served_at = clock_->Dates();
    // Those that were under way when it failed may not have told of it.
    if (++view.served_since_failure > kMaxInFlight && view.row > 0 && !view.disabled) {
      Complain(token + " serves, but keeps its failures");
    }
  }

  void OnEnd(const End& end) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (end.status.ok()) {
      ++totals_.successes;
      const bool right = end.text == "Echo: " + end.query && end.starts == 1 && end.finishes == 1;
      if (!right) Complain("\"" + end.query + "\" was answered \"" + end.text + "\"");
      return;
    }
    const std::string words = end.status.ToString();
    SearchForSecrets(words);
    ++totals_.faults;
    const std::string& token = end.status.token();
    if (!token.empty() && script_->TakeRequestFault(PositionOf(token), end.status)) return;
    std::string tried;
    for (const Attempt& attempt : end.status.attempts()) {
      tried += (tried.empty() ? "; tried: " : ", ") + attempt.token + " (" + CodeName(attempt.code) + ")";
    }
    Complain("\"" + end.query + "\" failed: " + words + tried);
  }

  void OnPoolEvent(const PoolEvent& event) {
    const std::lock_guard<std::mutex> lock(mutex_);
    SearchForSecrets(event.reason);
    if (event.kind == PoolEventKind::kPoolExhausted) return Complain("the pool is exhausted");
    if (event.kind == PoolEventKind::kTierExhausted) {
      // The others have a rock.
      if (event.tier != Tier::kShared) Complain(std::string("exhausted: ") + TierName(event.tier));
      return;
    }
    const Case what{event, PositionOf(event.token), &views_[PositionOf(event.token)]};
    switch (event.kind) {
      case PoolEventKind::kChosen:
        return OnChosen(what);
      case PoolEventKind::kAttemptFailed:
        return OnFailed(what);
      case PoolEventKind::kFailure:
        return OnFailure(what);
      case PoolEventKind::kDisabled:
        return OnDisabled(what);
      case PoolEventKind::kCooling:
        return OnCooling(what);
      case PoolEventKind::kRecovered:
        return OnRecovered(what);
      case PoolEventKind::kRefreshed:
        return script_->JwtArrives(what.token);
      case PoolEventKind::kRotated:
        ++totals_.rotations;
        return;
      case PoolEventKind::kSameAccount:
        if (kCast[what.token].account == what.token && !HasTwin(what.token)) Complain(what, "has no twin");
        return;
      default:
        return;
    }
  }

  // What the client says of its tokens while the storm goes on.
  template <typename Client>
  void LookAt(Client* client) {
    const PoolStatus pool = client->Pool();
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const TokenStatus& token : pool.tokens) {
      const std::size_t i = PositionOf(token.name);
      SearchForSecrets(token.last_error_message + token.reason);
      const Role role = kCast[i].role;
      const bool never_blamed = role != Role::kGuilty && role != Role::kMortal;
      const bool never_rests = role == Role::kRock || role == Role::kInnocent;
      const bool excused = views_[i].excused_at != SteadyClock::time_point();
      if (never_blamed && !excused && (token.total_failures != 0 || token.failures != 0))
        Complain(token.name + " is blamed");
      if (never_blamed && token.state == TokenState::kDisabled) Complain(token.name + " is disabled");
      if (never_rests && token.state != TokenState::kReady && !(token.state == TokenState::kResting && MayRest(i))) {
        Complain(token.name + ": " + token.reason);
      }
      if (token.in_flight > kMaxInFlight) Complain(token.name + " serves too many");
    }
  }

  // What the client says when all is over.
  template <typename Client>
  void LookAtTheEnd(Client* client) {
    LookAt(client);
    const PoolStatus pool = client->Pool();
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const TokenStatus& token : pool.tokens) {
      const std::size_t i = PositionOf(token.name);
      const View& view = views_[i];
      const auto same = [&](const char* what, std::uint64_t said, int seen) {
        if (said == static_cast<std::uint64_t>(seen)) return;
        Complain(token.name + ": " + what + " " + std::to_string(said) + ", but " + std::to_string(seen) +
                 " were seen");
      };
      same("in flight", static_cast<std::uint64_t>(token.in_flight), 0);
      same("served", token.served, view.served);
      same("total_failures", token.total_failures, view.failures);
      if (view.failures > script_->GuiltyAnswers(i) + view.excused_failures)
        Complain(token.name + " is blamed for more than it did");
      if (token.served > static_cast<std::uint64_t>(script_->GoodAnswers(i)))
        Complain(token.name + " never served that");
      const bool dead = script_->IsDead(i);
      if (dead != (token.state == TokenState::kDisabled)) Complain(token.name + " is " + TokenStateName(token.state));
      if (dead && (token.ready_at || token.reason.find(kCast[i].death) == std::string::npos)) {
        Complain(token.name + " is disabled, but: " + token.reason);
      }
      // One told the client, and whoever had the token already may have come for a JWT, too.
      if (dead && script_->DeathsTold(i) > kMaxInFlight) Complain(token.name + " is exchanged although it is dead");
    }
  }

  Totals totals() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return totals_;
  }
  std::string Servings() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::string line;
    for (std::size_t i = 0; i < kTokens; ++i) {
      line += (i == 0 ? "" : ", ") + NameOf(i) + " " + std::to_string(views_[i].served) + "/" +
              std::to_string(views_[i].failures);
    }
    return line;
  }
  std::vector<std::string> Complaints() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return complaints_;
  }
  void OnWaiting() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++totals_.waits;
  }
  void Report(const std::string& what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Complain(what);
  }

 private:
  // A token, as the client should see it.
  struct View {
    int row = 0;       // failures in a row
    int charges = 0;   // server errors since its last success
    int failures = 0;  // in all
    int served = 0;
    bool disabled = false;
    bool dead = false;
    bool to_be_disabled = false;  // the last failure was one too many
    bool probed = false;          // since it was disabled
    int unrefused = 0;            // Script::Unrefused(), when it was disabled
    int served_since_failure = 0;
    int failed_in_outages = 0;
    int excused_failures = 0;
    int coolings = 0;
    // As the client says, by its own clock.
    SystemClock::time_point cools_until{};
    SystemClock::time_point disabled_until{};
    std::optional<SystemClock::time_point> left_alone_until{};  // if no good answer can have been under way
    SteadyClock::time_point served_at{};
    SteadyClock::time_point excused_at{};           // when it was refused for nothing, and that is known
    std::map<Code, SteadyClock::time_point> met{};  // refusals and server errors; the last of each
  };
  struct Case {
    const PoolEvent& event;
    std::size_t token;
    View* view;

    Role role() const { return kCast[token].role; }
  };
  // Of the client's dates: it reads its two clocks, and the clock again when it tells of it, and may have to wait for
  // the processor in between.
  static constexpr std::chrono::milliseconds kTolerance{200};
  // How long the client leaves a token alone that was refused.
  static constexpr std::chrono::seconds kRest{5};
  // In which a refusal that another token met excuses, and how lately that one must have served. A bit less than they
  // are: the client's times are not the referee's.
  static constexpr std::chrono::seconds kFlapping{55};
  static constexpr std::chrono::minutes kLately{9};
  // For threads that have to wait their turn.
  static constexpr std::chrono::seconds kSlack{3};

  static bool HasTwin(std::size_t token) {
    return std::count_if(kCast.begin(), kCast.end(),
                         [&](const Part& part) { return part.account == kCast[token].account; }) > 1;
  }

  // What the client says of an exchange: "Refresh failed: NAME: why".
  void HearExchange(std::string_view message) {
    constexpr std::string_view kFailed = "Refresh failed: ";
    if (message.rfind(kFailed, 0) != 0 || message.find("wants a pause") != std::string_view::npos) return;
    const std::string_view rest = message.substr(kFailed.size());
    Hear(rest.substr(0, rest.find(':')), rest, true);
  }
  void Hear(std::string_view token, std::string_view words, bool at_exchange) {
    const std::string wrong = script_->HearRefusal(PositionOf(token), words, at_exchange);
    if (!wrong.empty()) Complain(std::string(token) + " " + wrong + ": " + std::string(words));
  }

  // Nobody's fault, but it was refused.
  bool MayRest(std::size_t token) const {
    const auto refused = std::max(views_[token].excused_at, script_->LastOutageAnswer(token));
    return clock_->Dates() < refused + kRest + kSlack;
  }

  void OnChosen(const Case& what) {
    View& view = *what.view;
    const auto alone = std::exchange(view.left_alone_until, std::nullopt);
    if (alone && what.event.time + kTolerance < *alone) Complain(what, "is not left alone after a refusal");
    if (view.dead) Complain(what, "is chosen although it is refused for good");
    if (what.event.time + kTolerance < view.cools_until) Complain(what, "is chosen although it cools");
    if (!view.disabled) return;
    ++totals_.probes;
    view.probed = true;
    if (what.event.time + kTolerance < view.disabled_until) Complain(what, "is chosen although it is disabled");
  }

  void OnFailed(const Case& what) {
    ++totals_.retries;
    View& view = *what.view;
    const Code code = what.event.code;
    Hear(what.event.token, what.event.reason, false);
    if (what.role() == Role::kRock && !IsExcused(code) &&
        ++view.failed_in_outages > script_->OutageAnswers(what.token) * kMaxInFlight) {
      Complain(what, "failed: " + std::string(what.event.reason));
    }
    if (code == Code::kServerError) ++view.charges;
    const bool own_fault = code == Code::kUnauthorized || code == Code::kServerError;
    // The dead may hear of it from their exchange first.
    const bool dead = script_->DeathsTold(what.token) > 0;
    const bool refused = script_->GuiltyAnswers(what.token) > 0 || script_->OutageAnswers(what.token) > 0 || dead;
    if (own_fault && !refused && !IsExcused(code)) Complain(what, "is refused, but never was");
    if (own_fault && !dead) NoteRefused(what);
    if (code == Code::kQuotaExhausted && what.role() != Role::kQuota && what.role() != Role::kAskedQuota) {
      Complain(what, "has no quota, but always had");
    }
  }

  void NoteRefused(const Case& what) {
    View& view = *what.view;
    const auto now = clock_->Dates();
    view.met[what.event.code] = now;
    if (IsExcused(what.event.code)) view.excused_at = now;
    if (SteadyClock::now() - script_->LastUnrefused(what.token) > kSlack)
      view.left_alone_until = what.event.time + kRest;
  }

  // Whether another token that served lately has met the same in the minute before.
  bool IsFlapping(std::size_t token, Code code) const {
    const auto now = clock_->Dates();
    for (std::size_t i = 0; i < kTokens; ++i) {
      const auto met = views_[i].met.find(code);
      if (i == token || met == views_[i].met.end()) continue;
      if (now - met->second < kFlapping && met->second - views_[i].served_at < kLately) return true;
    }
    return false;
  }

  bool IsExcused(Code code) const { return code == Code::kUnauthorized && script_->JwtsHaveJustExpired(); }

  void OnFailure(const Case& what) {
    View& view = *what.view;
    if (view.disabled) Complain(what, "has a failure although it is disabled");
    if (what.event.failures != ++view.row) {
      Complain(what, "has " + std::to_string(what.event.failures) + " failures, not " + std::to_string(view.row));
    }
    Blame(what);
    view.to_be_disabled = view.row == rules_.max_failures;
  }

  // A failure, or a probe that failed: there must have been a reason.
  void Blame(const Case& what) {
    View& view = *what.view;
    ++view.failures;
    ++totals_.failures;
    view.served_since_failure = 0;
    if (IsFlapping(what.token, what.event.code)) Complain(what, "is blamed, but others met the same");
    // The refusal was excused then, or is now: its witness may have come later.
    const auto met = view.met.find(what.event.code);
    const bool excused = IsExcused(what.event.code) || (met != view.met.end() && met->second == view.excused_at);
    if (excused) ++view.excused_failures;
    if (!script_->TakeGuilt(what.token, what.event.code) && !excused) {
      Complain(what, "is blamed for what it did not do: " + std::string(what.event.reason));
    }
    if (what.event.code != Code::kServerError) return;
    if (view.charges == 0) Complain(what, "is blamed although it has served since");
  }

  void OnDisabled(const Case& what) {
    View& view = *what.view;
    const char* const death = kCast[what.token].death;
    if (death != nullptr && what.event.reason.find(death) != std::string_view::npos) {
      if (!script_->IsDead(what.token)) Complain(what, "is declared dead, but lives");
      if (what.event.until) Complain(what, "is dead, but to be tried again");
      view.dead = true;
    } else if (view.to_be_disabled) {
      ++totals_.disabled;
    } else if (view.disabled) {
      Blame(what);
    } else {
      Complain(what, "is disabled after " + std::to_string(view.row) + " failures");
    }
    view.to_be_disabled = false;
    view.disabled = true;
    view.probed = false;
    view.unrefused = script_->Unrefused(what.token);
    if (what.event.until) view.disabled_until = *what.event.until;
  }

  void OnCooling(const Case& what) {
    View& view = *what.view;
    ++totals_.coolings;
    if (!what.event.until) return Complain(what, "cools for ever");
    const bool asked = what.role() == Role::kAskedQuota;
    // Not by what is believed of the cooling before: only the client knows whether a clock has ended it.
    if (asked && script_->HasSaidQuotaBack(what.token, *what.event.until, kTolerance)) {
      ++totals_.corrections;
    } else {
      if (++view.coolings > script_->QuotaAnswers(what.token)) Complain(what, "cools, but was not told to");
      const auto longest = asked ? rules_.quota_cooling : kQuotaRest;
      if (*what.event.until > what.event.time + longest + kTolerance) Complain(what, "cools too long");
    }
    view.cools_until = *what.event.until;
  }

  void OnRecovered(const Case& what) {
    View& view = *what.view;
    const std::string_view reason = what.event.reason;
    if (reason.find("cooling") != std::string_view::npos || reason.find("quota") != std::string_view::npos) {
      if (what.event.time + kTolerance < view.cools_until) Complain(what, "is back too early");
      return;
    }
    if (view.dead) Complain(what, "is back from the dead");
    if (view.disabled) {
      ++totals_.recovered;
      const bool served = script_->Unrefused(what.token) > view.unrefused;
      if (!view.probed || !served) Complain(what, "is back, but was not tried");
    }
    view.disabled = false;
    view.row = 0;
  }

  void SearchForSecrets(std::string_view text) {
    const bool leaks =
        text.find(kCredentialMark) != std::string_view::npos || text.find("eyJ") != std::string_view::npos;
    if (leaks) Complain("a secret was said: " + std::string(text));
  }
  void Complain(const std::string& what) {
    if (complaints_.size() < 20) complaints_.push_back(what);
  }
  void Complain(const Case& what, const std::string& how) { Complain(std::string(what.event.token) + " " + how); }

  Script* const script_;
  const StormClock* const clock_;
  const Rules rules_;
  mutable std::mutex mutex_;
  std::array<View, kTokens> views_;
  Totals totals_;
  std::vector<std::string> complaints_;
};

}  // namespace warppool::soak
