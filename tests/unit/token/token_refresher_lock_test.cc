// Exchanges of tokens that other processes know, too.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "catch.h"
#include "unit/token/exchange_lock_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using LockCalls = std::vector<std::string>;

TEST_CASE("what is issued is in safety before it counts, and before others get the lock") {
  Locking r;
  r.Refresh();
  CHECK(r.lock.calls == LockCalls{"acquire"});
  CHECK(r.transport.started() == 0);
  CHECK_FALSE(r.refresher.HasPrecious());
  r.lock.Grant();
  REQUIRE(r.transport.started() == 1);
  CHECK(r.Sent(0) == "hunter2%2Bold");
  CHECK(r.refresher.HasPrecious());
  r.transport.Answer(0, 200, Issued("one", R"(, "refresh_token": "hunter2-new")"));
  CHECK(r.lock.calls ==
        LockCalls{"acquire", "keep hunter2-new, rotated, hunter2-one for hunter2+old over hunter2+old"});
  CHECK(r.token->credential().Reveal() == "hunter2+old");
  CHECK(r.token->jwt() == nullptr);
  CHECK(r.results.empty());
  CHECK(r.observed.refreshed.empty());
  CHECK(r.refresher.HasPrecious());
  r.lock.HasKept();
  CHECK(r.lock.calls.size() == 3);
  CHECK(r.lock.calls.back() == "release with hunter2-new");
  CHECK(r.token->serial() == 1);
  REQUIRE(r.last().jwt != nullptr);
  CHECK(r.last().fresh);
  CHECK(r.last().jwt == r.token->jwt());
  CHECK(r.observed.refreshed == std::vector<std::string>{"PERSONAL_fake  rotated"});
  CHECK_FALSE(r.refresher.HasPrecious());
}

TEST_CASE("a JWT alone is kept as well") {
  Locking r;
  r.Refresh();
  r.lock.Grant();
  r.transport.Answer(0, 200, Issued("one"));
  CHECK(r.lock.calls.back() == "keep hunter2+old, hunter2-one for hunter2+old over hunter2+old");
  r.lock.HasKept();
  CHECK(r.last().fresh);
  CHECK(r.token->serial() == 0);
}

TEST_CASE("who comes before it is kept waits for the same operation") {
  Locking r;
  const auto first = r.Refresh();
  r.Refresh();
  r.lock.Grant();
  r.Refresh();
  r.transport.Answer(0, 200, Issued("one"));
  r.Refresh();
  r.refresher.Forget(first);
  CHECK(r.lock.calls.size() == 2);
  CHECK(r.transport.started() == 1);
  r.lock.HasKept();
  CHECK(r.order == std::vector<int>{1, 2, 3});
  for (const RefreshResult& result : r.results) CHECK(result.jwt == r.token->jwt());
  r.Refresh();  // the next one is an operation of its own
  CHECK(r.lock.IsAsked());
}

TEST_CASE("a credential that others got is the one that is exchanged") {
  Locking r;
  r.Refresh();
  r.lock.Grant("hunter2-theirs", 3);
  CHECK(r.Sent(0) == "hunter2-theirs");
  CHECK(r.token->serial() == 3);
  CHECK(r.token->configured().Reveal() == "hunter2+old");
  CHECK(r.observed.adopted == std::vector<std::string>{"PERSONAL_fake rotated"});
  r.transport.Answer(0, 200, Issued("one"));
  r.lock.HasKept();
  CHECK(r.last().fresh);
}

TEST_CASE("where the store has not heard of it, what is here counts") {
  Locking r;
  r.token->Rotate(Secret("hunter2-mine"));
  r.Refresh();
  ExchangeAdmission admission;  // the store is absent
  admission.credential = r.token->credential();
  r.lock.Answer(admission);
  CHECK(r.Sent(0) == "hunter2-mine");
  CHECK(r.token->serial() == 1);
  CHECK(r.observed.adopted.empty());
}

