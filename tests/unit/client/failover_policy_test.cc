#include "client/failover_policy.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

const FailoverOptions kOptions{{.base = 100ms, .ceiling = 1000ms, .jitter = 0, .budget = 3}, 60s};

struct Happening {
  Outcome outcome;
  bool another_ready = true;
  std::optional<milliseconds> retry_after{};
};

std::string DecisionText(const Decision& decision) {
  switch (decision.step) {
    case Decision::Step::kSameToken:
      return "same";
    case Decision::Step::kNextToken:
      return "next";
    case Decision::Step::kAwaitToken:  // not the policy's own
    case Decision::Step::kGiveUp:
      return "give up";
    case Decision::Step::kWait:
      return "wait " + std::to_string(decision.wait.count()) + (decision.new_pass ? " new pass" : "");
  }
  return "?";
}

std::vector<std::string> Steps(const std::vector<Happening>& story, const FailoverOptions& options = kOptions) {
  FailoverPolicy policy(options);
  std::vector<std::string> steps;
  for (const Happening& happening : story) {
    steps.push_back(DecisionText(policy.Next(happening.outcome, happening.another_ready, happening.retry_after, 0)));
  }
  return steps;
}

constexpr bool kNoOther = false;

TEST_CASE("each story has its steps") {
  using O = Outcome;
  struct Row {
    const char* story;
    std::vector<Happening> happenings;
    std::vector<std::string> steps;
  };
  const auto row = GENERATE(values<Row>({
      {"a stale JWT: the same token again", {{O::kAuthStale}, {O::kAuthStale, kNoOther}}, {"same", "same"}},
      {"refused tokens: on through the pool, for free",
       {{O::kAuthRejected}, {O::kAuthRevoked}, {O::kQuotaExhausted}, {O::kAuthRejected}, {O::kAuthRejected, kNoOther}},
       {"next", "next", "next", "next", "give up"}},
      {"a single token, refused: nothing helps", {{O::kAuthRejected, kNoOther}}, {"give up"}},
      {"a single token, dead", {{O::kAuthRevoked, kNoOther}}, {"give up"}},
      {"a single token without quota", {{O::kQuotaExhausted, kNoOther}}, {"give up"}},
      {"server errors: through the pool for free, then a new pass",
       {{O::kServerError}, {O::kServerError}, {O::kServerError, kNoOther}, {O::kServerError}},
       {"next", "next", "wait 100 new pass", "next"}},
      {"a single token with server errors: the budget, and then the end",
       {{O::kServerError, kNoOther},
        {O::kServerError, kNoOther},
        {O::kServerError, kNoOther},
        {O::kServerError, kNoOther}},
       {"wait 100 new pass", "wait 200 new pass", "wait 400 new pass", "give up"}},
      {"overload: one other token at once, then the service is at fault",
       {{O::kOverloaded}, {O::kOverloaded}, {O::kOverloaded}, {O::kOverloaded}, {O::kOverloaded, kNoOther}},
       {"next", "wait 100", "wait 200", "wait 400", "give up"}},
      {"when no wait is left, those that were not tried yet are tried all the same",
       {{O::kNetwork}, {O::kNetwork}, {O::kNetwork}, {O::kNetwork}, {O::kOverloaded}, {O::kStreamCut}},
       {"next", "wait 100", "wait 200", "wait 400", "next", "next"}},
      {"and so when the service asks for too much patience",
       {{O::kOverloaded}, {O::kOverloaded, true, 60s + 1ms}, {O::kOverloaded, kNoOther, 60s + 1ms}},
       {"next", "next", "give up"}},
      {"overload and network are the same kind of fault",
       {{O::kOverloaded}, {O::kNetwork}, {O::kOverloaded, kNoOther}},
       {"next", "wait 100", "wait 200 new pass"}},
      {"a single token, overloaded", {{O::kOverloaded, kNoOther}}, {"wait 100 new pass"}},
      {"a single token, no network",
       {{O::kNetwork, kNoOther}, {O::kNetwork, kNoOther}},
       {"wait 100 new pass", "wait 200 new pass"}},
      {"an account's fault in between shows that the service is there",
       {{O::kOverloaded}, {O::kAuthRejected}, {O::kOverloaded}, {O::kOverloaded}},
       {"next", "next", "next", "wait 100"}},
      {"a stale JWT in between shows nothing",
       {{O::kOverloaded}, {O::kAuthStale}, {O::kOverloaded}},
       {"next", "same", "wait 100"}},
      {"one overloaded, the rest refused: a new pass for the first",
       {{O::kOverloaded}, {O::kAuthRejected, kNoOther}},
       {"next", "wait 100 new pass"}},
      {"one failed, the last without quota: a new pass for the first",
       {{O::kServerError}, {O::kQuotaExhausted, kNoOther}},
       {"next", "wait 100 new pass"}},
      {"how long a quota takes is no word to those that only met a fault of the service",
       {{O::kServerError}, {O::kQuotaExhausted, kNoOther, 3600s}},
       {"next", "wait 100 new pass"}},
      {"a stream that breaks before it acts: the same request again, after a wait",
       {{O::kStreamCut, kNoOther}, {O::kStreamCut, kNoOther}, {O::kStreamCut, kNoOther}, {O::kStreamCut, kNoOther}},
       {"wait 100 new pass", "wait 200 new pass", "wait 400 new pass", "give up"}},
      {"... and rather by another token", {{O::kStreamCut}, {O::kStreamCut}}, {"wait 100", "wait 200"}},
      {"a service that asks for patience gets it",
       {{O::kOverloaded}, {O::kOverloaded, true, 10s}, {O::kOverloaded, kNoOther, 1ms}},
       {"next", "wait 10000", "wait 200 new pass"}},
      {"the first one's wish is another token's chance", {{O::kOverloaded, true, 10s}}, {"next"}},
      {"too much patience is not to be had", {{O::kOverloaded, kNoOther, 60s + 1ms}}, {"give up"}},
      {"just as much is", {{O::kOverloaded, kNoOther, 60s}}, {"wait 60000 new pass"}},
  }));
  INFO(row.story);
  CHECK(Steps(row.happenings) == row.steps);
}

