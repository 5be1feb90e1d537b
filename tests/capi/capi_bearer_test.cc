// The C API against the loopback service: bearers that the program supplies.
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

#include "arguments.h"
#include "capi_world.h"
#include "catch.h"
#include "handle.h"
#include "refusals.h"

namespace {

constexpr const char* kFirst = "demo-bearer-1";
constexpr const char* kSecond = "demo-bearer-2";

// A program that supplies bearers, one after the other, and writes down what it was told. Assertions stay in the main
// thread.
struct Supplier {
  static warppool_code Supply(const char* token, warppool_supplied_bearer* bearer, warppool_failure* failure,
                              void* supplier) {
    auto* self = static_cast<Supplier*>(supplier);
    if (self->on_supply) self->on_supply();
    const std::lock_guard lock(self->mutex);
    self->heard.push_back(std::string("supply ") + token);
    if (!self->message.empty()) warppool_failure_set_message(failure, self->message.c_str(), nullptr);
    if (self->bearers.empty()) return self->code;
    const std::string value = self->bearers.front();
    if (self->bearers.size() > 1) self->bearers.erase(self->bearers.begin());
    return warppool_supplied_bearer_set(bearer, value.c_str(), self->expires_ms, nullptr);
  }

  static void OnRefused(const char* token, const char* bearer, warppool_code code, const warppool_error* error,
                        void* supplier) {
    auto* self = static_cast<Supplier*>(supplier);
    const std::lock_guard lock(self->mutex);
    self->heard.push_back(std::string("refused ") + token + " " + bearer + " " + warppool_code_name(code) + " " +
                          std::to_string(warppool_error_http_status(error)));
  }

  warppool_bearer_source Source() {
    warppool_bearer_source source = WARPPOOL_BEARER_SOURCE_INIT;
    source.supply = Supply;
    source.on_refused = OnRefused;
    source.user_data = this;
    return source;
  }

  Configure Configuration() {
    return [this](warppool_config* config) {
      const warppool_bearer_source source = Source();
      REQUIRE(warppool_config_add_bearer_source(config, WARPPOOL_TIER_PERSONAL, "mine", &source, nullptr) ==
              WARPPOOL_OK);
      REQUIRE(warppool_config_set_retry_budget(config, 0, nullptr) == WARPPOOL_OK);
    };
  }

  std::vector<std::string> Heard() {
    const std::lock_guard lock(mutex);
    return heard;
  }

  std::mutex mutex;
  std::vector<std::string> bearers;  // the last one again and again; empty: `code`
  int64_t expires_ms = -1;
  warppool_code code = WARPPOOL_OK;
  std::string message;
  std::function<void()> on_supply;
  std::vector<std::string> heard;
};

}  // namespace

TEST_CASE("a bearer of the program's serves until it is refused, and then the program supplies the next one") {
  Supplier supplier;
  supplier.bearers = {kFirst, kSecond};
  World world;
  world.service.AcceptApiKey(kFirst).AcceptApiKey(kSecond);
  world.service.On(kFirst).Agent(loopback::Ok().Times(2)).Agent(loopback::Status(401));
  world.Connect({}, supplier.Configuration());
  CHECK(world.Ask() == WARPPOOL_OK);
  CHECK(world.Ask() == WARPPOOL_OK);
  CHECK(world.served_by == "mine");
  CHECK(supplier.Heard() == std::vector<std::string>{"supply mine"});
  CHECK(world.Ask() == WARPPOOL_OK);
  CHECK(supplier.Heard() == std::vector<std::string>{"supply mine",
                                                     "refused mine " + std::string(kFirst) + " unauthorized 401",
                                                     "supply mine"});
  const warppool_token_info info = world.Info(0);
  CHECK(info.kind == WARPPOOL_CREDENTIAL_CALLBACK);
  CHECK(info.failures == 0);
  CHECK(info.refreshes == 2);
}

