// Who plays in the soak test: twenty tokens in three tiers, and what each of them may be guilty of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "warppool/config.h"

namespace warppool::soak {

enum class Role : std::uint8_t {
  kRock,        // never meets a fault: every request could be served
  kInnocent,    // meets only what is no token's fault
  kGuilty,      // is refused now and then, several times in a row
  kQuota,       // its quota is used up now and then, and the service says for how long
  kAskedQuota,  // the same, but the account has to be asked
  kMortal,      // dies
};

struct Part {
  Tier tier;
  Role role;
  std::size_t account;  // the first token of the same account: its own position, but for one pair
  const char* death = nullptr;
  bool api_key = false;  // needs no exchange
};

inline constexpr std::size_t kTokens = 20;
inline constexpr std::array<Part, kTokens> kCast{{
    {Tier::kPersonal, Role::kInnocent, 0},
    {Tier::kPersonal, Role::kGuilty, 1},
    {Tier::kPersonal, Role::kRock, 2},
    {Tier::kPersonal, Role::kQuota, 3},
    {Tier::kPersonal, Role::kMortal, 4, "USER_DISABLED"},
    {Tier::kShared, Role::kInnocent, 5},
    {Tier::kShared, Role::kGuilty, 6},
    {Tier::kShared, Role::kQuota, 7},
    {Tier::kShared, Role::kAskedQuota, 8},
    {Tier::kShared, Role::kAskedQuota, 9},
    {Tier::kShared, Role::kGuilty, 10},
    {Tier::kShared, Role::kMortal, 11, "TOKEN_EXPIRED"},
    {Tier::kAnonymous, Role::kAskedQuota, 12},
    {Tier::kAnonymous, Role::kMortal, 13, "INVALID_REFRESH_TOKEN"},
    {Tier::kAnonymous, Role::kQuota, 7},
    {Tier::kAnonymous, Role::kMortal, 15, "INVALID_REFRESH_TOKEN"},
    {Tier::kAnonymous, Role::kInnocent, 16},
    {Tier::kAnonymous, Role::kGuilty, 17},
    {Tier::kAnonymous, Role::kRock, 18, nullptr, true},
    {Tier::kAnonymous, Role::kMortal, 19, "USER_NOT_FOUND"},
}};

// A part of every credential, and of no text.
inline constexpr std::string_view kCredentialMark = "fake-soak-";

inline std::string TwoDigits(std::size_t number) {
  return {static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
}
inline std::size_t ReadTwoDigits(std::string_view text) {
  return static_cast<std::size_t>(text[0] - '0') * 10 + static_cast<std::size_t>(text[1] - '0');
}

inline std::string AccountNameOf(std::size_t token) {
  return "soak-account-" + TwoDigits(kCast[token].account);
}

// The credential that replaced the one before `rotations` times, and whose it is.
inline std::string CredentialOf(std::size_t token, int rotations) {
  return std::string(kCredentialMark) + TwoDigits(token) + "." + std::to_string(rotations);
}
inline std::size_t OwnerOf(std::string_view credential) {
  return ReadTwoDigits(credential.substr(kCredentialMark.size()));
}

// How the client calls a token, and which one it calls so.
inline std::string NameOf(std::size_t token) {
  constexpr std::array<const char*, 6> kRoles{"rock", "innocent", "guilty", "quota", "asked-quota", "mortal"};
  return "T" + TwoDigits(token) + "-" + kRoles[static_cast<std::size_t>(kCast[token].role)];
}
inline std::size_t PositionOf(std::string_view name) {
  return ReadTwoDigits(name.substr(1));
}

}  // namespace warppool::soak