TEST_CASE("what answers in the service's place is met with three other tokens, at once") {
  using O = Outcome;
  CHECK(Steps({{O::kBlocked}, {O::kBlocked}, {O::kBlocked}, {O::kBlocked}}) ==
        std::vector<std::string>{"next", "next", "next", "give up"});
  CHECK(Steps({{O::kBlocked}, {O::kBlocked, kNoOther}}) == std::vector<std::string>{"next", "give up"});
  CHECK(Steps({{O::kBlocked, kNoOther}}) == std::vector<std::string>{"give up"});
  // After a wait they are counted anew.
  CHECK(Steps({{O::kBlocked}, {O::kBlocked}, {O::kBlocked}, {O::kNetwork, kNoOther}, {O::kBlocked}}) ==
        std::vector<std::string>{"next", "next", "next", "wait 100 new pass", "next"});
}

TEST_CASE("what goes on with one account waits where it is blocked, and moves rather than fails") {
  FailoverPolicy policy(kOptions);
  policy.KeepToken(true);
  std::vector<std::string> steps;
  for (int i = 0; i < 4; ++i) steps.push_back(DecisionText(policy.Next(Outcome::kBlocked, true, {}, 0)));
  CHECK(steps == std::vector<std::string>{"wait 100 new pass", "wait 200 new pass", "wait 400 new pass", "next"});
}

TEST_CASE("what no token can help is given up at once") {
  const Outcome outcome = GENERATE(Outcome::kSuccess, Outcome::kAccepted, Outcome::kRequestFault, Outcome::kGarbled,
                                   Outcome::kMisconfigured, Outcome::kFinishedOtherwise, Outcome::kCancelled);
  CHECK(Steps({{outcome}}) == std::vector<std::string>{"give up"});
  CHECK(Steps({{Outcome::kOverloaded}, {outcome}}).back() == "give up");
}

