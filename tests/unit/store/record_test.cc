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
constexpr std::chrono::milliseconds kLongestKept{1'000'000'000'000};
constexpr auto kMostNumber = std::numeric_limits<std::uint64_t>::max();

StoredToken Smallest() {
  StoredToken token;
  token.credential = Secret("fake-x");
  return token;
}

StoredToken Full() {
  StoredToken token = Smallest();
  token.credential = Secret("fake-rotated-\"\\\n\xC3\xA9");
  token.serial = 7;
  token.links = {RecordKey(Secret("fake-second")), "x.old-1"};
  token.jwt = StoredJwt{Secret("fake.jwt.text"), kStoredAt + 1h, 3600s};
  token.exchange.candidates = {Secret("fake-candidate-1"), Secret("fake-candidate-2\"\xC3\xA9")};
  token.exchange.refused = RecordKey(token.credential);
  token.exchange.number = 11;
  token.exchange.renewal = 12;
  token.exchange.owed = {{13, 14ms}, {15, 16ms}};
  token.health = {2, true, kStoredAt + 30min, 1800s, 120s, Code::kUnauthorized, "the service said: \"no\"\n"};
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
  token.links.assign(1'000, std::string(200, 't'));
  token.jwt = StoredJwt{Secret(std::string("\0", 1)), kLast, 1'000'000'000s};
  token.exchange.candidates.assign(100, Secret(std::string(1'000, 'c')));
  token.exchange.refused = std::string(200, 'r');
  token.exchange.number = token.exchange.renewal = kMostNumber;
  token.exchange.owed.assign(1'000, {kMostNumber, kLongestKept});
  token.health.failures = std::numeric_limits<int>::max();
  token.health.cooling_until = kLast;
  token.health.cooling_for = token.health.recovery_delay = kLongestKept;
  token.health.code = Code::kFinishedUnknown;
  token.health.reason = std::string(10'000, 'r');
  token.counters.outcomes.fill(kMostNumber);
  token.counters.requests = token.counters.failures = token.counters.refreshes = kMostNumber;
  token.counters.first_event.buckets.fill(kMostNumber);
  token.counters.first_event.sum = std::chrono::milliseconds::max();
  token.last_used = WallTime{};
  return token;
}

OpenedRecord OpenedFrom(std::string_view sealed) {
  auto opened = OpenRecord(sealed, kKey);
  INFO(opened.status().ToString());
  REQUIRE(opened.ok());
  return *std::move(opened);
}

StoredToken OpenedToken(const StoredToken& token) {
  OpenedRecord opened = OpenedFrom(SealRecord(token, kKey));
  CHECK(opened.leads_to.empty());
  return std::move(opened.token);
}

void CheckSame(const StoredToken& a, const StoredToken& b) {
  CHECK((a.credential == b.credential));
  CHECK(a.serial == b.serial);
  CHECK(a.links == b.links);
  REQUIRE(a.jwt.has_value() == b.jwt.has_value());
  if (a.jwt) {
    CHECK((a.jwt->text == b.jwt->text));
    CHECK(a.jwt->expires == b.jwt->expires);
    CHECK(a.jwt->life == b.jwt->life);
  }
  CHECK((a.exchange.candidates == b.exchange.candidates));
  CHECK(a.exchange.refused == b.exchange.refused);
  CHECK(a.exchange.number == b.exchange.number);
  CHECK(a.exchange.renewal == b.exchange.renewal);
  REQUIRE(a.exchange.owed.size() == b.exchange.owed.size());
  for (std::size_t i = 0; i < a.exchange.owed.size(); ++i) {
    if (a.exchange.owed[i].number != b.exchange.owed[i].number || a.exchange.owed[i].seen != b.exchange.owed[i].seen) {
      FAIL_CHECK("another answer is owed at " << i);
    }
  }
  CHECK(a.health.failures == b.health.failures);
  CHECK(a.health.disabled == b.health.disabled);
  CHECK(a.health.cooling_until == b.health.cooling_until);
  CHECK(a.health.cooling_for == b.health.cooling_for);
  CHECK(a.health.recovery_delay == b.health.recovery_delay);
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

Result<OpenedRecord> OpenPlain(std::string_view plain) {
  return OpenRecord(Seal(kKey, plain), kKey);
}

TEST_CASE("a record opens as it was sealed") {
  SECTION("with nothing in it that may be missing") {
    CheckSame(OpenedToken(Smallest()), Smallest());
  }
  SECTION("with everything") {
    CheckSame(OpenedToken(Full()), Full());
  }
  SECTION("with all that it can hold") {
    CheckSame(OpenedToken(Extreme()), Extreme());
  }
}

TEST_CASE("each part of the health and of the exchange is its own") {
  StoredToken token = Smallest();
  SECTION("disabled") {
    token.health.disabled = true;
  }
  SECTION("refused") {
    token.exchange.refused = RecordKey(token.credential);
  }
  SECTION("cooling until") {
    token.health.cooling_until = kStoredAt;
  }
  SECTION("cooling for") {
    token.health.cooling_for = 1ms;
  }
  SECTION("recovery delay") {
    token.health.recovery_delay = 1ms;
  }
  SECTION("number") {
    token.exchange.number = 1;
  }
  SECTION("renewal") {
    token.exchange.renewal = 1;
  }
  SECTION("owed, and not seen yet") {
    token.exchange.owed = {{1, 0ms}};
  }
  SECTION("a candidate") {
    token.exchange.candidates = {Secret("fake-candidate")};
  }
  SECTION("a link") {
    token.links = {"a"};
  }
  CheckSame(OpenedToken(token), token);
}

TEST_CASE("what a record cannot hold is brought into its range") {
  StoredToken token = Smallest();
  token.jwt = StoredJwt{Secret("fake"), WallTime::min(), std::chrono::seconds::max()};
  token.last_used = WallTime::max();
  token.health.cooling_until = kStoredAt + 999us;
  token.health.reason = "not UTF-8: \xFF";
  token.health.cooling_for = -1ms;
  token.health.recovery_delay = -1ms;
  token.exchange.owed = {{1, -1ms}};
  const StoredToken opened = OpenedToken(token);
  CHECK(opened.jwt->expires == WallTime{});
  CHECK(opened.jwt->life == 1'000'000'000s);
  CHECK(opened.last_used == kLast);
  CHECK(opened.health.cooling_until == kStoredAt);
  CHECK(opened.health.reason == "not UTF-8: \xEF\xBF\xBD");
  CHECK(opened.health.cooling_for == 0ms);
  CHECK(opened.health.recovery_delay == 0ms);
  CHECK(opened.exchange.owed.at(0).seen == 0ms);
  token.jwt->life = -1s;
  CHECK(OpenedToken(token).jwt->life == 0s);
}

TEST_CASE("a duration that is longer than a record can hold is the longest") {
  StoredToken token = Smallest();
  token.health.cooling_for = token.health.recovery_delay = std::chrono::milliseconds::max();
  token.exchange.owed = {{1, std::chrono::milliseconds::max()}};
  const StoredToken opened = OpenedToken(token);
  CHECK(opened.health.cooling_for == kLongestKept);
  CHECK(opened.health.recovery_delay == kLongestKept);
  CHECK(opened.exchange.owed.at(0).seen == kLongestKept);
}

TEST_CASE("a link opens as what it leads to, and only with the credential that it is under") {
  const OpenedRecord opened = OpenedFrom(SealLink(Secret("fake-first-\"\\\n"), kKey));
  CHECK((opened.leads_to == Secret("fake-first-\"\\\n")));
  CHECK(opened.token.credential.empty());
  CHECK_FALSE(OpenRecord(SealLink(Secret("fake-first"), Secret("fake-other")), kKey).ok());
}

TEST_CASE("a link that leads nowhere is refused") {
  const auto plain = GENERATE(as<std::string>(), R"({"format":2,"leads_to":""})", R"({"format":2,"leads_to":null})",
                              R"({"format":2,"leads_to":["fake-first"]})");
  CHECK(OpenPlain(plain).code() == Code::kInvalidArgument);
}

TEST_CASE("a link of a later format is refused, and says so") {
  const auto opened = OpenPlain(R"({"format":3,"leads_to":"fake-first"})");
  CHECK_THAT(opened.status().message(), ContainsSubstring("later version"));
}

TEST_CASE("a record under the key of another credential than the one that counts is no link") {
  CHECK(OpenedFrom(SealRecord(Full(), kKey)).leads_to.empty());
}

TEST_CASE("a code that this version does not know is kept") {
  const auto token = OpenPlain(Changed("\"code\":20", "\"code\":9999"));
  REQUIRE(token.ok());
  CHECK(static_cast<int>(token->token.health.code) == 9999);
}

TEST_CASE("a record of another token does not open, and is not read") {
  const auto token = OpenRecord(SealRecord(Full(), Secret("fake-other")), kKey);
  CHECK(token.code() == Code::kInvalidArgument);
  CHECK_THAT(token.status().message(), ContainsSubstring("does not open"));
}

TEST_CASE("a record of a later format is refused, and says so") {
  const auto token = OpenPlain(Changed("\"format\":2", "\"format\":3"));
  CHECK(token.code() == Code::kInvalidConfig);
  CHECK_THAT(token.status().message(), ContainsSubstring("later version") && ContainsSubstring("format 3"));
  // Whatever else there is in it.
  CHECK_THAT(OpenPlain("{\"format\":99}").status().message(), ContainsSubstring("format 99"));
}

TEST_CASE("members that are not known are ignored, and what was not counted is 0") {
  auto token = OpenPlain(Changed("\"format\":2", "\"new\":{\"a\":[1,null]},\"format\":2"));
  REQUIRE(token.ok());
  CheckSame(token->token, Full());
  token = OpenPlain(Changed("\"success\":100,", "\"unheard_of\":-1,"));
  REQUIRE(token.ok());
  CHECK(token->token.counters.Successes() == 0);
  CHECK(token->token.counters.Of(Outcome::kAccepted) == 101);
  token = OpenPlain(Changed("\"250\":202", "\"251\":1"));
  REQUIRE(token.ok());
  CHECK(token->token.counters.first_event.buckets[2] == 0);
  CHECK(token->token.counters.first_event.buckets[3] == 203);
}

TEST_CASE("members may come in any order") {
  const auto token =
      OpenPlain(R"({"health":{"reason":"","code":0,"recovery_delay":8,"cooling_for":7,"disabled":false,"failures":1},
      "counters":{"first_event":{"more":4,"sum":3,"50":2},"outcomes":{"cancelled":5}},
      "exchange":{"owed":[{"seen":6,"number":5}],"renewal":4,"number":3,"candidates":["fake-d"]},
      "links":[],"serial":9,"credential":"fake-c","format":2})");
  INFO(token.status().ToString());
  REQUIRE(token.ok());
  CHECK(token->token.serial == 9);
  CHECK(token->token.links.empty());
  CHECK(token->token.exchange.number == 3);
  CHECK(token->token.exchange.renewal == 4);
  REQUIRE(token->token.exchange.owed.size() == 1);
  CHECK(token->token.exchange.owed[0].number == 5);
  CHECK(token->token.exchange.owed[0].seen == 6ms);
  CHECK(token->token.health.failures == 1);
  CHECK(token->token.health.cooling_for == 7ms);
  CHECK(token->token.health.recovery_delay == 8ms);
  CHECK(token->token.counters.Of(Outcome::kCancelled) == 5);
  CHECK(token->token.counters.first_event.buckets.front() == 2);
  CHECK(token->token.counters.first_event.buckets.back() == 4);
}

TEST_CASE("a member that is missing, or not what it should be, is named") {
  struct Row {
    std::string from;
    std::string to;
    std::string member;
  };
  const std::string kFullJwt = R"("jwt":{"text":"fake.jwt.text","expires":1795577700123,"life":3600})";
  const auto row = GENERATE_REF(values<Row>({
      {"\"format\":2,", "", "format"},
      {"\"format\":2", "\"format\":0", "format"},
      {"\"format\":2", "\"format\":1.5", "format"},
      {"\"format\":2", "\"format\":\"x\"", "format"},
      {"\"format\":2", "\"format\":99999999999999999999", "format"},
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
      {"\"links\":[", "\"links\":[\"a b\",", "links.0"},
      {"\"x.old-1\"]", "\"a/b\"]", "links.1"},
      {"\"links\":[", "\"links\":[\"\",", "links.0"},
      {"\"links\":[", "\"links\":\"a\",\"x\":[", "links"},
      {"\"candidates\":[", "\"candidates\":[\"\",", "exchange.candidates.0"},
      {"\"candidates\":[", "\"candidates\":\"fake-a\",\"x\":[", "exchange.candidates"},
      {"\"candidates\":[", "\"candidates\":[{\"x\":1},", "exchange.candidates.0"},
      {"\"links\":[", "\"links\":[[\"a\"],", "links.0"},
      {"\"refused\":\"", "\"refused\":\"a/", "exchange.refused"},
      {"\"refused\":", "\"refused\":\"\",\"x\":", "exchange.refused"},
      {"\"number\":11", "\"x\":11", "exchange.number"},
      {"\"number\":11", "\"number\":-1", "exchange.number"},
      {"\"number\":11", "\"number\":18446744073709551616", "exchange.number"},
      {"\"renewal\":12", "\"x\":12", "exchange.renewal"},
      {"\"renewal\":12", "\"renewal\":1.5", "exchange.renewal"},
      {"\"renewal\":12", "\"renewal\":18446744073709551616", "exchange.renewal"},
      {"\"owed\":[", "\"owed\":7,\"x\":[", "exchange.owed"},
      {"\"number\":13", "\"number\":0", "exchange.owed.0.number"},
      {"\"number\":15", "\"number\":-1", "exchange.owed.1.number"},
      {"\"seen\":14", "\"x\":14", "exchange.owed.0.seen"},
      {"\"number\":13", "\"x\":13", "exchange.owed.0.number"},
      {"\"owed\":[", "\"owed\":[7,", "exchange.owed.0.number"},
      {"\"seen\":16", "\"seen\":-1", "exchange.owed.1.seen"},
      {"\"seen\":16", "\"seen\":1000000000001", "exchange.owed.1.seen"},
      {"\"text\":", "\"x\":", "jwt.text"},
      {kFullJwt, R"("jwt":{"text":"","expires":1,"life":1})", "jwt.text"},
      {kFullJwt, R"("jwt":{"text":"a","life":1})", "jwt.expires"},
      {kFullJwt, R"("jwt":{"text":"a","expires":-1,"life":1})", "jwt.expires"},
      {kFullJwt, R"("jwt":{"text":"a","expires":9223372036855,"life":1})", "jwt.expires"},
      {kFullJwt, R"("jwt":{"text":"a","expires":9223372036854775807,"life":1})", "jwt.expires"},
      {kFullJwt, R"("jwt":{"text":"a","expires":1})", "jwt.life"},
      {kFullJwt, R"("jwt":{"text":"a","expires":1,"life":-1})", "jwt.life"},
      {kFullJwt, R"("jwt":{"text":"a","expires":1,"life":1000000001})", "jwt.life"},
      {"\"health\":", "\"x\":", "health.failures"},
      {"\"failures\":2,\"disabled\"", "\"disabled\"", "health.failures"},
      {"\"failures\":2,\"disabled\"", "\"failures\":-1,\"disabled\"", "health.failures"},
      {"\"failures\":2,\"disabled\"", "\"failures\":2147483648,\"disabled\"", "health.failures"},
      {"\"disabled\":true", "\"x\":true", "health.disabled"},
      {"\"disabled\":true", "\"disabled\":1", "health.disabled"},
      {"\"cooling_until\":1", "\"cooling_until\":-1", "health.cooling_until"},
      {"\"cooling_until\":1", "\"cooling_until\":true,\"x\":1", "health.cooling_until"},
      {"\"cooling_for\":1800000", "\"x\":1", "health.cooling_for"},
      {"\"cooling_for\":1800000", "\"cooling_for\":-1", "health.cooling_for"},
      {"\"cooling_for\":1800000", "\"cooling_for\":1000000000001", "health.cooling_for"},
      {"\"recovery_delay\":120000", "\"x\":1", "health.recovery_delay"},
      {"\"recovery_delay\":120000", "\"recovery_delay\":-1", "health.recovery_delay"},
      {"\"recovery_delay\":120000", "\"recovery_delay\":1000000000001", "health.recovery_delay"},
      {"\"code\":20", "\"x\":20", "health.code"},
      {"\"code\":20", "\"code\":-1", "health.code"},
      {"\"code\":20", "\"code\":4294967297", "health.code"},
      {"\"code\":20", "\"code\":\"unauthorized\"", "health.code"},
      {"\"reason\":", "\"x\":", "health.reason"},
      {"\"requests\":1", "\"requests\":-1", "counters.requests"},
      {"\"failures\":2,\"refreshes\"", "\"failures\":\"x\",\"refreshes\"", "counters.failures"},
      {"\"refreshes\":3", "\"refreshes\":3.5", "counters.refreshes"},
      {"\"success\":100", "\"success\":-100", "counters.outcomes.success"},
      {"\"auth_revoked\":104", "\"auth_revoked\":-1", "counters.outcomes.auth_revoked"},
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

// As 0.1.0 wrote it; `dead`: who is revoked now.
std::string PlainOf010(const std::string& credential, bool dead) {
  return R"({"format":1,"credential":")" + credential + R"(","serial":7,"lineage":")" + RecordKey(kKey) +
         R"(","trail":["a"],"jwt":{"text":"fake.jwt.text","expires":1795577700123,"life":3600},)"
         R"("health":{"strikes":2,"disabled":true,"dead":)" +
         (dead ? "true" : "false") +
         R"(,"cooling_until":1795574100123,"code":20,"reason":"no"},)"
         R"("counters":{"requests":9,"strikes":3,"refreshes":4,"outcomes":{"success":1,"accepted":0,"auth_stale":0,)"
         R"("auth_rejected":0,"auth_dead":5,"quota_exhausted":0,"server_error":0,"overloaded":0,"network":0,"stream_cut":0,)"
         R"("request_fault":0,"garbled":0,"misconfigured":0,"finished_otherwise":0,"cancelled":0},"first_event":{"sum":6}},)"
         R"("last_used":1795574100123})";
}

TEST_CASE("a record that 0.1.0 wrote is read, with its names for what is called otherwise now") {
  const OpenedRecord opened = OpenedFrom(Seal(kKey, PlainOf010("fake-refresh-token", false)));
  CHECK(opened.leads_to.empty());
  const StoredToken& token = opened.token;
  CHECK((token.credential == kKey));
  CHECK(token.serial == 7);
  CHECK(token.links.empty());
  REQUIRE(token.jwt);
  CHECK((token.jwt->text == Secret("fake.jwt.text")));
  CHECK(token.jwt->expires == kStoredAt + 1h);
  CHECK(token.jwt->life == 3600s);
  CHECK(token.exchange.candidates.empty());
  CHECK(token.exchange.refused.empty());
  CHECK(token.exchange.number == 0);
  CHECK(token.exchange.owed.empty());
  CHECK(token.health.failures == 2);
  CHECK(token.health.disabled);
  CHECK(token.health.cooling_until == kStoredAt);
  CHECK(token.health.cooling_for == 0ms);
  CHECK(token.health.recovery_delay == 0ms);
  CHECK(token.health.code == Code::kUnauthorized);
  CHECK(token.health.reason == "no");
  CHECK(token.counters.requests == 9);
  CHECK(token.counters.failures == 3);
  CHECK(token.counters.refreshes == 4);
  CHECK(token.counters.Of(Outcome::kSuccess) == 1);
  CHECK(token.counters.Of(Outcome::kAuthRevoked) == 5);
  CHECK(token.counters.Of(Outcome::kBlocked) == 0);
  CHECK(token.counters.first_event.sum == 6ms);
  CHECK(token.last_used == kStoredAt);
}

TEST_CASE("a credential that 0.1.0 found dead is refused, and not disabled besides") {
  const StoredToken token = OpenedFrom(Seal(kKey, PlainOf010("fake-refresh-token", true))).token;
  CHECK(token.exchange.refused == RecordKey(kKey));
  CHECK_FALSE(token.health.disabled);
}

TEST_CASE("a record of 0.1.0 leads to the one of its credential, if it is under another's key") {
  const OpenedRecord opened = OpenedFrom(Seal(kKey, PlainOf010("fake-rotated", true)));
  CHECK((opened.leads_to == Secret("fake-rotated")));
  CHECK((opened.token.credential == Secret("fake-rotated")));
  CHECK(opened.token.serial == 7);
  CHECK(opened.token.exchange.refused == RecordKey(Secret("fake-rotated")));
}

TEST_CASE("what is not as it should be in a record of 0.1.0 is called by its name there") {
  struct Row {
    std::string from;
    std::string to;
    std::string member;
  };
  const auto row = GENERATE_REF(values<Row>({
      {"\"strikes\":2", "\"failures\":2", "health.strikes"},
      {"\"dead\":false", "\"x\":false", "health.dead"},
      {"\"dead\":false", "\"dead\":\"no\"", "health.dead"},
      {"\"strikes\":3", "\"strikes\":-3", "counters.strikes"},
      {"\"auth_dead\":5", "\"auth_dead\":-5", "counters.outcomes.auth_dead"},
  }));
  std::string plain = PlainOf010("fake-refresh-token", false);
  plain.replace(plain.find(row.from), row.from.size(), row.to);
  INFO(plain);
  const auto opened = OpenPlain(plain);
  CHECK(opened.code() == Code::kInvalidArgument);
  CHECK_THAT(opened.status().message(), ContainsSubstring("cannot be used: \"" + row.member + "\" "));
}

}  // namespace
}  // namespace warppool::internal
