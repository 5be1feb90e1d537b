// Tokens that come, go and change while the pool is used, one at a time.

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "unit/token/membership_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using Lines = Pool::Lines;

// A failed call, which leaves everything as it was.
template <typename Call>
void CheckRefused(Pool* pool, const std::string& message, const Call& call) {
  const std::string before = Names(pool);
  pool->told.clear();
  pool->freed = 0;
  const Status status = call();
  INFO(status.ToString());
  CHECK(status.code() == Code::kInvalidArgument);
  CHECK(status.message() == message);
  CHECK(Names(pool) == before);
  CHECK(pool->told.empty());
  CHECK(pool->freed == 0);
}

TEST_CASE("a token that is added is the last one of its tier, and takes part at once") {
  Pool pool({"p1", "p2", "s1"});
  CHECK(pool.Turns(2) == "p1 p2");
  pool.told.clear();
  const auto added = pool.pool.members().Add(ConfigOf("p3"));
  REQUIRE(added.ok());
  CHECK(*added == pool.pool.members().Find("p3"));
  CHECK(pool.freed == 1);
  CHECK(Names(&pool) == "p1 p2 p3 | s1");
  const auto told = pool.TakeOf(PoolEventKind::kLoaded);
  REQUIRE(told.size() == 1);
  CHECK(told[0].Line() == "loaded p3");
  CHECK(told[0].reason == "added");
  CHECK(pool.Turns(4) == "p3 p1 p2 p3");
}

TEST_CASE("a tier begins with its first token, and ends with its last one") {
  Pool pool({"s1"});
  CHECK(pool.Turns(1) == "s1");
  REQUIRE(pool.pool.members().Add(ConfigOf("p1")).ok());
  CHECK(pool.Turns(2) == "p1 p1");
  REQUIRE(pool.pool.members().Remove("p1").ok());
  CHECK(pool.Turns(1) == "s1");
  CHECK(Names(&pool) == "s1");
}

TEST_CASE("what comes without a name gets one by tier and fingerprint, longer where another one has it") {
  const auto [first, second] = Colliding();
  const std::string digits = Hex(FingerprintOf(Secret(first))).substr(0, 6);
  Pool pool({"p1"});
  const auto added = pool.pool.members().Add(Unnamed(first));
  REQUIRE(added.ok());
  CHECK((*added)->name() == "PERSONAL_" + digits);
  const auto longer = pool.pool.members().Add(Unnamed(second));
  REQUIRE(longer.ok());
  CHECK((*longer)->name() == "PERSONAL_" + Hex(FingerprintOf(Secret(second))).substr(0, 7));
  SECTION("not so in another tier") {
    REQUIRE(pool.pool.members().Remove((*longer)->name()).ok());
    const auto elsewhere = pool.pool.members().Add(Unnamed(second, Tier::kShared));
    REQUIRE(elsewhere.ok());
    CHECK((*elsewhere)->name() == "SHARED_" + digits);
  }
  SECTION("nor when the other one is gone") {
    REQUIRE(pool.pool.members().Remove((*added)->name()).ok());
    const auto renamed = pool.pool.members().Rename((*longer)->name(), "");
    REQUIRE(renamed.ok());
    CHECK(*renamed == "PERSONAL_" + digits);
  }
  SECTION("a name that was given counts as well") {
    REQUIRE(pool.pool.members().Remove((*longer)->name()).ok());
    REQUIRE(pool.pool.members().Remove((*added)->name()).ok());
    REQUIRE(pool.pool.members().Rename("p1", "PERSONAL_" + digits).ok());
    const auto again = pool.pool.members().Add(Unnamed(first));
    REQUIRE(again.ok());
    CHECK((*again)->name() == "PERSONAL_" + Hex(FingerprintOf(Secret(first))).substr(0, 7));
  }
}

