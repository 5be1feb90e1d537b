// What processes that exchange one credential promise at each step, whatever happens to them:
//
//   I1  No credential that the service would accept is dropped while the store has none as good.
//   I2  No login is marked as revoked while a valid credential is in the store, or in the hands of a process.
//   I4  As long as nobody is disturbed there is one exchange at a time, and none while the store has a JWT.
//
// What cannot be helped is excused: the only copy dies with its holder, or is lost on the way; for I2, its holder has
// no store, or was silent for ten minutes. Credentials are numbered as the service issued them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace warppool::internal {

inline constexpr int kNoCredential = -1;
inline constexpr int kUsesForEver = -1;

struct ExchangeStanding {
  std::vector<int> uses{};        // of each credential: how often the service would still accept it
  std::set<int> store{};          // the credential and the candidates
  std::vector<int> hands{};       // of each process: what was issued to it, and is not written yet
  std::vector<bool> is_silent{};  // of each process: what it has in its hands does not excuse I2
  bool has_jwt = false;           // the store
  std::ptrdiff_t exchanges = 0;
};

enum class ExchangeEvent : std::uint8_t { kUsual, kMarked, kMayLose };

inline bool IsAccepted(const ExchangeStanding& standing, int credential) {
  return credential != kNoCredential && standing.uses[static_cast<std::size_t>(credential)] != 0;
}

// In the store, or in the hands or the socket of a process that lives.
inline std::set<int> AllCredentials(const ExchangeStanding& standing) {
  std::set<int> all = standing.store;
  for (const int credential : standing.hands) {
    if (credential != kNoCredential) all.insert(credential);
  }
  return all;
}

// Whether between the two a credential was lost that nothing as good is there for.
inline bool LosesCredential(const ExchangeStanding& before, const ExchangeStanding& after) {
  const std::set<int> had = AllCredentials(before);
  const std::set<int> has = AllCredentials(after);
  const auto is_accepted = [&](int credential) { return IsAccepted(after, credential); };
  const bool is_kept = std::any_of(after.store.begin(), after.store.end(), is_accepted);
  const bool is_kept_for_ever = std::any_of(after.store.begin(), after.store.end(), [&](int credential) {
    return after.uses[static_cast<std::size_t>(credential)] == kUsesForEver;
  });
  std::set<int> answered;  // who had one of these got the next one for it
  for (std::size_t who = 0; who < before.hands.size(); ++who) {
    const int next = after.hands[who];
    if (next != kNoCredential && next != before.hands[who]) answered.insert(before.hands[who]);
  }
  for (const int credential : had) {
    if (has.count(credential) != 0 || answered.count(credential) != 0 || !is_accepted(credential)) continue;
    const bool is_for_ever = after.uses[static_cast<std::size_t>(credential)] == kUsesForEver;
    if (is_for_ever ? !is_kept_for_ever : !is_kept) return true;
  }
  const auto was_accepted = [&](int credential) { return IsAccepted(before, credential); };
  return std::none_of(has.begin(), has.end(), is_accepted) && std::any_of(had.begin(), had.end(), was_accepted);
}

// The promise that is broken by what led from the one to the other; empty: none.
inline std::string BrokenPromise(const ExchangeStanding& before, const ExchangeStanding& after, ExchangeEvent event,
                                 bool is_undisturbed) {
  if (event != ExchangeEvent::kMayLose && LosesCredential(before, after)) return "I1: a credential is dropped";
  if (event == ExchangeEvent::kMarked) {
    for (const int credential : after.store) {
      if (IsAccepted(after, credential)) return "I2: marked as revoked, but the store has a valid credential";
    }
    for (std::size_t who = 0; who < before.hands.size(); ++who) {
      if (IsAccepted(before, before.hands[who]) && !before.is_silent[who]) {
        return "I2: marked as revoked, but a process has a valid credential";
      }
    }
  }
  if (!is_undisturbed) return {};
  if (after.exchanges > 1) return "I4: two exchanges at once";
  if (before.has_jwt && after.exchanges > before.exchanges) return "I4: an exchange though the store has a JWT";
  return {};
}

}  // namespace warppool::internal
