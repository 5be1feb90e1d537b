// A token that two things happen to at a time: which of them its state is put down to, and who tells that one is over.

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "catch.h"
#include "unit/token/pool_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Lines = Pool::Lines;

void End(Lease lease, Outcome outcome, const std::string& why) {
  std::move(lease).End({outcome, Status(Code::kUnauthorized, why)});
}

// Whoever asks for the reason, and wherever.
void CheckReason(Pool* pool, const std::string& token, TokenState state, const std::string& words) {
  CHECK(pool->StateOf(token) == state);
  CHECK(pool->Of(token).reason == words);
  CHECK_THAT(pool->Explained(token).reason, ContainsSubstring(words));
  CHECK_THAT(pool->WhyNot(token), ContainsSubstring(words));
}

TEST_CASE("what is revoked is so for the word that said it, whatever its other requests meet") {
  Pool pool({"p1", "p2"}, Recovering(3));
  Lease first = pool.TakeOne("p1");
  Lease second = pool.TakeOne("p1");
  Lease third = pool.TakeOne("p1");
  SECTION("the quota is told afterwards") {
    End(std::move(first), Outcome::kAuthRevoked, "the account is gone");
    End(std::move(second), Outcome::kQuotaExhausted, "its quota is spent");
  }
  SECTION("the quota was told before") {
    End(std::move(first), Outcome::kQuotaExhausted, "its quota is spent");
    End(std::move(second), Outcome::kAuthRevoked, "the account is gone");
  }
  SECTION("a refusal is told afterwards") {
    End(std::move(first), Outcome::kAuthRevoked, "the account is gone");
    pool.Blame(std::move(second), "refused");
  }
  SECTION("the quota of its account is told by another token") {
    pool.Tell("p1", "an account");
    pool.Tell("p2", "an account");
    End(std::move(first), Outcome::kAuthRevoked, "the account is gone");
    End(pool.TakeOne("p2"), Outcome::kQuotaExhausted, "its quota is spent");
  }
  CheckReason(&pool, "p1", TokenState::kDisabled, "the account is gone");
  End(std::move(third), Outcome::kSuccess, "");
  pool.clock.Advance(1h);
  CheckReason(&pool, "p1", TokenState::kDisabled, "the account is gone");
}

TEST_CASE("what cools does so for its quota, even if it is refused meanwhile") {
  Pool pool({"p1", "p2"}, Recovering(2));
  Lease first = pool.TakeOne("p1");
  Lease second = pool.TakeOne("p1");
  End(std::move(first), Outcome::kQuotaExhausted, "its quota is spent");
  pool.Blame(std::move(second), "refused");
  CHECK(pool.Of("p1").failures == 1);
  CheckReason(&pool, "p1", TokenState::kCooling, "its quota is spent");
  SECTION("and comes back") {
    pool.clock.Advance(10s);
    CHECK(pool.StateOf("p1") == TokenState::kReady);
    CHECK(pool.Of("p1").reason.empty());
  }
  SECTION("and the refusal that disables it is the reason from then on") {
    pool.clock.Advance(10s);
    pool.Blame("p1", "refused again");
    CheckReason(&pool, "p1", TokenState::kDisabled, "refused again");
  }
}

TEST_CASE("what is disabled is so for its refusal, even if its quota is spent meanwhile") {
  Pool pool({"p1", "p2"}, Recovering(1));
  Lease first = pool.TakeOne("p1");
  Lease second = pool.TakeOne("p1");
  SECTION("the quota is told afterwards") {
    pool.Blame(std::move(first), "refused");
    End(std::move(second), Outcome::kQuotaExhausted, "its quota is spent");
  }
  SECTION("the quota was told before") {
    End(std::move(first), Outcome::kQuotaExhausted, "its quota is spent");
    pool.Blame(std::move(second), "refused");
  }
  CheckReason(&pool, "p1", TokenState::kDisabled, "refused");
  pool.clock.Advance(60s);
  CHECK(pool.StateOf("p1") == TokenState::kHalfOpen);
  CHECK(pool.Of("p1").reason == "refused");
}

TEST_CASE("a cooling that is over is told once, whoever is the first to look") {
  const auto options = GENERATE(With(Strategy::kRoundRobin), With(Strategy::kLeastInFlight),
                                With(Strategy::kRoundRobin, 2), With(Strategy::kFillFirst, 1));
  Pool pool({"p1", "p2"}, options);
  pool.Meet("p1", Outcome::kQuotaExhausted, "spent", 10s);
  pool.clock.Advance(10s);
  pool.told.clear();
  std::optional<Lease> lease;
  SECTION("a health check") {
    lease = pool.pool.AcquireToken(pool.token("p1"));
    REQUIRE(lease);
    std::move(*lease).End({Outcome::kAccepted});
    CHECK(pool.TakeLines() == Lines{"recovered p1"});
  }
  SECTION("a refresh ahead") {
    lease = pool.pool.AcquireToken(pool.token("p1"), /*even_disabled=*/false);
    REQUIRE(lease);
    std::move(*lease).End({Outcome::kCancelled});
    CHECK(pool.TakeLines() == Lines{"recovered p1"});
  }
  SECTION("a check of another token") {
    lease = pool.pool.AcquireToken(pool.token("p2"));
    REQUIRE(lease);
    std::move(*lease).End({Outcome::kAccepted});
    CHECK(pool.TakeLines() == Lines{"recovered p1"});
  }
  SECTION("a request") {
    End(pool.TakeOne("p1"), Outcome::kSuccess, "");
    CHECK(pool.TakeLines() == Lines{"recovered p1", "chosen p1"});
  }
  SECTION("a question") {
    CHECK(pool.StateOf("p1") == TokenState::kReady);
    CHECK(pool.TakeLines() == Lines{"recovered p1"});
  }
  End(pool.TakeOne("p1"), Outcome::kSuccess, "");
  CHECK(pool.TakeLines() == Lines{"chosen p1"});
}

}  // namespace
}  // namespace warppool::internal
