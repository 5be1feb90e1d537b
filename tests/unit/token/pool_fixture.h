// What the tests of TokenPool share: a pool whose tokens say by their names what they are, and all that it tells.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.h"
#include "token/token_pool.h"
#include "unit/fakes.h"

namespace warppool::internal {

// `max_failures` disable a token for good; a spent quota cools for 10 s.
inline PoolOptions ForGood(int max_failures = 1) {
  return {{Tier::kPersonal, Tier::kShared, Tier::kAnonymous}, {max_failures, std::chrono::seconds(10)}};
}

// As above, but the disabled come back: half open after 60 s, 120 s, 240 s, 240 s, ...
inline PoolOptions Recovering(int max_failures = 1) {
  PoolOptions options = ForGood(max_failures);
  options.health.recovery_delay = std::chrono::seconds(60);
  options.health.recovery_max_delay = std::chrono::seconds(240);
  return options;
}

inline PoolOptions With(Strategy strategy, int max_in_flight = 0) {
  PoolOptions options = Recovering();
  options.strategy = strategy;
  options.max_in_flight = max_in_flight;
  return options;
}

// An event that was told, with copies of what it borrows.
struct Told {
  // "disabled p1", "tier exhausted s1 SHARED", "pool exhausted s1".
  std::string Line() const {
    std::string line = PoolEventKindName(kind);
    if (!token.empty()) line += " " + token;
    if (kind == PoolEventKind::kTierExhausted) line += std::string(" ") + TierName(tier);
    return line;
  }

  PoolEventKind kind;
  Tier tier;
  std::string token;
  Code code;
  std::string reason;
  int failures;
  std::optional<WallTime> until;
  WallTime time;
};

// "p.." are personal tokens, "s.." shared, "a.." anonymous ones, "..k" is an API key; named so.
// What the pool tells goes to functions that may be empty.
struct Listening : PoolListener {
  void OnFreed() override {
    if (on_freed) on_freed();
  }
  void OnGone(const std::shared_ptr<Token>& token) override {
    if (on_gone) on_gone(token);
  }
  bool keeps_records() const override { return on_unsaved != nullptr; }
  void OnUnsaved(bool urgent) override { on_unsaved(urgent); }

  std::function<void()> on_freed;
  std::function<void(const std::shared_ptr<Token>&)> on_gone;
  std::function<void(bool urgent)> on_unsaved;
};

struct Pool : Listening {
  using Wanted = TokenPool::Wanted;
  using Lines = std::vector<std::string>;

  explicit Pool(std::vector<std::string> token_names, PoolOptions options = ForGood())
      : names(std::move(token_names)),
        pool(std::move(options), Configs(names), clock, PoolReporter(log.logger(), Sink(), clock), this) {
    on_freed = [this] { ++freed; };
  }

  static std::vector<TokenConfig> Configs(const std::vector<std::string>& names) {
    std::vector<TokenConfig> configs;
    for (const std::string& name : names) {
      const Tier tier = name[0] == 'p' ? Tier::kPersonal : name[0] == 's' ? Tier::kShared : Tier::kAnonymous;
      const auto kind = name.back() == 'k' ? CredentialKind::kApiKey : CredentialKind::kRefreshToken;
      configs.push_back({Secret("hunter2-" + name), tier, kind, name});
    }
    return configs;
  }
  PoolEventSink Sink() {
    return [this](const PoolEvent& e) {
      told.push_back(
          {e.kind, e.tier, std::string(e.token), e.code, std::string(e.reason), e.failures, e.until, e.time});
      if (on_event) on_event(e);
    };
  }

