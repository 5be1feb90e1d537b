// JWTs for tokens: cached, refreshed before they end, and by one exchange at a time for each token, however many wait.
//
//   if (auto jwt = TokenRefresher::Cached(&token, now)) return Use(*jwt);
//   ticket = refresher.Refresh(token, [](const RefreshResult& r) { ... });
//
// A JWT that is in use is renewed ahead of its end, at a random moment, so that many renewals do not come at once.
// While the old JWT lives, each refresh that fails is followed by a longer pause; without one, the callers decide how
// often they ask.
//
// All who wait for one token share one RefreshOperation. Each of them waits for RefresherOptions::timeout at most, and
// is then told Outcome::kNetwork. The operation goes on, even when nobody waits for it any more: its answer may hold
// the only copy of a rotated credential. It lives for kAfterlife longer at most, and whoever asks for the same token
// meanwhile waits for it, too, since the credential must not be sent twice at a time. Only the end of the I/O thread
// breaks it off.
//
// With an exchange lock (exchange_lock.h), a JWT or a credential that another process got is taken over instead of an
// exchange of this one's own, what this process is issued is in the store before it counts, and whether a refusal for
// good is the end of the token is for the lock to say: it may know another credential.
//
// A token whose bearers the program supplies is refreshed by a call of the program's in the place of the exchange. A
// call that hangs cannot be broken off: the bearer that it brings is taken, however late.
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
  // An exchange that asks for a pause (Retry-After) gets it, up to this long. Until then Refresh() of the same token
  // fails by itself, as an overload of the exchange: whatever the refusal was, this is no second one.
  std::chrono::milliseconds longest_pause{};
  std::function<double()> unit_random{};  // in [0, 1); in the executor's thread
  ExchangeLock* exchange_lock = nullptr;  // null: no other process knows these tokens
  BearerSupply* supply = nullptr;         // null: there is no token that needs it
};

// Is told what refreshes bring, in the executor's thread.
class RefreshObserver {
 public:
  virtual ~RefreshObserver() = default;
  // A JWT was issued. `rotated`: with another refresh token. `account`: whose; empty if the exchange does not say.
  virtual void OnRefreshed(const Token& token, const Jwt& jwt, bool rotated, const std::string& account) = 0;
  // The refresh token was replaced by an answer that is of no use otherwise.
  virtual void OnRotated(const Token& token) = 0;
  // Another process exchanged it; `rotated`: and had its refresh token replaced.
  virtual void OnAdopted(const Token& token, bool rotated) = 0;
  // It was refused, but another process may get an answer that is the reason for it.
  virtual void OnInDoubt(const Token& token) = 0;
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
  // Whether other processes may know the tokens, and whether one of them may be exchanging this one just now.
  bool HasLock() const { return options_.exchange_lock != nullptr; }
  bool WaitsForLock(const Token& token) const;
  // Dates come earlier from now on: so do the renewals. The executor's thread only.
  void OnJump();
  // Whether an exchange is under way whose answer is to be kept. The executor's thread only.
  bool HasPrecious() const;

 private:
  struct Waiter {
    Callback callback;
    TimerId limit = 0;  // 0: it does not run yet
  };
  struct RefreshOperation {
    std::uint64_t number = 0;
    std::shared_ptr<Token> token;
    std::map<Ticket, Waiter> waiters;  // in the order in which they came
    bool time_counts = false;          // something was sent, or the program was asked: their limits run
    std::size_t endpoint = 0;
    std::optional<ExchangeFailure> failure;  // of the addresses before, the one that says most
    std::chrono::milliseconds pause{};       // the longest that one of them asked for
    Secret sent{};                           // the credential that is being exchanged
    std::unique_ptr<char[]> reserve{};  // of memory, to read an answer with that may be the only copy of a credential
    bool has_lock = false;              // the exchange lock
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

  // The steps of an operation. One that has to wait goes on in a later one; what a step throws finishes the operation.
  void StartOperation(const Token* key);
  void AcquireLock(const Token* key);
  void OnAdmission(const Token* key, const Result<ExchangeAdmission>& admission);
  void UseShared(const Token* key, const std::shared_ptr<const Jwt>& jwt);
  void Ask(const Token* key, Secret credential);
  void OnAnswer(const Token* key, const FetchResult& answer);
  std::optional<ExchangeFailure> TakeAnswer(const Token* key, const FetchResult& answer);
  void OnSuccess(const Token* key, ExchangeSuccess success);
  void OnFailure(const Token* key, ExchangeFailure failure);
  void OnNoJwt(const Token* key, ExchangeFailure failure);
  void OnRefused(const Token* key);
  void OnSupplied(const Token* key, const Result<SuppliedBearer>& supplied);
  void Finish(const Token* key, const RefreshResult& result);

  // The time of those who wait for the operation runs from now on, be it for the first time or not.
  void RestartTime(RefreshOperation* operation);
  TimerId SetLimit(Ticket ticket);
  void LeaveAtLimit(Ticket ticket);
  RefreshResult WhatIsThere(const RefreshOperation& operation);

  // `call` as a step of the present operation: a function that can be called later. Nothing happens if the operation
  // has finished by then.
  template <typename Call>
  auto Step(const Token* key, Call call);
  template <typename Then>
  void KeepThen(const Token* key, const Issuance& issued, const Then& then);
  template <typename Call>
  void FinishIfItThrows(const Token* key, const Call& call);

  // Whether the address has asked for a pause that is not over; the operation then finishes by itself.
  bool FinishesForPause(const Token* key);
  // When the observer is to be told that a token's JWT should be renewed.
  struct Renewal {
    std::shared_ptr<Token> token;
    std::weak_ptr<const Jwt> jwt;
    SteadyTime at{};
    TimerId timer = 0;
  };
  void SetTimer(Renewal* renewal);
  void Remember(const RefreshOperation& operation);
  void Adopt(Token& token, const ExchangeAdmission::Present& present);
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
  std::unordered_map<const Token*, RefreshOperation> operations_;
  std::unordered_map<Ticket, const Token*> tickets_;
  std::unordered_map<const Token*, Trouble> troubles_;
  std::unordered_map<const Token*, Renewal> ahead_;
  Ticket last_ticket_ = 0;
  std::uint64_t last_operation_ = 0;
};

}  // namespace warppool::internal
