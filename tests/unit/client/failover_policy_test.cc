#include "client/failover_policy.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using O = Outcome;

const FailoverOptions kFailoverOptions{{.base = 1s, .ceiling = 32s, .jitter = 0, .budget = 3}, 120s};
const char kFailingTokens[8]{};

// An attempt that failed, with another token that is ready, and all the patience that could be needed.
struct Met : FailedAttempt {
  explicit(false) Met(Outcome what, std::size_t which = 0) {
    outcome = what;
    token = &kFailingTokens[which];
    another_ready = true;
    patience = 10min;
  }
  template <typename Change>
  Met With(const Change& change) const {
    Met met = *this;
    change(&met);
    return met;
  }
  Met Last() const {
    return With([](Met* m) { m->another_ready = false; });
  }
  // By a request that goes on with what the token's account has begun.
  Met Kept() const {
    return With([](Met* m) { m->keeps_token = true; });
  }
  Met Lately() const {
    return With([](Met* m) { m->served_lately = true; });
  }
  Met As401() const {
    return With([](Met* m) { m->unauthorized = true; });
  }
  Met AtExchange() const {
    return With([](Met* m) { m->at_exchange = true; });
  }
  // A token that needs no exchange is ready.
  Met WithFree() const {
    return With([](Met* m) { m->another_ready_without_exchange = true; });
  }
  Met RetryAfter(milliseconds time) const {
    return With([&](Met* m) { m->retry_after = time; });
  }
  Met Patience(milliseconds time) const {
    return With([&](Met* m) { m->patience = time; });
  }
};

std::string DecisionText(const FailoverDecision& decision) {
  std::string text;
  switch (decision.step) {
    case FailoverDecision::Step::kSameToken:
      text = "same";
      break;
    case FailoverDecision::Step::kNextToken:
      text = "next";
      break;
    case FailoverDecision::Step::kWait:
      text = "wait " + std::to_string(decision.wait.count());
      break;
    case FailoverDecision::Step::kGiveUp:
      text = "give up";
      break;
  }
  if (decision.new_pass) text += ", new pass";
  if (decision.without_exchange) text += ", without exchange";
  if (decision.service_fault) text += ", fault";
  if (decision.overload) text += ", overload";
  if (decision.rules_out) text += ", ruled out";
  if (decision.cut_short) text += ", cut short";
  return text;
}

using Steps = std::vector<std::string>;

Steps StepsOf(const std::vector<Met>& story, const FailoverOptions& options = kFailoverOptions) {
  FailoverState state;
  Steps steps;
  for (const Met& met : story) steps.push_back(DecisionText(DecideFailover(options, met, &state)));
  return steps;
}

std::string LastStepOf(const std::vector<Met>& story, const FailoverOptions& options = kFailoverOptions) {
  return StepsOf(story, options).back();
}

// ------------------------------------------------------------------------------------------------------- The table --

TEST_CASE("each outcome has its row, with another token that is ready and without one") {
  struct Row {
    Outcome outcome;
    const char* with_another;
    const char* last;
  };
  const auto row = GENERATE(values<Row>({
      {O::kAuthStale, "same", "same"},
      {O::kAuthRejected, "next, ruled out", "next, ruled out"},
      {O::kAuthRevoked, "next, ruled out", "next, ruled out"},
      {O::kQuotaExhausted, "next", "next"},
      {O::kServerError, "next", "next"},
      {O::kHeld, "next", "next"},
      {O::kOverloaded, "next, fault", "wait 1000, new pass, fault, overload"},
      {O::kNetwork, "next, fault", "wait 1000, new pass, fault, overload"},
      {O::kBlocked, "next", "give up"},
      {O::kStreamCut, "wait 1000, new pass", "wait 1000, new pass"},
      {O::kGarbled, "give up", "give up"},
      {O::kMisconfigured, "give up", "give up"},
      {O::kRequestFault, "give up", "give up"},
      {O::kFinishedOtherwise, "give up", "give up"},
      {O::kCancelled, "give up", "give up"},
      {O::kSuccess, "give up", "give up"},
      {O::kAccepted, "give up", "give up"},
  }));
  INFO(OutcomeName(row.outcome));
  CHECK(StepsOf({row.outcome}) == Steps{row.with_another});
  CHECK(StepsOf({Met(row.outcome).Last()}) == Steps{row.last});
}

