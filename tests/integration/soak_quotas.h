// The quotas of the soak test's accounts: who is told that one is used up, and until when.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "loopback.h"
#include "soak_cast.h"
#include "soak_clock.h"
#include "soak_truth.h"

namespace warppool::soak {

// What the client is told.
inline constexpr std::chrono::seconds kQuotaRest{1};

// Not thread-safe. Counts what it answers in `counts`.
class Quotas {
 public:
  using Counts = std::map<std::string, int>;

  Quotas(loopback::Service* service, const StormClock* clock) : service_(service), clock_(clock) {}

  loopback::Behaviour AnswerThatTells(std::size_t token, Counts* counts) {
    const int kind = ++made_ % 4;
    Account& account = AccountOf(token);
    ++account.answers;
    if (kind == 0) {  // which says nothing: the client has to know better than to come at once
      ++(*counts)["quota, Retry-After: 0"];
      return loopback::Quota().Header("Retry-After", "0");
    }
    account.rests_until = clock_->Dates() + kQuotaRest;
    account.asked_at_rest = 0;
    ++(*counts)[kind == 1 ? "quota in the body" : "quota in a header"];
    return (kind == 1 ? loopback::QuotaInBody() : loopback::Quota())
        .Header("Retry-After", std::to_string(kQuotaRest.count()));
  }

  // The client has to ask the account.
  loopback::Behaviour AnswerThatTellsNothing(std::size_t token, const std::string& credential, Counts* counts) {
    Account& account = AccountOf(token);
    ++account.answers;
    const auto back = std::chrono::floor<std::chrono::seconds>(clock_->Wall() + 3 * kQuotaRest);
    const int kind = ++made_ % 4;
    const bool spent = kind < 2;
    const bool finish = kind % 2 == 0;
    if (spent) account.backs.push_back(back);
    service_->SetQuota(credential, {.limit = 100, .used = spent ? 100 : 99, .next_refresh = back});
    ++(*counts)[finish ? "quota_limit" : "quota, no time told"];
    return finish ? loopback::QuotaFinish() : loopback::Quota();
  }

  // `token` is asked. False: it ought to rest. Those that were under way when the quota was found to be used up may
  // still come: at most one less than an account's tokens may serve, each with an old JWT, a new one, and once more if
  // the connection broke.
  bool MayAsk(std::size_t token) {
    Account& account = AccountOf(token);
    if (clock_->Dates() >= account.rests_until) return true;
    const auto tokens = std::count_if(kCast.begin(), kCast.end(),
                                      [&](const Part& part) { return part.account == kCast[token].account; });
    return ++account.asked_at_rest <= (kMaxInFlight * tokens - 1) * 3;
  }

  int answers(std::size_t token) const { return accounts_[kCast[token].account].answers; }
  // Whether the account has said that it is back then. It may have said another time since, to a request that was under
  // way, before anybody hears of the first one.
  bool HasSaidBack(std::size_t token, SystemClock::time_point when, SystemClock::duration tolerance) const {
    const auto& backs = accounts_[kCast[token].account].backs;
    return std::any_of(backs.begin(), backs.end(),
                       [&](const auto back) { return when - back >= -tolerance && when - back <= tolerance; });
  }

 private:
  struct Account {
    int answers = 0;
    std::vector<SystemClock::time_point> backs{};  // in whole seconds
    SteadyClock::time_point rests_until{};
    int asked_at_rest = 0;
  };
  Account& AccountOf(std::size_t token) { return accounts_[kCast[token].account]; }

  loopback::Service* const service_;
  const StormClock* const clock_;
  int made_ = 0;
  std::array<Account, kTokens> accounts_{};  // each at the first of its tokens
};

}  // namespace warppool::soak
