// JWTs for tokens: cached, refreshed before they end, and by one exchange at a time for each token, however many wait.
//
//   if (auto jwt = TokenRefresher::Cached(&token, now)) return Use(*jwt);
//   ticket = refresher.Refresh(token, [](const RefreshResult& r) { ... });
//
// A JWT that is in use is renewed ahead of its end, at a random moment, so that many do not come at once. While the old
// one lives, failures are followed by longer and longer pauses; without one, whoever asks decides how often.
//
// Who waits has a limit, RefresherOptions::timeout, and leaves with Outcome::kNetwork when it has come. But an exchange
// that has begun is brought to its end, even when nobody waits for it any more: the answer may hold the only copy of a
// rotated credential. So it lives on for kAfterlife, and who asks for the same token meanwhile waits for it, too: the
// credential is not sent twice at a time. Else only the end of the I/O thread breaks it off.
//
// With a gate (exchange_lock.h), what other processes got is taken over instead of an exchange of one's own, and what
// this one issues is in safety before the credential that it replaces is forgotten. One that came from there and is
// refused for good is not the end: the one that the user configured is tried once.
//
// Tokens whose bearers the program supplies go the same way, with the program in the place of the exchange. A call that
// hangs cannot be broken off: whatever it brings, and whenever, is taken.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/fetch.h"
#include "http/transport.h"
#include "token/exchange.h"
#include "token/exchange_lock.h"
#include "token/token.h"

namespace warppool::internal {

struct RefresherOptions {
  std::vector<ExchangeEndpoint> endpoints;
  Secret api_key;
  std::chrono::milliseconds connect_timeout{};
  std::chrono::milliseconds timeout{};  // how long anybody waits for one exchange at one address
  // Who asks for a pause (Retry-After) gets it, up to this long: until then Refresh() of the same token fails by
  // itself, as it does when the exchange is overloaded, whatever the refusal was: it is no second one.
  std::chrono::milliseconds longest_pause{};
  std::function<double()> unit_random{};  // in [0, 1); in the executor's thread
  ExchangeLock* gate = nullptr;           // null: nobody else knows these tokens
  BearerSupply* supply = nullptr;         // null: there is no token that needs it
};

// Who is told of what comes out, in the executor's thread.
class RefreshObserver {
 public:
  virtual ~RefreshObserver() = default;
  // A JWT was issued. `rotated`: with another refresh token. `account`: whose; empty if the exchange does not say.
  virtual void OnRefreshed(const Token& token, const Jwt& jwt, bool rotated, const std::string& account) = 0;
  // The refresh token was replaced by an answer that is of no use otherwise.
  virtual void OnRotated(const Token& token) = 0;
  // Another process exchanged it; `rotated`: and had its refresh token replaced.
  virtual void OnAdopted(const Token& token, bool rotated) = 0;
  // The JWT, which was used since it was issued, should be renewed soon: now is a good moment.
  virtual void OnRefreshDue(const std::shared_ptr<Token>& token) = 0;
};

struct RefreshResult {
  std::shared_ptr<const Jwt> jwt;  // null: it failed, see below
  // Issued just now. Else it is the old one, which still lives although a new one was refused (`status` says why), or
  // one that another process got (OK).
  bool fresh = false;
  Outcome outcome = Outcome::kSuccess;
  Status status{};
};

class TokenRefresher {
 public:
  using Ticket = std::uint64_t;  // 0: none
  using Callback = std::function<void(const RefreshResult&)>;

  // How long an exchange may take beyond the limit of those who wait for it.
  static constexpr std::chrono::minutes kAfterlife{2};

  // `observer` may be null.
  TokenRefresher(RefresherOptions options, Transport* transport, RefreshObserver* observer, const Clock& clock,
                 Logger log);

  // The token's JWT, to be sent, if it need not be refreshed yet; null if it must. Any thread.
  static std::shared_ptr<const Jwt> Cached(Token* token, SteadyTime now);

  // Calls `callback` once when the token's next exchange is through, never from inside. The executor's thread only.
  // `despite_pause`: the address is asked even if it has asked for a pause, to find out whether that is needed still.
  Ticket Refresh(const std::shared_ptr<Token>& token, Callback callback, bool despite_pause = false);
  // The callback is not called any more. The executor's thread only.
  void Forget(Ticket ticket);
  // The token is gone: it is not renewed ahead of time any more. The executor's thread only.
  void ForgetToken(const Token* token);
  // The token's JWT, which came from elsewhere, is renewed ahead of its end. The executor's thread only.
  void RenewAhead(const std::shared_ptr<Token>& token);
  // Whether other processes may know the tokens, and whether one of them has this one just now.
  bool HasLock() const { return options_.gate != nullptr; }
  bool WaitsForLock(const Token& token) const;
  // Dates come earlier from now on: so do the renewals. The executor's thread only.
  void OnJump();
  // Whether an exchange is under way whose answer is to be kept. The executor's thread only.
  bool HasPrecious() const;