TEST_CASE("what no token can help is given up at once, whatever came before") {
  const Outcome outcome = GENERATE(O::kSuccess, O::kAccepted, O::kRequestFault, O::kGarbled, O::kMisconfigured,
                                   O::kFinishedOtherwise, O::kCancelled);
  const Outcome before = GENERATE(O::kOverloaded, O::kServerError, O::kAuthRejected);
  CHECK(LastStepOf({before, outcome}) == "give up");
  CHECK(LastStepOf({before, Met(outcome).Kept()}) == "give up");
}

TEST_CASE("going through a large pool costs no budget") {
  FailoverOptions options = kFailoverOptions;
  options.waits.budget = 0;
  FailoverState state;
  const Outcome outcomes[] = {O::kServerError, O::kAuthRejected, O::kQuotaExhausted, O::kHeld, O::kAuthRevoked};
  for (std::size_t i = 0; i < 1000; ++i) {
    REQUIRE(DecideFailover(options, Met(outcomes[i % 5]), &state).step == FailoverDecision::Step::kNextToken);
  }
  CHECK(DecideFailover(options, Met(O::kServerError).Last(), &state).step == FailoverDecision::Step::kGiveUp);
}

TEST_CASE("what answers in the service's place is met with three other tokens, at once") {
  CHECK(StepsOf({O::kBlocked, O::kBlocked, O::kBlocked, O::kBlocked}) == Steps{"next", "next", "next", "give up"});
  CHECK(StepsOf({O::kBlocked, Met(O::kBlocked).Last()}) == Steps{"next", "give up"});
  // After a wait they are counted anew.
  CHECK(StepsOf({O::kBlocked, O::kBlocked, O::kBlocked, Met(O::kNetwork).Last(), O::kBlocked, O::kBlocked, O::kBlocked,
                 O::kBlocked}) ==
        Steps{"next", "next", "next", "wait 1000, new pass, fault, overload", "next", "next", "next", "give up"});
}

TEST_CASE("a fault of the exchange holds up only tokens that need one") {
  const Outcome outcome = GENERATE(O::kOverloaded, O::kNetwork);
  CHECK(LastStepOf({Met(outcome).AtExchange().WithFree()}) == "next, without exchange, fault");
  // ... even if it is the second one that met it; and then it is known for the whole exchange.
  CHECK(LastStepOf({Met(outcome).AtExchange(), Met(outcome, 1).AtExchange().WithFree()}) ==
        "next, without exchange, fault, overload");
  CHECK(LastStepOf({Met(outcome).AtExchange()}) == "next, fault");
  CHECK(LastStepOf({Met(outcome).WithFree()}) == "next, fault");  // the agent's
}

TEST_CASE("of what is wrong with every exchange, and of what blocks it, too") {
  const Outcome outcome = GENERATE(O::kMisconfigured, O::kGarbled);
  CHECK(LastStepOf({Met(outcome).AtExchange().WithFree()}) == "next, without exchange");
  CHECK(LastStepOf({Met(outcome).AtExchange()}) == "give up");
  CHECK(LastStepOf({Met(outcome).WithFree()}) == "give up");
  CHECK(LastStepOf({Met(O::kBlocked).AtExchange().WithFree()}) == "next, without exchange");
  CHECK(LastStepOf({Met(O::kBlocked).AtExchange()}) == "next");
  CHECK(LastStepOf({Met(O::kBlocked).WithFree()}) == "next");
}

// --------------------------------------------------------------------------------------- An overload of the service --

TEST_CASE("one other token is tried at once; if that meets the same, it is the service's overload") {
  const Outcome first = GENERATE(O::kOverloaded, O::kNetwork);
  const Outcome second = GENERATE(O::kOverloaded, O::kNetwork);
  CHECK(StepsOf({Met(first, 0), Met(second, 1)}) == Steps{"next, fault", "wait 1000, fault, overload"});
  CHECK(StepsOf({Met(first, 0), Met(second, 1).Last()}) ==
        Steps{"next, fault", "wait 1000, new pass, fault, overload"});
}

TEST_CASE("one token that meets it twice is one witness") {
  CHECK(StepsOf({Met(O::kNetwork, 0).Last(), Met(O::kNetwork, 0)}) ==
        Steps{"wait 1000, new pass, fault, overload", "wait 4000, fault"});
}