TEST_CASE("a program that does not care for refusals is asked again all the same") {
  Supplier supplier;
  supplier.bearers = {kFirst, kSecond};
  World world;
  world.service.AcceptApiKey(kFirst).AcceptApiKey(kSecond);
  world.service.On(kFirst).Agent(loopback::Status(401));
  world.Connect({}, [&](warppool_config* config) {
    warppool_bearer_source source = supplier.Source();
    source.on_refused = nullptr;
    REQUIRE(warppool_config_add_bearer_source(config, WARPPOOL_TIER_SHARED, "mine", &source, nullptr) == WARPPOOL_OK);
  });
  CHECK(world.Ask() == WARPPOOL_UNAUTHORIZED);  // a bearer that was supplied just now
  CHECK(warppool_client_recover(world.client, "mine", nullptr) == WARPPOOL_OK);
  CHECK(world.Ask() == WARPPOOL_OK);
  CHECK(supplier.Heard() == std::vector<std::string>{"supply mine", "supply mine"});
}

TEST_CASE("a bearer ends when the program says") {
  Supplier supplier;
  supplier.bearers = {kFirst};
  const int64_t now = warppool::capi::ToUnixMs(std::chrono::system_clock::now());
  World world;
  world.service.AcceptApiKey(kFirst);
  AccessTokenHandle token;

  SECTION("in the future") {
    supplier.expires_ms = now + 3'600'000;
    world.Connect({}, supplier.Configuration());
    REQUIRE(warppool_client_access_token(world.client, -1, token.out(), nullptr) == WARPPOOL_OK);
    CHECK(warppool_access_token_value(token) == std::string(kFirst));
    CHECK(warppool_access_token_token(token) == std::string("mine"));
    CHECK(warppool_access_token_expires_ms(token) > supplier.expires_ms - 60'000);
    CHECK(warppool_access_token_expires_ms(token) <= supplier.expires_ms);
    CHECK(world.Ask() == WARPPOOL_OK);
    CHECK(supplier.Heard().size() == 1);
  }
  SECTION("later than any clock can tell") {
    supplier.expires_ms = std::numeric_limits<int64_t>::max();
    world.Connect({}, supplier.Configuration());
    REQUIRE(warppool_client_access_token(world.client, -1, token.out(), nullptr) == WARPPOOL_OK);
    CHECK(warppool_access_token_expires_ms(token) > now);
    CHECK(world.Ask() == WARPPOOL_OK);
  }
  SECTION("in the past, and is none then") {
    supplier.expires_ms = GENERATE(int64_t{0}, 1'000'000'000'000);
    world.Connect({}, supplier.Configuration());
    CHECK(world.Ask() != WARPPOOL_OK);
    Contains(world.complaint, "ended");
    CHECK(world.Info(0).state == WARPPOOL_TOKEN_RESTING);
    CHECK(world.service.Requests("").empty());
  }
}

TEST_CASE("what a supply callback returns decides who is to blame") {
  struct Case {
    int code;
    bool is_to_blame;
    const char* message;
    const char* complaint;
  };
  const Case given =
      GENERATE(values<Case>({{WARPPOOL_NETWORK, false, "the vault is away", "the vault is away"},
                             {WARPPOOL_OUT_OF_MEMORY, false, "", "the program's supply callback failed"},
                             {WARPPOOL_TIMEOUT, false, "", "the program's supply callback failed"},
                             {WARPPOOL_UNAUTHORIZED, true, "nobody is logged in", "nobody is logged in"},
                             {WARPPOOL_INTERNAL, true, "", "the program's supply callback failed"},
                             {4711, true, "unheard", "the program's supply callback returned 4711, which says nothing"},
                             {-1, true, "", "the program's supply callback returned -1, which says nothing"},
                             {WARPPOOL_END, true, "", "the program's supply callback returned 2, which says nothing"},
                             {WARPPOOL_OK, true, "", "the bearer that the program supplied is empty"}}));
  INFO(given.code);
  Supplier supplier;
  supplier.code = static_cast<warppool_code>(given.code);
  supplier.message = given.message;
  World world;
  world.Connect({}, supplier.Configuration());
  CHECK(world.Ask() != WARPPOOL_OK);
  Contains(world.complaint, given.complaint);
  CHECK((world.Info(0).state == WARPPOOL_TOKEN_RESTING) == given.is_to_blame);
  CHECK(world.Info(0).failures == 0);  // nobody else has served
  CHECK(world.service.Requests("").empty());
}

TEST_CASE("the other tokens serve while the program has no bearer") {
  Supplier supplier;
  supplier.code = WARPPOOL_UNAUTHORIZED;
  World world;
  world.service.Accept(kOne);
  world.Connect({kOne}, supplier.Configuration());
  for (int i = 0; i < 4; ++i) CHECK(world.Ask() == WARPPOOL_OK);
  CHECK(world.served_by != "mine");
}

TEST_CASE("a supply callback may look at its client, and what would wait for a bearer is refused there") {
  Supplier supplier;
  supplier.bearers = {kFirst};
  World world;
  world.service.AcceptApiKey(kFirst);
  std::vector<warppool_code> refused;
  std::vector<warppool_code> allowed;
  bool kept = false;
  warppool_client* client = nullptr;
  supplier.on_supply = [&] {
    warppool_client* variable = client;
    AnswerHandle answer;
    AccessTokenHandle token;
    warppool_health_check_options active = WARPPOOL_HEALTH_CHECK_OPTIONS_INIT;
    active.active = 1;
    HealthReportHandle report;
    refused = {warppool_client_destroy(&variable), warppool_client_close(client, 0, nullptr),
               warppool_client_check_health(client, &active, report.out(), nullptr),
               warppool_client_ask(client, world.request, answer.out(), nullptr),
               warppool_client_access_token(client, 0, token.out(), nullptr)};
    kept = variable == client;
    PoolStatusHandle pool;
    StatsHandle stats;
    PoolChangeHandle change;
    allowed = {warppool_client_pool(client, pool.out(), nullptr),
               warppool_client_statistics(client, stats.out(), nullptr),
               warppool_client_rename_token(client, "mine", "still mine", change.out(), nullptr)};
  };
  world.Connect({}, supplier.Configuration());
  client = world.client;
  CHECK(world.Ask() == WARPPOOL_OK);
  CHECK(refused == std::vector<warppool_code>(5, WARPPOOL_MISUSE));
  CHECK(allowed == std::vector<warppool_code>(3, WARPPOOL_OK));
  CHECK(kept);
  CHECK(world.Name(0) == "still mine");
}

TEST_CASE("a copy of a configuration has its bearer sources, too") {
  Supplier supplier;
  supplier.bearers = {kFirst};
  World world;
  world.service.AcceptApiKey(kFirst);
  ConfigHandle config;
  ConfigHandle copy;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_server_url(config, world.service.url().c_str(), nullptr) == WARPPOOL_OK);
  supplier.Configuration()(config);
  REQUIRE(warppool_config_copy(config, copy.out(), nullptr) == WARPPOOL_OK);
  warppool_config_destroy(config.out());
  CHECK(warppool_config_token_count(copy) == 1);
  REQUIRE(warppool_client_create(copy, nullptr, world.client.out(), nullptr) == WARPPOOL_OK);
  warppool_config_destroy(copy.out());
  MakeRequest("why", &world.request);
  CHECK(world.Ask() == WARPPOOL_OK);
  REQUIRE(warppool_client_destroy(world.client.out()) == WARPPOOL_OK);
}

