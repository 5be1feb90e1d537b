// What the tests of processes that share a state file have in common: the processes, and the service's books.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "child_program.h"
#include "state_fixture.h"

namespace warppool::internal {

using loopback::Endpoint;

constexpr int kThreads = 4;       // in each process
constexpr int kGeneration = 100;  // requests after which all JWTs end

// A running state_sharer.
class Sharer : public ChildProgram {
 public:
  Sharer(const World& world, const std::string& state_file, int requests, const std::vector<std::string>& accounts)
      : ChildProgram(Arguments(world, state_file, requests, accounts)) {}

  // What it has to say at its end: "<answered> <failed> <how>". Empty: it did not end by itself.
  std::string Report() {
    const std::string text = Hear(std::chrono::minutes(30)).value_or("");
    return Wait(kPatience) == 0 ? text : "";
  }

 private:
  static std::vector<std::string> Arguments(const World& world, const std::string& state_file, int requests,
                                            const std::vector<std::string>& accounts) {
    std::vector<std::string> arguments = {WARPPOOL_STATE_SHARER, world.service.url(), state_file,
                                          std::to_string(requests), std::to_string(kThreads)};
    arguments.insert(arguments.end(), accounts.begin(), accounts.end());
    return arguments;
  }
};

// Ends all JWTs after so many requests, replaces refresh tokens at every exchange, and keeps the books.
class Bookkeeper {
 public:
  explicit Bookkeeper(std::vector<std::string> accounts) : accounts_(std::move(accounts)) {}

  // Outlives the service, which asks it as long as a request is under way.
  void Keep(loopback::Service* service) {
    service_ = service;
    for (const std::string& account : accounts_) {
      service->AcceptAs(account, account);
      account_of_[account] = account;
      newest_[account] = account;
    }
    service->Decide([this](Endpoint endpoint, const std::string& token) { return Decide(endpoint, token); });
  }

  // Asked at each request, under the lock, when each account was served since the JWTs ended, with one of those that
  // came after: no exchange is under way. May take its time.
  void SetOnQuiet(std::function<void()> on_quiet) {
    const std::lock_guard<std::mutex> lock(mutex_);
    on_quiet_ = std::move(on_quiet);
  }
  // Asked at each exchange, before it is made; true: the connection breaks instead. Without the lock.
  void SetOnExchange(std::function<bool()> on_exchange) {
    const std::lock_guard<std::mutex> lock(mutex_);
    on_exchange_ = std::move(on_exchange);
  }

  // Refresh tokens of this account that were replaced are taken twice more.
  void GiveGrace(const std::string& account) { has_grace_.insert(account); }
  // How long the agent takes.
  void SetDelay(std::chrono::milliseconds delay) { delay_ = delay; }

  // The refresh token that was issued last.
  std::string Newest(const std::string& account) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return newest_.at(account);
  }
  int exchanges() const { return Locked(exchanges_); }
  // Exchanges of accounts whose last JWT had not ended.
  int needless() const { return Locked(needless_); }
  int generations() const { return Locked(generation_); }
  int requests() const { return Locked(requests_); }

 private:
  int Locked(const int& number) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return number;
  }

  std::optional<loopback::Behaviour> Decide(Endpoint endpoint, const std::string& token) {
    if (endpoint == Endpoint::kExchange) return OnExchange(token);
    if (endpoint != Endpoint::kAgent) return std::nullopt;
    OnRequest(token);
    return loopback::Ok().Delay(delay_);
  }
  void OnRequest(const std::string& token) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++requests_;
    for (const std::string& replaced : std::exchange(in_grace_, {}))
      service_->AcceptAs(replaced, account_of_[replaced]);
    ++served_[account_of_[token]];
    // More than may have been on their way when the JWTs ended.
    const bool quiet = std::all_of(accounts_.begin(), accounts_.end(),
                                   [&](const std::string& account) { return served_[account] > 2 * kThreads; });
    if (quiet && on_quiet_) on_quiet_();
    if (requests_ % kGeneration != 0) return;
    ++generation_;
    served_.clear();
    service_->ExpireJwts();
  }
  loopback::Behaviour OnExchange(const std::string& token) {
    std::function<bool()> on_exchange;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      on_exchange = on_exchange_;
    }
    if (on_exchange && on_exchange()) return loopback::Reset();
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::string account = account_of_[token];
    const bool is_old = token != newest_[account];
    if (is_old && (has_grace_.count(account) == 0 || ++uses_[token] > 2)) return loopback::Dead("TOKEN_EXPIRED");
    const auto last = last_exchange_.find(account);
    if (last != last_exchange_.end() && last->second == generation_) ++needless_;
    last_exchange_[account] = generation_;
    std::string next = account + "-" + std::to_string(++exchanges_);
    account_of_[next] = account;
    newest_[account] = next;
    if (has_grace_.count(account) > 0) in_grace_.push_back(token);
    return loopback::Ok().RotateTo(std::move(next));
  }

  const std::vector<std::string> accounts_;
  std::set<std::string> has_grace_;
  std::chrono::milliseconds delay_{0};
  loopback::Service* service_ = nullptr;
  mutable std::mutex mutex_;
  std::function<void()> on_quiet_;
  std::function<bool()> on_exchange_;
  std::map<std::string, std::string> account_of_;  // by refresh token
  std::map<std::string, std::string> newest_;      // by account
  std::map<std::string, int> uses_;                // of one that was replaced, since then
  std::vector<std::string> in_grace_;              // which the service is to be told of
  std::map<std::string, int> last_exchange_;       // the generation, by account
  std::map<std::string, int> served_;              // in this generation, by account
  int generation_ = 0;
  int requests_ = 0;
  int exchanges_ = 0;
  int needless_ = 0;
};

}  // namespace warppool::internal