TEST_CASE("another answer in between shows that the service is there, but not that it has the time") {
  const Outcome between = GENERATE(O::kAuthRejected, O::kQuotaExhausted, O::kServerError, O::kAuthStale);
  CHECK(LastStepOf({Met(O::kOverloaded, 0), Met(between, 1), Met(O::kOverloaded, 2)}) == "next, fault, overload");
  CHECK(LastStepOf({Met(O::kOverloaded, 0), Met(between, 1), Met(O::kOverloaded, 2), Met(O::kOverloaded, 3)}) ==
        "wait 1000, fault, overload");
}

TEST_CASE("an exchange that another process holds shows nothing") {
  CHECK(LastStepOf({Met(O::kOverloaded, 0), Met(O::kHeld, 1), Met(O::kOverloaded, 2)}) == "wait 1000, fault, overload");
}

TEST_CASE("a token that comes free cuts a wait short only while the service is not known to be at fault") {
  CHECK(LastStepOf({O::kOverloaded, Met(O::kAuthRejected, 1).Last()}) == "wait 1000, new pass, cut short");
  CHECK(LastStepOf({O::kOverloaded, Met(O::kOverloaded, 1)}) == "wait 1000, fault, overload");
  CHECK(LastStepOf({Met(O::kStreamCut).Last()}) == "wait 1000, new pass");
  CHECK(LastStepOf({Met(O::kNetwork).Kept()}) == "wait 1000, new pass, fault");
}

// ----------------------------------------------------------------------------------------------- The end of a pass --

TEST_CASE("a pass ends with a wait if an overload, a lost network, a 500 or a foreign answer was in it") {
  struct Row {
    Outcome last;
    const char* waits;
    const char* ends;
  };
  const auto row = GENERATE(values<Row>({
      {O::kAuthRejected, "wait 1000, new pass, cut short", "next, ruled out"},  // its refusal may not be the last word
      {O::kServerError, "wait 1000, new pass, fault, overload", "next"},
      {O::kAuthRevoked, "wait 1000, new pass, ruled out, cut short", "next, ruled out"},
      {O::kQuotaExhausted, "wait 1000, new pass, cut short", "next"},
      {O::kHeld, "wait 1000, new pass, cut short", "next"},
  }));
  INFO(OutcomeName(row.last));
  for (const Outcome before : {O::kOverloaded, O::kNetwork, O::kServerError, O::kBlocked}) {
    INFO(OutcomeName(before));
    CHECK(LastStepOf({before, Met(row.last, 1).Last()}) == row.waits);
    CHECK(LastStepOf({before, O::kAuthRejected, Met(row.last, 1).Last()}) == row.waits);
    CHECK(StepsOf({before, Met(row.last, 1)})[1].substr(0, 4) == "next");  // another one is ready: no end yet
  }
  for (const Outcome before : {O::kAuthRejected, O::kAuthRevoked, O::kQuotaExhausted, O::kHeld, O::kAuthStale}) {
    INFO(OutcomeName(before));
    CHECK(LastStepOf({before, Met(row.last, 1).Last()}) == row.ends);
  }
}

TEST_CASE("a pass that ends with a refusal or a 500 is followed by a wait if one of its tokens served lately") {
  struct Row {
    Outcome last;
    const char* waits;
  };
  const auto row = GENERATE(values<Row>({{O::kAuthRejected, "wait 1000, new pass, cut short"},
                                         {O::kServerError, "wait 1000, new pass, fault, overload"}}));
  CHECK(LastStepOf({Met(row.last).Last().Lately()}) == row.waits);
  for (const Outcome before : {O::kAuthRejected, O::kQuotaExhausted, O::kAuthRevoked, O::kHeld}) {
    CHECK(LastStepOf({Met(before).Lately(), Met(row.last, 1).Last()}) == row.waits);
  }
  CHECK(LastStepOf({Met(row.last).Lately()}).substr(0, 4) == "next");  // another one is ready
}

TEST_CASE("that one served lately is no reason to wait after what is its own end") {
  const Outcome last = GENERATE(O::kAuthRevoked, O::kQuotaExhausted, O::kHeld);
  CHECK(LastStepOf({Met(last).Last().Lately()}).substr(0, 4) == "next");
}