TEST_CASE("what cannot be added changes nothing") {
  PoolOptions options = ForGood();
  options.tier_order = {Tier::kPersonal, Tier::kShared};
  Pool pool({"p1", "p2", "s1"}, options);
  pool.token("p1").Rotate(Secret("hunter2-rotated"));
  const auto add = [&](const TokenConfig& config) {
    return [&pool, config] { return pool.pool.members().Add(config).status(); };
  };
  CheckRefused(&pool, "credential: p1 has the same", add(Unnamed("hunter2-p1", Tier::kShared)));
  CheckRefused(&pool, "credential: p1 has the same", add(Unnamed("hunter2-rotated")));
  CheckRefused(&pool, "name: another token has the same",
               add({Secret("hunter2-new"), Tier::kPersonal, CredentialKind::kRefreshToken, "s1"}));
  CheckRefused(&pool, "tier: ANONYMOUS is not in tier_order", add(ConfigOf("a1")));
  CheckRefused(&pool, "tier: UNKNOWN is not in tier_order", add(Unnamed("hunter2-new", static_cast<Tier>(9))));
}

TEST_CASE("tokens without a credential are not each other's duplicates") {
  Pool pool({"p1"});
  CHECK(pool.pool.members().Add(Supplied("pa")).ok());
  CHECK(pool.pool.members().Add(Supplied("pb")).ok());
  CheckRefused(&pool, "name: another token has the same",
               [&] { return pool.pool.members().Add(Supplied("pb")).status(); });
}

TEST_CASE("a token that is removed serves nobody any more, and says so once") {
  Pool pool({"p1", "p2", "s1"});
  std::vector<std::shared_ptr<Token>> gone;
  pool.on_gone = [&](const std::shared_ptr<Token>& token) { gone.push_back(token); };
  const auto token = pool.pool.members().Find("p2");
  pool.told.clear();
  REQUIRE(pool.pool.members().Remove("p2").ok());
  const auto told = pool.TakeOf(PoolEventKind::kRemoved);
  REQUIRE(told.size() == 1);
  CHECK(told[0].Line() == "removed p2");
  CHECK(told[0].tier == Tier::kPersonal);
  CHECK(told[0].reason == "removed");
  CHECK(gone == std::vector<std::shared_ptr<Token>>{token});
  CHECK(pool.freed == 1);  // whoever waits for it has to look elsewhere
  CHECK(Names(&pool) == "p1 | s1");
  CHECK(pool.pool.members().Find("p2") == nullptr);
  CHECK_FALSE(pool.pool.AcquireToken(*token));
  CHECK_FALSE(pool.pool.view().StatusOf(*token));
  CHECK_FALSE(pool.pool.Recover("p2"));
  CHECK(pool.Turns(2) == "p1 p1");
}

TEST_CASE("what cannot be removed stays") {
  Pool pool({"p1", "s1"});
  CheckRefused(&pool, "token: there is none with the name \"p2\"", [&] { return pool.pool.members().Remove("p2"); });
  REQUIRE(pool.pool.members().Remove("s1").ok());
  CheckRefused(&pool, "token: it is the last one; add another one before, or close the client",
               [&] { return pool.pool.members().Remove("p1"); });
  CHECK(pool.Turns(1) == "p1");
}

TEST_CASE("a lease of a token that is gone ends without a trace in its successor") {
  struct Row {
    Outcome outcome;
    std::optional<std::chrono::milliseconds> cool_for;
  };
  const auto row = GENERATE(values<Row>({{Outcome::kSuccess, {}},
                                         {Outcome::kAuthRejected, {}},
                                         {Outcome::kAuthRevoked, {}},
                                         {Outcome::kQuotaExhausted, 1000s},
                                         {Outcome::kServerError, {}},
                                         {Outcome::kCancelled, {}}}));
  INFO(OutcomeName(row.outcome));
  Pool pool({"p1", "s1"}, With(Strategy::kRoundRobin, 1));
  Lease lease = pool.Take();
  REQUIRE(lease.token().name() == "p1");
  SECTION("removed, and added again") {
    REQUIRE(pool.pool.members().Remove("p1").ok());
    REQUIRE(pool.pool.members().Add(ConfigOf("p1")).ok());
  }
  SECTION("replaced by another credential") {
    REQUIRE(pool.pool.members().Replace("p1", Unnamed("hunter2-other")).ok());
  }
  SECTION("replaced by the same one") {
    REQUIRE(pool.pool.members().Replace("p1", ConfigOf("p1")).ok());
  }
  SECTION("in a reload") {
    std::vector<std::shared_ptr<Token>> added;
    TokenConfig config = Unnamed("hunter2-other");
    config.name = "p1";
    pool.pool.members().Reload(With(Strategy::kRoundRobin, 1), {config, ConfigOf("s1")}, &added);
  }
  CHECK(&lease.token() != &pool.token("p1"));
  CHECK(pool.Of("p1").in_flight == 0);
  CHECK(pool.Take().token().name() == "p1");  // the limit is its own
  const auto deferred = std::move(lease).End({row.outcome, Status(Code::kUnauthorized, "because"), row.cool_for});
  CHECK_FALSE(deferred);
  const TokenStatus after = pool.Of("p1");
  CHECK(after.state == TokenState::kReady);
  CHECK(after.failures == 0);
  CHECK(after.in_flight == 0);
  CHECK(after.served == 0);
  CHECK(after.last_error == Code::kOk);
  // The failure is one all the same, and is told.
  CHECK(pool.TakeOf(PoolEventKind::kAttemptFailed).size() == (IsFailedAttempt(row.outcome) ? 1 : 0));
}

