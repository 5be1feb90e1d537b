// Exchanges of processes whose store fails, hangs, or is written by others in the very moment: nothing is lost, nobody
// is revoked wrongly, and no lock is left behind.
#include "unit/client/shared_exchange_fixture.h"

namespace warppool::internal {
namespace {

// `b` waits until it may go on without `a`.
void Overtake(TwoSharers* t) {
  t->b.Acquire();
  t->b.Advance(6s);
  REQUIRE(t->b.Answer() == "send fake-0");
}

TEST_CASE("an answer that is not written yet keeps the lock, and is written before that is given back") {
  TwoSharers t;
  t.a.Acquire();
  t.a.store->fails = true;
  t.a.Keep("fake-0", "fake-1", "fake-jwt");
  t.a.Release();
  CHECK(t.Record().exchange.number == 101);
  t.b.Acquire();
  CHECK(t.b.Answer() == "nothing yet");
  t.a.store->fails = false;
  SECTION("with the next look") {
    t.a.Review();
  }
  SECTION("at the end") {
    t.a.Close();
  }
  CHECK(t.Record().exchange.number == 0);
  t.b.Advance(50ms);
  CHECK(t.b.Answer() == "use fake-jwt");
}

TEST_CASE("who was overtaken owes an answer until it is written") {
  TwoSharers t;
  t.a.Acquire();
  Overtake(&t);
  t.a.store->fails = true;
  t.a.Keep("fake-0", "fake-1", "fake-jwt");
  t.a.Release();
  t.b.Judge("fake-0");
  CHECK(t.b.Answer() == "in doubt");
  CHECK_FALSE(IsRevoked(t.Record()));
  t.a.store->fails = false;
  t.a.Review();
  CHECK(t.Record().exchange.owed.empty());
  t.b.Acquire();
  CHECK(t.b.Answer() == "use fake-jwt");
}

TEST_CASE("a judgement without the store leaves no lock behind") {
  TwoSharers t;
  t.a.Acquire();
  SECTION("which failed") {
    t.a.store->fails = true;
    t.a.Judge("fake-0");
    CHECK(t.a.Answer() == "in doubt");
    t.a.store->fails = false;
    t.a.Review();
  }
  SECTION("which came late, with something to send") {
    t.b.Keep("fake-x", "fake-candidate");
    REQUIRE(t.Record().exchange.candidates.size() == 1);
    t.a.store->hangs = true;
    t.a.is_hanging = true;
    t.a.Judge("fake-0");
    t.a.store->hanging.get_future().wait();
    t.a.executor.Advance(5s);
    CHECK(t.a.Answer() == "in doubt");
    t.a.store->let_go.set_value();
    t.a.is_hanging = false;
    t.a.Settle();
  }
  CHECK(t.Record().exchange.number == 0);
  CHECK_FALSE(IsRevoked(t.Record()));
}

TEST_CASE("a lock that could not be given back is given back later") {
  TwoSharers t;
  t.a.Acquire();
  t.a.store->fails = true;
  t.a.Release();
  CHECK(t.Record().exchange.number == 101);
  t.a.store->fails = false;
  SECTION("with the next look") {
    t.a.Review();
    CHECK(t.Record().exchange.number == 0);
  }
  SECTION("or serves for the next exchange") {
    t.a.Acquire();
    CHECK(t.a.Answer() == "send fake-0");
    t.a.Release();
    CHECK(t.Record().exchange.number == 0);
    CHECK(t.Record().exchange.owed.empty());
  }
}

TEST_CASE("a minute is counted once, however often others come between") {
  TwoSharers t;
  t.a.Acquire();
  Overtake(&t);
  t.b.Judge("fake-0");
  REQUIRE(t.b.Answer() == "in doubt");
  t.clock.Advance(60s);
  t.b.store->conflicts = 9;
  t.b.Review();
  REQUIRE(t.Record().exchange.owed.size() == 1);
  CHECK(t.Record().exchange.owed[0].seen >= 60s);
  CHECK(t.Record().exchange.owed[0].seen < 70s);
}

TEST_CASE("who owes an answer for ten minutes owes it no more, whatever became of the token") {
  TwoSharers t;
  t.a.Acquire();
  Overtake(&t);
  t.b.Keep("fake-0", "fake-1", "fake-jwt");
  t.b.token->Rotate(Secret("fake-1"));
  t.b.Release();
  REQUIRE(t.Record().exchange.owed.size() == 1);
  for (int minute = 0; minute < 11; ++minute) {
    t.clock.Advance(60s);
    t.b.Review();
  }
  CHECK(t.Record().exchange.owed.empty());
}

TEST_CASE("programs that live shortly count together how long an answer is owed") {
  TwoSharers t;
  t.a.Acquire();  // and is killed
  std::string last;
  for (std::uint64_t run = 0; run < 15 && last != "revoked"; ++run) {
    ExchangeSharer c(t.records, &t.clock, 1'000 + run);
    c.Acquire();
    for (int i = 0; i < 200 && c.Answer() == "nothing yet"; ++i) c.Advance(50ms);
    if (c.Answer() == "send fake-0") c.Judge("fake-0");
    last = c.Answer();
    t.clock.Advance(60s);
    c.Close();
  }
  CHECK(last == "revoked");
}

TEST_CASE("a refusal that another process has lifted is not said again") {
  const auto store = NewStore();
  Process a(store, "fake-0");
  Process b(store, "fake-0");
  REQUIRE(a.Exchange("fake-0").ok());
  a.kept.health_changed = true;
  a.kept.revoked = a.kept.disabled = true;  // as it was judged, to be saved in a moment
  REQUIRE(b.Exchange("fake-0", "fake-jwt").ok());
  REQUIRE(a.Save().ok());
  CHECK(b.FindIt().jwt);
  CHECK_FALSE(IsRevoked(b.FindIt()));
}

TEST_CASE("a login that was begun in another way loses nothing when both are found to be one") {
  const auto store = NewStore();
  StoredToken other;
  other.credential = Secret("fake-2");
  other.exchange.candidates = {Secret("fake-3")};
  other.exchange.number = 77;
  SECTION("whose record is there") {
    store->records[KeyOf("fake-1")] = SealRecord(other, Secret("fake-1"));
  }
  SECTION("whose record is led to") {
    store->records[KeyOf("fake-1")] = SealLink(Secret("fake-origin"), Secret("fake-1"));
    store->records[KeyOf("fake-origin")] = SealRecord(other, Secret("fake-origin"));
  }
  Process a(store, "fake-0");
  REQUIRE(a.Exchange("fake-1").ok());
  const StoredToken record = a.FindIt();
  CHECK(record.credential.Reveal() == "fake-1");
  REQUIRE(record.exchange.candidates.size() == 2);
  CHECK(record.exchange.candidates[0].Reveal() == "fake-3");
  CHECK(record.exchange.candidates[1].Reveal() == "fake-2");
  REQUIRE(record.exchange.owed.size() == 1);
  CHECK(record.exchange.owed[0].number == 77);
  CHECK(Process(store, "fake-1").FindIt().serial == record.serial);
}

TEST_CASE("a store that never takes what has to be set aside is given up") {
  class LaggingStore final : public StateStore {
   public:
    Result<std::optional<std::string>> Read(const std::string& /*key*/) override {
      return std::optional<std::string>("no record at all");
    }
    Status Write(const std::vector<StateChange>& /*changes*/, StateDurability /*durability*/) override { return {}; }
    Result<bool> Commit(const std::vector<StateChange>& /*changes*/, StateDurability /*durability*/) override {
      return false;
    }
  };
  int complaints = 0;
  LoginRecords logins(std::make_shared<LaggingStore>(), [&](const LoginCredentials&, const Status&) { ++complaints; });
  CHECK(logins.Read({Secret("fake-0"), Secret("fake-0")}).code() == Code::kTimeout);
  CHECK(complaints == 0);
}

TEST_CASE("what was read before a token got something newer does not replace that") {
  Token token("PERSONAL_fake", Tier::kPersonal, CredentialKind::kRefreshToken, Secret("fake-0"));
  const std::uint64_t known = token.serial();
  token.Rotate(Secret("fake-1"));
  CHECK_FALSE(token.AdoptUnlessNewer(Secret("fake-0"), 0, known));
  CHECK(token.credential().Reveal() == "fake-1");
  CHECK(token.serial() == 1);
}

}  // namespace
}  // namespace warppool::internal
