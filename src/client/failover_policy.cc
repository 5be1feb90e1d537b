#include "client/failover_policy.h"

#include <algorithm>

namespace warppool::internal {

using std::chrono::milliseconds;

namespace {

using Step = FailoverDecision::Step;

// Blocked answers after which another token is tried, in one pass.
constexpr int kMostBlocked = 3;

// What the row of the table says, before it is known whether a wait is possible.
struct Row {
  Step step = Step::kGiveUp;
  bool without_exchange = false;
};

Row AfterRefusal(const FailedAttempt& attempt, const FailoverState& state, bool again_there) {
  if (again_there || (state.tried_who_served_lately && !attempt.another_ready)) return {Step::kWait};
  return {state.met_nobodys_fault && !attempt.another_ready ? Step::kWait : Step::kNextToken};
}

Row AfterFaultOfService(const FailedAttempt& attempt, const FailoverState& state) {
  if (attempt.keeps_token) return {Step::kWait};
  if (attempt.at_exchange && attempt.another_ready_without_exchange) return {Step::kNextToken, true};
  return {attempt.another_ready && !state.service_failed ? Step::kNextToken : Step::kWait};
}

// Whatever answers on the way may mind the token's account, but hardly that of each.
Row AfterBlocked(const FailedAttempt& attempt, const FailoverState& state) {
  if (attempt.keeps_token) return {Step::kWait};
  if (state.blocked > kMostBlocked || !attempt.another_ready) {
    return {attempt.served_lately ? Step::kWait : Step::kGiveUp};
  }
  return {Step::kNextToken, attempt.at_exchange && attempt.another_ready_without_exchange};
}

Row RowOf(const FailedAttempt& attempt, const FailoverState& state) {
  const bool first_there = attempt.keeps_token && !state.was_refused;
  const bool other_tokens_may = attempt.at_exchange && attempt.another_ready_without_exchange;
  switch (attempt.outcome) {
    case Outcome::kAuthStale:
      return {Step::kSameToken};
    case Outcome::kAuthRejected:
      return AfterRefusal(attempt, state, first_there && attempt.unauthorized);
    case Outcome::kServerError:
      return AfterRefusal(attempt, state, first_there);
    case Outcome::kHeld:
      if (attempt.keeps_token) return {Step::kWait};
      [[fallthrough]];
    case Outcome::kAuthRevoked:
    case Outcome::kQuotaExhausted:
      return {state.met_nobodys_fault && !attempt.another_ready ? Step::kWait : Step::kNextToken};
    case Outcome::kOverloaded:
    case Outcome::kNetwork:
      return AfterFaultOfService(attempt, state);
    case Outcome::kBlocked:
      return AfterBlocked(attempt, state);
    case Outcome::kStreamCut:
      return {Step::kWait};
    case Outcome::kMisconfigured:
    case Outcome::kGarbled:
      return {other_tokens_may ? Step::kNextToken : Step::kGiveUp, other_tokens_may};
    case Outcome::kSuccess:
    case Outcome::kAccepted:
    case Outcome::kRequestFault:
    case Outcome::kFinishedOtherwise:
    case Outcome::kCancelled:
      return {};
  }
  return {};
}

void NoteWitness(const FailedAttempt& attempt, FailoverState* state) {
  if (state->first_witness == nullptr) state->first_witness = attempt.token;
  if (state->first_witness != attempt.token) state->many_witnesses = true;
}

// Without a wait that it could spend: it moves, or it is over.
void MoveOrGiveUp(const FailedAttempt& attempt, bool service_is_down, FailoverDecision* decision) {
  decision->step =
      attempt.keeps_token && attempt.another_ready && !service_is_down && attempt.outcome != Outcome::kStreamCut
          ? Step::kNextToken
          : Step::kGiveUp;
}

void Wait(const FailoverOptions& options, const FailedAttempt& attempt, FailoverDecision* decision,
          FailoverState* state) {
  milliseconds at_least = std::min(attempt.retry_after.value_or(milliseconds(0)), options.retry_after_limit);
  // How long a spent quota takes is no word of the service to those that only met its faults.
  if (attempt.outcome == Outcome::kQuotaExhausted) at_least = {};
  if (attempt.keeps_token) at_least = std::max(at_least, attempt.rest);
  Backoff backoff(options.waits, state->waits);
  const auto wait = backoff.Next(attempt.unit_random, at_least);
  if (!wait || *wait > attempt.patience) {
    return MoveOrGiveUp(attempt, attempt.service_is_down || decision->overload, decision);
  }
  ++state->waits;
  state->blocked = 0;
  decision->wait = *wait;
  decision->at_least = at_least;
  const bool cut = attempt.outcome == Outcome::kStreamCut;
  const bool blocked = attempt.outcome == Outcome::kBlocked;
  decision->new_pass = attempt.keeps_token || cut || blocked || !attempt.another_ready;
  decision->cut_short = !attempt.keeps_token && !attempt.another_ready && !cut && !decision->overload;
}

}  // namespace

FailoverDecision DecideFailover(const FailoverOptions& options, const FailedAttempt& attempt, FailoverState* state) {
  const Outcome outcome = attempt.outcome;
  const bool nobodys_fault = outcome == Outcome::kOverloaded || outcome == Outcome::kNetwork;
  const bool unclear = outcome == Outcome::kServerError || outcome == Outcome::kBlocked;
  if (outcome == Outcome::kBlocked) ++state->blocked;
  if (attempt.served_lately && outcome != Outcome::kBlocked) state->tried_who_served_lately = true;

  const Row row = RowOf(attempt, *state);
  FailoverDecision decision{row.step};
  decision.without_exchange = row.without_exchange;
  decision.service_fault = nobodys_fault || (unclear && row.step == Step::kWait);
  if (decision.service_fault) {
    NoteWitness(attempt, state);
    // What answers in the service's place, time and again, is on the way of those that were not tried, too.
    const bool all_blocked = outcome == Outcome::kBlocked && !attempt.keeps_token;
    decision.overload = state->many_witnesses || !attempt.another_ready || all_blocked;
  }
  if (decision.step == Step::kWait) Wait(options, attempt, &decision, state);
  decision.rules_out =
      outcome == Outcome::kAuthRevoked || (outcome == Outcome::kAuthRejected && row.step != Step::kWait);

  state->service_failed = nobodys_fault || (state->service_failed && outcome == Outcome::kHeld);
  if (nobodys_fault || unclear) state->met_nobodys_fault = true;
  if (outcome == Outcome::kAuthRejected || outcome == Outcome::kServerError) state->was_refused = true;
  return decision;
}

}  // namespace warppool::internal
