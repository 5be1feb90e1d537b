// What goes wrong with any clause of the rule left out, step by step, and how it goes right with all of them. The steps
// read as the model of the rule prints them.
#include <random>
#include <string>
#include <vector>

#include "catch.h"
#include "unit/store/exchange_world.h"

namespace warppool::internal {
namespace {

using Catch::Matchers::ContainsSubstring;
using Rotation = ExchangeWorld::Rotation;

class ExchangeSequence {
 public:
  ExchangeSequence(Rotation rotation, std::size_t processes)
      : processes_(processes), world_({rotation, processes, ExchangeWorld::Often(3)}) {}

  ExchangeSequence& Goes(const std::vector<std::string>& steps) {
    for (const std::string& step : steps) {
      INFO("not \"" << step << "\" after" << world_.Log() << "but" << world_.WhatCanHappen());
      REQUIRE(world_.Play(step));
      REQUIRE(world_.broken().empty());
    }
    return *this;
  }
  // No step that can come next reads like this.
  ExchangeSequence& CannotGo(const std::string& step) {
    CHECK_THAT(world_.WhatCanHappen(), !ContainsSubstring(step));
    return *this;
  }
  // Everybody who lives gets a JWT in the end, whoever goes first.
  void EndsWell() {
    for (unsigned seed = 1; seed <= 20; ++seed) {
      ExchangeWorld world = world_;
      std::mt19937 random(seed);
      world.RunOn(&random);
      INFO("seed " << seed << ": " << world.Log() << world.broken());
      REQUIRE(world.broken().empty());
      for (std::size_t who = 0; who < processes_; ++who) REQUIRE(world.HasJwt(who));
    }
  }

