// The hours of the soak test's storm: the client's clock is set forward from one to the next. They say who is guilty
// when, and when everybody meets the same.
//
// A refusal is a failure only if nobody else who served lately met the same in the minute before. So in most hours one
// token is refused whenever it is asked, and another one meets server errors, each for so many hours in a row that they
// are disabled, tried again in vain, and come back. In the last hour of their turn all who may be guilty are, now and
// then.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "soak_cast.h"

namespace warppool::soak {

inline constexpr int kHours = 24;  // of a storm; and one more after each outage

// How the machine sleeps, and the next hour begins.
enum class Nap : std::uint8_t {
  kHours,
  kMinutes,    // so few that who served before did so lately
  kUncounted,  // for hours, and the monotonic clock has stood still: it is the same hour
};

constexpr const char* NameOf(Nap nap) {
  return nap == Nap::kHours ? "slept for hours" : nap == Nap::kMinutes ? "slept for minutes" : "slept, uncounted";
}

// What everybody is answered in the outages.
inline constexpr const char* kPageForAll = "403 page for everybody";
inline constexpr const char* kExchangePageForAll = "exchange 403 page for everybody";
inline constexpr const char* k401ForAll = "401 for everybody";
inline constexpr const char* kExchange400ForAll = "exchange 400 for everybody";

// What is no card of a deck, and has to happen all the same.
inline constexpr std::array<const char*, 12> kToHappen{NameOf(Nap::kHours),
                                                       NameOf(Nap::kMinutes),
                                                       NameOf(Nap::kUncounted),
                                                       kPageForAll,
                                                       kExchangePageForAll,
                                                       k401ForAll,
                                                       kExchange400ForAll,
                                                       "401",
                                                       "403",
                                                       "500",
                                                       "exchange 400",
                                                       "exchange 500"};

// What the service, or something on the way to it, does to everybody for a while.
enum class Outage : std::uint8_t {
  kNone,
  kAgentPages,     // something on the way answers
  kExchangePages,  // the same
  kAgentLogin,     // no bearer is accepted
  kExchangeLogin,  // no refresh token is accepted, but none is refused for good
};

enum class Guilt : std::uint8_t { kNone, kRefused, kServerError, kAny };

// What begins with an hour.
constexpr Outage OutageOf(int hour) {
  switch (hour) {
    case 4:
      return Outage::kAgentPages;
    case 10:
      return Outage::kAgentLogin;
    case 16:
      return Outage::kExchangeLogin;
    case 22:
      return Outage::kExchangePages;
    default:
      return Outage::kNone;
  }
}

// What a token that may be guilty is guilty of.
constexpr Guilt GuiltIn(int hour, std::size_t token) {
  constexpr int kTurn = 6;
  constexpr int kBad = 4;  // one failure more than disables, an hour each
  constexpr std::array<std::size_t, 2> kRefused{1, 10};
  constexpr std::array<std::size_t, 2> kFails{6, 17};
  static_assert(kCast[1].role == Role::kGuilty && kCast[10].role == Role::kGuilty);
  static_assert(kCast[6].role == Role::kGuilty && kCast[17].role == Role::kGuilty);
  const auto turn = static_cast<std::size_t>(hour / kTurn);
  if (hour % kTurn == kTurn - 1) return Guilt::kAny;
  if (hour % kTurn >= kBad) return Guilt::kNone;
  if (token == kRefused[turn % 2]) return Guilt::kRefused;
  return token == kFails[turn % 2] ? Guilt::kServerError : Guilt::kNone;
}

}  // namespace warppool::soak
