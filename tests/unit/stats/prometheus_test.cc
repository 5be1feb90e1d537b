#include <cstdlib>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "catch.h"
#include "unit/stats/promtool.h"
#include "unit/stats/scrape.h"
#include "unit/stats/stats_fixture.h"

namespace warppool::internal {
namespace {

using Catch::Matchers::ContainsSubstring;

const ScrapedLabels kKnown{{"tier", "PERSONAL"}, {"token", "PERSONAL_3fa9c1"}};
const ScrapedLabels kUnknown{{"tier", "SHARED"}, {"token", "nothing known"}};
const ScrapedLabels kUnlimited{{"tier", "SHARED"}, {"token", "unlimited"}};

ScrapedLabels With(ScrapedLabels labels, const std::string& name, const std::string& value) {
  labels.emplace_back(name, value);
  return labels;
}

Stats HostileStats() {
  Stats stats;
  for (const std::string_view name : kHostileNames) stats.tokens.push_back(UnknownToken(name));
  return stats;
}

void CheckCounters(const Scrape& scrape, const std::string& prefix, const ScrapedLabels& labels,
                   const Counters& counters) {
  INFO(prefix << " " << labels.back().second);
  const auto value = [&](const std::string& name) { return scrape.Value(prefix + name, labels); };
  CHECK(value("_attempts_total") == std::to_string(counters.requests));
  CHECK(value("_failures_total") == std::to_string(counters.failures));
  CHECK(value("_refreshes_total") == std::to_string(counters.refreshes));
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    const std::string name = OutcomeName(static_cast<Outcome>(i));
    CHECK(scrape.Value(prefix + "_attempt_outcomes_total", With(labels, "outcome", name)) ==
          std::to_string(counters.outcomes[i]));
  }
  const Latency& latency = counters.first_event;
  CHECK(value("_first_event_seconds_count") == std::to_string(latency.Count()));
  CHECK(std::stod(value("_first_event_seconds_sum")) == static_cast<double>(latency.sum.count()) / 1000);
  const char* const bounds[] = {"0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60", "+Inf"};
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < latency.buckets.size(); ++i) {
    count += latency.buckets[i];
    CHECK(scrape.Value(prefix + "_first_event_seconds_bucket", With(labels, "le", bounds[i])) == std::to_string(count));
  }
}

TEST_CASE("Prometheus is told what became of the requests") {
  const Scrape scrape(FullStats().ToPrometheus());
  CHECK(scrape.Value("warppool_requests_started_total") == "101");
  CHECK(scrape.Value("warppool_requests_total", {{"result", "succeeded"}}) == "102");
  CHECK(scrape.Value("warppool_requests_total", {{"result", "failed"}}) == "103");
  CHECK(scrape.Value("warppool_requests_total", {{"result", "cancelled"}}) == "104");
  CHECK(scrape.Value("warppool_requests_running") == "105");
}

TEST_CASE("Prometheus gets the counters of tiers and of tokens, in families of their own") {
  const Stats stats = FullStats();
  const Scrape scrape(stats.ToPrometheus());
  CheckCounters(scrape, "warppool_tier", {{"tier", "PERSONAL"}}, stats.tiers[0].counters);
  CheckCounters(scrape, "warppool_tier", {{"tier", "SHARED"}}, stats.tiers[1].counters);
  CheckCounters(scrape, "warppool_token", kKnown, stats.tokens[0].counters);
  CheckCounters(scrape, "warppool_token", kUnknown, stats.tokens[1].counters);
  CheckCounters(scrape, "warppool_token", kUnlimited, stats.tokens[2].counters);
  const ScrapedFamily* const of_tiers = scrape.Find("warppool_tier_attempts_total");
  REQUIRE(of_tiers != nullptr);
  CHECK_THAT(of_tiers->help, ContainsSubstring("removed ones included"));
}

TEST_CASE("Prometheus is told how many tokens of a tier are ready") {
  const Scrape scrape(FullStats().ToPrometheus());
  CHECK(scrape.Value("warppool_tier_tokens", {{"tier", "PERSONAL"}, {"state", "ready"}}) == "2");
  CHECK(scrape.Value("warppool_tier_tokens", {{"tier", "PERSONAL"}, {"state", "not_ready"}}) == "3");
  CHECK(scrape.Value("warppool_tier_tokens", {{"tier", "SHARED"}, {"state", "not_ready"}}) == "0");
  CHECK(scrape.Value("warppool_tier_in_flight", {{"tier", "PERSONAL"}}) == "6");
}