TEST_CASE("a bearer source that is none is refused, and the message says why") {
  Supplier supplier;
  const warppool_bearer_source source = supplier.Source();
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  const auto add = [&](auto tier, const char* name, const warppool_bearer_source* from, warppool_error** error) {
    return warppool_config_add_bearer_source(config, static_cast<warppool_tier>(tier), name, from, error);
  };
  CheckNames("config", [&](auto** e) {
    return warppool_config_add_bearer_source(nullptr, WARPPOOL_TIER_SHARED, "mine", &source, e);
  });
  CheckNames("name", [&](auto** e) { return add(WARPPOOL_TIER_SHARED, nullptr, &source, e); });
  CheckNames("source", [&](auto** e) { return add(WARPPOOL_TIER_SHARED, "mine", nullptr, e); });
  CHECK(Complaint([&](auto** e) { return add(WARPPOOL_TIER_SHARED, "", &source, e); }) == "name: must not be empty");
  CHECK(Complaint([&](auto** e) { return add(0, "mine", &source, e); }) == "tier: is none of warppool_tier");
  warppool_bearer_source empty = WARPPOOL_BEARER_SOURCE_INIT;
  CheckNames("source.supply", [&](auto** e) { return add(WARPPOOL_TIER_SHARED, "mine", &empty, e); });
  CHECK(warppool_config_token_count(config) == 0);
  CheckReadSizes("source", source,
                 [&](const auto* given, auto** e) { return add(WARPPOOL_TIER_SHARED, "mine", given, e); });
}

