#include "store/exchange_rule.h"

#include <optional>
#include <string>
#include <vector>

#include "catch.h"
#include "store/seal.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

const Secret kFirst("fake-first");
const Secret kSecond("fake-second");
const Secret kThird("fake-third");
const Secret kFourth("fake-fourth");
constexpr std::uint64_t kMine = 7;
constexpr std::uint64_t kOthers = 8;

StoredToken LoginWith(const Secret& credential, const std::vector<Secret>& candidates = {}) {
  StoredToken record;
  record.credential = credential;
  record.serial = 5;
  record.exchange.candidates = candidates;
  return record;
}

StoredToken MarkedLogin(const std::vector<Secret>& candidates = {}) {
  StoredToken record = LoginWith(kFirst, candidates);
  record.exchange.refused = RecordKey(kFirst);
  return record;
}

// The lock is mine, and this is what was sent under it.
StoredToken LockedLogin(const Secret& credential, const std::vector<Secret>& candidates = {}) {
  StoredToken record = LoginWith(credential, candidates);
  record.exchange.number = kMine;
  record.exchange.renewal = 3;
  return record;
}

ExchangeTurn SentBy(std::uint64_t number, const Secret& sent, const Secret& refused = {}) {
  return {number, sent, refused.empty() ? std::string() : RecordKey(refused)};
}

StoredJwt JwtUntil(WallTime expires) {
  return {Secret("fake.jwt"), expires, 3600s};
}

// The texts, for a credential is not printed.
std::vector<std::string> TextsOf(const std::vector<Secret>& credentials) {
  std::vector<std::string> texts;
  for (const Secret& credential : credentials) texts.emplace_back(credential.Reveal());
  return texts;
}

using Texts = std::vector<std::string>;

// --- Take ---

TEST_CASE("a JWT of use in the record is used, and the lock is left alone") {
  StoredToken record = LoginWith(kFirst);
  record.exchange.number = kOthers;
  ExchangeTurn turn{kMine};
  CHECK(Take({true, true, true}, &turn, &record) == ExchangeStep::kUseJwt);
  CHECK(record.exchange.number == kOthers);
  CHECK(record.exchange.owed.empty());
  // Of a login that is marked, too.
  StoredToken marked = MarkedLogin();
  CHECK(Take({true, false, false}, &turn, &marked) == ExchangeStep::kUseJwt);
}

TEST_CASE("a credential that is marked is not sent, and the lock is not taken") {
  StoredToken record = MarkedLogin();
  ExchangeTurn turn{kMine};
  CHECK(Take({}, &turn, &record) == ExchangeStep::kRevoked);
  CHECK(record.exchange.number == 0);
}

TEST_CASE("a probe sends the credential that is marked") {
  StoredToken record = MarkedLogin();
  ExchangeTurn turn{kMine};
  CHECK(Take({false, false, true}, &turn, &record) == ExchangeStep::kSend);
  CHECK((turn.sent == kFirst));
  CHECK(record.exchange.number == kMine);
  CHECK(record.exchange.refused == RecordKey(kFirst));
}

TEST_CASE("a free lock is taken, which is seen as a renewal, and the credential is to be sent") {
  StoredToken record = LoginWith(kFirst, {kSecond});
  record.exchange.renewal = 3;
  ExchangeTurn turn{kMine};
  CHECK(Take({}, &turn, &record) == ExchangeStep::kSend);
  CHECK((turn.sent == kFirst));
  CHECK(turn.refused.empty());
  CHECK(record.exchange.number == kMine);
  CHECK(record.exchange.renewal == 4);
  CHECK(record.exchange.owed.empty());
}

TEST_CASE("what is known as refused from a former turn is forgotten when the record does not say so") {
  StoredToken record = LoginWith(kFirst, {kSecond});
  ExchangeTurn turn = SentBy(kMine, kSecond, kFirst);
  CHECK(Take({}, &turn, &record) == ExchangeStep::kSend);
  CHECK((turn.sent == kFirst));
  CHECK(turn.refused.empty());
}

TEST_CASE("in the place of a credential that is marked the newest candidate is sent, by a probe as well") {
  StoredToken record = MarkedLogin({kSecond, kThird});
  ExchangeTurn turn{kMine};
  const bool is_probe = GENERATE(false, true);
  CHECK(Take({false, false, is_probe}, &turn, &record) == ExchangeStep::kSend);
  CHECK((turn.sent == kThird));
  CHECK(turn.refused == RecordKey(kFirst));
}