TEST_CASE("Prometheus is told all that is known of a token") {
  const Scrape scrape(FullStats().ToPrometheus());
  CHECK(scrape.Value("warppool_token_in_flight", kKnown) == "3");
  CHECK(scrape.Value("warppool_token_last_used_timestamp_seconds", kKnown) == "1795574101");
  CHECK(scrape.Value("warppool_token_jwt_expiry_timestamp_seconds", kKnown) == "1795574102");
  CHECK(scrape.Value("warppool_token_last_error_info", With(kKnown, "code", "quota_exhausted")) == "1");
  CHECK(scrape.Value("warppool_token_quota_limit", kKnown) == "150");
  CHECK(scrape.Value("warppool_token_quota_used", kKnown) == "140");
  CHECK(scrape.Value("warppool_token_quota_bonus", kKnown) == "7");
  CHECK(scrape.Value("warppool_token_quota_remaining", kKnown) == "17");
  CHECK(scrape.Value("warppool_token_quota_reset_timestamp_seconds", kKnown) == "1795574103");
}

TEST_CASE("the words of an error are no label, since each would be a new series") {
  CHECK_THAT(FullStats().ToPrometheus(), !ContainsSubstring("used up"));
}

TEST_CASE("a token is in one state, and all four are told") {
  Stats stats;
  const TokenState states[] = {TokenState::kReady, TokenState::kCooling, TokenState::kDisabled, TokenState::kHalfOpen};
  const std::string names[] = {"ready", "cooling", "disabled", "half_open"};
  for (std::size_t i = 0; i < 4; ++i) {
    stats.tokens.push_back(UnknownToken(names[i]));
    stats.tokens.back().state = states[i];
  }
  const Scrape scrape(stats.ToPrometheus());
  for (const std::string& token : names) {
    for (const std::string& state : names) {
      INFO(token << " " << state);
      const ScrapedLabels labels{{"tier", "SHARED"}, {"token", token}, {"state", state}};
      CHECK(scrape.Value("warppool_token_state", labels) == (token == state ? "1" : "0"));
    }
  }
}

TEST_CASE("Prometheus is told nothing of what is not known") {
  const Scrape scrape(FullStats().ToPrometheus());
  CHECK(scrape.Value("warppool_token_in_flight", kUnknown) == "0");
  for (const char* name : {"last_used_timestamp_seconds", "jwt_expiry_timestamp_seconds", "quota_limit", "quota_used",
                           "quota_bonus", "quota_remaining", "quota_reset_timestamp_seconds"}) {
    INFO(name);
    CHECK(scrape.Value("warppool_token_" + std::string(name), kUnknown) == "(none)");
  }
  const ScrapedFamily* const errors = scrape.Find("warppool_token_last_error_info");
  REQUIRE(errors != nullptr);
  CHECK(errors->samples.size() == 1);
}

TEST_CASE("an unlimited quota has no number that an alert could take for a low one") {
  const Scrape scrape(FullStats().ToPrometheus());
  CHECK(scrape.Value("warppool_token_quota_limit", kUnlimited) == "(none)");
  CHECK(scrape.Value("warppool_token_quota_remaining", kUnlimited) == "(none)");
  CHECK(scrape.Value("warppool_token_quota_used", kUnlimited) == "5");
}

TEST_CASE("families without samples do not appear") {
  const Scrape scrape(Stats{}.ToPrometheus());
  REQUIRE(scrape.families.size() == 3);
  CHECK(scrape.Value("warppool_requests_started_total") == "0");
  CHECK(scrape.Value("warppool_requests_total", {{"result", "failed"}}) == "0");
  CHECK(scrape.Value("warppool_requests_running") == "0");
}

