// Who may come in, and what is scripted for whom: the tokens that the service knows, the JWTs that it issued, the
// scripts. Every decision is one step under one lock, so that two requests at the same moment are answered in some
// order.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "loopback.h"
#include "script.h"

namespace loopback {

enum class Endpoint : std::uint8_t { kExchange, kAgent };

class Ledger {
 public:
  // What an exchange of a refresh token comes to.
  struct Exchange {
    std::string refusal{};  // the final message, INVALID_REFRESH_TOKEN or TOKEN_EXPIRED; empty: known, see `behaviour`
    Behaviour behaviour{};
    // Only if the behaviour is a success:
    std::string jwt{};
    std::string refresh_token{};  // the one that counts from now on
    std::string user_id{};
  };
  struct Bearer {
    bool accepted = false;
    bool is_refresh_token = false;  // sent where it never belongs
    std::string token{};            // what it was issued for, even if it is refused; empty: unknown
  };

  void Accept(const std::string& token);
  void AcceptAs(const std::string& token, const std::string& user_id);
  void AcceptApiKey(const std::string& key);
  // Accepts it, unless it is known already, be it as replaced.
  void Introduce(const std::string& token, bool is_api_key);
  // `token` nothing: for all that have no script of their own left, together.
  void AddScript(const std::optional<std::string>& token, Endpoint endpoint, Behaviour behaviour);
  void RequireKey(const std::string& key);
  void ExpireJwts();

  // Nothing: none is required.
  std::optional<std::string> required_key() const;
  Exchange ExchangeToken(const std::string& token);
  Bearer CheckBearer(const std::string& bearer);
  // What is scripted for the token of an accepted bearer. The script moves on.
  Behaviour NextAgentBehaviour(const std::string& token);

  // Part of each id that the service makes up: 1, 2, 3 …
  std::uint64_t NextSerial() { return ++serial_; }

  void AddSecret(const std::string& secret);
  std::vector<std::string> Secrets() const;

 private:
  // One login: a refresh token and all those that replaced it, or an API key.
  struct Login {
    std::string user_id;
    ScriptQueue exchange;
    ScriptQueue agent;
  };
  struct Known {
    std::shared_ptr<Login> login;
    bool replaced = false;  // rotated away: refused, but its login lives on
  };
  struct Jwt {
    std::string token;
    std::shared_ptr<Login> login;
    std::chrono::steady_clock::time_point end;
  };

  std::shared_ptr<Login> NewLogin(std::string user_id) REQUIRES(mutex_);
  std::string IssueJwt(const std::string& token, const std::shared_ptr<Login>& login, std::chrono::seconds life)
      REQUIRES(mutex_);
  Behaviour Next(ScriptQueue* own, ScriptQueue* any) REQUIRES(mutex_);
  std::shared_ptr<Login> FindLogin(const std::string& token) const REQUIRES(mutex_);

  std::atomic<std::uint64_t> serial_{0};
  mutable warppool::Mutex mutex_;
  std::map<std::string, Known> tokens_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<Login>> api_keys_ GUARDED_BY(mutex_);
  std::map<std::string, Jwt> jwts_ GUARDED_BY(mutex_);
  ScriptQueue any_exchange_ GUARDED_BY(mutex_);
  ScriptQueue any_agent_ GUARDED_BY(mutex_);
  std::optional<std::string> required_key_ GUARDED_BY(mutex_);
  std::set<std::string> secrets_ GUARDED_BY(mutex_);
  int users_ GUARDED_BY(mutex_) = 0;
};

}  // namespace loopback