TEST_CASE("a deferred failure of a token that is gone lapses") {
  Pool pool({"p1", "p2"}, Recovering(1));
  const auto deferred = pool.Meet("p1", GENERATE(Outcome::kServerError, Outcome::kAuthRejected));
  SECTION("removed") {
    REQUIRE(pool.pool.members().Remove("p1").ok());
  }
  SECTION("replaced") {
    REQUIRE(pool.pool.members().Replace("p1", Unnamed("hunter2-other")).ok());
  }
  pool.told.clear();
  pool.Confirm(deferred);
  CHECK(pool.told.empty());
  CHECK(pool.pool.view().Snapshot().Active() == static_cast<int>(pool.pool.view().Snapshot().tokens.size()));
}

TEST_CASE("a token that is gone leaves the memory with its last lease, whatever it met") {
  Pool pool({"p1", "p2"}, Recovering(3));
  pool.Meet("p1", GENERATE(Outcome::kServerError, Outcome::kAuthRejected));
  Lease lease = pool.TakeOne("p1");
  const std::weak_ptr<Token> token = lease.share_token();
  SECTION("removed") {
    REQUIRE(pool.pool.members().Remove("p1").ok());
  }
  SECTION("replaced") {
    REQUIRE(pool.pool.members().Replace("p1", Unnamed("hunter2-other")).ok());
  }
  CHECK_FALSE(token.expired());
  std::move(lease).End({Outcome::kAuthRejected, Status(Code::kUnauthorized, "refused")});
  CHECK(token.expired());
}

TEST_CASE("what is said of a token that is gone is said to nobody") {
  Pool pool({"p1", "p2"});
  const auto token = pool.pool.members().Find("p1");
  REQUIRE(pool.pool.members().Remove("p1").ok());
  pool.told.clear();
  const Jwt jwt = MakeJwt(Secret("jwt-hunter2"), 3600s, pool.clock.Steady(), pool.clock.Wall());
  pool.pool.accounts().NoteRefreshed(*token, jwt, true, "an account");
  pool.pool.accounts().NoteRotated(*token);
  pool.pool.accounts().NoteAdopted(*token, true);
  pool.pool.accounts().NoteQuota(*token, {}, true);
  CHECK(pool.told.empty());
  CHECK_FALSE(pool.pool.RestOf(*token, {}));
  CHECK_FALSE(pool.pool.ServedLatelyOrIsNew(*token));
}

TEST_CASE("whether there is another token is asked of those that are there") {
  Pool pool({"p1", "p2", "p3"});
  const auto gone = pool.pool.members().Find("p3");
  REQUIRE(pool.pool.members().Remove("p3").ok());
  CHECK(pool.pool.members().AnyOther({gone.get(), pool.pool.members().Find("p1").get()}));
  CHECK_FALSE(pool.pool.members().AnyOther(
      {gone.get(), pool.pool.members().Find("p1").get(), pool.pool.members().Find("p2").get()}));
  CHECK(pool.pool.members().AnyOther({}));
}

