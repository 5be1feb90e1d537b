// What comes after an attempt: a pure policy, one for each request.
//
// Going to the next token is free, and each ready token is tried at most once a pass. Only waiting and trying again
// spends the budget. When the service or the network fails, one other ready token is tried at once; if that meets the
// same, it was no token's doing, and the request waits. When it may not wait any more, tokens that were not tried yet
// are tried all the same: one of them may serve.
//
// What answers in the service's place is met with at most three other tokens.
//
// A request that goes on with what one account has begun does not leave that for a fault of nobody's: it waits first,
// and tries the same token again. An answer that was cut off does not leave it at all.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/backoff.h"
#include "warppool/stats.h"

namespace warppool::internal {

struct FailoverOptions {
  BackoffOptions backoff;
  std::chrono::milliseconds retry_after_limit{};  // a service that asks for more patience gets none
};

struct Decision {
  enum class Step : std::uint8_t {
    kSameToken,   // with a new JWT
    kNextToken,   // one that was not tried in this pass
    kWait,        // for `wait`, then as kNextToken
    kAwaitToken,  // for `wait` at most, until a token is ready; the policy leaves that to who knows the tokens
    kGiveUp,
  };
  Step step = Step::kGiveUp;
  std::chrono::milliseconds wait{};
  bool new_pass = false;  // with kWait: those that only met a fault of the service or the network may be tried again
  // With kWait: the service has not shown that it is at fault, so a token that comes free meanwhile is tried at once.
  bool cut_short = false;
};

class FailoverPolicy {
 public:
  explicit FailoverPolicy(FailoverOptions options) : options_(options), backoff_(options.backoff) {}

  // After a failed attempt. `another_ready`: a token that was not tried in this pass is ready. `unit_random` in [0, 1).
  // `time_left`: until the request's deadline; a wait that ends later is no use.
  Decision Next(Outcome outcome, bool another_ready, std::optional<std::chrono::milliseconds> retry_after,
                double unit_random, std::optional<std::chrono::milliseconds> time_left = {});

  // A fault of the token exchange, past which a token is tried that needs none.
  void NoteFaultOfExchange() { may_repeat_ = true; }

  // Whether it may also wait for a token that is not ready yet; charged like any other wait.
  bool SpendWait() { return backoff_.Next(0).has_value(); }

  // Whether the request goes on with what the account of its token has begun.
  void KeepToken(bool keeps) { keeps_token_ = keeps; }

  // Whether a pass in which no token is left may be followed by another one: something in it was no token's fault.
  bool may_repeat() const { return may_repeat_; }

  // Whether trying again may have the same token fail in the same way: its own fault, so not in this request.
  static bool RulesOutToken(Outcome outcome);

 private:
  Decision Choose(Outcome outcome, bool another_ready, std::optional<std::chrono::milliseconds> retry_after,
                  double unit_random);
  Decision Wait(bool new_pass, bool cut_short, std::optional<std::chrono::milliseconds> retry_after,
                double unit_random);

  const FailoverOptions options_;
  Backoff backoff_;
  bool service_failed_ = false;  // the last attempt met the service's or the network's fault
  bool may_repeat_ = false;
  bool keeps_token_ = false;
  int blocked_ = 0;  // answers in this pass that something on the way gave
};

}  // namespace warppool::internal