  Token& token(const std::string& name) { return *pool.members().Find(name); }
  TokenPool::Tokens AllBut(const std::string& name) {
    TokenPool::Tokens others;
    for (const auto& token : pool.members().All()) {
      if (token->name() != name) others.insert(token.get());
    }
    return others;
  }
  Lease Take(const TokenPool::Tokens& excluded = {}) {
    auto lease = pool.Acquire({excluded});
    REQUIRE(lease);
    return *std::move(lease);
  }
  // One that rests is waited for.
  Lease TakeOne(const std::string& name) {
    LetRest(name);
    return Take(AllBut(name));
  }
  void LetRest(const std::string& name) {
    const auto rest = pool.RestOf(token(name), {});
    if (rest) clock.Advance(*rest);
  }
  // The names of the next `count` tokens to serve, all of which succeed.
  std::string Turns(int count) {
    std::string turns;
    for (int i = 0; i < count; ++i) {
      Lease lease = Take();
      turns += (i == 0 ? "" : " ") + lease.token().name();
      std::move(lease).End({Outcome::kSuccess});
    }
    return turns;
  }
  // Ends a lease of the token `name` in this way, without a turn of its own for anybody else.
  std::optional<DeferredFailure> Meet(const std::string& name, Outcome outcome, const std::string& why = "because",
                                      std::optional<std::chrono::milliseconds> cool_for = {}) {
    return TakeOne(name).End({outcome, Status(Code::kUnauthorized, why), cool_for});
  }
  // A token that is no member, of the same kind, serves the request that was refused so.
  void Confirm(const std::optional<DeferredFailure>& deferred) {
    REQUIRE(deferred);
    const Token witness("witness", Tier::kPersonal, deferred->token().kind(), Secret("hunter2-witness"));
    pool.Judge(*deferred, {&witness, true});
  }
  // Ends `lease` with a refusal that counts against the token.
  void Blame(Lease lease, const std::string& why = "because") {
    Confirm(std::move(lease).End({Outcome::kAuthRejected, Status(Code::kUnauthorized, why)}));
  }
  void Blame(const std::string& name, const std::string& why = "because") { Blame(TakeOne(name), why); }
  // As Meet(), but a refusal counts.
  void Suffer(const std::string& name, Outcome outcome, const std::string& why = "because") {
    if (outcome == Outcome::kAuthRejected) return Blame(name, why);
    Meet(name, outcome, why);
  }
  void Succeed(const std::string& name) { TakeOne(name).End({Outcome::kSuccess}); }

  TokenStatus Of(const std::string& name) {
    for (const TokenStatus& token : pool.view().Snapshot().tokens) {
      if (token.name == name) return token;
    }
    FAIL("no token " << name);
    return {};
  }
  TokenState StateOf(const std::string& name) { return Of(name).state; }
  std::string WhyNot(const std::string& name) {
    for (const Attempt& attempt : pool.view().WhyNotReady({})) {
      if (attempt.token == name) return attempt.message;
    }
    return "";
  }
  TokenExplanation Explained(const std::string& name) {
    for (const TokenExplanation& token : pool.view().Explain()) {
      if (token.name == name) return token;
    }
    FAIL("no token " << name);
    return {};
  }
  // What was told since the last time, and of the kind that interests.
  Lines TakeLines() {
    Lines lines;
    for (const Told& event : std::exchange(told, {})) lines.push_back(event.Line());
    return lines;
  }
  std::vector<Told> TakeOf(PoolEventKind kind) {
    std::vector<Told> found;
    for (Told& event : std::exchange(told, {})) {
      if (event.kind == kind) found.push_back(std::move(event));
    }
    return found;
  }
  // A JWT that lives for so long.
  void GiveJwt(const std::string& name, std::chrono::seconds life) {
    token(name).SetJwt(std::make_shared<const Jwt>(MakeJwt(Secret("jwt-hunter2"), life, clock.Steady(), clock.Wall())));
  }
  // The exchange says whose the token is.
  void Tell(const std::string& name, const std::string& account, bool rotated = false) {
    pool.accounts().NoteRefreshed(
        token(name), MakeJwt(Secret("jwt-hunter2"), std::chrono::seconds(3600), clock.Steady(), clock.Wall()), rotated,
        account);
  }

  const std::vector<std::string> names;
  FakeClock clock;
  LogLines log;
  std::vector<Told> told;
  std::function<void(const PoolEvent&)> on_event;
  int freed = 0;
  TokenPool pool;
};

}  // namespace warppool::internal
