// Who may come in, and what is scripted for whom: the tokens that the service knows, the JWTs that it issued, the
// scripts, the accounts' quotas. Every decision is one step under one lock, so that two requests at the same moment are
// answered in some order.
//
// Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
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

  // An AccountQuota without open questions.
  struct QuotaNow {
    bool unlimited = false;
    int limit = 0;
    int used = 0;
    std::chrono::system_clock::time_point next_refresh{};
    int bonus = 0;
    std::chrono::system_clock::time_point bonus_end{};
  };

  // Without `keep_all` the number of requests does not count for its memory: see Options::keep_requests.
  explicit Ledger(bool keep_all) : keep_all_(keep_all) {}

  void Accept(const std::string& token);
  void AcceptAs(const std::string& token, const std::string& user_id);
  void AcceptApiKey(const std::string& key);
  // Accepts it, unless it is known already, be it as replaced.
  void Introduce(const std::string& token, bool is_api_key);
  // `token` nothing: for all that have no script of their own left, together.
  void AddScript(const std::optional<std::string>& token, Endpoint endpoint, Behaviour behaviour);
  void SetDecision(Service::Decision decide);
  void SetQuota(const std::string& token, AccountQuota quota);  // a token that is not known has none
  void RequireKey(const std::string& key);
  void ExpireJwts();

  // Nothing: none is required.
  std::optional<std::string> required_key() const;
  Exchange ExchangeToken(const std::string& token) EXCLUDES(mutex_);
  Bearer CheckBearer(const std::string& bearer);
  // How to answer the token of an accepted bearer: as was decided, else as is scripted, and then the script moves on.
  // An answer of the agent counts for the account's quota.
  Behaviour NextBehaviour(Endpoint endpoint, const std::string& token) EXCLUDES(mutex_);
  std::string AccountOf(const std::string& token) const;  // its user_id; empty: the token is unknown
  QuotaNow QuotaOf(const std::string& token) const;

  // Part of each id that the service makes up: 1, 2, 3 …
  std::uint64_t NextSerial() { return ++serial_; }

  // One that came or was made in a request. Not kept without `keep_all`.
  void AddSecret(const std::string& secret);
  std::vector<std::string> Secrets() const;

 private:
  using Scripts = std::array<ScriptQueue, 3>;  // by endpoint

  // One login: a refresh token and all those that replaced it, or an API key.
  struct Login {
    std::string user_id;
    Scripts scripts;
    // What is in `jwts_` and what of `tokens_` is replaced, oldest first. Only without `keep_all`.
    std::deque<std::string> jwts;
    std::deque<std::string> replaced;
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
  struct Account {
    AccountQuota quota;
    int answers = 0;
  };

  std::optional<Behaviour> Decide(Endpoint endpoint, const std::string& token) const EXCLUDES(mutex_);
  std::shared_ptr<Login> NewLogin(std::string user_id) REQUIRES(mutex_);
  std::string Refusal(const std::string& token) const REQUIRES(mutex_);
  void Replace(const std::string& token, const std::string& by) REQUIRES(mutex_);
  std::string IssueJwt(const std::string& token, const std::shared_ptr<Login>& login, std::chrono::seconds life)
      REQUIRES(mutex_);
  Behaviour Next(Endpoint endpoint, Login* login) REQUIRES(mutex_);
  std::shared_ptr<Login> FindLogin(const std::string& token) const REQUIRES(mutex_);
  void Note(const std::string& secret) REQUIRES(mutex_);

  const bool keep_all_;
  const std::chrono::system_clock::time_point begun_ = std::chrono::system_clock::now();
  std::atomic<std::uint64_t> serial_{0};
  mutable warppool::internal::Mutex mutex_;
  std::shared_ptr<const Service::Decision> decide_ GUARDED_BY(mutex_);  // NULL: none
  std::map<std::string, Known> tokens_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<Login>> api_keys_ GUARDED_BY(mutex_);
  std::map<std::string, Jwt> jwts_ GUARDED_BY(mutex_);
  std::map<std::string, Account> accounts_ GUARDED_BY(mutex_);  // by user_id; those that something is known of
  Scripts any_scripts_ GUARDED_BY(mutex_);
  std::optional<std::string> required_key_ GUARDED_BY(mutex_);
  std::set<std::string> secrets_ GUARDED_BY(mutex_);
  int users_ GUARDED_BY(mutex_) = 0;
};

}  // namespace loopback