TEST_CASE("the mark of another credential stops nobody") {
  StoredToken record = MarkedLogin();
  record.credential = kSecond;
  ExchangeTurn turn{kMine};
  CHECK(Take({}, &turn, &record) == ExchangeStep::kSend);
  CHECK((turn.sent == kSecond));
}

TEST_CASE("the lock of another is left to it") {
  StoredToken record = LockedLogin(kFirst);
  ExchangeTurn turn{kOthers};
  CHECK(Take({}, &turn, &record) == ExchangeStep::kHeld);
  CHECK(record.exchange.number == kMine);
  CHECK(record.exchange.renewal == 3);
  CHECK(record.exchange.owed.empty());
  CHECK(turn.sent.empty());
}

TEST_CASE("a lock that is taken over owes an answer") {
  StoredToken record = LockedLogin(kFirst);
  record.exchange.owed = {{5, 1min}};
  ExchangeTurn turn{kOthers};
  CHECK(Take({false, true, false}, &turn, &record) == ExchangeStep::kSend);
  CHECK((turn.sent == kFirst));
  CHECK(record.exchange.number == kOthers);
  CHECK(record.exchange.renewal == 4);
  REQUIRE(record.exchange.owed.size() == 2);
  CHECK(record.exchange.owed[0].number == 5);
  CHECK(record.exchange.owed[0].seen == 1min);
  CHECK(record.exchange.owed[1].number == kMine);
  CHECK(record.exchange.owed[1].seen == 0ms);
}

TEST_CASE("a free lock that is taken over owes nothing") {
  StoredToken record = LoginWith(kFirst);
  ExchangeTurn turn{kMine};
  CHECK(Take({false, true, false}, &turn, &record) == ExchangeStep::kSend);
  CHECK(record.exchange.owed.empty());
}

TEST_CASE("who has the lock already takes it once more, and owes itself nothing") {
  StoredToken record = LockedLogin(kFirst);
  ExchangeTurn turn{kMine};
  const bool overtakes = GENERATE(false, true);
  CHECK(Take({false, overtakes, false}, &turn, &record) == ExchangeStep::kSend);
  CHECK(record.exchange.number == kMine);
  CHECK(record.exchange.owed.empty());
}

// --- Renew ---

TEST_CASE("the holder renews its own lock") {
  StoredToken record = LockedLogin(kFirst);
  CHECK(Renew(SentBy(kMine, kFirst), &record));
  CHECK(record.exchange.renewal == 4);
  CHECK(record.exchange.number == kMine);
}

TEST_CASE("who was overtaken learns so when it renews, and changes nothing") {
  StoredToken record = LockedLogin(kFirst);
  CHECK_FALSE(Renew(SentBy(kOthers, kFirst), &record));
  CHECK(record.exchange.renewal == 3);
  CHECK(record.exchange.number == kMine);
}

// --- Write ---

TEST_CASE("what was issued for the credential replaces it, together with the JWT") {
  StoredToken record = LockedLogin(kFirst, {kThird});
  Write(kSecond, JwtUntil(WallTime(1h)), SentBy(kMine, kFirst), &record);
  CHECK((record.credential == kSecond));
  CHECK(record.serial == 6);
  CHECK(TextsOf(record.exchange.candidates) == Texts{"fake-third"});
  REQUIRE(record.jwt);
  CHECK(record.jwt->expires == WallTime(1h));
  CHECK(record.exchange.number == kMine);  // until it is released
}

TEST_CASE("without a JWT of use the one of the record stays") {
  StoredToken record = LockedLogin(kFirst);
  record.jwt = JwtUntil(WallTime(1h));
  Write(kSecond, std::nullopt, SentBy(kMine, kFirst), &record);
  CHECK((record.credential == kSecond));
  REQUIRE(record.jwt);
  CHECK(record.jwt->expires == WallTime(1h));
}

TEST_CASE("a service that issues nothing, or the same again, has replaced nothing") {
  StoredToken record = LockedLogin(kFirst, {kSecond});
  const Secret got = GENERATE(false, true) ? kFirst : Secret();
  Write(got, JwtUntil(WallTime(1h)), SentBy(kMine, kFirst), &record);
  CHECK((record.credential == kFirst));
  CHECK(record.serial == 5);
  CHECK(TextsOf(record.exchange.candidates) == Texts{"fake-second"});
  CHECK(record.jwt);
}