 private:
  const std::size_t processes_;
  ExchangeWorld world_;
};

// A is stopped while what it sent is on its way, and B, who waited, takes over.
ExchangeSequence OvertakenBeforeItsAnswer(Rotation rotation, std::size_t processes) {
  ExchangeSequence sequence(rotation, processes);
  sequence.Goes({"A takes the free lock, and will send R0", "B waits for the lock", "A sends R0", "A is stopped",
                 "a tick: no renewal is seen", "a tick: no renewal is seen",
                 "B takes the lock over from A, and will send R0", "B sends R0"});
  return sequence;
}

// A was answered, and is stopped before it knows.
ExchangeSequence OvertakenAfterItsAnswer(Rotation rotation, std::size_t processes) {
  ExchangeSequence sequence(rotation, processes);
  sequence.Goes({"A takes the free lock, and will send R0", "B waits for the lock", "A sends R0",
                 "the service answers A: R0 -> R1", "A is stopped", "a tick: no renewal is seen",
                 "a tick: no renewal is seen", "B takes the lock over from A, and will send R0", "B sends R0",
                 "the service refuses R0 of B"});
  return sequence;
}

TEST_CASE("who has waited for the lock uses the JWT that came meanwhile, and sends nothing") {
  ExchangeSequence(Rotation::kAtOnce, 2)
      .Goes({"A takes the free lock, and will send R0", "B waits for the lock", "A sends R0",
             "the service answers A: R0 -> R1", "A receives R1", "A writes R1 as current", "A releases the lock"})
      .CannotGo("B takes")
      .Goes({"B finds a JWT in the store"})
      .CannotGo("B sends")
      .EndsWell();
}

TEST_CASE("who has waited for the lock, and finds that the JWT has ended, sends the credential that is there now") {
  ExchangeSequence(Rotation::kAtOnce, 2)
      .Goes({"A takes the free lock, and will send R0", "B waits for the lock", "A sends R0",
             "the service answers A: R0 -> R1", "A receives R1", "A writes R1 as current", "A releases the lock",
             "the JWT ends", "B takes the free lock, and will send R1", "B sends R1", "the service answers B: R1 -> R2",
             "B receives R2", "B writes R2 as current"})
      .EndsWell();
}

TEST_CASE("who was overtaken, and is refused because of that, marks nothing") {
  OvertakenBeforeItsAnswer(Rotation::kAtOnce, 2)
      .Goes({"the service answers B: R0 -> R1", "the service refuses R0 of A", "A goes on",
             "A is told that R0 is refused for good; others hold the lock or got a JWT: it begins again", "A is done",
             "A waits for the lock", "B receives R1", "B writes R1 as current", "A finds a JWT in the store"})
      .EndsWell();
}

TEST_CASE("a third process learns from the record that an answer is owed") {
  OvertakenAfterItsAnswer(Rotation::kAtOnce, 3)
      .Goes({"B is told that R0 is refused for good: in doubt", "C takes the free lock, and will send R0", "C sends R0",
             "the service refuses R0 of C", "C is told that R0 is refused for good: in doubt"})
      .CannotGo("is in doubt no more")
      .Goes({"A goes on", "A receives R1", "A writes R1 as current", "B is in doubt no more", "C is in doubt no more",
             "B finds a JWT in the store", "C finds a JWT in the store"})
      .EndsWell();
}

TEST_CASE("a mark that was made after ten minutes is lifted by the answer that comes all the same") {
  ExchangeSequence sequence = OvertakenAfterItsAnswer(Rotation::kAtOnce, 2);
  sequence.Goes({"10 minutes pass without an answer", "B is told that R0 is refused for good: revoked"})
      .CannotGo("B finds another credential in the store")
      .Goes({"A goes on", "A receives R1"});
  SECTION("with a JWT that is still of use") {
    sequence.Goes({"A writes R1 as current", "B finds another credential in the store", "B finds a JWT in the store"})
        .EndsWell();
  }
  SECTION("with a JWT that has ended") {
    sequence.Goes({"the JWT ends", "A writes R1 as current", "B finds another credential in the store"}).EndsWell();
  }
}

TEST_CASE("while the machine sleeps no answer becomes overdue") {
  OvertakenAfterItsAnswer(Rotation::kAtOnce, 2)
      .Goes({"the machine sleeps", "B is told that R0 is refused for good: in doubt"})
      .CannotGo("B is in doubt no more")
      .Goes({"A goes on", "A receives R1", "A writes R1 as current", "B is in doubt no more"})
      .EndsWell();
}

TEST_CASE("a candidate is tried at once when the credential is refused") {
  ExchangeSequence(Rotation::kAtOnce, 2)
      .Goes({"A takes the free lock, and will send R0",
             "B: the store hangs",
             "B goes without the store, and will send R0",
             "B sends R0",
             "A sends R0",
             "the service answers B: R0 -> R1",
             "B receives R1",
             "the service refuses R0 of A",
             "the JWT ends",
             "B goes without the store, and will send R1",
             "B: the store answers again",
             "B sends R1",
             "the service answers B: R1 -> R2",
             "B receives R2",
             "B writes R2 as a candidate",
             "the JWT ends",
             "A is told that R0 is refused for good; tries R2",
             "A sends R2",
             "the service answers A: R2 -> R3",
             "A receives R3",
             "A writes R3 as current"})
      .EndsWell();
}

TEST_CASE("what a candidate brought is the credential, and does not fill the list") {
  OvertakenBeforeItsAnswer(Rotation::kWithGrace, 2)
      .Goes({"the service answers A: R0 -> R1",
             "the service answers B: R0 -> R2",
             "B receives R2",
             "A goes on",
             "A receives R1",
             "A writes R1 as current",
             "B writes R2 as a candidate",
             "B releases the lock",
             "the JWT ends",
             "B takes the free lock, and will send R1",
             "B sends R1",
             "the service: the grace ends",
             "the service refuses R1 of B",
             "B is told that R1 is refused for good; tries R2",
             "B sends R2",
             "the service answers B: R2 -> R3",
             "B receives R3",
             "B writes R3 as current",
             "B releases the lock",
             "the JWT ends",
             "B takes the free lock, and will send R3",
             "B sends R3",
             "the service answers B: R3 -> R4",
             "B receives R4",
             "B writes R4 as current"})
      .EndsWell();
}

TEST_CASE("a save that was read before an exchange does not bring its credential back") {
  ExchangeSequence(Rotation::kAtOnce, 2)
      .Goes({"A takes the free lock, and will send R0", "B begins a save, reads R0", "B is stopped", "A sends R0",
             "the service answers A: R0 -> R1", "A receives R1", "A writes R1 as current", "B goes on",
             "B ends its save", "A releases the lock", "the JWT ends", "B takes the free lock, and will send R1"})
      .EndsWell();
}

TEST_CASE("a holder whose transfers hang renews no more, and is overtaken") {
  ExchangeSequence(Rotation::kAtOnce, 2)
      .Goes(
          {"A takes the free lock, and will send R0", "B waits for the lock", "A sends R0", "A: its I/O thread hangs"})
      .CannotGo("a tick: the holder renews")
      .Goes({"a tick: no renewal is seen", "a tick: no renewal is seen",
             "B takes the lock over from A, and will send R0"})
      .EndsWell();
}

TEST_CASE("a holder that renews is not overtaken") {
  ExchangeSequence(Rotation::kAtOnce, 2)
      .Goes({"A takes the free lock, and will send R0", "B waits for the lock", "A sends R0",
             "a tick: the holder renews", "a tick: the holder renews", "a tick: the holder renews"})
      .CannotGo("B takes the lock over from A, and")
      .EndsWell();
}

TEST_CASE("a holder whose transfer takes too long keeps the lock until it has ended") {
  ExchangeSequence(Rotation::kAtOnce, 2)
      .Goes(
          {"A takes the free lock, and will send R0", "A sends R0", "A: refresh_timeout passes, the transfer lives on"})
      .CannotGo("B takes the free lock")
      .Goes({"B waits for the lock", "a tick: no renewal is seen", "a tick: no renewal is seen",
             "B takes the lock over from A, and will send R0", "B sends R0", "the service answers A: R0 -> R1",
             "the service refuses R0 of B", "B is told that R0 is refused for good: in doubt", "A receives R1",
             "A writes R1 as current", "B is in doubt no more"})
      .EndsWell();
}

TEST_CASE("an answer is owed although another one replaced the credential") {
  OvertakenBeforeItsAnswer(Rotation::kWithGrace, 2)
      .Goes({"the service answers B: R0 -> R1", "B receives R1", "B writes R1 as current", "B releases the lock",
             "the service answers A: R0 -> R2", "the JWT ends", "B takes the free lock, and will send R1", "B sends R1",
             "the service: the grace ends", "the service refuses R1 of B",
             "B is told that R1 is refused for good: in doubt", "A goes on", "A receives R2",
             "A writes R2 as a candidate", "B is in doubt no more"})
      .EndsWell();
}

TEST_CASE("who was overtaken does not release the lock of who overtook it") {
  OvertakenBeforeItsAnswer(Rotation::kAtOnce, 3)
      .Goes({"the service answers B: R0 -> R1", "the service refuses R0 of A", "A goes on",
             "A is told that R0 is refused for good; others hold the lock or got a JWT: it begins again", "A is done"})
      .CannotGo("takes the free lock")
      .Goes({"A waits for the lock", "C waits for the lock", "B receives R1", "B writes R1 as current"})
      .EndsWell();
}

TEST_CASE("an answer whose write fails is written again, and nothing that is read replaces it") {
  ExchangeSequence(Rotation::kAtOnce, 2)
      .Goes({"A takes the free lock, and will send R0", "A sends R0", "the service answers A: R0 -> R1",
             "A receives R1", "A: the write of R1 fails"})
      .CannotGo("A releases")
      .Goes({"A: the write of R1 fails", "A writes R1 as current"})
      .EndsWell();
}

TEST_CASE("a refusal that comes while the store is absent is judged when it is back") {
  ExchangeSequence(Rotation::kAtOnce, 2)
      .Goes({"A takes the free lock, and will send R0", "B: the store hangs",
             "B goes without the store, and will send R0", "B sends R0", "A sends R0",
             "the service answers A: R0 -> R1", "the service refuses R0 of B"})
      .CannotGo("B is told")
      .Goes({"B: the store answers again",
             "B is told that R0 is refused for good; others hold the lock or got a JWT: it begins again", "B is done",
             "B waits for the lock", "A receives R1", "A writes R1 as current", "B finds a JWT in the store"})
      .EndsWell();
}

TEST_CASE("who took the lock and did not learn of it finds that it has it") {
  ExchangeSequence(Rotation::kAtOnce, 2)
      .Goes({"A: the store hangs", "A has the lock, but does not learn of it", "B waits for the lock",
             "A: the store answers again", "A finds that it has the lock, and will send R0"})
      .EndsWell();
}

TEST_CASE("an answer that is written twice is there once") {
  ExchangeSequence(Rotation::kAtOnce, 2)
      .Goes({"A takes the free lock, and will send R0", "A sends R0", "the service answers A: R0 -> R1",
             "A receives R1", "A: the store hangs", "A: its write of R1 takes effect, but does not return",
             "B finds a JWT in the store", "A: the store answers again", "A writes R1 (known)", "A releases the lock"})
      .EndsWell();
}

}  // namespace
}  // namespace warppool::internal
