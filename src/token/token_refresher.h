// JWTs for tokens: cached, refreshed before they end, and by one exchange at a time for each token, however many wait.
//
//   if (auto jwt = refresher.Cached(token)) return Use(*jwt);      // any thread
//   ticket = refresher.Refresh(token, [](const RefreshResult& r) { ... });
//
// An exchange that has begun is brought to its end, even when nobody waits for it any more: the answer may hold the
// only copy of a rotated credential. Only the end of the I/O thread breaks it off.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "http/fetch.h"
#include "http/transport.h"
#include "token/token.h"
#include "token/token_endpoint.h"

namespace warppool {

// Where tokens are exchanged; the next one is asked when the one before is broken.
struct ExchangeEndpoint {
  std::string url;
  std::string setting;  // which setting it comes from, for errors
  bool direct = false;  // past the proxy
};

struct RefresherOptions {
  std::vector<ExchangeEndpoint> endpoints;
  Secret api_key;
  std::chrono::milliseconds connect_timeout{};
  std::chrono::milliseconds timeout{};  // of one exchange
};

struct RefreshResult {
  std::shared_ptr<const Jwt> jwt;  // null: it failed, see below
  bool fresh = false;  // issued just now; false: the old one, which still lives although a new one was refused
  Outcome outcome = Outcome::kSuccess;
  Status status{};
};

class TokenRefresher {
 public:
  using Ticket = std::uint64_t;  // 0: none
  using Callback = std::function<void(const RefreshResult&)>;

  TokenRefresher(RefresherOptions options, Transport* transport, const Clock& clock, Logger log);

  // The token's JWT if it need not be refreshed yet; null if it must. Any thread.
  std::shared_ptr<const Jwt> Cached(const Token& token) const;

  // Calls `callback` once when the token's next exchange is through, never from inside. The executor's thread only.
  Ticket Refresh(const std::shared_ptr<Token>& token, Callback callback);
  // The callback is not called any more. The executor's thread only.
  void Forget(Ticket ticket);

 private:
  struct Flight {
    std::shared_ptr<Token> token;
    std::map<Ticket, Callback> waiters;  // in the order in which they came
    std::size_t endpoint = 0;
    std::optional<ExchangeFailure> failure;  // of the addresses before, the one that says most
  };

  void Ask(const Token* key);
  void OnAnswer(const Token* key, const FetchResult& answer);
  void Handle(const Token* key, const FetchResult& answer);
  std::variant<ExchangeSuccess, ExchangeFailure> Read(const Flight& flight, const FetchResult& answer) const;
  void Land(const Token* key, const RefreshResult& result);
  RefreshResult Accept(Token* token, ExchangeSuccess success) const;
  Status WithoutSecrets(const Status& status, const Token& token) const;
  RefreshResult Refuse(Token* token, const ExchangeFailure& failure) const;

  const RefresherOptions options_;
  Transport* const transport_;
  const Clock& clock_;
  const Logger log_;

  // The executor's thread only.
  std::unordered_map<const Token*, Flight> flights_;
  std::unordered_map<Ticket, const Token*> tickets_;
  Ticket last_ticket_ = 0;
};

}  // namespace warppool