TEST_CASE("a JWT that others got is as good as one of one's own, and needs no exchange") {
  Locking r;
  const auto serial = GENERATE(0U, 1U);
  r.Refresh();
  r.Refresh();
  const auto jwt = r.SharedJwt("hunter2-jwt", 3600s);
  r.lock.Share(jwt, serial == 0 ? "hunter2+old" : "hunter2-theirs", serial);
  CHECK(r.transport.started() == 0);
  REQUIRE(r.results.size() == 2);
  CHECK(r.last().jwt == jwt);
  CHECK_FALSE(r.last().fresh);  // a refusal speaks of the JWT, and not yet of the token
  CHECK(r.last().outcome == Outcome::kSuccess);
  CHECK(r.last().status.ok());
  CHECK(TokenRefresher::Cached(r.token.get(), r.clock.Steady()) == jwt);
  CHECK(r.token->serial() == serial);
  CHECK(r.lock.calls == LockCalls{"acquire"});  // there is nothing to release
  std::vector<std::string> told{"PERSONAL_fake"};
  if (serial == 1) told.insert(told.begin(), "PERSONAL_fake rotated");
  CHECK(r.observed.adopted == told);
  CHECK(r.observed.refreshed.empty());
  SECTION("and is renewed ahead of its end, if it is used") {
    CHECK(r.Use());
    r.executor.Advance(3600s);
    CHECK(r.observed.due.size() == 1);
  }
}

TEST_CASE("while others keep the token nobody is to blame, and there is nothing to leave") {
  Locking r;
  SECTION("and there is no JWT") {
    r.Refresh();
    r.lock.Say(ExchangeAdmission::Kind::kHeld);
    CHECK(r.last().jwt == nullptr);
  }
  SECTION("and the old one still lives") {
    r.token->SetJwt(r.SharedJwt("hunter2-jwt", 3600s));
    r.executor.Advance(3400s);
    r.Refresh();
    r.lock.Say(ExchangeAdmission::Kind::kHeld);
    REQUIRE(r.last().jwt != nullptr);
    CHECK(r.last().jwt->text.Reveal() == "hunter2-jwt");
    CHECK(r.Use());  // not asked for again at once
  }
  CHECK_FALSE(r.last().fresh);
  CHECK(r.last().outcome == Outcome::kHeld);
  CHECK(r.last().status.retryable());
  CHECK(r.last().status.token() == "PERSONAL_fake");
  CHECK(r.lock.calls == LockCalls{"acquire"});
  CHECK(r.transport.started() == 0);
  r.Refresh();
  CHECK(r.lock.calls == LockCalls{"acquire", "acquire"});
}

TEST_CASE("who has no memory to ask for the lock is not told that others have it") {
  Locking r;
  r.Refresh();
  r.lock.Answer(Status::OutOfMemory());
  CHECK(r.last().outcome == Outcome::kGarbled);
  CHECK(r.last().status.code() == Code::kOutOfMemory);
  CHECK(r.lock.calls == LockCalls{"acquire"});
}

TEST_CASE("whether a refusal for good is the end of the token is for the lock to say") {
  Locking r;
  r.Refresh();
  r.lock.Grant();
  r.Refuse(0);
  CHECK(r.lock.calls == LockCalls{"acquire", "judge hunter2+old"});
  CHECK(r.results.empty());
  CHECK(r.refresher.HasPrecious());
  SECTION("it is") {
    r.lock.Say(ExchangeAdmission::Kind::kRevoked);
    CHECK(r.last().outcome == Outcome::kAuthRevoked);
    CHECK_THAT(r.last().status.message(), ContainsSubstring("TOKEN_EXPIRED"));
    CHECK(r.last().status.token() == "PERSONAL_fake");
    CHECK(r.transport.started() == 1);
    CHECK(r.observed.in_doubt.empty());
  }
  SECTION("others had it replaced") {
    r.lock.Grant("hunter2-theirs", 1);
    REQUIRE(r.transport.started() == 2);
    CHECK(r.Sent(1) == "hunter2-theirs");
    CHECK(r.observed.adopted == std::vector<std::string>{"PERSONAL_fake rotated"});
    r.transport.Answer(1, 200, Issued("one"));
    CHECK(r.lock.calls.back() == "keep hunter2-theirs, hunter2-one for hunter2-theirs over hunter2-theirs");
    r.lock.HasKept();
    CHECK(r.last().fresh);
    CHECK(r.last().outcome == Outcome::kSuccess);
    CHECK(r.lock.calls.back() == "release with hunter2-theirs");
  }
  SECTION("there is another one that may be good") {
    r.lock.GrantOther("hunter2-candidate");
    REQUIRE(r.transport.started() == 2);
    CHECK(r.Sent(1) == "hunter2-candidate");
    CHECK(r.token->credential().Reveal() == "hunter2+old");
    SECTION("and is") {
      r.transport.Answer(1, 200, Issued("one"));
      CHECK(r.lock.calls.back() == "keep hunter2-candidate, hunter2-one for hunter2-candidate over hunter2+old");
      r.lock.HasKept();
      CHECK(r.last().fresh);
      CHECK(r.token->credential().Reveal() == "hunter2-candidate");
    }
    SECTION("and is not") {
      r.Refuse(1);
      CHECK(r.lock.calls.back() == "judge hunter2-candidate");
      r.lock.Say(ExchangeAdmission::Kind::kRevoked);
      CHECK(r.last().outcome == Outcome::kAuthRevoked);
    }
    SECTION("and cannot be asked: nothing is decided") {
      r.transport.Done(1, TransferError::kNoConnection, "nobody there");
      CHECK(r.last().outcome == Outcome::kNetwork);
      CHECK(r.token->credential().Reveal() == "hunter2+old");
    }
  }
  SECTION("others have a JWT") {
    r.lock.Share(r.SharedJwt("hunter2-jwt", 3600s), "hunter2+old", 0);
    CHECK(r.last().jwt != nullptr);
    CHECK(r.transport.started() == 1);
  }
  SECTION("others keep it") {
    r.lock.Say(ExchangeAdmission::Kind::kHeld);
    CHECK(r.last().outcome == Outcome::kHeld);
  }
  SECTION("others may get an answer that is the reason for it") {
    r.lock.Say(ExchangeAdmission::Kind::kInDoubt);
    CHECK(r.last().outcome == Outcome::kHeld);
    CHECK(r.last().status.retryable());
    CHECK(r.observed.in_doubt == std::vector<std::string>{"PERSONAL_fake"});
  }
  CHECK_FALSE(r.refresher.HasPrecious());
}

