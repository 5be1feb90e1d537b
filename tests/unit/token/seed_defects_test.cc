// The defects of the system that this library grew out of: each that shows in the parts alone has a test of its own
// here. The rest takes a client and a service: tests/integration.
#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/base64url.h"
#include "catch.h"
#include "client/failover_policy.h"
#include "conversation/answer_reader.h"
#include "protocol/finish_status.h"
#include "protocol/response_decoder.h"
#include "token/exchange.h"
#include "unit/token/pool_fixture.h"
#include "unit/token/refresher_fixture.h"
#include "warppool/wire/response.pb.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

std::string EncodedEvent(const wire::ResponseEvent& event) {
  return EncodeBase64Url(event.SerializeAsString());
}

TEST_CASE("seed defect: retrying the same failed token") {
  Pool pool({"p1", "p2", "s1"}, ForGood(3));
  const FailoverOptions options{{.base = 500ms}, 60s};
  FailoverState state;
  TokenPool::Wanted wanted;
  std::string tried;
  FailoverDecision decision;
  do {
    auto lease = pool.pool.Acquire(wanted);
    REQUIRE(lease);
    tried += lease->token().name() + " ";
    wanted.excluded.insert(&lease->token());
    std::move(*lease).End({Outcome::kServerError, Status(Code::kServerError, "500")});
    FailedAttempt attempt;
    attempt.outcome = Outcome::kServerError;
    attempt.another_ready = pool.pool.AnyReady(wanted);
    attempt.patience = 30s;
    decision = DecideFailover(options, attempt, &state);
  } while (decision.step == FailoverDecision::Step::kNextToken);
  CHECK(tried == "p1 p2 s1 ");  // each once, at once and for free
  CHECK(decision.step == FailoverDecision::Step::kWait);
  CHECK(decision.wait == 500ms);
}

TEST_CASE("seed defect: round robin by position in a filtered list") {
  Pool pool({"p1", "p2", "p3", "p4"});
  CHECK(pool.Turns(2) == "p1 p2");
  pool.Meet("p1", Outcome::kAuthRevoked);  // in a list without it, position 2 would be p4's
  CHECK(pool.Turns(4) == "p2 p3 p4 p2");

  // A neighbour that comes and goes at every turn takes nothing from the others.
  std::map<std::string, int> served;
  for (int i = 0; i < 300; ++i) {
    pool.pool.Recover("p1");
    if (i % 2 == 0)
      std::move(*pool.pool.AcquireToken(pool.token("p1")))
          .End({Outcome::kAuthRevoked, Status(Code::kUnauthorized, "no")});
    ++served[pool.Turns(1)];
  }
  const auto [least, most] = std::minmax({served["p2"], served["p3"], served["p4"]});
  CHECK(most - least <= 1);
  CHECK(least >= 75);
}

TEST_CASE("seed defect: a lost network disables the whole pool") {
  Pool pool({"p1", "p2", "s1"}, ForGood(1));
  for (int i = 0; i < 100; ++i) {
    for (const char* name : {"p1", "p2", "s1"}) {
      for (const Outcome outcome : {Outcome::kNetwork, Outcome::kOverloaded, Outcome::kStreamCut}) {
        pool.Meet(name, outcome, "lost");
      }
    }
  }
  CHECK(pool.pool.view().Snapshot().Active() == 3);
  for (const char* name : {"p1", "p2", "s1"}) CHECK(pool.Of(name).total_failures == 0);
}

TEST_CASE("seed defect: one counter for every kind of failure") {
  Pool pool({"p1", "p2"}, ForGood(3));
  pool.Meet("p1", Outcome::kNetwork);
  pool.Meet("p1", Outcome::kServerError);
  pool.Meet("p1", Outcome::kQuotaExhausted, "used up", 1s);
  pool.clock.Advance(1s);
  pool.Meet("p1", Outcome::kRequestFault);
  pool.Blame("p1");
  CHECK(pool.Of("p1").failures == 1);
  CHECK(pool.StateOf("p1") == TokenState::kResting);
}

TEST_CASE("seed defect: a late success leaves a token disabled and beyond recovery") {
  Pool pool({"p1"}, Recovering(3));
  Lease late = pool.Take();
  for (int i = 0; i < 3; ++i) pool.Blame("p1");
  std::move(late).End({Outcome::kSuccess});
  CHECK(pool.StateOf("p1") == TokenState::kDisabled);
  CHECK(pool.Of("p1").failures == 3);  // it says why, and by that it can be told what to recover
  SECTION("by itself") {
    pool.clock.Advance(60s);
    Lease probe = pool.Take();
    CHECK(probe.is_probe());
    std::move(probe).End({Outcome::kSuccess});
  }
  SECTION("by hand") {
    CHECK(pool.pool.RecoverAll() == 1);
  }
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.Of("p1").failures == 0);
}

TEST_CASE("seed defect: an automatic recovery that nothing schedules") {
  Pool pool({"p1"}, Recovering());
  pool.Blame("p1");
  // Who finds nobody ready is told when to come again, and then finds it: nothing else has to run meanwhile.
  const auto wait = pool.pool.WhenReady({}).earliest;
  REQUIRE(wait);
  pool.clock.Advance(*wait);
  CHECK(pool.Turns(2) == "p1 p1");
}