TEST_CASE("a pass that ends with a foreign answer is followed by a wait if any token served lately") {
  CHECK(LastStepOf({Met(O::kBlocked).Last().Lately()}) == "wait 1000, new pass, fault, overload");
  CHECK(LastStepOf({Met(O::kBlocked).Last()}) == "give up");
  CHECK(LastStepOf({O::kOverloaded, Met(O::kBlocked, 1).Last()}) == "give up");
  // The fourth one ends it, too: what there is on the way is on everybody's way, be another token ready or not.
  CHECK(StepsOf({Met(O::kBlocked, 0).Lately(), Met(O::kBlocked, 1).Lately(), Met(O::kBlocked, 2).Lately(),
                 Met(O::kBlocked, 3).Lately()}) ==
        Steps{"next", "next", "next", "wait 1000, new pass, fault, overload"});
}

TEST_CASE("a refusal that is not the last answer rules its token out, that of a wait does not") {
  CHECK(StepsOf({O::kServerError, Met(O::kAuthRejected, 1), Met(O::kAuthRejected, 2).Last()}) ==
        Steps{"next", "next, ruled out", "wait 1000, new pass, cut short"});
}

TEST_CASE("passes follow while the budget lasts, and then the last answer is the error") {
  const Met last = Met(O::kAuthRejected, 1).Last();
  CHECK(StepsOf({O::kOverloaded, last, last, last, last}) == Steps{"next, fault", "wait 1000, new pass, cut short",
                                                                   "wait 4000, new pass, cut short",
                                                                   "wait 16000, new pass, cut short", "give up"});
}

// ----------------------------------------------------------------------------- What goes on with a token's account --

TEST_CASE("what goes on with one account waits there for what is no fault of the token's") {
  const Outcome outcome = GENERATE(O::kOverloaded, O::kNetwork, O::kBlocked);
  CHECK(StepsOf({Met(outcome).Kept(), Met(outcome).Kept(), Met(outcome).Kept()}) ==
        Steps{"wait 1000, new pass, fault", "wait 4000, new pass, fault", "wait 16000, new pass, fault"});
  // ... though tokens that need no exchange are ready.
  CHECK(LastStepOf({Met(outcome).Kept().AtExchange().WithFree()}) == "wait 1000, new pass, fault");
}

TEST_CASE("its first 401 and its first 500 are tried again there, the second one moves") {
  CHECK(StepsOf({Met(O::kAuthRejected).Kept().As401(), Met(O::kAuthRejected).Kept().As401()}) ==
        Steps{"wait 1000, new pass", "next, ruled out"});
  CHECK(StepsOf({Met(O::kServerError).Kept(), Met(O::kServerError).Kept()}) ==
        Steps{"wait 1000, new pass, fault", "next"});
  CHECK(StepsOf({Met(O::kAuthRejected).Kept().As401(), Met(O::kServerError).Kept()}) ==
        Steps{"wait 1000, new pass", "next"});
  CHECK(LastStepOf({Met(O::kAuthRejected).Kept()}) == "next, ruled out");   // a 403, say
  CHECK(LastStepOf({Met(O::kAuthRejected).As401()}) == "next, ruled out");  // of another token
  for (const Outcome outcome : {O::kAuthRevoked, O::kQuotaExhausted}) {
    CHECK(LastStepOf({Met(outcome).Kept()}).substr(0, 4) == "next");
  }
}

TEST_CASE("what goes on with one account waits there while another process exchanges its token") {
  const Met held = Met(O::kHeld).Kept();
  CHECK(StepsOf({held, held, held, held}) ==
        Steps{"wait 1000, new pass", "wait 4000, new pass", "wait 16000, new pass", "next"});
}

TEST_CASE("where the token rests the wait is at least as long") {
  const auto resting = [](Met* m) { m->rest = 5s; };
  CHECK(LastStepOf({Met(O::kServerError).Kept().With(resting)}) == "wait 5000, new pass, fault");
  CHECK(LastStepOf({Met(O::kServerError).Last().Lately().With(resting)}) == "wait 1000, new pass, fault, overload");
}