TEST_CASE("every family is ours, and a counter is called one") {
  for (const ScrapedFamily& family : Scrape(FullStats().ToPrometheus()).families) {
    INFO(family.name);
    CHECK(family.name.rfind("warppool_", 0) == 0);
    const std::size_t end = family.name.rfind("_total");
    const bool is_total = end != std::string::npos && end + 6 == family.name.size();
    CHECK((family.type == "counter") == is_total);
    CHECK(family.help.back() == '.');
  }
}

TEST_CASE("the buckets of a histogram are cumulative, and the last one holds all") {
  for (const ScrapedFamily& family : Scrape(FullStats().ToPrometheus()).families) {
    if (family.type != "histogram") continue;
    std::map<ScrapedLabels, std::vector<double>> buckets;
    std::map<ScrapedLabels, double> bounds;
    for (const ScrapedSample& sample : family.samples) {
      ScrapedLabels labels = sample.labels;
      const double value = std::stod(sample.value);
      if (sample.name == family.name + "_bucket") {
        const double bound = std::strtod(sample.Label("le").c_str(), nullptr);
        labels.pop_back();
        auto& counts = buckets[labels];
        INFO(family.name << " " << bound);
        if (!counts.empty()) CHECK(bounds[labels] < bound);
        if (!counts.empty()) CHECK(counts.back() <= value);
        counts.push_back(value);
        bounds[labels] = bound;
      } else if (sample.name == family.name + "_count") {
        REQUIRE(buckets[labels].size() == Latency::kBoundsMs.size() + 1);
        CHECK(bounds[labels] == std::numeric_limits<double>::infinity());
        CHECK(buckets[labels].back() == value);
      }
    }
    CHECK(family.samples.size() == buckets.size() * (Latency::kBoundsMs.size() + 3));
  }
}

TEST_CASE("a token's name of any bytes is a label value that reads back") {
  const Stats stats = HostileStats();
  const std::string text = stats.ToPrometheus();
  CHECK_FALSE(FirstInvalidUtf8(text));
  const Scrape scrape(text);
  for (const TokenStats& token : stats.tokens) {
    INFO(token.name);
    const std::string name = RepairedUtf8(token.name);
    CHECK(scrape.Value("warppool_token_in_flight", {{"tier", "SHARED"}, {"token", name}}) == "0");
  }
}

TEST_CASE("the extremes are finite numbers") {
  Stats stats;
  stats.requests.started = std::numeric_limits<std::uint64_t>::max();
  stats.tokens = {KnownToken()};
  TokenStats& token = stats.tokens[0];
  token.counters.first_event.sum = std::chrono::milliseconds::max();
  token.last_used = std::chrono::system_clock::time_point::min();
  token.jwt_expires = std::chrono::system_clock::time_point::max();
  token.quota->limit = std::numeric_limits<std::int64_t>::max();
  token.quota->used = token.quota->limit;
  const Scrape scrape(stats.ToPrometheus());
  CHECK(scrape.Value("warppool_requests_started_total") == "18446744073709551615");
  CHECK(scrape.Value("warppool_token_quota_limit", kKnown) == "9223372036854775807");
  CHECK(scrape.Value("warppool_token_quota_remaining", kKnown) == "7");
  CHECK(std::stod(scrape.Value("warppool_token_jwt_expiry_timestamp_seconds", kKnown)) == 9223372036.854775807);
  CHECK(std::stod(scrape.Value("warppool_token_last_used_timestamp_seconds", kKnown)) == -9223372036.854775807);
}

TEST_CASE("promtool has nothing to say about any of it") {
  const Stats stats = GENERATE(FullStats(), Stats{}, HostileStats());
  const std::string text = stats.ToPrometheus();
  const Verdict verdict = AskPromtool(text);
  INFO(text);
  CHECK(verdict.words.empty());
  CHECK(verdict.exit_code == 0);
}

TEST_CASE("promtool would say something about what is wrong") {
  CHECK(AskPromtool("warppool_tries{token=\"a\nb\"} 1\n").exit_code == 1);
  const Verdict lint = AskPromtool("# HELP warppool_tries Tries.\n# TYPE warppool_tries counter\nwarppool_tries 1\n");
  CHECK(lint.exit_code == 3);
  CHECK_THAT(lint.words, ContainsSubstring("_total"));
}

}  // namespace
}  // namespace warppool::internal