TEST_CASE("an exchange that succeeds removes the mark") {
  StoredToken record = MarkedLogin();
  const Secret got = GENERATE(false, true) ? kSecond : Secret();
  Write(got, std::nullopt, SentBy(kMine, kFirst, kFirst), &record);
  CHECK(record.exchange.refused.empty());
}

TEST_CASE("what was issued for the credential counts, whoever has the lock") {
  StoredToken record = LockedLogin(kFirst);
  Write(kSecond, std::nullopt, SentBy(kOthers, kFirst), &record);
  CHECK((record.credential == kSecond));
  CHECK(record.exchange.number == kMine);
}

TEST_CASE("what was issued for a candidate is the credential, in the place of one that was refused") {
  StoredToken record = MarkedLogin({kSecond, kThird});
  Write(kFourth, std::nullopt, SentBy(kMine, kThird, kFirst), &record);
  CHECK((record.credential == kFourth));
  CHECK(record.serial == 6);
  CHECK(TextsOf(record.exchange.candidates) == Texts{"fake-second"});
  CHECK(record.exchange.refused.empty());
}

TEST_CASE("a credential that was not refused is a candidate when another candidate's answer takes its place") {
  StoredToken record = LoginWith(kFirst, {kSecond, kThird});
  // Its sender knows of the refusal of a credential that has been replaced.
  const Secret refused = GENERATE(false, true) ? Secret("fake-former") : Secret();
  const ExchangeTurn turn = SentBy(kMine, kThird, refused);
  Write(kFourth, std::nullopt, turn, &record);
  CHECK((record.credential == kFourth));
  CHECK(TextsOf(record.exchange.candidates) == Texts{"fake-second", "fake-first"});
}

TEST_CASE("a candidate that stays as it was is the credential") {
  StoredToken record = LoginWith(kFirst, {kSecond});
  Write({}, std::nullopt, SentBy(kMine, kSecond), &record);
  CHECK((record.credential == kSecond));
  CHECK(TextsOf(record.exchange.candidates) == Texts{"fake-first"});
}

TEST_CASE("an answer that is a candidate or the credential already is there once") {
  SECTION("issued for the credential") {
    StoredToken record = LoginWith(kFirst, {kSecond, kThird});
    Write(kSecond, std::nullopt, SentBy(kMine, kFirst), &record);
    CHECK((record.credential == kSecond));
    CHECK(TextsOf(record.exchange.candidates) == Texts{"fake-third"});
  }
  SECTION("issued for a candidate") {
    StoredToken record = LoginWith(kFirst, {kSecond});
    Write(kFirst, std::nullopt, SentBy(kMine, kSecond), &record);
    CHECK((record.credential == kFirst));
    CHECK(record.exchange.candidates.empty());
    CHECK(record.serial == 5);
  }
  SECTION("issued for neither, and the credential") {
    StoredToken record = LoginWith(kSecond, {kThird});
    Write(kSecond, JwtUntil(WallTime(1h)), SentBy(kMine, kFirst), &record);
    CHECK((record.credential == kSecond));
    CHECK(TextsOf(record.exchange.candidates) == Texts{"fake-third"});
    CHECK(record.jwt);
  }
  SECTION("issued for neither, and a candidate") {
    StoredToken record = LoginWith(kFourth, {kSecond, kThird});
    Write(kSecond, std::nullopt, SentBy(kMine, kFirst), &record);
    CHECK((record.credential == kFourth));
    CHECK(TextsOf(record.exchange.candidates) == Texts{"fake-second", "fake-third"});
  }
}

TEST_CASE("what was issued for a credential that has been replaced is the newest candidate, and its JWT is written") {
  StoredToken record = LoginWith(kSecond, {kThird});
  record.exchange.refused = RecordKey(kSecond);
  Write(kFourth, JwtUntil(WallTime(1h)), SentBy(kMine, kFirst), &record);
  CHECK((record.credential == kSecond));
  CHECK(record.serial == 5);
  CHECK(TextsOf(record.exchange.candidates) == Texts{"fake-third", "fake-fourth"});
  CHECK(record.jwt);
  CHECK(record.exchange.refused == RecordKey(kSecond));  // which the candidate lifts
  CHECK_FALSE(IsRevoked(record));
}

