#include <functional>
#include <limits>
#include <string>

#include "catch.h"
#include "warppool/config.h"

namespace warppool {
namespace {

using std::chrono::milliseconds;

constexpr const char* kToken = "hunter2-token";

Config Valid() {
  Config config;
  config.tokens.push_back({Secret(kToken)});
  return config;
}

TokenConfig TokenWith(std::string_view credential, Tier tier = Tier::kPersonal, std::string name = "") {
  return {Secret(credential), tier, CredentialKind::kRefreshToken, std::move(name)};
}

struct Case {
  const char* expected;  // how the message begins; "": valid
  std::function<void(Config&)> change;
};

void Run(const Case& row, Code code = Code::kInvalidConfig) {
  Config config = Valid();
  row.change(config);
  const Status status = Validate(config);
  INFO("expected: " << row.expected << ", got: " << status.ToString());
  if (*row.expected == '\0') {
    CHECK(status.ok());
    return;
  }
  CHECK(status.code() == code);
  CHECK_THAT(status.message(), Catch::Matchers::StartsWith(row.expected));
  CHECK_THAT(status.ToString(), !Catch::Matchers::ContainsSubstring("hunter2"));
}

TEST_CASE("the defaults and one token are a valid configuration") {
  CHECK(Validate(Valid()).ok());
}

TEST_CASE("without a token that can be used there is nothing to work with") {
  for (const Case& row : std::initializer_list<Case>{
           {"tokens: ", [](Config& c) { c.tokens.clear(); }},
           {"tier_order: ",
            [](Config& c) {
              c.tier_order = {Tier::kShared, Tier::kAnonymous};
            }},
       }) {
    Run(row, Code::kNoTokens);
  }
}

TEST_CASE("each token is checked, and named by its place") {
  for (const Case& row : std::initializer_list<Case>{
           {"tokens[1].credential: is empty", [](Config& c) { c.tokens.push_back(TokenWith("")); }},
           {"tokens[1].credential: holds a blank", [](Config& c) { c.tokens.push_back(TokenWith("hunter2 x")); }},
           {"tokens[1].credential: begins", [](Config& c) { c.tokens.push_back(TokenWith("bearer hunter2")); }},
           {"tokens[1].credential: holds a quote", [](Config& c) { c.tokens.push_back(TokenWith("\"hunter2\"")); }},
           {"tokens[1].credential: holds a control",
            [](Config& c) { c.tokens.push_back(TokenWith("hunter2\r\nX: y")); }},
           {"tokens[1].credential: holds a non-ASCII",
            [](Config& c) { c.tokens.push_back(TokenWith("hunter2\xC3\xA9")); }},
           {"tokens[1].credential: is too short to be one: it has fewer than 8 bytes",
            [](Config& c) { c.tokens.push_back(TokenWith("hunter2")); }},
           {"", [](Config& c) { c.tokens.push_back(TokenWith("hunter23")); }},
           {"tokens[1].tier: ", [](Config& c) { c.tokens.push_back(TokenWith("x", static_cast<Tier>(0))); }},
           {"tokens[0].kind: ", [](Config& c) { c.tokens[0].kind = static_cast<CredentialKind>(9); }},
           {"tokens[0].name: is the credential", [](Config& c) { c.tokens[0].name = kToken; }},
           {"tokens[0].name: holds a control", [](Config& c) { c.tokens[0].name = "a\nb"; }},
           {"tokens[0].name: is not UTF-8", [](Config& c) { c.tokens[0].name = "\xFF"; }},
           {"tokens[2].name: another",
            [](Config& c) {
              c.tokens.push_back(TokenWith("fake-token-a", Tier::kShared, "mine"));
              c.tokens.push_back(TokenWith("fake-token-b", Tier::kPersonal, "mine"));
            }},
           {"", [](Config& c) { c.tokens.push_back(TokenWith("fake-token-a", Tier::kShared)); }},
           {"", [](Config& c) { c.tokens[0].name = "J\xC3\xBCrgen's laptop"; }},
       }) {
    Run(row);
  }
}

TokenConfig Supplied(std::string name) {
  TokenConfig token{Secret(), Tier::kPersonal, CredentialKind::kCallback, std::move(name)};
  token.bearer_source.supply = [](const std::string&) -> Result<SuppliedBearer> { return SuppliedBearer(); };
  return token;
}

TEST_CASE("a token whose bearer the program supplies has a name, a source, and no credential") {
  for (const Case& row : std::initializer_list<Case>{
           {"", [](Config& c) { c.tokens.push_back(Supplied("mine")); }},
           {"",
            [](Config& c) {
              c.tokens = {Supplied("mine"), Supplied("yours")};
            }},
           {"",
            [](Config& c) {
              c.tokens = {Supplied("mine")};
              c.tokens[0].bearer_source.on_refused = [](const std::string&, const Secret&, const Status&) {};
            }},
           {"tokens[1].credential: is given, though",
            [](Config& c) {
              c.tokens.push_back(Supplied("mine"));
              c.tokens[1].credential = Secret("hunter2");
            }},
           {"tokens[1].bearer_source.supply: is empty",
            [](Config& c) {
              c.tokens.push_back(Supplied("mine"));
              c.tokens[1].bearer_source.supply = nullptr;
            }},
           {"tokens[1].name: is empty, and there is no credential",
            [](Config& c) { c.tokens.push_back(Supplied("")); }},
           {"tokens[1].name: holds a control", [](Config& c) { c.tokens.push_back(Supplied("a\nb")); }},
           {"tokens[1].name: is not UTF-8", [](Config& c) { c.tokens.push_back(Supplied("\xFF")); }},
           {"tokens[2].name: another token",
            [](Config& c) {
              c.tokens.push_back(Supplied("mine"));
              c.tokens.push_back(Supplied("mine"));
            }},
           {"tokens[1].credential: is too short to be one: it has fewer than 8 bytes",
            [](Config& c) { c.tokens.push_back(TokenWith("hunter2")); }},
           {"", [](Config& c) { c.tokens.push_back(TokenWith("hunter23")); }},
           {"tokens[1].tier: ",
            [](Config& c) {
              c.tokens.push_back(Supplied("mine"));
              c.tokens[1].tier = static_cast<Tier>(0);
            }},
           {"tokens[0].bearer_source: is given, though there is a credential",
            [](Config& c) { c.tokens[0].bearer_source = Supplied("mine").bearer_source; }},
       }) {
    Run(row);
  }
}

TEST_CASE("the state file may be anywhere that a path can name") {
  for (const Case& row : std::initializer_list<Case>{
           {"", [](Config& c) { c.state_file = ""; }},
           {"", [](Config& c) { c.state_file = "no/such/directory/warppool.state"; }},  // the store looks at it
           {"state_file: holds a control", [](Config& c) { c.state_file = "a\nb"; }},
           {"state_file: ", [](Config& c) { c.state_file = std::string("a\0b", 3); }},
       }) {
    Run(row);
  }
}

TEST_CASE("the tier order holds each tier at most once, and at least one") {
  for (const Case& row : std::initializer_list<Case>{
           {"tier_order: is empty", [](Config& c) { c.tier_order.clear(); }},
           {"tier_order: holds a tier twice",
            [](Config& c) {
              c.tier_order = {Tier::kPersonal, Tier::kPersonal};
            }},
           {"tier_order: holds an unknown",
            [](Config& c) {
              c.tier_order = {Tier::kPersonal, static_cast<Tier>(7)};
            }},
           {"",
            [](Config& c) {
              c.tier_order = {Tier::kAnonymous, Tier::kPersonal};
            }},
       }) {
    Run(row);
  }
}

TEST_CASE("tokens travel in the clear to this machine only") {
  for (const Case& row : std::initializer_list<Case>{
           {"", [](Config& c) { c.server_url = "https://example.com/warp/"; }},
           {"", [](Config& c) { c.server_url = "http://localhost:8000"; }},
           {"", [](Config& c) { c.server_url = "http://[::1]:8000"; }},
           {"server_url: http:// is accepted", [](Config& c) { c.server_url = "http://example.com"; }},
           {"server_url: http:// is accepted", [](Config& c) { c.server_url = "http://127.0.0.1.example.com"; }},
           {"server_url: not a usable URL", [](Config& c) { c.server_url = "http://127.0.0.1@example.com"; }},
           {"server_url: not a usable URL", [](Config& c) { c.server_url = "https://user:hunter2@example.com"; }},
           {"server_url: not a usable URL", [](Config& c) { c.server_url = ""; }},
           {"refresh_url: http:// is accepted", [](Config& c) { c.refresh_url = "http://example.com"; }},
           {"securetoken_url: not", [](Config& c) { c.securetoken_url = "https://host/v1/token?key=hunter2"; }},
       }) {
    Run(row);
  }
}

TEST_CASE("a proxy is an address, and whatever else is in it is not shown") {
  for (const char* proxy : {"", "proxy", "proxy:3128", "http://proxy:3128", "https://proxy:3128/",
                            "socks5://[::1]:1080", "socks5h://user:p%40ss@proxy:1080", "HTTP://proxy"}) {
    Run({"", [&](Config& c) { c.proxy = Secret(proxy); }});
  }
  for (const char* proxy :
       {"ftp://hunter2:3128", "http://", "http://user:hunter2@", "http://hunter2:0", "hunter2:port",
        "http://hunter2:65536", "http://hunter2:", "http://hunter 2", "http://hunter2\r\nX: y",
        "http://user:S3CR@hunter2@127.0.0.1:9", "http://user:hunter2#x@127.0.0.1:9", "http://user:hunter2?@127.0.0.1:9",
        "http://user:hunter2/x@127.0.0.1:9", "http://user:12/hunter2@127.0.0.1:9", "http://user:hunter2@ho!st:9"}) {
    Run({"proxy: not a proxy URL: ", [&](Config& c) { c.proxy = Secret(proxy); }});
  }
  Run({"no_proxy: ", [](Config& c) { c.no_proxy = "a\nb"; }});
}

TEST_CASE("nothing can smuggle a line into a request") {
  for (const Case& row : std::initializer_list<Case>{
           {"client_version: ", [](Config& c) { c.client_version = "v1\r\nX-Evil: 1"; }},
           {"client_version: ", [](Config& c) { c.client_version = std::string("v1\0", 3); }},
           {"client_version: ", [](Config& c) { c.client_version = "v\xC3\xA9"; }},
           {"firebase_api_key: ", [](Config& c) { c.firebase_api_key = Secret("hunter2\n"); }},
           {"firebase_api_key: is too short to be one", [](Config& c) { c.firebase_api_key = Secret("hunter2"); }},
           {"", [](Config& c) { c.firebase_api_key = Secret("hunter23"); }},
       }) {
    Run(row);
  }
}

TEST_CASE("the trusted authorities must be a readable file") {
  for (const Case& row : std::initializer_list<Case>{
           {"ca_bundle: cannot be read: ", [](Config& c) { c.ca_bundle = "/no/such/hunter2"; }},
           {"ca_bundle: is a directory", [](Config& c) { c.ca_bundle = "/"; }},
           {"ca_bundle: holds a NUL", [](Config& c) { c.ca_bundle = std::string("/\0", 2); }},
           {"", [](Config& c) { c.ca_bundle = "/dev/null"; }},
       }) {
    Run(row);
  }
}

TEST_CASE("limits are within reason") {
  using Duration = milliseconds Config::*;
  for (const Duration field : {&Config::connect_timeout, &Config::silence_timeout, &Config::refresh_timeout,
                               &Config::state_save_interval, &Config::store_timeout}) {
    Run({"", [&](Config& c) { c.*field = milliseconds(1); }});
    for (const milliseconds bad : {milliseconds(0), milliseconds(-1), milliseconds::max(), milliseconds::min()}) {
      Config config = Valid();
      config.*field = bad;
      CHECK(Validate(config).code() == Code::kInvalidConfig);
    }
  }
  for (const Duration field :
       {&Config::retry_base_delay, &Config::retry_max_delay, &Config::retry_after_limit, &Config::recovery_delay,
        &Config::recovery_max_delay, &Config::max_token_wait, &Config::quota_cooling}) {
    Run({"", [&](Config& c) { c.*field = milliseconds(0); }});
    Run({"", [&](Config& c) { c.*field = std::chrono::hours(24 * 24); }});
    for (const milliseconds bad : {milliseconds(-1), milliseconds(std::chrono::hours(24 * 24)) + milliseconds(1),
                                   milliseconds::max(), milliseconds::min()}) {
      Config config = Valid();
      config.*field = bad;
      CHECK(Validate(config).code() == Code::kInvalidConfig);
    }
  }
  for (const Case& row : std::initializer_list<Case>{
           {"connect_timeout: ", [](Config& c) { c.connect_timeout = milliseconds(0); }},
           {"retry_after_limit: ", [](Config& c) { c.retry_after_limit = milliseconds(-1); }},
           {"recovery_delay: must be from 0 ms to 24 days", [](Config& c) { c.recovery_delay = milliseconds(-1); }},
           {"recovery_max_delay: ", [](Config& c) { c.recovery_max_delay = milliseconds(-1); }},
           {"", [](Config& c) { c.recovery_max_delay = milliseconds(1); }},  // below the first delay: that one counts
           {"max_token_wait: ", [](Config& c) { c.max_token_wait = milliseconds(-1); }},
           {"quota_cooling: ", [](Config& c) { c.quota_cooling = milliseconds(-1); }},
           {"max_failures: ", [](Config& c) { c.max_failures = 0; }},
           {"max_failures: ", [](Config& c) { c.max_failures = -1; }},
           {"", [](Config& c) { c.max_failures = 1; }},
           {"strategy: unknown", [](Config& c) { c.strategy = static_cast<Strategy>(0); }},
           {"strategy: unknown", [](Config& c) { c.strategy = static_cast<Strategy>(4); }},
           {"", [](Config& c) { c.strategy = Strategy::kFillFirst; }},
           {"", [](Config& c) { c.strategy = Strategy::kLeastInFlight; }},
           {"max_in_flight: must be from 0 to 1000000", [](Config& c) { c.max_in_flight = -1; }},
           {"max_in_flight: ", [](Config& c) { c.max_in_flight = 1'000'001; }},
           {"", [](Config& c) { c.max_in_flight = 0; }},
           {"", [](Config& c) { c.max_in_flight = 1'000'000; }},
           {"", [](Config& c) { c.background_refresh = false; }},
           {"retry_budget: ", [](Config& c) { c.retry_budget = -1; }},
           {"retry_budget: ", [](Config& c) { c.retry_budget = 1001; }},
           {"", [](Config& c) { c.retry_budget = 0; }},
           {"", [](Config& c) { c.retry_budget = 1000; }},
           {"max_event_bytes: ", [](Config& c) { c.max_event_bytes = 1023; }},
           {"", [](Config& c) { c.max_event_bytes = 1024; }},
           {"max_event_bytes: ", [](Config& c) { c.max_event_bytes = (1U << 30U) + 1; }},
           {"", [](Config& c) { c.max_event_bytes = 1U << 30U; }},
           {"max_message_bytes: ", [](Config& c) { c.max_message_bytes = 1023; }},
           {"", [](Config& c) { c.max_message_bytes = 1024; }},
           {"max_message_bytes: ", [](Config& c) { c.max_message_bytes = (1U << 30U) + 1; }},
           {"max_event_memory: ", [](Config& c) { c.max_event_memory = (1U << 20U) - 1; }},
           {"", [](Config& c) { c.max_event_memory = 1U << 20U; }},
           {"", [](Config& c) { c.max_event_memory = 1U << 30U; }},
           {"max_event_memory: ", [](Config& c) { c.max_event_memory = (1U << 30U) + 1; }},
           {"max_event_messages: ", [](Config& c) { c.max_event_messages = 0; }},
           {"", [](Config& c) { c.max_event_messages = 1; }},
           {"", [](Config& c) { c.max_event_messages = 10'000'000; }},
           {"max_event_messages: ", [](Config& c) { c.max_event_messages = 10'000'001; }},
           {"max_messages: ", [](Config& c) { c.max_messages = 0; }},
           {"", [](Config& c) { c.max_messages = 1; }},
           {"max_messages: ", [](Config& c) { c.max_messages = 10'000'001; }},
           {"max_answer_bytes: ", [](Config& c) { c.max_answer_bytes = 1023; }},
           {"", [](Config& c) { c.max_answer_bytes = 1024; }},
           {"", [](Config& c) { c.max_answer_bytes = std::numeric_limits<std::size_t>::max(); }},
           {"max_stream_events: ", [](Config& c) { c.max_stream_events = 0; }},
           {"", [](Config& c) { c.max_stream_events = 1; }},
           {"max_tasks: ", [](Config& c) { c.max_tasks = 0; }},
           {"", [](Config& c) { c.max_tasks = 1'000'000; }},
           {"max_tasks: ", [](Config& c) { c.max_tasks = 1'000'001; }},
           {"max_nesting_depth: ", [](Config& c) { c.max_nesting_depth = 9; }},
           {"", [](Config& c) { c.max_nesting_depth = 1000; }},
           {"max_nesting_depth: ", [](Config& c) { c.max_nesting_depth = 1001; }},
       }) {
    Run(row);
  }
}

}  // namespace
}  // namespace warppool
