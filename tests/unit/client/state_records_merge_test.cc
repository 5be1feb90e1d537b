// Several processes on one store: what each of them counts is added, and what one knows better stands.

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "catch.h"
#include "unit/client/records_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

TEST_CASE("what each process counted is added to what is there") {
  const auto store = NewStore();
  Process first(store, "fake-0");
  Process second(store, "fake-0");
  first.kept.counters.requests = 5;
  REQUIRE(first.Save().ok());
  second.kept.counters.requests = 7;
  second.kept.counters.first_event.Add(30ms);
  REQUIRE(second.Save().ok());
  REQUIRE(second.Save().ok());  // nothing new
  first.kept.counters.requests = 6;
  REQUIRE(first.Save().ok());
  const StoredToken stored = first.FindIt();
  CHECK(stored.counters.requests == 13);
  CHECK(stored.counters.first_event.Count() == 1);
}

TEST_CASE("a process that starts counts on, and not twice") {
  const auto store = NewStore();
  Process first(store, "fake-0");
  first.kept.counters.requests = 5;
  REQUIRE(first.Save().ok());
  Process second(store, "fake-0");
  second.Restore();
  CHECK(second.kept.counters.requests == 5);
  REQUIRE(second.Save().ok());
  CHECK(second.FindIt().counters.requests == 5);
  ++second.kept.counters.requests;
  REQUIRE(second.Save().ok());
  ++first.kept.counters.requests;
  REQUIRE(first.Save().ok());
  CHECK(second.FindIt().counters.requests == 7);
}

TEST_CASE("health that did not change here does not overwrite what another process knows") {
  const auto store = NewStore();
  Process first(store, "fake-0");
  Process second(store, "fake-0");
  first.kept.health_changed = true;
  first.kept.disabled = true;
  first.kept.failures = 3;
  first.kept.why = Status(Code::kUnauthorized, "refused");
  REQUIRE(first.Save().ok());
  second.kept.counters.requests = 1;
  REQUIRE(second.Save().ok());
  REQUIRE(second.Exchange("fake-1", "fake-jwt").ok());
  StoredToken stored = first.FindIt();
  CHECK(stored.health.disabled);
  CHECK(stored.health.failures == 3);
  CHECK(stored.health.reason == "refused");
  SECTION("and one that did, does") {
    second.kept.health_changed = true;
    REQUIRE(second.Save().ok());
    stored = first.FindIt();
    CHECK_FALSE(stored.health.disabled);
    CHECK(stored.health.failures == 0);
    CHECK(stored.health.reason.empty());
  }
}

TEST_CASE("the last use is the last one of all") {
  const auto store = NewStore();
  Process first(store, "fake-0");
  Process second(store, "fake-0");
  const WallTime then = first.clock.Wall();
  second.kept.last_used = then + 2s;
  REQUIRE(second.Save().ok());
  first.kept.last_used = then + 1s;
  REQUIRE(first.Save().ok());
  CHECK(first.FindIt().last_used == then + 2s);
  first.kept.last_used = then + 3s;
  REQUIRE(first.Save().ok());
  CHECK(first.FindIt().last_used == then + 3s);
}

TEST_CASE("a process that knows an older credential only does not bring it back") {
  const auto store = NewStore();
  Process first(store, "fake-0");
  Process second(store, "fake-0");
  second.Restore();
  REQUIRE(first.Exchange("fake-1").ok());
  second.kept.counters.requests = 1;
  REQUIRE(second.Save().ok());
  CHECK(first.FindIt().credential.Reveal() == "fake-1");
  CHECK(first.FindIt().serial == 1);
}

TEST_CASE("a token that was forgotten is known anew when it comes again") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  p.kept.counters.requests = 5;
  REQUIRE(p.Save().ok());
  p.records.Forget(*p.token);
  p.token = Process::NewToken("fake-0");
  p.kept = {};
  p.Restore();
  ++p.kept.counters.requests;
  REQUIRE(p.Save().ok());
  CHECK(p.FindIt().counters.requests == 6);
}

TEST_CASE("several tokens are saved at once, or none of them") {
  const auto store = NewStore();
  Process p(store, "fake-0");
  std::vector<PoolRecords::Kept> tokens{p.Kept(), p.Kept()};
  tokens[0].counters.requests = 1;
  tokens[1].token = Process::NewToken("fake-other");
  tokens[1].counters.requests = 2;
  SECTION("at once") {
    REQUIRE(p.records.Save(tokens).ok());
    CHECK(store->writes == 1);
    CHECK(p.FindIt().counters.requests == 1);
    CHECK(Process(store, "fake-other").FindIt().counters.requests == 2);
  }
  SECTION("none") {
    store->fail_in = 2;  // the second one's record cannot be read
    CHECK_FALSE(p.records.Save(tokens).ok());
    CHECK(store->records.empty());
    REQUIRE(p.records.Save(tokens).ok());
    CHECK(p.FindIt().counters.requests == 1);
  }
}

// Processes of one store that start, count, exchange, fail to save, and end after a last save.
void Run(unsigned seed, bool with_faults) {
  std::mt19937 random(seed);
  const auto any = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  const auto store = NewStore();
  std::vector<std::unique_ptr<Process>> processes;
  std::uint64_t requests = 0;
  std::uint64_t rotations = 0;
  std::string credential = "fake-0";
  for (int step = 0; step < 100; ++step) {
    if (processes.size() < 2 || (processes.size() < 4 && any(10) == 0)) {
      processes.push_back(std::make_unique<Process>(store, "fake-0"));
      processes.back()->Restore();
    }
    const std::size_t which = any(static_cast<unsigned>(processes.size()));
    Process& p = *processes[which];
    const unsigned more = any(5);
    p.kept.counters.requests += more;
    p.kept.counters.outcomes[1] += more;
    requests += more;
    if (with_faults && any(4) == 0) {
      store->fail_in = 1 + static_cast<int>(any(5));
      store->fails_late = any(2) == 0;
    }
    switch (any(6)) {
      case 0:
        // One at a time has the lock, and each finds what the one before left: unless that could not be kept.
        if (!store->fail_in) {
          const StoredToken known = p.Find().value_or(StoredToken());
          if (!known.credential.empty()) p.token->Adopt(known.credential, known.serial);
          credential = "fake-" + std::to_string(++rotations);
          REQUIRE(p.Exchange(credential).ok());
        }
        break;
      case 1:
        store->fail_in = 0;
        REQUIRE(p.Save().ok());
        if (processes.size() > 1) processes.erase(processes.begin() + static_cast<std::ptrdiff_t>(which));
        break;
      default:
        if (!with_faults) {
          REQUIRE(p.Save().ok());
        } else {
          (void)p.Save();
        }
    }
    store->fail_in = 0;
  }
  for (const auto& p : processes) REQUIRE(p->Save().ok());
  const StoredToken stored = Process(store, "fake-0").FindIt();
  CHECK(stored.counters.requests == requests);
  CHECK(stored.counters.outcomes[1] == requests);
  CHECK(stored.credential.Reveal() == credential);
  CHECK(stored.serial == rotations);
}

TEST_CASE("however processes come, count and go, the store holds the sum, and the newest credential") {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    Run(seed, false);
  }
}

TEST_CASE("and so it does if some of their writes fail, whatever those leave behind") {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    Run(seed, true);
  }
}

}  // namespace
}  // namespace warppool::internal