 private:
  struct Waiter {
    Callback callback;
    TimerId limit = 0;  // 0: its time does not count yet
  };
  struct Flight {
    std::uint64_t number = 0;
    std::shared_ptr<Token> token;
    std::map<Ticket, Waiter> waiters;  // in the order in which they came
    bool counts = false;               // their time: something was sent, or the program was asked
    std::size_t endpoint = 0;
    std::optional<ExchangeFailure> failure;  // of the addresses before, the one that says most
    std::optional<ExchangeFailure> verdict;  // on an adopted credential, before the configured one was tried
    std::chrono::milliseconds pause{};       // the longest that one of them asked for
    Secret sent{};                           // the credential that is being exchanged
    bool entered = false;                    // the gate
    bool looked_again = false;               // there, after a refusal for good
  };

  static constexpr BackoffOptions kDelays{.base = std::chrono::seconds(30),
                                          .ceiling = std::chrono::seconds(300),
                                          .factor = 2,
                                          .budget = std::numeric_limits<int>::max()};

  // What failures leave behind, until an exchange succeeds.
  struct Trouble {
    std::shared_ptr<Token> token;  // so that its address stays its own
    Backoff delays{kDelays};       // before the next try while the old JWT lives
    SteadyTime pause_until{};
    std::string last{};  // what was said
  };

  // The steps of a flight. Each of them that has to wait goes on in a later one; what it throws lands the flight.
  void Depart(const Token* key);
  void Enter(const Token* key);
  void OnEntered(const Token* key, const Result<std::optional<SharedKnowledge>>& known);
  void Ask(const Token* key, Secret credential);
  void OnAnswer(const Token* key, const FetchResult& answer);
  void OnSuccess(const Token* key, ExchangeSuccess success);
  void OnFailure(const Token* key, ExchangeFailure failure);
  void OnNoJwt(const Token* key, ExchangeFailure failure);
  void OnRefused(const Token* key);
  void OnSupplied(const Token* key, const Result<SuppliedBearer>& supplied);
  void Land(const Token* key, const RefreshResult& result);

  // The time of those who wait for the flight counts from now on, be it for the first time or not.
  void CountTime(Flight* flight);
  TimerId SetLimit(Ticket ticket);
  void LeaveAtLimit(Ticket ticket);
  RefreshResult WhatIsThere(const Flight& flight);

  // `call` as a step of the present flight: a function that can be called later. Nothing happens if the flight has
  // landed by then.
  template <typename Call>
  auto Step(const Token* key, Call call);
  template <typename Then>
  void KeepThen(const Token* key, const Issuance& issued, const Then& then);
  template <typename Call>
  void LandAnyhow(const Token* key, const Call& call);

  // Whether the address has asked for a pause that is not over; the flight then lands by itself.
  bool Pauses(const Token* key);
  // When the observer is to be told that a token's JWT should be renewed.
  struct Renewal {
    std::shared_ptr<Token> token;
    std::weak_ptr<const Jwt> jwt;
    SteadyTime at{};
    TimerId timer = 0;
  };
  void SetTimer(Renewal* renewal);
  void Remember(const Flight& flight);
  bool Adopt(const Token* key, const SharedKnowledge& known);
  void Install(const std::shared_ptr<Token>& token, const Issuance& issued, const std::string& account);
  RefreshResult Refuse(const std::shared_ptr<Token>& token, const ExchangeFailure& failure);
  // Has the observer told at `jwt`'s time to be refreshed, or up to `spread` before.
  void RefreshAhead(const std::shared_ptr<Token>& token, const std::shared_ptr<const Jwt>& jwt,
                    SteadyTime::duration spread);
  double UnitRandom() const { return options_.unit_random ? options_.unit_random() : 0; }

  const RefresherOptions options_;
  Transport* const transport_;
  RefreshObserver* const observer_;
  const Clock& clock_;
  const Logger log_;
  std::vector<std::shared_ptr<const HttpTarget>> targets_;  // of the endpoints

  // The executor's thread only.
  std::unordered_map<const Token*, Flight> flights_;
  std::unordered_map<Ticket, const Token*> tickets_;
  std::unordered_map<const Token*, Trouble> troubles_;
  std::unordered_map<const Token*, Renewal> ahead_;
  Ticket last_ticket_ = 0;
  std::uint64_t last_flight_ = 0;
};

}  // namespace warppool::internal