TEST_CASE("a new name is the token's everywhere, and the old one is free") {
  Pool pool({"p1", "p2"});
  const auto token = pool.pool.members().Find("p1");
  pool.told.clear();
  const auto renamed = pool.pool.members().Rename("p1", "mine");
  REQUIRE(renamed.ok());
  CHECK(*renamed == "mine");
  const auto told = pool.TakeOf(PoolEventKind::kChanged);
  REQUIRE(told.size() == 1);
  CHECK(told[0].token == "mine");
  CHECK(told[0].reason == "renamed, it was p1");
  CHECK(pool.pool.members().Find("mine") == token);
  CHECK(pool.pool.members().Find("p1") == nullptr);
  CHECK(Names(&pool) == "mine p2");
  CHECK(pool.pool.members().Rename("p2", "p1").ok());
  CHECK(Names(&pool) == "mine p1");
}

TEST_CASE("without a name a token is called after its fingerprint again") {
  Pool pool({"p1", "p2"});
  const std::string automatic = AutomaticName(Tier::kPersonal, Secret("hunter2-p1"), 6);
  pool.token("p1").Rotate(Secret("hunter2-rotated"));  // it keeps its name when the service replaces its credential
  CHECK(*pool.pool.members().Rename("p1", "") == automatic);
  SECTION("and with it, follows its tier") {
    CHECK(*pool.pool.members().Move(automatic, Tier::kShared) == AutomaticName(Tier::kShared, Secret("hunter2-p1"), 6));
  }
  SECTION("and can be given the very same one, which it then keeps") {
    pool.told.clear();
    CHECK(*pool.pool.members().Rename(automatic, automatic) == automatic);
    CHECK(pool.told.empty());
    CHECK(*pool.pool.members().Move(automatic, Tier::kShared) == automatic);
  }
}

TEST_CASE("what cannot be renamed keeps its name") {
  Pool pool({"p1", "p2"});
  REQUIRE(pool.pool.members().Add(Supplied("pa")).ok());
  const auto rename = [&](const char* from, const char* to) {
    return [&pool, from, to] { return pool.pool.members().Rename(from, to).status(); };
  };
  CheckRefused(&pool, "token: there is none with the name \"p9\"", rename("p9", "mine"));
  CheckRefused(&pool, "name: another token has the same", rename("p1", "p2"));
  CheckRefused(&pool, "name: is empty, and this token has no credential to be named after", rename("pa", ""));
}

TEST_CASE("a token that moves is the last one of its new tier, with its health and what it serves") {
  Pool pool({"p1", "p2", "s1", "s2"}, With(Strategy::kRoundRobin, 1));
  pool.Meet("p1", Outcome::kQuotaExhausted, "spent", 60s);
  Lease lease = pool.Take();
  REQUIRE(lease.token().name() == "p2");
  pool.told.clear();
  CHECK(*pool.pool.members().Move("p2", Tier::kShared) == "p2");
  CHECK(*pool.pool.members().Move("p1", Tier::kShared) == "p1");
  const auto told = pool.TakeOf(PoolEventKind::kChanged);
  REQUIRE(told.size() == 2);
  CHECK(told[0].tier == Tier::kShared);
  CHECK(told[0].reason == "moved from tier PERSONAL, it was p2");
  CHECK(Names(&pool) == "s1 s2 p2 p1");
  CHECK(pool.StateOf("p1") == TokenState::kCooling);
  CHECK(pool.Of("p2").in_flight == 1);
  CHECK(pool.Turns(3) == "s1 s2 s1");  // p2 has its hands full
  std::move(lease).End({Outcome::kSuccess});
  CHECK(pool.Of("p2").in_flight == 0);
  CHECK(pool.Turns(3) == "s2 p2 s1");
  pool.clock.Advance(60s);
  CHECK(pool.Turns(4) == "s2 p2 p1 s1");
}

TEST_CASE("what cannot move stays where it is") {
  PoolOptions options = ForGood();
  options.tier_order = {Tier::kPersonal, Tier::kShared};
  Pool pool({"p1", "p2"}, options);
  const auto move = [&](const char* name, Tier tier) {
    return [&pool, name, tier] { return pool.pool.members().Move(name, tier).status(); };
  };
  CheckRefused(&pool, "token: there is none with the name \"p9\"", move("p9", Tier::kShared));
  CheckRefused(&pool, "tier: ANONYMOUS is not in tier_order", move("p1", Tier::kAnonymous));
  CheckRefused(&pool, "tier: UNKNOWN is not in tier_order", move("p1", static_cast<Tier>(0)));
  CHECK(*pool.pool.members().Move("p1", Tier::kPersonal) == "p1");  // not even to the end
  CHECK(Names(&pool) == "p1 p2");
  CHECK(pool.told.empty());
}

