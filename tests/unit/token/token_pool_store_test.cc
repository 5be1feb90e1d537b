// What the pool hands to whoever keeps it, and what it takes back.

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
using Kept = PoolRecords::Kept;
using Calls = std::vector<bool>;  // whether each was urgent

// A pool that somebody keeps.
struct KeptPool : Pool {
  explicit KeptPool(std::vector<std::string> token_names, PoolOptions options = Recovering())
      : Pool(std::move(token_names), std::move(options)) {
    on_unsaved = [this](bool urgent) { calls.push_back(urgent); };
  }
  Calls TakeCalls() { return std::exchange(calls, {}); }
  std::string TakeNames() {
    std::string taken;
    for (const Kept& kept : pool.records().TakeUnsaved()) taken += (taken.empty() ? "" : " ") + kept.token->name();
    return taken;
  }
  Kept TakeOnly(const std::string& name) {
    const std::vector<Kept> taken = pool.records().TakeUnsaved();
    REQUIRE(taken.size() == 1);
    REQUIRE(taken[0].token == pool.members().Find(name));
    return taken[0];
  }
  // Of the token `name`, as a store would bring it back.
  Kept KeptOf(const std::string& name) {
    Kept kept;
    kept.token = pool.members().Find(name);
    return kept;
  }

  Calls calls;
};

TEST_CASE("what is to be kept is told once, and again when it becomes urgent") {
  KeptPool pool({"p1", "p2"}, Recovering(3));
  pool.Succeed("p1");
  CHECK(pool.TakeCalls() == Calls{false});
  pool.Succeed("p1");
  pool.Succeed("p2");
  CHECK(pool.TakeCalls().empty());
  pool.Blame("p1");
  CHECK(pool.TakeCalls() == Calls{true});  // the attempt is at leisure still, the failure is not
  pool.Blame("p2");
  pool.Succeed("p2");
  CHECK(pool.TakeCalls().empty());
  CHECK(pool.TakeNames() == "p1 p2");
  CHECK(pool.TakeNames().empty());
  pool.Meet("p1", Outcome::kAuthRevoked);
  CHECK(pool.TakeCalls() == Calls{true});  // once for both: it is urgent from the start
  CHECK(pool.TakeNames() == "p1");
}

TEST_CASE("it is told without a lock held: who is told may take it at once") {
  KeptPool pool({"p1"});
  std::string taken;
  pool.on_unsaved = [&](bool) { taken += pool.TakeNames() + ";"; };
  pool.Succeed("p1");
  pool.Succeed("p1");
  CHECK(taken == "p1;p1;");
}

TEST_CASE("nothing is listed when nobody keeps it") {
  Pool pool({"p1", "p2"}, Recovering());
  pool.Succeed("p1");
  pool.Blame("p1");
  REQUIRE(pool.pool.members().Remove("p1").ok());
  CHECK(pool.pool.records().TakeUnsaved().empty());
}

TEST_CASE("a request that goes on is not to be kept yet, and a check changes no counter") {
  KeptPool pool({"p1"});
  Lease lease = pool.Take();
  CHECK(pool.TakeNames().empty());
  std::move(*pool.pool.AcquireToken(pool.token("p1"))).End({Outcome::kAccepted});
  CHECK(pool.TakeNames().empty());
  std::move(lease).End({Outcome::kCancelled});
  CHECK(pool.TakeOnly("p1").counters.Of(Outcome::kCancelled) == 1);
}