TEST_CASE("what others found to be refused for good is not sent") {
  Locking r;
  r.Refresh();
  r.lock.Say(ExchangeAdmission::Kind::kRevoked);
  CHECK(r.last().outcome == Outcome::kAuthRevoked);
  CHECK(r.last().status.code() == Code::kUnauthorized);
  CHECK(r.transport.started() == 0);
  CHECK(r.lock.calls == LockCalls{"acquire"});
}

TEST_CASE("what was said of the old credential is not said of the one that others got") {
  Locking r(TwoAddresses());
  r.Refresh();
  r.lock.Grant();
  // The first address is broken, the second one refuses the old credential for good.
  r.transport.Answer(0, 404, "");
  r.Refuse(1);
  r.lock.Grant("hunter2-theirs", 1);
  REQUIRE(r.transport.started() == 3);
  CHECK_THAT(r.transport.request(2).target->url, ContainsSubstring("first.example"));  // from the start
  CHECK(r.Sent(2) == "hunter2-theirs");
  r.FailAll(2);
  CHECK(r.last().outcome == Outcome::kNetwork);
  CHECK(r.transport.started() == 4);
  CHECK(r.lock.calls.back().rfind("release", 0) == 0);
}

TEST_CASE("what is refused, but not for good, is not judged") {
  Locking r;
  r.Refresh();
  r.lock.Grant();
  r.transport.Answer(0, 403, "");
  CHECK(r.transport.started() == 1);
  CHECK(r.last().outcome == Outcome::kAuthRejected);
  CHECK(r.lock.calls == LockCalls{"acquire", "release with hunter2+old"});
}

TEST_CASE("an answer that is of no use otherwise may replace the credential, and that is kept") {
  Locking r(TwoAddresses());
  r.Refresh();
  r.lock.Grant();
  r.transport.Answer(0, 200, R"({"refresh_token": "hunter2-new"})");
  CHECK(r.lock.calls == LockCalls{"acquire", "keep hunter2-new, rotated for hunter2+old over hunter2+old"});
  CHECK(r.token->credential().Reveal() == "hunter2+old");  // until the new one is in safety
  CHECK(r.transport.started() == 1);
  r.lock.HasKept();
  CHECK(r.token->credential().Reveal() == "hunter2-new");
  CHECK(r.observed.rotated == std::vector<std::string>{"PERSONAL_fake"});
  // The one that was sent is spent.
  REQUIRE(r.transport.started() == 2);
  CHECK(r.Sent(1) == "hunter2-new");
  r.transport.Answer(1, 200, Issued("one"));
  CHECK(r.lock.calls.back() == "keep hunter2-new, hunter2-one for hunter2-new over hunter2-new");
  r.lock.HasKept();
  CHECK(r.last().fresh);
}

TEST_CASE("without a lock, too, the next address is asked with the credential that counts by then") {
  Refreshing r;
  r.Refresh();
  r.transport.Answer(0, 200, R"({"refresh_token": "hunter2-new"})");
  REQUIRE(r.transport.started() == 2);
  CHECK_THAT(r.transport.request(1).body, ContainsSubstring("=hunter2-new"));
  CHECK_THAT(r.transport.request(1).body, !ContainsSubstring("old"));
}

