// What the service of the soak test knows of one token.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>

#include "warppool/status.h"

namespace warppool::soak {

using SteadyClock = std::chrono::steady_clock;
using SystemClock = std::chrono::system_clock;

// The limit that the client has to keep to.
inline constexpr int kMaxInFlight = 2;

// What a guilty token does for a while.
enum class Spell : std::uint8_t { kForbidden, kUnauthorized, kServerError, kExchangeRefused, kExchangeError };

// By turns those of a kind.
constexpr Spell SpellOf(bool refused, std::size_t number) {
  constexpr std::array<Spell, 3> kRefusals{Spell::kForbidden, Spell::kUnauthorized, Spell::kExchangeRefused};
  constexpr std::array<Spell, 2> kErrors{Spell::kServerError, Spell::kExchangeError};
  return refused ? kRefusals[number % kRefusals.size()] : kErrors[number % kErrors.size()];
}

struct Truth {
  std::map<Code, int> agent_guilt{};     // answers since the last failure
  std::map<Code, int> exchange_guilt{};  // answers that no failure was for
  int guilty_answers = 0;
  int good_answers = 0;
  int unrefused = 0;  // agent answers that need not be refusals
  SteadyClock::time_point unrefused_at{};
  int outage_answers = 0;  // what everybody was answered
  SteadyClock::time_point outage_at{};
  Spell spell{};
  int spell_left = 0;
  int spell_hour = 0;
  int dies_at = -1;  // at this request of all; -1: lives
  bool dead = false;
  int deaths_told = 0;
  int rotations = 0;
  bool has_jwt = false;  // that has not ended, as far as the client knows
  int exchanging = 0;    // at this moment
};

}  // namespace warppool::soak