TEST_CASE("going through a large pool costs no budget") {
  FailoverOptions options = kOptions;
  options.backoff.budget = 0;
  std::vector<Happening> story;
  for (int i = 0; i < 1000; ++i) story.push_back({i % 2 == 0 ? Outcome::kServerError : Outcome::kAuthRejected});
  const auto steps = Steps(story, options);
  CHECK(std::count(steps.begin(), steps.end(), "next") == 1000);
  CHECK(Steps({{Outcome::kServerError, kNoOther}}, options).back() == "give up");
}

TEST_CASE("a pass may be repeated when something in it was no token's fault") {
  struct Row {
    Outcome outcome;
    bool may_repeat;
    bool ruled_out;
  };
  const auto row = GENERATE(values<Row>({
      {Outcome::kAuthStale, false, false},
      {Outcome::kAuthRejected, false, true},
      {Outcome::kAuthRevoked, false, true},
      {Outcome::kQuotaExhausted, false, false},
      {Outcome::kServerError, true, false},
      {Outcome::kOverloaded, true, false},
      {Outcome::kNetwork, true, false},
      {Outcome::kStreamCut, true, false},
      {Outcome::kBlocked, true, false},
  }));
  FailoverPolicy policy(kOptions);
  CHECK_FALSE(policy.may_repeat());
  policy.Next(row.outcome, true, std::nullopt, 0);
  CHECK(policy.may_repeat() == row.may_repeat);
  policy.Next(Outcome::kAuthRejected, true, std::nullopt, 0);
  CHECK(policy.may_repeat() == row.may_repeat);
  CHECK(FailoverPolicy::RulesOutToken(row.outcome) == row.ruled_out);
}

TEST_CASE("waits have the jitter that they are given") {
  FailoverOptions options = kOptions;
  options.backoff.jitter = 0.5;
  FailoverPolicy policy(options);
  CHECK(policy.Next(Outcome::kNetwork, false, std::nullopt, 0.5).wait == 125ms);
}

TEST_CASE("a wait that ends behind the deadline is none") {
  using Step = Decision::Step;
  FailoverPolicy policy(kOptions);
  CHECK(policy.Next(Outcome::kNetwork, kNoOther, std::nullopt, 0, 101ms).step == Step::kWait);
  CHECK(policy.Next(Outcome::kNetwork, kNoOther, std::nullopt, 0, 200ms).step == Step::kGiveUp);
  CHECK(policy.Next(Outcome::kNetwork, true, std::nullopt, 0, 1ms).step == Step::kNextToken);
  CHECK(FailoverPolicy(kOptions).Next(Outcome::kServerError, kNoOther, 10s, 0, 9s).step == Step::kGiveUp);
}

TEST_CASE("waits for a token that is not ready, and other waits, spend one budget") {
  FailoverPolicy policy(kOptions);  // 3 waits
  CHECK(policy.SpendWait());
  CHECK(policy.Next(Outcome::kNetwork, kNoOther, std::nullopt, 0).wait == 200ms);  // the second one
  CHECK(policy.SpendWait());
  CHECK_FALSE(policy.SpendWait());
  CHECK_FALSE(policy.SpendWait());
  CHECK(policy.Next(Outcome::kNetwork, kNoOther, std::nullopt, 0).step == Decision::Step::kGiveUp);
  CHECK(policy.Next(Outcome::kNetwork, true, std::nullopt, 0).step == Decision::Step::kNextToken);
  CHECK(policy.Next(Outcome::kAuthRejected, true, std::nullopt, 0).step == Decision::Step::kNextToken);
}

TEST_CASE("without a budget nobody waits for a token either") {
  FailoverOptions options = kOptions;
  options.backoff.budget = 0;
  CHECK_FALSE(FailoverPolicy(options).SpendWait());
}

TEST_CASE("a token without quota is not ruled out: it may be back in time") {
  CHECK_FALSE(FailoverPolicy::RulesOutToken(Outcome::kQuotaExhausted));
  CHECK(FailoverPolicy::RulesOutToken(Outcome::kAuthRevoked));
}

}  // namespace
}  // namespace warppool::internal
