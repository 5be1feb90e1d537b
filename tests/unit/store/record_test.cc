#include "store/record.h"

#include <limits>
#include <string>
#include <string_view>

#include "catch.h"
#include "store/seal.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

const Secret kKey("fake-refresh-token");

constexpr WallTime kStoredAt{1'795'574'100'123ms};
// The last millisecond that the clock can hold.
constexpr WallTime kLast{std::chrono::duration_cast<std::chrono::milliseconds>(WallTime::duration::max())};
constexpr auto kMostNumber = std::numeric_limits<std::uint64_t>::max();

StoredToken Smallest() {
  StoredToken token;
  token.credential = Secret("fake-x");
  token.lineage = "a";
  return token;
}

StoredToken Full() {
  StoredToken token = Smallest();
  token.credential = Secret("fake-rotated-\"\\\n\xC3\xA9");
  token.serial = 7;
  token.lineage = RecordKey(kKey);
  token.trail = {RecordKey(kKey), RecordKey(Secret("fake-second")), "x.old-1"};
  token.jwt = StoredJwt{Secret("fake.jwt.text"), kStoredAt + 1h, 3600s};
  token.health = {2, true, true, kStoredAt + 30min, Code::kUnauthorized, "the service said: \"no\"\n"};
  token.counters.requests = 1;
  for (std::size_t i = 0; i < kOutcomeCount; ++i) token.counters.outcomes[i] = 100 + i;
  token.counters.failures = 2;
  token.counters.refreshes = 3;
  for (std::size_t i = 0; i < token.counters.first_event.buckets.size(); ++i) {
    token.counters.first_event.buckets[i] = 200 + i;
  }
  token.counters.first_event.sum = 12'345ms;
  token.last_used = kStoredAt;
  return token;
}

