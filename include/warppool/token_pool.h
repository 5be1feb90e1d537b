// What the pool knows of its tokens, and what it tells of them.
//
// A token's name is the one its configuration gave, or its tier and the first hex digits of the SHA-256 of its
// credential, PERSONAL_3fa9c1 (longer where two would collide): the same at every start, and useless to a thief.
//
// All of these are value types, but for PoolEvent, which borrows.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "warppool/config.h"
#include "warppool/quota.h"
#include "warppool/status.h"

namespace warppool {

// The numbers are stable and the same in C (warppool_token_state).
enum class TokenState : int {
  kReady = 1,
  kCooling = 2,   // its quota is used up; ready again at `ready_at`
  kDisabled = 3,  // too many failures in a row, or refused for good; half open at `ready_at`, if there is one
  kHalfOpen = 4,  // disabled, but its delay is over: one request, or health check, at a time may try it
  kResting = 5,   // refused just now, and left alone until `ready_at`; from then on one request at a time may try it
};

// "ready", "cooling", "disabled", "half open", "resting". Never NULL. Any thread.
const char* TokenStateName(TokenState state) noexcept;

struct TokenStatus {
  std::string name;
  Tier tier = Tier::kPersonal;
  CredentialKind kind = CredentialKind::kRefreshToken;
  TokenState state = TokenState::kReady;
  int failures = 0;                  // failures in a row that it was blamed for
  int in_flight = 0;                 // requests that use it now
  std::uint64_t served = 0;          // requests that it brought to a good end
  std::uint64_t total_failures = 0;  // failures in all, those that a success has cleared included
  std::uint64_t refreshes = 0;       // JWTs that were issued for it
  Code last_error = Code::kOk;       // of the last attempt that failed, whoever was to blame
  std::string last_error_message{};
  std::string reason{};          // why it is not ready; empty: it is
  std::string same_account{};    // the name of an earlier token that belongs to the same account; empty: none is known
  std::optional<Quota> quota{};  // of the account, if it was asked; of that moment

  // kCooling, kResting: when it is back. kDisabled, kHalfOpen: from when on it may be tried; nullopt: only after a
  // recovery by hand, an active health check, or with another credential.
  // By the clock as it stands. It comes earlier if the machine sleeps or its clock is set forward, and never later.
  std::optional<std::chrono::system_clock::time_point> ready_at{};
  std::optional<std::chrono::system_clock::time_point> jwt_expires{};  // there is a JWT, valid until then
};

struct PoolStatus {
  std::vector<TokenStatus> tokens;  // in tier order; in a tier, in the order of the configuration

  int Active() const;           // tokens that are ready
  std::string Summary() const;  // "5/6 active (PERSONAL: 3/4, SHARED: 2)"; "4" for 4/4
};

// ------------------------------------------------------------------------------------------------------- Explain() --

// Whether a request that comes now would get this token, and why not.
struct TokenExplanation {
  std::string name;
  Tier tier = Tier::kPersonal;

  // 1: it would be chosen; 2: it would be next if that one fails, and so on. 0: it would not be tried at all.
  int turn = 0;
  std::string reason;  // one sentence

  // With turn 0: until when that holds; nullopt: nobody knows, or until it is recovered by hand.
  std::optional<std::chrono::system_clock::time_point> until{};
};

// --------------------------------------------------------------------------------------------------- CheckHealth() --

struct HealthCheckOptions {
  // false: what the pool knows, at once. true: each token is refreshed and asked for its quota. A disabled one that
  // passes is recovered; a refusal is a failure if another token of its kind passes.
  bool active = false;
  int concurrency = 4;                        // active: tokens that are asked at the same time; 1 to 1000
  std::chrono::milliseconds timeout{60'000};  // active: for the whole check; 0: none; negative: no limit
};

struct TokenHealthResult {
  bool healthy = false;  // passive: it is ready. Active: the service accepted it
  TokenStatus token;     // after the check
  Status problem{};      // what is wrong with it; OK if healthy

  // Active: why there is no `token.quota`, or an older one; OK otherwise. Where quotas are not told, a refresh token is
  // healthy once it was exchanged; of an API key nothing is known then, and it is not. A 403 for the query makes both
  // unhealthy, and is held against neither.
  Status quota_problem{};
};

struct HealthReport {
  std::vector<TokenHealthResult> tokens;  // as in PoolStatus

  int Healthy() const;

  // A heading, "Healthy tokens: 5/6", and a line for each token: name, tier, failures, active, reason, quota, reset.
  std::string ToString() const;
};

// -------------------------------------------------------------------------------------------------------- Reload() --

// What Client::Reload() did, by the names that the tokens have now (or had, if they were removed).
struct ReloadResult {
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::vector<std::string> changed;  // renamed, moved to another tier, or with another credential
  int kept = 0;                      // the others
};

// ---------------------------------------------------------------------------------------------------------- events --

// The numbers are stable and the same in C (warppool_pool_event_kind).
enum class PoolEventKind : int {
  kLoaded = 10,          // the client was made with it, or it was added
  kChosen = 20,          // a request, or a call for a bearer, got it
  kAttemptFailed = 30,   // an attempt with it failed, whoever was to blame
  kFailure = 40,         // it is blamed for a failure: `failures` in a row now
  kDisabled = 50,        // too many failures, refused for good, or a half-open one's probe was a failure; see `until`
  kCooling = 60,         // its quota is used up; see `until`, which a second one may correct
  kRecovered = 70,       // ready again, or its failures are forgotten; `reason` says how that came
  kRefreshed = 80,       // a JWT was issued for it; `until` is its end
  kRotated = 90,         // the service replaced its refresh token
  kSameAccount = 100,    // it belongs to the same account as an earlier token: they share one quota
  kTierExhausted = 110,  // no token of the tier is ready any more: `token` was the last one, `reason` why it is not
  kPoolExhausted = 120,  // no token at all is ready any more; the same
  kRemoved = 130,        // no request gets it any more
  kChanged = 140,        // it was renamed or moved, or got another credential; `reason` says what, with its name before
  kRestored = 150,       // what a store knew of it was taken over; `reason` says what
  kStoreFailed = 160,    // the store cannot be read or written, or a record of it is damaged; `token` may be empty
};

// "loaded", "tier exhausted", ... Never NULL. Any thread.
const char* PoolEventKindName(PoolEventKind kind) noexcept;

// Something happened to a token, or to all of a tier. What happens by the passing of time alone is told when somebody
// next looks for a token, or at the pool. The views are valid during the call only.
struct PoolEvent {
  PoolEventKind kind;
  Tier tier;                  // the token's
  std::string_view token{};   // its name
  Code code = Code::kOk;      // why, for what is a failure
  std::string_view reason{};  // why, or how that came; one sentence
  int failures = 0;           // the failures in a row that it is blamed for by then

  std::optional<std::chrono::system_clock::time_point> until{};
  std::chrono::system_clock::time_point time{};  // when it happened
};

// Called in whichever thread it happens in, the client's I/O thread included, and by several at once: it must be
// thread-safe and return promptly, and must neither call the client that it belongs to nor destroy it or its streams.
// Never under a lock, so that events of different threads may come in another order than they happened. What it throws
// is dropped.
using PoolEventSink = std::function<void(const PoolEvent&)>;

}  // namespace warppool
