// What comes after an attempt that failed: a pure function of what was met and of what the request went through before.
//
// Going to the next token is free, and each ready token is tried at most once a pass. Only waiting and trying again
// spends the budget. When the service or the network is at fault, one other ready token is tried at once; if that meets
// the same, it is the service's overload: it is remembered for all requests (circuit_breaker.h), and this one waits.
//
// When no token is left, the pass has ended. It is followed by a wait and a new pass if what was met need not be the
// tokens' fault: something of the service's or the network's came before, or a token that was tried served lately.
//
// A fault of the exchange holds up only tokens that need one. A request that goes on with what one account has begun
// does not leave that for a fault of nobody's: it waits, and tries the same token again. When no wait is left, and the
// service is not known to be at fault, it moves rather than fails.
//
// The rules are those of the table in the guide, "What each answer means"; a simulation of a thousand worlds holds the
// library to them (tests/unit/client/outcome_worlds_test.cc).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/backoff.h"
#include "warppool/outcome.h"

namespace warppool::internal {

struct FailoverOptions {
  BackoffOptions waits;                           // before trying again
  std::chrono::milliseconds retry_after_limit{};  // a service that asks for more patience is asked again after this
};

// What a request went through so far.
struct FailoverState {
  int waits = 0;                   // spent
  int blocked = 0;                 // answers in this pass that something on the way gave
  bool service_failed = false;     // the last attempt met the service's or the network's fault
  bool met_nobodys_fault = false;  // an attempt did that says nothing of its token
  bool tried_who_served_lately = false;
  bool was_refused = false;             // or met a server error
  const void* first_witness = nullptr;  // the first token that met a fault of the service's
  bool many_witnesses = false;          // and so did another one
};

// An attempt that failed, and how things stand after it.
struct FailedAttempt {
  Outcome outcome = Outcome::kCancelled;
  const void* token = nullptr;  // which it was
  bool unauthorized = false;    // with a 401
  bool at_exchange = false;     // and not at the agent
  bool keeps_token = false;     // the request goes on with what the token's account has begun
  // The token served lately, or is new; with kBlocked: any token served lately.
  bool served_lately = false;
  bool another_ready = false;                   // a token that was not tried in this pass
  bool another_ready_without_exchange = false;  // one that needs no exchange now
  bool service_is_down = false;                 // an overload of the endpoint is remembered
  std::optional<std::chrono::milliseconds> retry_after{};
  std::chrono::milliseconds rest{};      // of the token, until it may be tried again
  std::chrono::milliseconds patience{};  // how long the request may still wait
  double unit_random = 0;                // in [0, 1)
};

struct FailoverDecision {
  enum class Step : std::uint8_t {
    kSameToken,  // with a new JWT
    // One that was not tried in this pass. If there is none, the first that comes within the request's patience.
    kNextToken,
    kWait,  // for `wait`, then as kNextToken
    kGiveUp,
  };
  Step step = Step::kGiveUp;
  std::chrono::milliseconds wait{};
  std::chrono::milliseconds at_least{};  // of `wait`: what the service asked for, or the token needs
  bool new_pass = false;                 // with kWait: those that were not refused for good may be tried again
  bool without_exchange = false;         // with kNextToken: from now on in this pass
  bool service_fault = false;  // what was met is no token's fault, and the next attempt need not heed an overload
  bool overload = false;       // and it is the whole service's: to be remembered
  bool rules_out = false;      // the token is not tried again in this request
  // With kWait: the service has not shown that it is at fault, so a token that comes free meanwhile is tried at once.
  bool cut_short = false;
};

FailoverDecision DecideFailover(const FailoverOptions& options, const FailedAttempt& attempt, FailoverState* state);

}  // namespace warppool::internal
