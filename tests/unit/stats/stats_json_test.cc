#include "base/json.h"

#include <cstdlib>
#include <limits>
#include <string>

#include "base/utf8.h"
#include "catch.h"
#include "unit/stats/stats_fixture.h"

namespace warppool::internal {
namespace {

using Catch::Matchers::ContainsSubstring;

// A document, and its scalars under their paths. Null has no path: see `text` for it.
struct Document {
  explicit Document(const Stats& stats) : text(stats.ToJson()) {
    auto parsed = FlatJson::Parse(text);
    INFO(text << "\n" << parsed.status().ToString());
    REQUIRE(parsed.ok());
    json = *std::move(parsed);
  }

  std::string At(const std::string& path) const {
    const std::string* value = json.Find(path);
    return value == nullptr ? "(none)" : *value;
  }
  double NumberAt(const std::string& path) const { return std::strtod(At(path).c_str(), nullptr); }

  std::string text;
  FlatJson json;
};

void CheckCounters(const Document& document, const std::string& path, const Counters& counters) {
  INFO(path);
  const auto at = [&](const std::string& key) { return document.At(path + "." + key); };
  CHECK(at("requests") == std::to_string(counters.requests));
  CHECK(at("successes") == std::to_string(counters.outcomes[0]));
  CHECK(at("failed_attempts") == std::to_string(counters.FailedAttempts()));
  CHECK(at("failures") == std::to_string(counters.failures));
  CHECK(at("refreshes") == std::to_string(counters.refreshes));
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    const std::string name = OutcomeName(static_cast<Outcome>(i));
    INFO(name);
    CHECK(at("outcomes." + name) == std::to_string(counters.outcomes[i]));
  }

  const Latency& latency = counters.first_event;
  CHECK(at("first_event.count") == std::to_string(latency.Count()));
  CHECK(document.NumberAt(path + ".first_event.sum_seconds") == static_cast<double>(latency.sum.count()) / 1000);
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < Latency::kBoundsMs.size(); ++i) {
    const std::string bucket = "first_event.buckets." + std::to_string(i);
    count += latency.buckets[i];
    CHECK(document.NumberAt(path + "." + bucket + ".le") == static_cast<double>(Latency::kBoundsMs[i]) / 1000);
    CHECK(at(bucket + ".count") == std::to_string(count));
  }
  CHECK(at("first_event.buckets.10.le") == "(none)");  // what is longer: see count
}

TEST_CASE("the JSON of statistics says what became of the requests") {
  const Document document(FullStats());
  CHECK(document.At("time") == "2026-11-25T02:35:00Z");
  CHECK(document.At("requests.started") == "101");
  CHECK(document.At("requests.succeeded") == "102");
  CHECK(document.At("requests.failed") == "103");
  CHECK(document.At("requests.cancelled") == "104");
  CHECK(document.At("requests.running") == "105");
}

TEST_CASE("the JSON of statistics has the same counters in total, for tiers and for tokens") {
  const Stats stats = FullStats();
  const Document document(stats);
  CheckCounters(document, "total", stats.total);
  CheckCounters(document, "tiers.0", stats.tiers[0].counters);
  CheckCounters(document, "tiers.1", stats.tiers[1].counters);
  CheckCounters(document, "tokens.0", stats.tokens[0].counters);
  CheckCounters(document, "tokens.1", stats.tokens[1].counters);
  CheckCounters(document, "tokens.2", stats.tokens[2].counters);
}

TEST_CASE("the JSON of a tier counts its tokens") {
  const Document document(FullStats());
  CHECK(document.At("tiers.0.tier") == "PERSONAL");
  CHECK(document.At("tiers.0.tokens") == "5");
  CHECK(document.At("tiers.0.ready") == "2");
  CHECK(document.At("tiers.0.in_flight") == "6");
  CHECK(document.At("tiers.1.tier") == "SHARED");
  CHECK(document.At("tiers.2.tier") == "(none)");
}

