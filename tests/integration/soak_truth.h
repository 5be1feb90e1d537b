// What the service of the soak test knows of one token.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include "warppool/status.h"

namespace warppool::soak {

using SteadyClock = std::chrono::steady_clock;
using SystemClock = std::chrono::system_clock;

// What the client is told of a spent quota, and the limit that it has to keep to.
inline constexpr std::chrono::seconds kQuotaRest{1};
inline constexpr int kMaxInFlight = 2;

// What a guilty token does for a while.
enum class Spell : std::uint8_t { kForbidden, kUnauthorized, kServerError, kExchangeRefused, kExchangeError };

struct Truth {
  std::map<Code, int> agent_guilt{};     // answers since the last failure
  std::map<Code, int> exchange_guilt{};  // answers that no failure was for
  int guilty_answers = 0;
  int good_answers = 0;
  int unrefused = 0;  // agent answers that need not be refusals
  SteadyClock::time_point unrefused_at{};
  int outage_answers = 0;  // what everybody was answered
  SteadyClock::time_point outage_at{};
  int quota_answers = 0;                               // of the account
  std::vector<SystemClock::time_point> quota_backs{};  // in whole seconds
  SteadyClock::time_point rests_until{};
  int asked_at_rest = 0;
  Spell spell{};
  int spell_left = 0;
  int spell_hour = 0;
  int dies_at = -1;  // at this request of all; -1: lives
  bool dead = false;
  int deaths_told = 0;
  int rotations = 0;
  bool has_jwt = false;                   // that has not ended, as far as the client knows
  int exchanging = 0;                     // at this moment
  SteadyClock::time_point bad_setting{};  // when an exchange looked as if none could work
};

}  // namespace warppool::soak