StoredToken Extreme() {
  StoredToken token = Full();
  token.credential = Secret(std::string(100'000, 'c'));
  token.serial = kMostNumber;
  token.lineage = std::string(200, 'l');
  token.trail.assign(1'000, std::string(200, 't'));
  token.jwt = StoredJwt{Secret(std::string("\0", 1)), kLast, 1'000'000'000s};
  token.health = {std::numeric_limits<int>::max(), true, true, kLast, Code::kFinishedUnknown, std::string(10'000, 'r')};
  token.counters.outcomes.fill(kMostNumber);
  token.counters.requests = token.counters.failures = token.counters.refreshes = kMostNumber;
  token.counters.first_event.buckets.fill(kMostNumber);
  token.counters.first_event.sum = std::chrono::milliseconds::max();
  token.last_used = WallTime{};
  return token;
}

StoredToken OpenedRecord(std::string_view sealed) {
  auto token = OpenRecord(sealed, kKey);
  INFO(token.status().ToString());
  REQUIRE(token.ok());
  return *std::move(token);
}

void CheckSame(const StoredToken& a, const StoredToken& b) {
  CHECK((a.credential == b.credential));
  CHECK(a.serial == b.serial);
  CHECK(a.lineage == b.lineage);
  CHECK(a.trail == b.trail);
  REQUIRE(a.jwt.has_value() == b.jwt.has_value());
  if (a.jwt) {
    CHECK((a.jwt->text == b.jwt->text));
    CHECK(a.jwt->expires == b.jwt->expires);
    CHECK(a.jwt->life == b.jwt->life);
  }
  CHECK(a.health.failures == b.health.failures);
  CHECK(a.health.disabled == b.health.disabled);
  CHECK(a.health.dead == b.health.dead);
  CHECK(a.health.cooling_until == b.health.cooling_until);
  CHECK(a.health.code == b.health.code);
  CHECK(a.health.reason == b.health.reason);
  CHECK(a.counters.requests == b.counters.requests);
  CHECK(a.counters.outcomes == b.counters.outcomes);
  CHECK(a.counters.failures == b.counters.failures);
  CHECK(a.counters.refreshes == b.counters.refreshes);
  CHECK(a.counters.first_event.buckets == b.counters.first_event.buckets);
  CHECK(a.counters.first_event.sum == b.counters.first_event.sum);
  CHECK(a.last_used == b.last_used);
}

std::string PlainOf(const StoredToken& token) {
  const auto plain = Unseal(kKey, SealRecord(token, kKey));
  REQUIRE(plain.ok());
  return std::string(plain->Reveal());
}

// The plain text of Full(), with `from` replaced.
std::string Changed(const std::string& from, const std::string& to) {
  std::string plain = PlainOf(Full());
  const std::size_t at = plain.find(from);
  INFO(from << " in " << plain);
  REQUIRE(at != plain.npos);
  return plain.replace(at, from.size(), to);
}

Result<StoredToken> OpenPlain(std::string_view plain) {
  return OpenRecord(Seal(kKey, plain), kKey);
}

TEST_CASE("a record opens as it was sealed") {
  SECTION("with nothing in it that may be missing") {
    CheckSame(OpenedRecord(SealRecord(Smallest(), kKey)), Smallest());
  }
  SECTION("with everything") {
    CheckSame(OpenedRecord(SealRecord(Full(), kKey)), Full());
  }
  SECTION("with all that it can hold") {
    CheckSame(OpenedRecord(SealRecord(Extreme(), kKey)), Extreme());
  }
}

TEST_CASE("each flag is its own") {
  StoredToken token = Smallest();
  token.health.disabled = true;
  CheckSame(OpenedRecord(SealRecord(token, kKey)), token);
  // Dead implies disabled, whoever wrote it.
  token.health = {0, false, true, {}, Code::kOk, {}};
  CHECK(OpenedRecord(SealRecord(token, kKey)).health.disabled);
}

TEST_CASE("what a record cannot hold is brought into its range") {
  StoredToken token = Smallest();
  token.jwt = StoredJwt{Secret("fake"), WallTime::min(), std::chrono::seconds::max()};
  token.last_used = WallTime::max();
  token.health.cooling_until = kStoredAt + 999us;
  token.health.reason = "not UTF-8: \xFF";
  const StoredToken opened = OpenedRecord(SealRecord(token, kKey));
  CHECK(opened.jwt->expires == WallTime{});
  CHECK(opened.jwt->life == 1'000'000'000s);
  CHECK(opened.last_used == kLast);
  CHECK(opened.health.cooling_until == kStoredAt);
  CHECK(opened.health.reason == "not UTF-8: \xEF\xBF\xBD");
  token.jwt->life = -1s;
  CHECK(OpenedRecord(SealRecord(token, kKey)).jwt->life == 0s);
}

TEST_CASE("a code that this version does not know is kept") {
  const auto token = OpenPlain(Changed("\"code\":20", "\"code\":9999"));
  REQUIRE(token.ok());
  CHECK(static_cast<int>(token->health.code) == 9999);
}

TEST_CASE("a record of another token does not open, and is not read") {
  const auto token = OpenRecord(SealRecord(Full(), Secret("fake-other")), kKey);
  CHECK(token.code() == Code::kInvalidArgument);
  CHECK_THAT(token.status().message(), ContainsSubstring("does not open"));
}

TEST_CASE("a record of a later format is refused, and says so") {
  const auto token = OpenPlain(Changed("\"format\":1", "\"format\":2"));
  CHECK(token.code() == Code::kInvalidArgument);
  CHECK_THAT(token.status().message(), ContainsSubstring("later version") && ContainsSubstring("format 2"));
  // Whatever else there is in it.
  CHECK_THAT(OpenPlain("{\"format\":99}").status().message(), ContainsSubstring("format 99"));
}

TEST_CASE("members that are not known are ignored, and what was not counted is 0") {
  auto token = OpenPlain(Changed("\"format\":1", "\"new\":{\"a\":[1,null]},\"format\":1"));
  REQUIRE(token.ok());
  CheckSame(*token, Full());
  token = OpenPlain(Changed("\"success\":100,", "\"unheard_of\":-1,"));
  REQUIRE(token.ok());
  CHECK(token->counters.Successes() == 0);
  CHECK(token->counters.Of(Outcome::kAccepted) == 101);
  token = OpenPlain(Changed("\"250\":202", "\"251\":1"));
  REQUIRE(token.ok());
  CHECK(token->counters.first_event.buckets[2] == 0);
  CHECK(token->counters.first_event.buckets[3] == 203);
}

TEST_CASE("members may come in any order") {
  const auto token = OpenPlain(R"({"health":{"reason":"","code":0,"dead":false,"disabled":false,"strikes":1},
      "counters":{"first_event":{"more":4,"sum":3,"50":2},"outcomes":{"cancelled":5}},
      "trail":[],"lineage":"l","serial":9,"credential":"fake-c","format":1})");
  INFO(token.status().ToString());
  REQUIRE(token.ok());
  CHECK(token->serial == 9);
  CHECK(token->trail.empty());
  CHECK(token->health.failures == 1);
  CHECK(token->counters.Of(Outcome::kCancelled) == 5);
  CHECK(token->counters.first_event.buckets.front() == 2);
  CHECK(token->counters.first_event.buckets.back() == 4);
}

TEST_CASE("a member that is missing, or not what it should be, is named") {
  struct Row {
    std::string from;
    std::string to;
    std::string member;
  };
  const std::string kFullJwt = R"("jwt":{"text":"fake.jwt.text","expires":1795577700123,"life":3600})";
  const auto row = GENERATE_REF(values<Row>({
      {"\"format\":1,", "", "format"},
      {"\"format\":1", "\"format\":0", "format"},
      {"\"format\":1", "\"format\":1.5", "format"},
      {"\"format\":1", "\"format\":\"x\"", "format"},
      {"\"format\":1", "\"format\":99999999999999999999", "format"},
      {"\"credential\":", "\"other\":", "credential"},
      {"\"credential\":", "\"credential\":\"\",\"other\":", "credential"},
      {"\"credential\":", "\"credential\":null,\"other\":", "credential"},
      {"\"credential\":", "\"credential\":[1],\"other\":", "credential"},
      {"\"serial\":7", "\"x\":7", "serial"},
      {"\"serial\":7", "\"serial\":-1", "serial"},
      {"\"serial\":7", "\"serial\":18446744073709551616", "serial"},
      {"\"serial\":7", "\"serial\":7e0", "serial"},
      {"\"serial\":7", "\"serial\":\" 7\"", "serial"},
      {"\"serial\":7", "\"serial\":\"\"", "serial"},
      {"\"lineage\":", "\"x\":", "lineage"},
      {"\"lineage\":", "\"lineage\":\"\",\"x\":", "lineage"},
      {"\"lineage\":", "\"lineage\":\"a/b\",\"x\":", "lineage"},
      {"\"trail\":[", "\"trail\":[\"a b\",", "trail.0"},
      {"\"trail\":[", "\"trail\":\"a\",\"x\":[", "trail"},
      {"\"text\":", "\"x\":", "jwt.text"},
      {kFullJwt, R"("jwt":{"text":"","expires":1,"life":1})", "jwt.text"},
      {kFullJwt, R"("jwt":{"text":"a","life":1})", "jwt.expires"},
      {kFullJwt, R"("jwt":{"text":"a","expires":-1,"life":1})", "jwt.expires"},
      {kFullJwt, R"("jwt":{"text":"a","expires":9223372036855,"life":1})", "jwt.expires"},
      {kFullJwt, R"("jwt":{"text":"a","expires":9223372036854775807,"life":1})", "jwt.expires"},
      {kFullJwt, R"("jwt":{"text":"a","expires":1})", "jwt.life"},
      {kFullJwt, R"("jwt":{"text":"a","expires":1,"life":-1})", "jwt.life"},
      {kFullJwt, R"("jwt":{"text":"a","expires":1,"life":1000000001})", "jwt.life"},
      {"\"health\":", "\"x\":", "health.strikes"},
      {"\"strikes\":2,\"disabled\"", "\"disabled\"", "health.strikes"},
      {"\"strikes\":2,\"disabled\"", "\"strikes\":-1,\"disabled\"", "health.strikes"},
      {"\"strikes\":2,\"disabled\"", "\"strikes\":2147483648,\"disabled\"", "health.strikes"},
      {"\"disabled\":true", "\"x\":true", "health.disabled"},
      {"\"disabled\":true", "\"disabled\":1", "health.disabled"},
      {"\"dead\":true", "\"x\":true", "health.dead"},
      {"\"dead\":true", "\"dead\":\"yes\"", "health.dead"},
      {"\"cooling_until\":1", "\"cooling_until\":-1", "health.cooling_until"},
      {"\"cooling_until\":1", "\"cooling_until\":true,\"x\":1", "health.cooling_until"},
      {"\"code\":20", "\"x\":20", "health.code"},
      {"\"code\":20", "\"code\":-1", "health.code"},
      {"\"code\":20", "\"code\":4294967297", "health.code"},
      {"\"code\":20", "\"code\":\"unauthorized\"", "health.code"},
      {"\"reason\":", "\"x\":", "health.reason"},
      {"\"requests\":1", "\"requests\":-1", "counters.requests"},
      {"\"strikes\":2,\"refreshes\"", "\"strikes\":\"x\",\"refreshes\"", "counters.strikes"},
      {"\"refreshes\":3", "\"refreshes\":3.5", "counters.refreshes"},
      {"\"success\":100", "\"success\":-100", "counters.outcomes.success"},
      {"\"cancelled\":114", "\"cancelled\":true", "counters.outcomes.cancelled"},
      {"\"sum\":12345", "\"x\":1", "counters.first_event.sum"},
      {"\"sum\":12345", "\"sum\":-1", "counters.first_event.sum"},
      {"\"sum\":12345", "\"sum\":9223372036854775808", "counters.first_event.sum"},
      {"\"50\":200", "\"50\":18446744073709551616", "counters.first_event.50"},
      {"\"more\":210", "\"more\":\"many\"", "counters.first_event.more"},
      {"\"last_used\":", "\"last_used\":-", "last_used"},
  }));
  const std::string plain = Changed(row.from, row.to);
  INFO(plain);
  const auto token = OpenPlain(plain);
  REQUIRE_FALSE(token.ok());
  CHECK(token.code() == Code::kInvalidArgument);
  CHECK_THAT(token.status().message(), ContainsSubstring("cannot be used: \"" + row.member + "\" "));
  CHECK_THAT(token.status().message(), !ContainsSubstring("fake"));
}

TEST_CASE("a plain text that is no such JSON is refused") {
  const auto plain = GENERATE(as<std::string>(), "", "fake-text", "[]", "{}", "{\"format\":1", "null", "7");
  const auto token = OpenPlain(plain);
  REQUIRE_FALSE(token.ok());
  CHECK(token.code() == Code::kInvalidArgument);
  CHECK_THAT(token.status().message(), ContainsSubstring("cannot be used") && !ContainsSubstring("fake"));
}

TEST_CASE("a record that is cut anywhere in its plain text is refused") {
  const std::string plain = PlainOf(Full());
  for (std::size_t size = 0; size < plain.size(); ++size) {
    if (OpenPlain(plain.substr(0, size)).ok()) FAIL_CHECK("opened with " << size << " bytes");
  }
}

TEST_CASE("a record that 0.1.0 wrote is read, with its names for what is called otherwise now") {
  const std::string plain =
      R"({"format":1,"credential":"fake-rotated","serial":7,"lineage":")" + RecordKey(kKey) +
      R"(","trail":[],)"
      R"("health":{"strikes":2,"disabled":true,"dead":true,"code":20,"reason":"no"},)"
      R"("counters":{"requests":9,"strikes":3,"refreshes":4,"outcomes":{"success":1,"accepted":0,"auth_stale":0,)"
      R"("auth_rejected":0,"auth_dead":5,"quota_exhausted":0,"server_error":0,"overloaded":0,"network":0,"stream_cut":0,)"
      R"("request_fault":0,"garbled":0,"misconfigured":0,"finished_otherwise":0,"cancelled":0},"first_event":{"sum":0}}})";
  const StoredToken token = OpenedRecord(Seal(kKey, plain));
  CHECK((token.credential == Secret("fake-rotated")));
  CHECK(token.serial == 7);
  CHECK(token.health.failures == 2);
  CHECK(token.health.dead);
  CHECK(token.counters.failures == 3);
  CHECK(token.counters.Of(Outcome::kAuthRevoked) == 5);
  CHECK(token.counters.Of(Outcome::kBlocked) == 0);
}

}  // namespace
}  // namespace warppool::internal