TEST_CASE("the JSON of a token says all that is known") {
  const Document document(FullStats());
  CHECK(document.At("tokens.0.name") == "PERSONAL_3fa9c1");
  CHECK(document.At("tokens.0.tier") == "PERSONAL");
  CHECK(document.At("tokens.0.kind") == "refresh_token");
  CHECK(document.At("tokens.0.state") == "cooling");
  CHECK(document.At("tokens.0.in_flight") == "3");
  CHECK(document.At("tokens.0.last_used") == "2026-11-25T02:35:01Z");
  CHECK(document.At("tokens.0.jwt_expires") == "2026-11-25T02:35:02Z");
  CHECK(document.At("tokens.0.last_error.code") == "quota_exhausted");
  CHECK(document.At("tokens.0.last_error.message") == "the quota is \"used up\"");
  CHECK(document.At("tokens.0.quota.unlimited") == "false");
  CHECK(document.At("tokens.0.quota.limit") == "150");
  CHECK(document.At("tokens.0.quota.used") == "140");
  CHECK(document.At("tokens.0.quota.bonus") == "7");
  CHECK(document.At("tokens.0.quota.remaining") == "17");
  CHECK(document.At("tokens.0.quota.next_reset") == "2026-11-25T02:35:03Z");
}

TEST_CASE("in the JSON of a token, null stands for what is not known") {
  Stats stats;
  stats.tokens = {UnknownToken("a")};
  CHECK_THAT(Document(stats).text,
             ContainsSubstring(R"("last_used":null,"jwt_expires":null,"last_error":null,"quota":null}]})"));
  stats.tokens = {UnlimitedToken()};
  const Document unlimited(stats);
  CHECK(unlimited.At("tokens.0.quota.unlimited") == "true");
  CHECK_THAT(unlimited.text, ContainsSubstring(R"("remaining":null,"next_reset":null)"));
}

TEST_CASE("kinds and states are one word each in JSON") {
  Stats stats = FullStats();
  const Document document(stats);
  CHECK(document.At("tokens.1.kind") == "callback");
  CHECK(document.At("tokens.2.kind") == "api_key");
  CHECK(document.At("tokens.1.state") == "half_open");
  CHECK(document.At("tokens.2.state") == "ready");
  stats.tokens[0].state = TokenState::kDisabled;
  CHECK(Document(stats).At("tokens.0.state") == "disabled");
}

TEST_CASE("the JSON of a client without tokens is whole") {
  const Stats stats;
  const Document document(stats);
  CHECK(document.At("time") == "1970-01-01T00:00:00Z");
  CHECK(document.At("requests.started") == "0");
  CheckCounters(document, "total", Counters{});
  CHECK_THAT(document.text, ContainsSubstring(R"("tiers":[],"tokens":[]})"));
}

TEST_CASE("a name of any bytes leaves the JSON valid, and comes back") {
  Stats stats;
  for (const std::string_view name : kHostileNames) stats.tokens.push_back(UnknownToken(name));
  const Document document(stats);
  CHECK(document.text.find('\n') == std::string::npos);
  for (std::size_t i = 0; i < stats.tokens.size(); ++i) {
    CHECK(document.At("tokens." + std::to_string(i) + ".name") == RepairedUtf8(stats.tokens[i].name));
  }
}

TEST_CASE("the largest counters keep every digit in JSON") {
  Stats stats;
  stats.requests.started = std::numeric_limits<std::uint64_t>::max();
  stats.total.first_event.sum = std::chrono::milliseconds::max();
  stats.time = std::chrono::system_clock::time_point::max();
  const Document document(stats);
  CHECK(document.At("requests.started") == "18446744073709551615");
  CHECK(document.NumberAt("total.first_event.sum_seconds") == 9223372036854775.807);
  CHECK(document.At("time") == "2262-04-11T23:47:16Z");
}

}  // namespace
}  // namespace warppool::internal