TEST_CASE("of nine candidates the oldest goes") {
  StoredToken record = LoginWith(kFirst);
  for (int i = 1; i <= 9; ++i) {
    Write(Secret("fake-" + std::to_string(i)), std::nullopt, SentBy(kMine, kSecond), &record);
  }
  const Texts kept{"fake-2", "fake-3", "fake-4", "fake-5", "fake-6", "fake-7", "fake-8", "fake-9"};
  CHECK(TextsOf(record.exchange.candidates) == kept);
}

TEST_CASE("who has written owes no answer, and others still do") {
  StoredToken record = LoginWith(kFirst);
  record.exchange.owed = {{kOthers, 1s}, {kMine, 2s}};
  Write(kSecond, std::nullopt, SentBy(kMine, kFirst), &record);
  REQUIRE(record.exchange.owed.size() == 1);
  CHECK(record.exchange.owed[0].number == kOthers);
}

// --- Judge ---

TEST_CASE("a credential that is refused for good is marked when there is nothing else, and the lock is given back") {
  StoredToken record = LockedLogin(kFirst);
  ExchangeTurn turn = SentBy(kMine, kFirst);
  CHECK(Judge(false, &turn, &record) == ExchangeStep::kRevoked);
  CHECK(record.exchange.refused == RecordKey(kFirst));
  CHECK(record.exchange.number == 0);
  CHECK((record.credential == kFirst));
}

TEST_CASE("after the credential the candidates are tried, the newest first, and each that is refused goes") {
  StoredToken record = LockedLogin(kFirst, {kSecond, kThird});
  ExchangeTurn turn = SentBy(kMine, kFirst);
  CHECK(Judge(false, &turn, &record) == ExchangeStep::kSend);
  CHECK((turn.sent == kThird));
  CHECK(turn.refused == RecordKey(kFirst));
  CHECK(record.exchange.candidates.size() == 2);
  CHECK(Judge(false, &turn, &record) == ExchangeStep::kSend);
  CHECK((turn.sent == kSecond));
  CHECK(TextsOf(record.exchange.candidates) == Texts{"fake-second"});
  CHECK(record.exchange.refused.empty());
  CHECK(record.exchange.number == kMine);
  CHECK(Judge(false, &turn, &record) == ExchangeStep::kRevoked);
  CHECK(record.exchange.candidates.empty());
  CHECK(record.exchange.refused == RecordKey(kFirst));
}

TEST_CASE("a refusal of a credential that has been replaced says nothing of the one that is there, which is sent") {
  StoredToken record = LockedLogin(kSecond, {kThird});
  const Secret known = GENERATE(false, true) ? kFirst : Secret();
  ExchangeTurn turn = SentBy(kMine, kFirst, known);
  CHECK(Judge(false, &turn, &record) == ExchangeStep::kSend);
  CHECK((turn.sent == kSecond));
  CHECK(turn.refused != RecordKey(kSecond));
  CHECK(record.exchange.refused.empty());
}

TEST_CASE("a refusal is no matter when there is a JWT") {
  StoredToken record = LockedLogin(kFirst);
  ExchangeTurn turn = SentBy(kMine, kFirst);
  CHECK(Judge(true, &turn, &record) == ExchangeStep::kAgain);
  CHECK(record.exchange.refused.empty());
  CHECK(record.exchange.number == kMine);
}

TEST_CASE("who was overtaken marks nothing and releases nothing, but the candidate that was refused goes") {
  StoredToken record = LockedLogin(kFirst, {kSecond});
  record.exchange.owed = {{kOthers, 0s}, {5, 0s}};
  ExchangeTurn turn = SentBy(kOthers, kSecond, kFirst);
  CHECK(Judge(false, &turn, &record) == ExchangeStep::kAgain);
  CHECK(record.exchange.candidates.empty());
  CHECK(record.exchange.refused.empty());
  CHECK(record.exchange.number == kMine);
  // It has its answer.
  REQUIRE(record.exchange.owed.size() == 1);
  CHECK(record.exchange.owed[0].number == 5);
}

TEST_CASE("as long as another owes an answer a refusal is doubted, and the lock is given back") {
  StoredToken record = LockedLogin(kFirst);
  record.exchange.owed = {{kOthers, 1min}};
  ExchangeTurn turn = SentBy(kMine, kFirst);
  CHECK(Judge(false, &turn, &record) == ExchangeStep::kInDoubt);
  CHECK(turn.refused == RecordKey(kFirst));
  CHECK(record.exchange.refused.empty());
  CHECK(record.exchange.number == 0);
  CHECK(record.exchange.owed.size() == 1);
}

