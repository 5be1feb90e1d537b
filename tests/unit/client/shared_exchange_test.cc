// Exchanges of several processes that share a store.
#include "client/shared_exchange.h"

#include "unit/client/shared_exchange_fixture.h"

namespace warppool::internal {
namespace {

TEST_CASE("one process exchanges a token, and the others that wait get its JWT") {
  TwoSharers t;
  t.a.Acquire();
  CHECK(t.a.Answer() == "send fake-0");
  CHECK(t.Record().exchange.number == 101);
  t.b.Acquire();
  CHECK(t.b.Answer() == "nothing yet");
  t.b.Advance(1s);
  CHECK(t.b.Answer() == "nothing yet");
  t.a.Keep("fake-0", "fake-1", "fake-jwt");
  CHECK(t.a.kept);
  t.b.Advance(50ms);
  CHECK(t.b.Answer() == "use fake-jwt");
  REQUIRE((*t.b.answer)->present);
  CHECK((*t.b.answer)->present->credential.Reveal() == "fake-1");
  CHECK((*t.b.answer)->present->serial == 1);
  t.a.Release();
  CHECK(t.Record().exchange.number == 0);
  CHECK(t.Record().credential.Reveal() == "fake-1");
}

TEST_CASE("a JWT that was refused here, or is to be renewed, is not taken over") {
  TwoSharers t;
  t.a.Acquire();
  t.a.Keep("fake-0", "fake-0", "fake-jwt");
  t.a.Release();
  SECTION("refused") {
    t.b.token->DropJwt("fake-jwt");
  }
  SECTION("to be renewed") {
    t.clock.Advance(3400s);
  }
  t.b.Acquire();
  CHECK(t.b.Answer() == "send fake-0");
}

TEST_CASE("a holder that shows no sign of life is overtaken after five seconds, and owes an answer") {
  TwoSharers t;
  t.a.Acquire();
  t.b.Acquire();
  t.b.Advance(4900ms);
  CHECK(t.b.Answer() == "nothing yet");
  t.b.Advance(300ms);
  REQUIRE(t.b.Answer() == "send fake-0");
  REQUIRE(t.Record().exchange.owed.size() == 1);
  CHECK(t.Record().exchange.owed[0].number == 101);
  SECTION("the service refuses what was sent twice: that is no end, as long as the other one may have the answer") {
    t.b.Judge("fake-0");
    CHECK(t.b.Answer() == "in doubt");
    t.b.Acquire();
    CHECK(t.b.Answer() == "in doubt");  // nothing is sent
    SECTION("which it has") {
      t.a.Keep("fake-0", "fake-1", "fake-jwt");
      t.a.Release();
      t.b.Acquire();
      CHECK(t.b.Answer() == "use fake-jwt");
    }
    SECTION("which it has not: it was refused, too") {
      t.a.Judge("fake-0");
      CHECK(t.a.Answer() == "send fake-0");  // it has the lock no more, and begins anew
      t.a.Judge("fake-0");
      CHECK(t.a.Answer() == "revoked");
      t.b.Acquire();
      CHECK(t.b.Answer() == "revoked");
    }
    SECTION("which never comes: after ten minutes it is owed no more") {
      for (int minute = 0; minute < 9; ++minute) {
        t.b.Review();
        t.clock.Advance(1min);
      }
      t.b.Acquire();
      CHECK(t.b.Answer() == "in doubt");
      for (int minute = 0; minute < 2; ++minute) {
        t.clock.Advance(1min);
        t.b.Review();
      }
      t.b.Acquire();
      CHECK(t.b.Answer() == "send fake-0");
      t.b.Judge("fake-0");
      CHECK(t.b.Answer() == "revoked");
    }
  }
  SECTION("both get an answer: neither is lost") {
    t.b.Keep("fake-0", "fake-b", "fake-jwt-b");
    t.b.Release();
    t.a.Keep("fake-0", "fake-a", "fake-jwt-a");
    t.a.Release();
    const StoredToken record = t.Record();
    CHECK(record.credential.Reveal() == "fake-b");
    REQUIRE(record.exchange.candidates.size() == 1);
    CHECK(record.exchange.candidates[0].Reveal() == "fake-a");
    CHECK(record.exchange.owed.empty());
    SECTION("and if the service knows one of them only, that one is found") {
      t.clock.Advance(3601s);
      t.a.Acquire();
      CHECK(t.a.Answer() == "send fake-b");
      t.a.Judge("fake-b");
      CHECK(t.a.Answer() == "send fake-a");
      t.a.Keep("fake-a", "fake-a2", "fake-jwt-a2");
      t.a.Release();
      CHECK(t.Record().credential.Reveal() == "fake-a2");
      CHECK(t.Record().exchange.candidates.empty());
    }
  }
}

TEST_CASE("whoever was stopped itself does not take the others for dead") {
  TwoSharers t;
  t.a.Acquire();
  t.b.Acquire();
  t.b.Advance(1s);
  t.clock.Advance(30s);
  t.b.Advance(100ms);
  CHECK(t.b.Answer() == "nothing yet");
}

TEST_CASE("who cannot wait any longer is told that another process has it") {
  TwoSharers t;
  t.a.Acquire();
  t.b.Acquire();
  for (int i = 0; i < 62; ++i) {
    t.b.Advance(1s);
    ++t.records->writes;
    // It lives.
    Process(t.records, "fake-0")
        .logins.Commit({{{Secret("fake-0"), Secret("fake-0")},
                         [](StoredToken* record) {
                           ++record->exchange.renewal;
                           return true;
                         }}},
                       StateDurability::kProcess);
  }
  CHECK(t.b.Answer() == "held");
  CHECK(t.Record().exchange.number == 101);
}

TEST_CASE("what is refused for good is marked, and not sent again but by who tries it all the same") {
  TwoSharers t;
  t.a.Acquire();
  t.a.Judge("fake-0");
  CHECK(t.a.Answer() == "revoked");
  CHECK(t.Record().exchange.number == 0);
  t.b.Acquire();
  CHECK(t.b.Answer() == "revoked");  // and is known to it from now on
  t.b.Acquire();
  CHECK(t.b.Answer() == "send fake-0");
  SECTION("in vain") {
    t.b.Judge("fake-0");
    CHECK(t.b.Answer() == "revoked");
  }
  SECTION("and that lifts the mark for all") {
    t.b.Keep("fake-0", "fake-0", "fake-jwt");
    t.b.Release();
    t.a.Review();
    CHECK(t.a.lifted == 1);
    t.a.Acquire();
    CHECK(t.a.Answer() == "use fake-jwt");
  }
}

TEST_CASE("the configured credential is tried once before an account is given up") {
  TwoSharers t;
  t.a.Acquire();
  t.a.Keep("fake-0", "fake-1");
  t.a.Release();
  ExchangeSharer c(t.records, &t.clock, 103);
  c.Acquire();
  CHECK(c.Answer() == "send fake-1");
  c.Judge("fake-1");
  CHECK(c.Answer() == "send fake-0");
  SECTION("in vain") {
    c.Judge("fake-0");
    CHECK(c.Answer() == "revoked");
  }
  SECTION("and is good: what it got is the present one from now on") {
    c.Keep("fake-0", "fake-2");
    c.Release();
    CHECK(t.Record().exchange.candidates.empty());
    t.a.Acquire();
    CHECK(t.a.Answer() == "send fake-2");
  }
}

TEST_CASE("a lock that was taken by a write of which nothing was heard is given back") {
  TwoSharers t;
  t.b.store->forgets_writes = 1;
  t.b.Acquire();
  CHECK(t.b.Answer() == "send fake-0");
  CHECK(t.Record().exchange.number == 102);
  SECTION("when the exchange is over") {
    t.b.Release();
  }
  SECTION("when the next one finds what another process has got") {
    REQUIRE(Process(t.records, "fake-0").Exchange("fake-1", "fake-jwt").ok());
    t.b.Acquire();
    CHECK(t.b.Answer() == "use fake-jwt");
  }
  CHECK(t.Record().exchange.number == 0);
}

TEST_CASE("a removed token's exchange gives the lock back") {
  TwoSharers t;
  t.a.Acquire();
  t.a.Forget();
  t.a.Keep("fake-0", "fake-1", "fake-jwt");
  t.a.Release();
  CHECK(t.Record().exchange.number == 0);
  CHECK(t.Record().credential.Reveal() == "fake-1");
}

TEST_CASE("a store that lost a newer credential gets it again, from who has it") {
  TwoSharers t;
  t.a.Acquire();
  t.a.Keep("fake-0", "fake-1");
  t.a.token->Rotate(Secret("fake-1"));
  t.a.Release();
  t.records->records.clear();
  SECTION("nobody has written since") {}
  SECTION("somebody has begun anew, with what is configured") {
    t.b.Acquire();
    CHECK(t.b.Answer() == "send fake-0");
    t.b.Judge("fake-0");
    CHECK(t.b.Answer() == "revoked");
  }
  t.a.Acquire();
  CHECK(t.a.Answer() == "send fake-1");
  CHECK(t.Record().credential.Reveal() == "fake-1");
  CHECK_FALSE(IsRevoked(t.Record()));
}

TEST_CASE("a store that fails keeps nobody from an exchange, and gets what it brought when it works again") {
  TwoSharers t;
  t.a.Acquire();
  t.a.Release();
  t.b.store->fails = true;
  t.b.Acquire();
  CHECK(t.b.Answer() == "send fake-0");
  CHECK_FALSE((*t.b.answer)->present);
  t.b.Keep("fake-0", "fake-1", "fake-jwt");
  CHECK(t.b.kept);
  CHECK(t.b.failures == 2);
  CHECK(t.Record().credential.Reveal() == "fake-0");
  t.b.token->Rotate(Secret("fake-1"));
  SECTION("with the next exchange") {
    t.b.store->fails = false;
    t.b.token->DropJwt("fake-jwt");
    t.b.Acquire();
    CHECK(t.b.Answer() == "send fake-1");
  }
  SECTION("with the next look") {
    t.b.store->fails = false;
    t.b.Review();
  }
  SECTION("and refuses meanwhile: nobody is revoked without it") {
    t.b.Judge("fake-1");
    CHECK(t.b.Answer() == "in doubt");
    t.b.store->fails = false;
    t.b.Review();
  }
  CHECK(t.Record().credential.Reveal() == "fake-1");
}

TEST_CASE("a store that hangs is gone on without, and what it brings late is given back") {
  TwoSharers t;
  t.b.store->hangs = true;
  t.b.is_hanging = true;
  t.b.Acquire();
  t.b.store->hanging.get_future().wait();
  CHECK(t.b.Answer() == "nothing yet");
  t.b.executor.Advance(4999ms);
  CHECK(t.b.Answer() == "nothing yet");
  t.b.executor.Advance(1ms);
  CHECK(t.b.Answer() == "send fake-0");
  t.b.Acquire();
  CHECK(t.b.Answer() == "send fake-0");  // at once now
  t.b.Judge("fake-0");
  CHECK(t.b.Answer() == "in doubt");
  t.b.Keep("fake-0", "fake-1", "fake-jwt");
  t.b.executor.Advance(0ms);
  CHECK(t.b.kept);
  t.b.store->let_go.set_value();
  t.b.is_hanging = false;
  t.b.Settle();
  CHECK(t.b.failures == 0);
  CHECK(t.Record().credential.Reveal() == "fake-1");
  CHECK(t.Record().exchange.number == 0);
  t.a.Acquire();
  CHECK(t.a.Answer() == "use fake-jwt");
}

}  // namespace
}  // namespace warppool::internal