TEST_CASE("seed defect: N callers, N refreshes") {
  Refreshing r;
  for (int i = 0; i < 100; ++i) r.Refresh();
  CHECK(r.transport.started() == 1);
  r.FailAll(0);  // and its failure is one failure
  CHECK(r.results.size() == 100);
  CHECK(r.transport.started() == 2);  // one at each address
}

TEST_CASE("seed defect: one failed refresh is as many failures as there were callers") {
  Pool pool({"p1"}, ForGood(3));
  std::vector<Lease> callers;
  for (int i = 0; i < 100; ++i) callers.push_back(pool.Take());
  for (Lease& caller : callers) pool.Blame(std::move(caller), "no");
  CHECK(pool.Of("p1").failures == 1);
}

TEST_CASE("seed defect: the rotated refresh token is thrown away") {
  Refreshing r;
  r.Refresh();
  r.transport.Answer(0, 200, Issued("one", R"(, "expires_in": "60", "refresh_token": "hunter2-rotated")"));
  CHECK(r.observed.refreshed == std::vector<std::string>{"PERSONAL_fake  rotated"});  // whoever stores it is told
  r.executor.Advance(1h);
  r.Refresh();
  CHECK_THAT(r.transport.request(1).body, Catch::Matchers::EndsWith("refresh_token=hunter2-rotated"));
}

TEST_CASE("seed defect: an unencoded form body") {
  CHECK(ExchangeBody(Secret("a+b&grant_type=x%41=")) ==
        "grant_type=refresh_token&refresh_token=a%2Bb%26grant_type%3Dx%2541%3D");
}

TEST_CASE("seed defect: token names that change at every start") {
  TokenConfig config;
  config.credential = Secret("abc");  // its SHA-256 is in the standard: ba7816bf 8f01cfea ...
  CHECK(NamesOf({config}) == std::vector<std::string>{"PERSONAL_ba7816"});
}

TEST_CASE("seed defect: a piece of the token in the log") {
  const std::string credential = "fakevBx0123456789abcdefghijklmnopqrstuvwxyz";
  TokenConfig config;
  config.credential = Secret(credential);
  FakeClock clock;
  LogLines log;
  FakeExecutor executor(&clock);
  FakeTransport transport(&executor);
  TokenPool pool(ForGood(), {config}, clock, PoolReporter(log.logger(), nullptr, clock));
  TokenRefresher refresher(OneAddress(), &transport, nullptr, clock, log.logger());
  pool.members().TellLoaded();
  auto lease = pool.Acquire({});
  REQUIRE(lease);
  Status why;
  refresher.Refresh(lease->share_token(), [&](const RefreshResult& result) { why = result.status; });
  transport.Answer(0, 400, R"({"error": {"message": "Bad token )" + credential + "\"}}");
  std::move(*lease).End({Outcome::kAuthRejected, why});
  const std::string said = log.text() + why.ToString() + pool.view().Snapshot().tokens.at(0).last_error_message;
  CHECK_THAT(said, ContainsSubstring("PERSONAL_"));
  for (std::size_t i = 0; i + 6 <= credential.size(); ++i)
    CHECK_THAT(said, !ContainsSubstring(credential.substr(i, 6)));
}

TEST_CASE("seed defect: events that do not decode are skipped in silence") {
  ResponseDecoder decoder(EventLimits{100});
  AnswerReader reader(nullptr, &decoder);
  for (const char* data : {"!", "AAAA", "{\"error\": \"no\"}"}) {
    const auto kind = reader.Read(data);
    REQUIRE_FALSE(kind.ok());
    CHECK(kind.code() == Code::kUndecodableEvent);
    CHECK_FALSE(kind.status().message().empty());
  }
}

TEST_CASE("seed defect: quota exhaustion is reported as a normal end") {
  wire::ResponseEvent event;
  event.mutable_finished()->mutable_quota_limit();
  ResponseDecoder decoder(EventLimits{100});
  AnswerReader reader(nullptr, &decoder);
  const auto kind = reader.Read(EncodedEvent(event));
  REQUIRE(kind.ok());
  REQUIRE(*kind == AnswerReader::Kind::kFinished);
  CHECK(reader.finished().reason == FinishReason::kQuotaLimit);
  CHECK(StatusOf(reader.finished()).code() == Code::kQuotaExhausted);
}

TEST_CASE("seed defect: one conversation id is shared by all callers") {
  const auto init = [](const std::string& id) {
    wire::ResponseEvent event;
    event.mutable_init()->set_conversation_id(id);
    return EncodedEvent(event);
  };
  ResponseDecoder decoder(EventLimits{100});
  AnswerReader one(nullptr, &decoder);
  AnswerReader other(nullptr, &decoder);
  REQUIRE(one.Read(init("c1")).ok());
  CHECK(one.conversation_id() == "c1");
  REQUIRE(other.Read(init("c2")).ok());
  CHECK(other.conversation_id() == "c2");
}

}  // namespace
}  // namespace warppool::internal
