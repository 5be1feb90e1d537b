#include "config/reload.h"

#include <functional>
#include <string>

#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

std::string Difference(const std::function<void(Config&)>& change) {
  const Config running;
  Config wanted;
  change(wanted);
  const char* const field = FixedDifference(running, wanted);
  const char* const back = FixedDifference(wanted, running);
  CHECK(std::string(field == nullptr ? "" : field) == (back == nullptr ? "" : back));
  return field == nullptr ? "" : field;
}

TEST_CASE("what takes a new client is named, each by itself") {
  struct Row {
    const char* field;
    std::function<void(Config&)> change;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"server_url", [](Config& c) { c.server_url = "https://other.example"; }},
           {"refresh_url", [](Config& c) { c.refresh_url = "https://other.example"; }},
           {"securetoken_url", [](Config& c) { c.securetoken_url = "https://other.example"; }},
           {"firebase_api_key", [](Config& c) { c.firebase_api_key = Secret("hunter2"); }},
           {"client_version", [](Config& c) { c.client_version = "other"; }},
           {"ca_bundle", [](Config& c) { c.ca_bundle = "other"; }},
           {"proxy", [](Config& c) { c.proxy = Secret("other"); }},
           {"no_proxy", [](Config& c) { c.no_proxy = "other"; }},
           {"connect_timeout", [](Config& c) { ++c.connect_timeout; }},
           {"silence_timeout", [](Config& c) { ++c.silence_timeout; }},
           {"refresh_timeout", [](Config& c) { ++c.refresh_timeout; }},
           {"retry_budget", [](Config& c) { ++c.retry_budget; }},
           {"retry_base_delay", [](Config& c) { ++c.retry_base_delay; }},
           {"retry_max_delay", [](Config& c) { ++c.retry_max_delay; }},
           {"retry_after_limit", [](Config& c) { ++c.retry_after_limit; }},
           {"max_token_wait", [](Config& c) { ++c.max_token_wait; }},
           {"background_refresh", [](Config& c) { c.background_refresh = !c.background_refresh; }},
           {"state_file", [](Config& c) { c.state_file = "other"; }},
           {"state_save_interval", [](Config& c) { ++c.state_save_interval; }},
           {"store_timeout", [](Config& c) { ++c.store_timeout; }},
           {"max_event_bytes", [](Config& c) { ++c.max_event_bytes; }},
           {"max_message_bytes", [](Config& c) { ++c.max_message_bytes; }},
           {"max_event_memory", [](Config& c) { ++c.max_event_memory; }},
           {"max_event_messages", [](Config& c) { ++c.max_event_messages; }},
           {"max_answer_bytes", [](Config& c) { ++c.max_answer_bytes; }},
           {"max_stream_events", [](Config& c) { ++c.max_stream_events; }},
           {"max_tasks", [](Config& c) { ++c.max_tasks; }},
           {"max_messages", [](Config& c) { ++c.max_messages; }},
           {"max_nesting_depth", [](Config& c) { ++c.max_nesting_depth; }},
       }) {
    CHECK(Difference(row.change) == row.field);
  }
}

TEST_CASE("tokens, and what concerns their choice and their health, may change") {
  for (const std::function<void(Config&)>& change : std::initializer_list<std::function<void(Config&)>>{
           [](Config&) {},
           [](Config& c) { c.tokens.push_back({Secret("hunter2")}); },
           [](Config& c) { c.tier_order.pop_back(); },
           [](Config& c) { c.strategy = Strategy::kFillFirst; },
           [](Config& c) { ++c.max_in_flight; },
           [](Config& c) { ++c.max_failures; },
           [](Config& c) { ++c.recovery_delay; },
           [](Config& c) { ++c.recovery_max_delay; },
           [](Config& c) { ++c.quota_cooling; },
       }) {
    CHECK(Difference(change).empty());
  }
}

TEST_CASE("of several differences the first one is named") {
  CHECK(Difference([](Config& c) {
          c.proxy = Secret("other");
          c.server_url = "https://other.example";
        }) == "server_url");
}

// A field that is new does not compile here, so that the two tests above get a line for it.
TEST_CASE("each field is in one of the two lists") {
  Config config;
  auto& [tokens, tier_order, strategy, max_in_flight, max_failures, recovery_delay, recovery_max_delay, server_url,
         refresh_url, securetoken_url, firebase_api_key, client_version, ca_bundle, proxy, no_proxy, connect_timeout,
         silence_timeout, refresh_timeout, retry_budget, retry_base_delay, retry_max_delay, retry_after_limit,
         quota_cooling, max_token_wait, background_refresh, state_file, state_save_interval, store_timeout,
         max_event_bytes, max_message_bytes, max_event_memory, max_event_messages, max_answer_bytes, max_stream_events,
         max_tasks, max_messages, max_nesting_depth] = config;
  CHECK(&max_nesting_depth == &config.max_nesting_depth);
}

}  // namespace
}  // namespace warppool::internal