TEST_CASE("a lock that cannot be asked for lets the operation finish") {
  SECTION("at first: whoever asks is told") {
    Locking r;
    r.lock.throw_at = 1;
    CHECK_THROWS(r.Refresh());
    CHECK(r.results.empty());
    r.Refresh();  // nothing is left of that
    r.lock.Grant();
    CHECK(r.transport.started() == 1);
  }
  SECTION("to judge") {
    Locking r;
    r.lock.throw_at = 2;
    r.Refresh();
    r.lock.Grant();
    r.Refuse(0);
    CHECK(r.last().outcome == Outcome::kGarbled);
    CHECK(r.last().status.code() == Code::kInternal);
    CHECK(r.lock.calls == LockCalls{"acquire", "judge hunter2+old", "release with hunter2+old"});
  }
  SECTION("to leave") {
    Locking r;
    r.lock.throw_at = 3;
    r.Refresh();
    r.lock.Grant();
    r.transport.Answer(0, 200, Issued("one"));
    r.lock.HasKept();
    CHECK(r.last().fresh);
    CHECK(r.lock.calls.size() == 3);
  }
}

TEST_CASE("what was issued is not lost if it cannot be kept") {
  Locking r(TwoAddresses());
  r.lock.throw_at = 2;
  r.Refresh();
  r.lock.Grant();
  SECTION("with a JWT") {
    r.transport.Answer(0, 200, Issued("one", R"(, "refresh_token": "hunter2-new")"));
    CHECK(r.last().fresh);
    CHECK(r.token->jwt() != nullptr);
    CHECK(r.lock.calls.back() == "release with hunter2-new");
  }
  SECTION("without one") {
    r.transport.Answer(0, 200, R"({"refresh_token": "hunter2-new"})");
    REQUIRE(r.transport.started() == 2);
    r.transport.Answer(1, 200, Issued("one"));
    r.lock.HasKept();
    CHECK(r.last().fresh);
  }
  CHECK(r.token->credential().Reveal() == "hunter2-new");
  CHECK(r.token->serial() == 1);
  CHECK(r.results.size() == 1);
}

TEST_CASE("a lock that answers an operation that has finished is not heard") {
  Locking r;
  r.Refresh();
  r.lock.Grant();
  r.transport.Answer(0, 200, Issued("one"));
  r.lock.HasKept();
  r.token->DropJwt("hunter2-one");
  r.Refresh();
  r.lock.Say(ExchangeAdmission::Kind::kHeld);
  CHECK(r.results.size() == 2);
  CHECK(r.token->jwt() == nullptr);
}

TEST_CASE("what waits for the lock is not precious yet, and what waits to be kept is") {
  Locking r;
  r.Refresh();
  CHECK_FALSE(r.refresher.HasPrecious());
  r.lock.Grant();
  CHECK(r.refresher.HasPrecious());
  r.transport.Answer(0, 200, Issued("one"));
  CHECK(r.refresher.HasPrecious());
  r.lock.HasKept();
  CHECK_FALSE(r.refresher.HasPrecious());
}

TEST_CASE("while the exchange wants a pause the lock is left alone") {
  RefresherOptions options = OneAddress();
  options.longest_pause = 60s;
  Locking r(options);
  r.Refresh();
  r.lock.Grant();
  r.transport.Answer(0, 429, "", {{"retry-after", "30"}});
  CHECK(r.last().outcome == Outcome::kOverloaded);
  CHECK(r.lock.calls == LockCalls{"acquire", "release with hunter2+old"});
  r.Refresh();
  r.executor.RunPosted();
  CHECK(r.results.size() == 2);
  CHECK(r.lock.calls.size() == 2);
  r.executor.Advance(30s);
  r.Refresh();
  CHECK(r.lock.calls.size() == 3);
}

TEST_CASE("a JWT that came from elsewhere is renewed ahead, unless its token is gone") {
  Locking r;
  r.refresher.RenewAhead(r.token);  // nothing to renew
  CHECK(r.executor.timers() == 0);
  r.token->SetJwt(r.SharedJwt("hunter2-jwt", 3600s));
  r.refresher.RenewAhead(r.token);
  CHECK(r.executor.timers() == 1);
  CHECK(r.Use());
  SECTION("in time") {
    r.executor.Advance(3600s);
    CHECK(r.observed.due == std::vector<std::string>{"PERSONAL_fake"});
  }
  SECTION("gone") {
    r.refresher.ForgetToken(r.token.get());
    CHECK(r.executor.timers() == 0);
    r.executor.Advance(3600s);
    CHECK(r.observed.due.empty());
    r.refresher.ForgetToken(r.token.get());
  }
}

}  // namespace
}  // namespace warppool::internal