TEST_CASE("what a supply callback is lent takes what it should, and says what it does not take") {
  warppool_supplied_bearer bearer;
  CheckNames("bearer", [&](auto** e) { return warppool_supplied_bearer_set(nullptr, "x", -1, e); });
  CheckNames("value", [&](auto** e) { return warppool_supplied_bearer_set(&bearer, nullptr, -1, e); });
  CHECK(Complaint([&](auto** e) { return warppool_supplied_bearer_set(&bearer, "", -1, e); }) ==
        "value: must not be empty");
  CHECK(Complaint([&](auto** e) { return warppool_supplied_bearer_set(&bearer, "x", -2, e); }) ==
        "expires_ms: must be -1 or more");
  CHECK(bearer.bearer.value.empty());

  REQUIRE(warppool_supplied_bearer_set(&bearer, "one", 1500, nullptr) == WARPPOOL_OK);
  CHECK(bearer.bearer.value.Reveal() == "one");
  REQUIRE(bearer.bearer.expires);
  CHECK(warppool::capi::ToUnixMs(bearer.bearer.expires) == 1500);
  // The second time counts.
  REQUIRE(warppool_supplied_bearer_set(&bearer, "two", -1, nullptr) == WARPPOOL_OK);
  CHECK(bearer.bearer.value.Reveal() == "two");
  // Does not compile when C++ gets another field.
  const auto& [value, expires] = bearer.bearer;
  CHECK_FALSE(expires);

  warppool_failure failure;
  CheckNames("failure", [&](auto** e) { return warppool_failure_set_message(nullptr, "why", e); });
  CheckNames("message", [&](auto** e) { return warppool_failure_set_message(&failure, nullptr, e); });
  REQUIRE(warppool_failure_set_message(&failure, "why", nullptr) == WARPPOOL_OK);
  CHECK(failure.message == "why");
}

TEST_CASE("a stream that gets no bearer in time has an end") {
  Supplier supplier;
  supplier.code = WARPPOOL_TIMEOUT;
  supplier.message = "the vault is slow";
  World world;
  world.Connect({}, supplier.Configuration());
  StreamHandle stream;
  REQUIRE(warppool_client_start_pull(world.client, world.request, stream.out(), nullptr) == WARPPOOL_OK);
  warppool_code code = WARPPOOL_OK;
  ErrorHandle error;
  const warppool_event* event = nullptr;
  while (code == WARPPOOL_OK) code = warppool_stream_next(stream, 30'000, &event, error.out());
  CHECK(code == WARPPOOL_NETWORK);
  Contains(warppool_error_to_string(error), "the vault is slow");
}