TEST_CASE("another credential is a new token in the old one's place") {
  Pool pool({"p1", "p2", "p3"}, ForGood(1));
  std::vector<std::shared_ptr<Token>> gone;
  pool.on_gone = [&](const std::shared_ptr<Token>& token) { gone.push_back(token); };
  pool.Succeed("p2");
  pool.Meet("p2", Outcome::kAuthRevoked);
  const auto old = pool.pool.members().Find("p2");
  pool.told.clear();
  TokenConfig config = Unnamed("hunter2-other", Tier::kShared);  // the tier does not count
  config.name = "neither";
  config.kind = CredentialKind::kApiKey;
  const auto replaced = pool.pool.members().Replace("p2", config);
  REQUIRE(replaced.ok());
  CHECK(pool.pool.members().Find("p2") == *replaced);
  CHECK(*replaced != old);
  CHECK((*replaced)->kind() == CredentialKind::kApiKey);
  CHECK(gone == std::vector<std::shared_ptr<Token>>{old});
  const auto told = pool.TakeOf(PoolEventKind::kChanged);
  REQUIRE(told.size() == 1);
  CHECK(told[0].token == "p2");
  CHECK(told[0].reason == "another credential, it was p2");
  CHECK(Names(&pool) == "p1 p2 p3");
  const TokenStatus status = pool.Of("p2");
  CHECK(status.state == TokenState::kReady);
  CHECK(status.last_error == Code::kOk);
  CHECK(status.served == 1);
  CHECK(status.total_failures == 0);
}

TEST_CASE("a name by fingerprint goes with the credential that it was made of") {
  Pool pool({"p1"});
  const auto added = pool.pool.members().Add(Unnamed("hunter2-first"));
  REQUIRE(added.ok());
  const std::string first = (*added)->name();
  SECTION("for that of the next one") {
    REQUIRE(pool.pool.members().Replace(first, Unnamed("hunter2-second")).ok());
    CHECK(Names(&pool) == "p1 " + AutomaticName(Tier::kPersonal, Secret("hunter2-second"), 6));
  }
  SECTION("unless there is none to make another one of") {
    REQUIRE(pool.pool.members().Replace(first, Supplied("")).ok());
    CHECK(Names(&pool) == "p1 " + first);
    REQUIRE(pool.pool.members().Replace(first, Unnamed("hunter2-second")).ok());
    CHECK(Names(&pool) == "p1 " + first);  // the name is its own by now
  }
}

TEST_CASE("what cannot be replaced stays") {
  Pool pool({"p1", "p2"});
  pool.token("p2").Rotate(Secret("hunter2-rotated"));
  const auto replace = [&](const char* name, const char* credential) {
    return [&pool, name, credential] { return pool.pool.members().Replace(name, Unnamed(credential)).status(); };
  };
  CheckRefused(&pool, "token: there is none with the name \"p9\"", replace("p9", "hunter2-x"));
  CheckRefused(&pool, "credential: p2 has the same", replace("p1", "hunter2-p2"));
  CheckRefused(&pool, "credential: p2 has the same", replace("p1", "hunter2-rotated"));
}

TEST_CASE("no error and no event of the membership holds a credential") {
  Pool pool({"p1", "p2"});
  const auto refused = pool.pool.members().Add(Unnamed("hunter2-p1"));
  CHECK_THAT(refused.status().ToString(), !ContainsSubstring("hunter2"));
  REQUIRE(pool.pool.members().Replace("p1", Unnamed("hunter2-other")).ok());
  REQUIRE(pool.pool.members().Rename("p1", "").ok());
  for (const Told& told : pool.told) CHECK_THAT(told.reason + told.token, !ContainsSubstring("hunter2"));
  CHECK_THAT(pool.log.text(), !ContainsSubstring("hunter2"));
}

}  // namespace
}  // namespace warppool::internal