TEST_CASE("what is kept of a token is its health, and why") {
  KeptPool pool({"p1", "s1"}, Recovering(2));
  SECTION("ready") {
    pool.Succeed("p1");
    const Kept kept = pool.TakeOnly("p1");
    CHECK_FALSE(kept.health_changed);
    CHECK(kept.failures == 0);
    CHECK_FALSE(kept.disabled);
    CHECK_FALSE(kept.revoked);
    CHECK_FALSE(kept.cooling_until);
    CHECK(kept.why.ok());
  }
  SECTION("it has had a failure") {
    pool.Blame("p1");
    const Kept kept = pool.TakeOnly("p1");
    CHECK(kept.health_changed);
    CHECK(kept.failures == 1);
    CHECK_FALSE(kept.disabled);
  }
  SECTION("cleared") {
    pool.Blame("p1");
    pool.TakeNames();
    pool.Succeed("p1");
    const Kept kept = pool.TakeOnly("p1");
    CHECK(kept.health_changed);
    CHECK(kept.failures == 0);
  }
  SECTION("disabled") {
    pool.Blame("p1", "refused");
    pool.Blame("p1", "refused again");
    const Kept kept = pool.TakeOnly("p1");
    CHECK(kept.health_changed);
    CHECK(kept.failures == 2);
    CHECK(kept.disabled);
    CHECK_FALSE(kept.revoked);
    CHECK(kept.why.code() == Code::kUnauthorized);
    CHECK(kept.why.message() == "refused again");
  }
  SECTION("revoked") {
    pool.Meet("p1", Outcome::kAuthRevoked, "the account is gone");
    const Kept kept = pool.TakeOnly("p1");
    CHECK(kept.health_changed);
    CHECK(kept.disabled);
    CHECK(kept.revoked);
    CHECK(kept.why.message() == "the account is gone");
  }
  SECTION("cooling") {
    pool.Meet("p1", Outcome::kQuotaExhausted, "spent", 60s);
    const WallTime until = pool.clock.Wall() + 60s;
    pool.clock.Advance(10s);
    const Kept kept = pool.TakeOnly("p1");
    CHECK(kept.health_changed);
    CHECK(kept.cooling_until == until);
    CHECK(kept.why.message() == "spent");
  }
  SECTION("not cooling any more") {
    pool.Meet("p1", Outcome::kQuotaExhausted, "spent", 60s);
    pool.clock.Advance(60s);
    CHECK_FALSE(pool.TakeOnly("p1").cooling_until);
  }
  SECTION("disabled, and cooling beneath") {
    Lease lease = pool.TakeOne("p1");
    pool.Meet("p1", Outcome::kAuthRevoked, "the account is gone");
    std::move(lease).End({Outcome::kQuotaExhausted, Status(Code::kQuotaExhausted, "spent"), 60s});
    const Kept kept = pool.TakeOnly("p1");
    CHECK(kept.cooling_until == pool.clock.Wall() + 60s);
    CHECK(kept.why.message() == "the account is gone");
  }
  SECTION("recovered by hand") {
    pool.Meet("p1", Outcome::kAuthRevoked);
    pool.TakeNames();
    pool.TakeCalls();
    pool.pool.Recover("p1");
    CHECK(pool.TakeCalls() == Calls{true});
    const Kept kept = pool.TakeOnly("p1");
    CHECK(kept.health_changed);
    CHECK_FALSE(kept.disabled);
    CHECK_FALSE(kept.revoked);
  }
}

TEST_CASE("what is kept of a token is what it counted, and when it was used last") {
  KeptPool pool({"p1"});
  pool.clock.Advance(5s);
  const WallTime used = pool.clock.Wall();
  Lease lease = pool.Take();
  pool.clock.Advance(2s);
  std::move(lease).End({Outcome::kSuccess, {}, {}, false, 300ms});
  pool.Tell("p1", "");
  const Kept kept = pool.TakeOnly("p1");
  CHECK(kept.counters.requests == 1);
  CHECK(kept.counters.Successes() == 1);
  CHECK(kept.counters.refreshes == 1);
  CHECK(kept.counters.first_event.sum == 300ms);
  CHECK(kept.last_used == used);
}

TEST_CASE("what one token's quota means for the others of its account is kept of them all") {
  KeptPool pool({"p1", "p2", "s1"});
  pool.Tell("p1", "an account");
  pool.Tell("p2", "an account");
  pool.TakeNames();
  pool.TakeCalls();
  pool.Meet("p1", Outcome::kQuotaExhausted, "spent", 60s);
  CHECK(pool.TakeCalls() == Calls{true});
  const auto taken = pool.pool.records().TakeUnsaved();
  REQUIRE(taken.size() == 2);
  for (const Kept& kept : taken) {
    CHECK(kept.health_changed);
    CHECK(kept.cooling_until == pool.clock.Wall() + 60s);
  }
}