TEST_CASE("an answer that one owes oneself is no reason for doubt") {
  StoredToken record = LockedLogin(kFirst);
  record.exchange.owed = {{kMine, 1min}};
  ExchangeTurn turn = SentBy(kMine, kFirst);
  CHECK(Judge(false, &turn, &record) == ExchangeStep::kRevoked);
  CHECK(record.exchange.owed.empty());
}

TEST_CASE("a candidate is tried before there is any doubt") {
  StoredToken record = LockedLogin(kFirst, {kSecond});
  record.exchange.owed = {{kOthers, 1min}};
  ExchangeTurn turn = SentBy(kMine, kFirst);
  CHECK(Judge(false, &turn, &record) == ExchangeStep::kSend);
  CHECK((turn.sent == kSecond));
}

// --- Release ---

TEST_CASE("the holder releases its own lock") {
  StoredToken record = LockedLogin(kFirst);
  Release(SentBy(kMine, kFirst), &record);
  CHECK(record.exchange.number == 0);
}

TEST_CASE("who was overtaken leaves the lock to its holder, and owes nothing any more") {
  StoredToken record = LockedLogin(kFirst);
  record.exchange.owed = {{5, 0s}, {kOthers, 0s}};
  Release(SentBy(kOthers, kFirst), &record);
  CHECK(record.exchange.number == kMine);
  REQUIRE(record.exchange.owed.size() == 1);
  CHECK(record.exchange.owed[0].number == 5);
}

// --- IsRevoked, IsDoubtOver ---

TEST_CASE("a login is revoked when its credential is marked and there is no candidate") {
  CHECK_FALSE(IsRevoked(LoginWith(kFirst)));
  CHECK(IsRevoked(MarkedLogin()));
  CHECK_FALSE(IsRevoked(MarkedLogin({kSecond})));
  StoredToken replaced = MarkedLogin();
  replaced.credential = kSecond;
  CHECK_FALSE(IsRevoked(replaced));
}

TEST_CASE("a doubt is over with a JWT, another credential, a candidate, or when nobody owes an answer any more") {
  const std::string refused = RecordKey(kFirst);
  StoredToken record = LoginWith(kFirst);
  record.exchange.owed = {{kOthers, 0s}};
  CHECK_FALSE(IsDoubtOver(false, refused, record));
  CHECK(IsDoubtOver(true, refused, record));
  StoredToken other = record;
  other.credential = kSecond;
  CHECK(IsDoubtOver(false, refused, other));
  other = record;
  other.exchange.candidates = {kSecond};
  CHECK(IsDoubtOver(false, refused, other));
  other = record;
  other.exchange.owed.clear();
  CHECK(IsDoubtOver(false, refused, other));
}

// --- NoteSeen ---

TEST_CASE("how long an answer is owed is noted, and only grows") {
  StoredToken record = LoginWith(kFirst);
  record.exchange.owed = {{kMine, 1min}, {kOthers, 2min}};
  CHECK(NoteSeen({kOthers, 3min}, &record));
  CHECK(record.exchange.owed[0].seen == 1min);
  CHECK(record.exchange.owed[1].seen == 3min);
  CHECK_FALSE(NoteSeen({kOthers, 3min}, &record));
  CHECK_FALSE(NoteSeen({kOthers, 2min}, &record));
  CHECK(record.exchange.owed[1].seen == 3min);
}

TEST_CASE("an answer that has been owed for ten minutes is owed no more") {
  StoredToken record = LoginWith(kFirst);
  record.exchange.owed = {{kMine, 1min}, {kOthers, 2min}};
  CHECK(NoteSeen({kOthers, 10min - 1ms}, &record));
  REQUIRE(record.exchange.owed.size() == 2);
  CHECK(NoteSeen({kOthers, 10min}, &record));
  REQUIRE(record.exchange.owed.size() == 1);
  CHECK(record.exchange.owed[0].number == kMine);
}

TEST_CASE("what is owed no more is not noted") {
  StoredToken record = LoginWith(kFirst);
  record.exchange.owed = {{kMine, 1min}};
  CHECK_FALSE(NoteSeen({kOthers, 10min}, &record));
  CHECK(record.exchange.owed.size() == 1);
}

}  // namespace
}  // namespace warppool::internal