TEST_CASE("when no wait is left it moves rather than fails") {
  const Outcome outcome = GENERATE(O::kOverloaded, O::kNetwork, O::kBlocked);
  const Met met = Met(outcome).Kept();
  SECTION("the budget is spent") {
    CHECK(LastStepOf({met, met, met, met}) == "next, fault");
  }
  SECTION("the patience is") {
    CHECK(LastStepOf({met.Patience(1s - 1ms)}) == "next, fault");
  }
  SECTION("not to an overloaded service") {
    CHECK(LastStepOf({met, met, met, met.With([](Met* m) { m->service_is_down = true; })}) == "give up, fault");
  }
  SECTION("not when another token has met the same") {
    CHECK(LastStepOf({met, met, met, Met(outcome, 1).Kept()}) == "give up, fault, overload");
  }
  SECTION("not without anybody who is ready") {
    CHECK(LastStepOf({met, met, met, met.Last()}) == "give up, fault, overload");
  }
  SECTION("not when it is no token's in particular") {
    CHECK(LastStepOf({met, met, met, Met(O::kStreamCut).Kept()}) == "give up");
  }
}

TEST_CASE("its first refusal moves at once when no wait is left") {
  CHECK(LastStepOf({Met(O::kAuthRejected).Kept().As401().Patience(0ms)}) == "next");
  CHECK(LastStepOf({Met(O::kServerError).Kept().Patience(0ms)}) == "next, fault");
}

// --------------------------------------------------------------------------------------------------- Waits, and
// budgets --

TEST_CASE("waits of all kinds spend one budget") {
  CHECK(
      StepsOf({Met(O::kNetwork).Last(), Met(O::kStreamCut), Met(O::kServerError).Last(), Met(O::kOverloaded).Last()}) ==
      Steps{"wait 1000, new pass, fault, overload", "wait 4000, new pass", "wait 16000, new pass, fault, overload",
            "give up, fault, overload"});
  FailoverOptions options = kFailoverOptions;
  options.waits.budget = 0;
  CHECK(LastStepOf({O::kStreamCut}, options) == "give up");
}

TEST_CASE("a wait that cannot be had spends nothing") {
  FailoverState state;
  CHECK(DecideFailover(kFailoverOptions, Met(O::kNetwork).Kept().Patience(1s - 1ms), &state).step ==
        FailoverDecision::Step::kNextToken);
  CHECK(state.waits == 0);
  CHECK(DecideFailover(kFailoverOptions, Met(O::kStreamCut).Patience(1s), &state).wait == 1s);
  CHECK(state.waits == 1);
}

TEST_CASE("a service that asks for patience gets it, up to a limit") {
  struct Row {
    milliseconds asked;
    const char* step;
  };
  const auto row = GENERATE(values<Row>({{1ms, "wait 1000, new pass, fault, overload"},
                                         {10s, "wait 10000, new pass, fault, overload"},
                                         {120s, "wait 120000, new pass, fault, overload"},
                                         {121s, "wait 120000, new pass, fault, overload"},
                                         {24h, "wait 120000, new pass, fault, overload"}}));
  CHECK(LastStepOf({Met(O::kOverloaded).Last().RetryAfter(row.asked)}) == row.step);
}

TEST_CASE("the first one's wish is another token's chance") {
  CHECK(LastStepOf({Met(O::kOverloaded).RetryAfter(10s)}) == "next, fault");
  CHECK(LastStepOf({O::kOverloaded, Met(O::kOverloaded, 1).RetryAfter(10s)}) == "wait 10000, fault, overload");
}

TEST_CASE("more patience than the request has is not to be had") {
  CHECK(LastStepOf({Met(O::kOverloaded).Last().RetryAfter(10s).Patience(10s - 1ms)}) == "give up, fault, overload");
  CHECK(LastStepOf({Met(O::kOverloaded).Last().RetryAfter(10s).Patience(10s)}) ==
        "wait 10000, new pass, fault, overload");
}

TEST_CASE("how long a quota takes is no word to those that only met a fault of the service") {
  CHECK(LastStepOf({O::kServerError, Met(O::kQuotaExhausted, 1).Last().RetryAfter(3600s)}) ==
        "wait 1000, new pass, cut short");
}

TEST_CASE("waits have the jitter that they are given") {
  FailoverOptions options = kFailoverOptions;
  options.waits.jitter = 0.5;
  CHECK(LastStepOf({Met(O::kStreamCut).With([](Met* m) { m->unit_random = 0.5; })}, options) == "wait 1250, new pass");
}

}  // namespace
}  // namespace warppool::internal