TEST_CASE("what could not be kept is to be kept the next time, at leisure") {
  KeptPool pool({"p1", "p2", "p3"});
  pool.Blame("p1");
  pool.Succeed("p2");
  const auto taken = pool.pool.records().TakeUnsaved();
  pool.TakeCalls();
  SECTION("as it is then") {
    pool.pool.records().PutBackUnsaved(taken);
    CHECK(pool.TakeCalls() == Calls{false});
    pool.pool.Recover("p1");
    CHECK(pool.TakeCalls() == Calls{true});
    const auto again = pool.pool.records().TakeUnsaved();
    REQUIRE(again.size() == 2);
    CHECK(again[0].token->name() == "p1");
    CHECK(again[0].health_changed);
    CHECK_FALSE(again[0].disabled);
    CHECK(again[1].token->name() == "p2");
    CHECK_FALSE(again[1].health_changed);
  }
  SECTION("with its health, if that was news") {
    pool.Succeed("p3");
    pool.TakeCalls();
    pool.pool.records().PutBackUnsaved(taken);
    CHECK(pool.TakeCalls().empty());  // it is known that there is something
    const auto again = pool.pool.records().TakeUnsaved();
    REQUIRE(again.size() == 3);
    CHECK(again[1].token->name() == "p1");
    CHECK(again[1].health_changed);
    CHECK_FALSE(again[2].health_changed);
  }
  SECTION("unless the token is gone") {
    REQUIRE(pool.pool.members().Remove("p1").ok());
    pool.TakeNames();
    pool.pool.records().PutBackUnsaved(taken);
    CHECK(pool.TakeNames() == "p2");
  }
}

TEST_CASE("a token that is gone is kept once more, as it was at the end") {
  KeptPool pool({"p1", "p2", "s1"});
  const auto token = pool.pool.members().Find("p1");
  pool.Succeed("p1");
  pool.TakeNames();
  pool.TakeCalls();
  Lease lease = pool.TakeOne("p1");
  SECTION("removed") {
    REQUIRE(pool.pool.members().Remove("p1").ok());
  }
  SECTION("replaced") {
    REQUIRE(pool.pool.members().Replace("p1", Unnamed("hunter2-other")).ok());
  }
  SECTION("not in the configuration any more") {
    std::vector<std::shared_ptr<Token>> added;
    pool.pool.members().Reload(Recovering(), Pool::Configs({"p2", "s1"}), &added);
  }
  CHECK(pool.TakeCalls() == Calls{false});
  const auto taken = pool.pool.records().TakeUnsaved();
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].token == token);
  CHECK_FALSE(taken[0].health_changed);  // another process may know it better
  CHECK(taken[0].counters.requests == 2);
  CHECK(taken[0].counters.Successes() == 1);
  std::move(lease).End({Outcome::kAuthRevoked, Status(Code::kUnauthorized, "gone")});
  CHECK(pool.TakeNames().empty());
}

TEST_CASE("what a credential inherited is not restored on top of it") {
  KeptPool pool({"p1", "p2"});
  pool.Succeed("p1");
  const auto replaced = pool.pool.members().Replace("p1", Unnamed("hunter2-other"));
  REQUIRE(replaced.ok());
  PoolRecords::Kept kept;
  kept.token = *replaced;
  kept.counters.requests = 7;
  pool.pool.records().Restore(kept, "");
  CHECK(pool.pool.view().Statistics().tokens[0].counters.requests == 1);
}

TEST_CASE("a renamed or moved token has nothing new to keep") {
  KeptPool pool({"p1", "p2"});
  REQUIRE(pool.pool.members().Rename("p1", "mine").ok());
  REQUIRE(pool.pool.members().Move("mine", Tier::kShared).ok());
  CHECK(pool.TakeCalls().empty());
}

TEST_CASE("who was refused for good may be tried when he comes back, but only behind all others") {
  KeptPool pool({"p1", "s1"}, Recovering(3));
  Kept kept = pool.KeptOf("p1");
  kept.disabled = kept.revoked = true;
  kept.why = Status(Code::kUnauthorized, "refused for good");
  pool.pool.records().Restore(kept, "disabled");
  CHECK(pool.StateOf("p1") == TokenState::kHalfOpen);
  Lease other = pool.Take();
  CHECK(other.token().name() == "s1");
  TokenPool::Wanted wanted;
  wanted.excluded.insert(&other.token());
  auto probe = pool.pool.Acquire(wanted);
  REQUIRE(probe);
  CHECK(probe->is_probe());
  CHECK(probe->token().name() == "p1");
}

TEST_CASE("who was disabled is half open at once when he comes back, whatever the delays") {
  const auto delay = GENERATE(0ms, 60'000ms);
  INFO(delay.count() << " ms");
  PoolOptions options = Recovering(3);
  options.health.recovery_delay = delay;
  KeptPool pool({"p1", "s1"}, options);
  Kept kept = pool.KeptOf("p1");
  kept.failures = 3;
  kept.disabled = true;
  kept.why = Status(Code::kUnauthorized, "refused then");
  pool.told.clear();
  pool.pool.records().Restore(kept, "disabled");
  const auto told = pool.TakeOf(PoolEventKind::kRestored);
  REQUIRE(told.size() == 1);
  CHECK(told[0].token == "p1");
  CHECK(told[0].reason == "disabled");
  CHECK(pool.StateOf("p1") == TokenState::kHalfOpen);
  CHECK(pool.Of("p1").failures == 3);
  CHECK(pool.Of("p1").reason == "refused then");
  CHECK(pool.TakeCalls().empty());  // the store has it
  Lease probe = pool.Take();
  CHECK(probe.is_probe());
  CHECK(probe.token().name() == "p1");
  SECTION("and ready when it works") {
    std::move(probe).End({Outcome::kSuccess});
    CHECK(pool.StateOf("p1") == TokenState::kReady);
    CHECK(pool.Of("p1").failures == 0);
    CHECK(pool.TakeOnly("p1").health_changed);
  }
  SECTION("and disabled when it is refused once more, by its own fault") {
    pool.Blame(std::move(probe), "refused again");
    CHECK(pool.Of("p1").reason == "refused again");
    CHECK(pool.StateOf("p1") == TokenState::kDisabled);
    pool.clock.Advance(60s);
    CHECK(pool.StateOf("p1") == (delay == 0ms ? TokenState::kDisabled : TokenState::kHalfOpen));
  }
}

TEST_CASE("failures come back, and the next one counts on") {
  KeptPool pool({"p1", "s1"}, Recovering(3));
  Kept kept = pool.KeptOf("p1");
  kept.failures = 2;
  pool.pool.records().Restore(kept, "2 failures");
  CHECK(pool.StateOf("p1") == TokenState::kReady);
  CHECK(pool.Of("p1").failures == 2);
  SECTION("to the end") {
    pool.Blame("p1");
    CHECK(pool.StateOf("p1") == TokenState::kDisabled);
  }
  SECTION("unless it succeeds") {
    pool.Succeed("p1");
    CHECK(pool.Of("p1").failures == 0);
  }
}

TEST_CASE("a token goes on cooling for what is left of it") {
  KeptPool pool({"p1", "s1"});
  Kept kept = pool.KeptOf("p1");
  kept.why = Status(Code::kQuotaExhausted, "spent then");
  SECTION("an hour") {
    kept.cooling_until = pool.clock.Wall() + 1h;
    pool.pool.records().Restore(kept, "cooling");
    CHECK(pool.StateOf("p1") == TokenState::kCooling);
    CHECK(pool.Of("p1").reason == "spent then");
    CHECK(pool.Turns(1) == "s1");
    pool.clock.Advance(1h - 1ms);
    CHECK(pool.StateOf("p1") == TokenState::kCooling);
    pool.clock.Advance(1ms);
    CHECK(pool.StateOf("p1") == TokenState::kReady);
  }
  SECTION("nothing") {
    kept.cooling_until = pool.clock.Wall();
    pool.pool.records().Restore(kept, "");
    CHECK(pool.StateOf("p1") == TokenState::kReady);
  }
  SECTION("more than anybody means") {
    kept.cooling_until = WallTime::max();
    pool.pool.records().Restore(kept, "cooling");
    CHECK(pool.StateOf("p1") == TokenState::kCooling);
    pool.clock.Advance(kLongestCooling);
    CHECK(pool.StateOf("p1") == TokenState::kReady);
  }
  SECTION("under its being disabled") {
    kept.cooling_until = pool.clock.Wall() + 1h;
    kept.disabled = true;
    pool.pool.records().Restore(kept, "disabled");
    CHECK(pool.StateOf("p1") == TokenState::kDisabled);
    CHECK(pool.Of("p1").reason == "spent then");
    pool.clock.Advance(1h);
    CHECK(pool.StateOf("p1") == TokenState::kHalfOpen);
  }
}

TEST_CASE("counters that come back are added to what was counted meanwhile") {
  KeptPool pool({"p1"});
  pool.clock.Advance(10s);
  pool.Succeed("p1");
  const WallTime used = pool.clock.Wall();
  Kept kept = pool.KeptOf("p1");
  kept.counters.requests = 100;
  kept.counters.failures = 7;
  kept.counters.outcomes[static_cast<std::size_t>(Outcome::kSuccess)] = 99;
  kept.counters.first_event.Add(40ms);
  kept.last_used = pool.clock.Wall() - 1h;
  pool.pool.records().Restore(kept, "100 requests");
  const Stats stats = pool.pool.view().Statistics();
  CHECK(stats.tokens[0].counters.requests == 101);
  CHECK(stats.tokens[0].counters.Successes() == 100);
  CHECK(stats.tokens[0].counters.failures == 7);
  CHECK(stats.tokens[0].counters.first_event.Count() == 1);
  CHECK(stats.total.requests == 101);
  CHECK(stats.tokens[0].last_used == used);
}

TEST_CASE("when it was used last comes back, if it was not used since") {
  KeptPool pool({"p1"});
  Kept kept = pool.KeptOf("p1");
  kept.last_used = pool.clock.Wall() - 24h;  // before this machine was started
  pool.pool.records().Restore(kept, "");
  CHECK(pool.pool.view().Statistics().tokens[0].last_used == kept.last_used);
}

TEST_CASE("a token with a history of its own keeps its health, and the reason for it") {
  KeptPool pool({"p1", "p2"}, Recovering(2));
  Kept kept = pool.KeptOf("p1");
  kept.failures = 1;
  kept.why = Status(Code::kUnauthorized, "refused then");
  kept.counters.requests = 100;
  SECTION("a success") {
    pool.Succeed("p1");
    kept.disabled = true;
    pool.pool.records().Restore(kept, "");
    CHECK(pool.StateOf("p1") == TokenState::kReady);
    CHECK(pool.Of("p1").failures == 0);
  }
  SECTION("revoked") {
    pool.Meet("p1", Outcome::kAuthRevoked, "refused now");
    kept.disabled = true;
    pool.pool.records().Restore(kept, "");
    CHECK(pool.StateOf("p1") == TokenState::kDisabled);
    CHECK(pool.Of("p1").reason == "refused now");
  }
  SECTION("cooling") {
    pool.Meet("p1", Outcome::kQuotaExhausted, "spent now", 60s);
    kept.cooling_until = pool.clock.Wall() + 1h;
    pool.pool.records().Restore(kept, "");
    CHECK(pool.Of("p1").reason == "spent now");
    pool.clock.Advance(60s);
    CHECK(pool.StateOf("p1") == TokenState::kReady);
  }
  SECTION("a recovery by hand") {
    pool.Meet("p1", Outcome::kAuthRevoked);
    pool.pool.Recover("p1");
    kept.disabled = true;
    pool.pool.records().Restore(kept, "");
    CHECK(pool.StateOf("p1") == TokenState::kReady);
  }
  CHECK(pool.pool.view().Statistics().tokens[0].counters.requests >= 100);
}

TEST_CASE("nothing comes back to a token that is gone") {
  KeptPool pool({"p1", "p2"});
  Kept kept = pool.KeptOf("p1");
  kept.counters.requests = 100;
  REQUIRE(pool.pool.members().Remove("p1").ok());
  pool.told.clear();
  pool.pool.records().Restore(kept, "");
  CHECK(pool.told.empty());
  CHECK(pool.pool.view().Statistics().total.requests == 0);
}

TEST_CASE("a tier whose last token comes back disabled is exhausted") {
  KeptPool pool({"p1", "s1"});
  Kept kept = pool.KeptOf("p1");
  kept.disabled = true;
  kept.why = Status(Code::kUnauthorized, "refused then");
  pool.told.clear();
  pool.pool.records().Restore(kept, "disabled");
  CHECK(pool.TakeLines() == Pool::Lines{"restored p1", "tier exhausted p1 PERSONAL"});
}

TEST_CASE("a store in trouble is told of, with the token that it is about") {
  KeptPool pool({"p1"});
  const auto token = GENERATE(false, true) ? pool.pool.members().Find("p1") : nullptr;
  pool.pool.records().NoteStoreFailed(token, Status(Code::kTimeout, "locked"));
  const auto told = pool.TakeOf(PoolEventKind::kStoreFailed);
  REQUIRE(told.size() == 1);
  CHECK(told[0].token == (token ? "p1" : ""));
  CHECK(told[0].code == Code::kTimeout);
  CHECK(told[0].reason == "locked");
  CHECK_THAT(pool.log.text(), ContainsSubstring(token ? "Store: p1: locked" : "Store: locked"));
}

}  // namespace
}  // namespace warppool::internal
