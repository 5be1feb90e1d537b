// The C API against the loopback service: what the pool tells, and what can be done with it.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "arguments.h"
#include "capi_world.h"
#include "catch.h"

using namespace std::chrono_literals;

namespace {

int64_t NowMs() {
  return warppool::capi::ToUnixMs(std::chrono::system_clock::now());
}

// One token that was refused while another one served, and is disabled; that one is removed.
struct DisabledWorld : World {
  explicit DisabledWorld(const Configure& configure = {}) {
    service.On(kOne).Agent(loopback::Status(403).Times(1));
    service.Accept(kTwo);
    Connect({kOne}, [&](warppool_config* config) {
      REQUIRE(warppool_config_set_max_failures(config, 1, nullptr) == WARPPOOL_OK);
      REQUIRE(warppool_config_add_token(config, WARPPOOL_TIER_SHARED, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, kTwo, kWitness,
                                        nullptr) == WARPPOOL_OK);
      if (configure) configure(config);
    });
    CHECK(Ask() == WARPPOOL_OK);
    REQUIRE(warppool_client_remove_token(client, kWitness, nullptr) == WARPPOOL_OK);
  }

  static constexpr const char* kWitness = "witness";
};

// An active check.
void Check(World* world, HealthReportHandle* report) {
  warppool_health_check_options options = WARPPOOL_HEALTH_CHECK_OPTIONS_INIT;
  options.active = 1;
  ErrorHandle error;
  const warppool_code code = warppool_client_check_health(world->client, &options, report->out(), error.out());
  INFO(warppool_error_to_string(error));
  REQUIRE(code == WARPPOOL_OK);
  world->service.Said(warppool_health_report_to_string(*report));
  for (std::size_t i = 0; i < warppool_health_report_count(*report); ++i) {
    world->service.Said(warppool_health_report_problem(*report, i));
    world->service.Said(warppool_health_report_quota_problem(*report, i));
  }
}

}  // namespace

TEST_CASE("what happens to a token is told, with its name, code, reason and dates") {
  const int64_t before = NowMs();
  DisabledWorld world([](warppool_config* config) {
    REQUIRE(warppool_config_set_recovery_delay_ms(config, 600'000, nullptr) == WARPPOOL_OK);
  });
  const std::string name = world.Name(0);
  std::vector<warppool_pool_event_kind> kinds;
  for (const PoolRecord& event : world.service.PoolEvents()) {
    INFO(warppool_pool_event_kind_name(event.kind));
    CHECK(event.time_ms >= before);
    CHECK(event.time_ms <= NowMs());
    if (event.token == DisabledWorld::kWitness) continue;
    kinds.push_back(event.kind);
    CHECK(event.token == name);
    CHECK(event.tier == WARPPOOL_TIER_PERSONAL);
  }
  REQUIRE_FALSE(kinds.empty());
  CHECK(kinds.front() == WARPPOOL_POOL_EVENT_LOADED);
  CHECK(world.service.PoolEvents(WARPPOOL_POOL_EVENT_CHOSEN).size() == 2);
  CHECK(TheOnly(world.service, WARPPOOL_POOL_EVENT_ATTEMPT_FAILED).code == WARPPOOL_UNAUTHORIZED);
  const PoolRecord failure = TheOnly(world.service, WARPPOOL_POOL_EVENT_FAILURE);
  CHECK(failure.failures == 1);
  CHECK(failure.code == WARPPOOL_UNAUTHORIZED);
  CHECK(failure.until_ms == -1);
  const auto refreshed = world.service.PoolEvents(WARPPOOL_POOL_EVENT_REFRESHED);
  REQUIRE(refreshed.size() == 2);
  CHECK(refreshed[0].code == WARPPOOL_OK);
  CHECK(refreshed[0].until_ms > NowMs() + 3'000'000);

  const PoolRecord disabled = TheOnly(world.service, WARPPOOL_POOL_EVENT_DISABLED);
  CHECK(disabled.code == WARPPOOL_UNAUTHORIZED);
  CHECK(disabled.failures == 1);
  CHECK(disabled.until_ms >= before + 600'000);
  CHECK(disabled.until_ms <= NowMs() + 600'000);
  const PoolRecord exhausted = TheOnly(world.service, WARPPOOL_POOL_EVENT_TIER_EXHAUSTED);
  CHECK(exhausted.code == WARPPOOL_UNAUTHORIZED);
  CHECK(exhausted.reason == disabled.reason);
  CHECK(exhausted.until_ms >= before + 600'000);

  const warppool_token_info info = world.Info(0);
  CHECK(info.state == WARPPOOL_TOKEN_DISABLED);
  CHECK(info.ready_at_ms >= before + 600'000);
  CHECK(info.reason == disabled.reason);
  Contains(disabled.reason, "403");
}

TEST_CASE("a disabled token that is recovered by hand serves again") {
  DisabledWorld world;
  const std::string name = world.Name(0);
  CHECK(world.Ask() == WARPPOOL_NO_TOKEN_READY);
  CHECK(world.service.Count("/ai/multi-agent", kOne) == 1);

  SECTION("by its name") {
    CHECK(warppool_client_recover(world.client, name.c_str(), nullptr) == WARPPOOL_OK);
    CHECK(warppool_client_recover(world.client, name.c_str(), nullptr) == WARPPOOL_OK);  // ready already
  }
  SECTION("with all others") {
    size_t count = 7;
    CHECK(warppool_client_recover_all(world.client, &count, nullptr) == WARPPOOL_OK);
    CHECK(count == 1);
    CHECK(warppool_client_recover_all(world.client, &count, nullptr) == WARPPOOL_OK);
    CHECK(count == 0);
    CHECK(warppool_client_recover_all(world.client, nullptr, nullptr) == WARPPOOL_OK);
  }
  const PoolRecord recovered = TheOnly(world.service, WARPPOOL_POOL_EVENT_RECOVERED);
  CHECK(recovered.token == name);
  CHECK(recovered.reason == "by hand");
  const warppool_token_info info = world.Info(0);
  CHECK(info.state == WARPPOOL_TOKEN_READY);
  CHECK(info.failures == 0);
  CHECK(info.ready_at_ms == -1);
  CHECK(info.reason == std::string());
  CHECK(world.Ask() == WARPPOOL_OK);
  CHECK(world.served_by == name);
}

TEST_CASE("recovering a token that does not exist says which, and changes nothing") {
  DisabledWorld world;
  for (const std::string name : {"PERSONAL_none", ""}) {
    ErrorHandle error;
    CHECK(warppool_client_recover(world.client, name.c_str(), error.out()) == WARPPOOL_INVALID_ARGUMENT);
    Contains(warppool_error_message(error), "\"" + name + "\"");
  }
  CHECK(world.Info(0).state == WARPPOOL_TOKEN_DISABLED);
}

TEST_CASE("an explanation says whose turn it is, and why another one is not tried") {
  World world;
  world.service.On(kOne).Agent(loopback::Quota());
  world.service.Accept(kTwo);
  world.Connect({kOne, kTwo});
  const int64_t before = NowMs();
  CHECK(world.Ask() == WARPPOOL_OK);
  CHECK(world.served_by == world.Name(1));

  const std::size_t sent = world.service.Requests("").size();
  ExplanationHandle explanation;
  REQUIRE(warppool_client_explain(world.client, explanation.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_explanation_count(explanation) == 2);
  CHECK(warppool_explanation_token(explanation, 0) == world.Name(0));
  CHECK(warppool_explanation_tier(explanation, 0) == WARPPOOL_TIER_PERSONAL);
  CHECK(warppool_explanation_turn(explanation, 0) == 0);
  Contains(warppool_explanation_reason(explanation, 0), "cooling");
  CHECK(warppool_explanation_until_ms(explanation, 0) > before);
  CHECK(warppool_explanation_token(explanation, 1) == world.Name(1));
  CHECK(warppool_explanation_turn(explanation, 1) == 1);
  Contains(warppool_explanation_reason(explanation, 1), "ready");
  CHECK(warppool_explanation_until_ms(explanation, 1) == -1);
  CHECK(world.service.Requests("").size() == sent);

  const PoolRecord cooling = TheOnly(world.service, WARPPOOL_POOL_EVENT_COOLING);
  CHECK(cooling.code == WARPPOOL_QUOTA_EXHAUSTED);
  CHECK(cooling.until_ms > before);

  // It belongs to the caller, not to the client.
  REQUIRE(warppool_client_destroy(world.client.out()) == WARPPOOL_OK);
  Contains(warppool_explanation_reason(explanation, 0), "cooling");
}

TEST_CASE("a passive check reports what the pool knows, and sends nothing") {
  DisabledWorld world;
  const std::size_t sent = world.service.Requests("").size();
  HealthReportHandle report;
  const bool with_options = GENERATE(false, true);
  // From zeros, as a program may start: all defaults.
  warppool_health_check_options zeros = {sizeof zeros, 0, 0, 0, 0};
  REQUIRE(warppool_client_check_health(world.client, with_options ? &zeros : nullptr, report.out(), nullptr) ==
          WARPPOOL_OK);
  CHECK(world.service.Requests("").size() == sent);
  REQUIRE(warppool_health_report_count(report) == 1);
  CHECK(warppool_health_report_healthy_count(report) == 0);
  CHECK(warppool_health_report_healthy(report, 0) == 0);
  const warppool_error* problem = warppool_health_report_problem(report, 0);
  CHECK(warppool_error_code(problem) == WARPPOOL_NO_TOKEN_READY);
  CHECK(warppool_error_token(problem) == world.Name(0));
  Contains(warppool_error_message(problem), "403");
  Contains(warppool_health_report_to_string(report), "Healthy tokens: 0/1");
}

TEST_CASE("an active check asks each token, and tells its quota, its account and what is wrong") {
  World world;
  const auto reset = std::chrono::system_clock::from_time_t(1924992000);  // 2031-01-01
  world.service.AcceptAs("demo-healthy", "account-1");
  world.service.AcceptAs("demo-twin", "account-1");
  world.service.SetQuota("demo-healthy", {.limit = 40, .used = 7, .next_refresh = reset, .bonus = 5});
  world.service.SetQuota("demo-unlimited", {.unlimited = true});
  world.service.On("demo-mute").Account(loopback::Status(404));
  world.service.On("demo-dead").Exchange(loopback::Dead("TOKEN_EXPIRED"));
  world.Connect({"demo-healthy", "demo-twin", "demo-unlimited", "demo-mute", "demo-dead"});

  HealthReportHandle report;
  Check(&world, &report);
  REQUIRE(warppool_health_report_count(report) == 5);
  CHECK(warppool_health_report_healthy_count(report) == 4);
  for (const std::size_t i : {0U, 1U, 2U, 3U}) {
    INFO(i);
    CHECK(warppool_health_report_healthy(report, i) == 1);
    CHECK(warppool_health_report_problem(report, i) == nullptr);
    CHECK((warppool_health_report_quota_problem(report, i) == nullptr) == (i != 3));
  }
  CHECK(warppool_error_http_status(warppool_health_report_quota_problem(report, 3)) == 404);
  CHECK(warppool_health_report_healthy(report, 4) == 0);
  const warppool_error* problem = warppool_health_report_problem(report, 4);
  CHECK(warppool_error_code(problem) == WARPPOOL_UNAUTHORIZED);
  Contains(warppool_error_to_string(problem), "TOKEN_EXPIRED");

  const warppool_pool_status* pool = warppool_health_report_pool(report);
  REQUIRE(warppool_pool_status_count(pool) == 5);
  CHECK(warppool_pool_status_active(pool) == 4);
  std::vector<warppool_token_info> infos(5, WARPPOOL_TOKEN_INFO_INIT);
  for (std::size_t i = 0; i < infos.size(); ++i) {
    REQUIRE(warppool_pool_status_token(pool, i, &infos[i], nullptr) == WARPPOOL_OK);
    CHECK(infos[i].name == world.Name(i));
  }
  CHECK(infos[0].has_quota == 1);
  CHECK(infos[0].quota_unlimited == 0);
  CHECK(infos[0].quota_limit == 40);
  CHECK(infos[0].quota_used == 7);
  CHECK(infos[0].quota_bonus == 5);
  CHECK(infos[0].quota_remaining == 38);
  CHECK(infos[0].quota_next_reset_ms == 1'924'992'000'000);
  CHECK(infos[1].quota_remaining == 38);
  CHECK(infos[2].quota_unlimited == 1);
  CHECK(infos[3].has_quota == 0);
  CHECK(infos[4].state == WARPPOOL_TOKEN_DISABLED);
  CHECK(infos[4].ready_at_ms == -1);

  // Which of the twins came first depends on the network.
  const PoolRecord twin = TheOnly(world.service, WARPPOOL_POOL_EVENT_SAME_ACCOUNT);
  const std::size_t later = twin.token == infos[0].name ? 0 : 1;
  CHECK(twin.token == infos[later].name);
  CHECK(infos[later].same_account == std::string(infos[1 - later].name));
  CHECK(infos[1 - later].same_account == std::string());
  Contains(twin.reason, infos[1 - later].name);

  Contains(warppool_health_report_to_string(report), "Healthy tokens: 4/5");
  REQUIRE(warppool_client_destroy(world.client.out()) == WARPPOOL_OK);
  CHECK(warppool_pool_status_count(warppool_health_report_pool(report)) == 5);
}

TEST_CASE("an active check brings a disabled token back") {
  DisabledWorld world;
  HealthReportHandle report;
  Check(&world, &report);
  CHECK(warppool_health_report_healthy(report, 0) == 1);
  CHECK(TheOnly(world.service, WARPPOOL_POOL_EVENT_RECOVERED).token == world.Name(0));
  CHECK(world.Ask() == WARPPOOL_OK);
}

TEST_CASE("what an active check is not through with in time is unhealthy") {
  World world;
  world.service.Accept(kOne);
  world.service.On(kTwo).Exchange(loopback::Ok().Delay(100s));
  world.Connect({kOne, kTwo});
  warppool_health_check_options options = WARPPOOL_HEALTH_CHECK_OPTIONS_INIT;
  options.active = 1;
  options.timeout_ms = 1500;
  HealthReportHandle report;
  REQUIRE(warppool_client_check_health(world.client, &options, report.out(), nullptr) == WARPPOOL_OK);
  INFO(warppool_health_report_to_string(report));
  CHECK(warppool_error_code(warppool_health_report_problem(report, 1)) == WARPPOOL_TIMEOUT);
  CHECK(warppool_health_report_healthy(report, 0) == 1);
}

TEST_CASE("a check that is not possible is refused, and the message says why") {
  World world;
  world.service.Accept(kOne);
  world.Connect({kOne});
  const auto complaint = [&](const warppool_health_check_options& options) {
    HealthReportHandle report;
    ErrorHandle error;
    CHECK(warppool_client_check_health(world.client, &options, report.out(), error.out()) == WARPPOOL_INVALID_ARGUMENT);
    CHECK(static_cast<warppool_health_report*>(report) == nullptr);
    return std::string(warppool_error_message(error));
  };
  constexpr size_t kSize = sizeof(warppool_health_check_options);
  CHECK(complaint({kSize, 2, 4, 1000, 0}) == "options.active: must be 0 or 1");
  CHECK(complaint({kSize, -1, 4, 1000, 0}) == "options.active: must be 0 or 1");
  CHECK(complaint({kSize, 1, 4, -2, 0}) == "options.timeout_ms: must be -1 or more");
  CHECK(complaint({kSize, 1, 4, 1000, 1}) == "options.reserved: must be 0");
  Contains(complaint({kSize, 1, -1, 1000, 0}), "concurrency: must be from 1 to 1000");
  Contains(complaint({kSize, 1, 1001, 1000, 0}), "concurrency: must be from 1 to 1000");
  CHECK(world.service.Requests("").empty());

  // The initialiser says what C++ says. Does not compile when C++ gets another field.
  const warppool::HealthCheckOptions defaults;
  const auto& [active, concurrency, timeout] = defaults;
  const warppool_health_check_options initial = WARPPOOL_HEALTH_CHECK_OPTIONS_INIT;
  CHECK(initial.active == (active ? 1 : 0));
  CHECK(initial.concurrency == concurrency);
  CHECK(initial.timeout_ms == timeout.count());
}

TEST_CASE("a token that was refused while nobody else served rests, and has no failure") {
  World world;
  const int64_t before = NowMs();
  world.service.On(kOne).Agent(loopback::Status(403).Times(1));
  world.Connect({kOne});
  CHECK(world.Ask() == WARPPOOL_UNAUTHORIZED);
  const warppool_token_info info = world.Info(0);
  CHECK(info.state == WARPPOOL_TOKEN_RESTING);
  CHECK(warppool_token_state_name(info.state) == std::string("resting"));
  CHECK(info.failures == 0);
  CHECK(info.ready_at_ms >= before + 5'000);
  CHECK(info.ready_at_ms <= NowMs() + 5'000);
  Contains(info.reason, "403");
  CHECK(world.Ask() == WARPPOOL_NO_TOKEN_READY);
  Contains(world.complaint, "resting");
  CHECK(world.service.PoolEvents(WARPPOOL_POOL_EVENT_FAILURE).empty());
  CHECK(world.service.PoolEvents(WARPPOOL_POOL_EVENT_POOL_EXHAUSTED).empty());
  // It can be told to try all the same.
  CHECK(warppool_client_recover(world.client, info.name, nullptr) == WARPPOOL_OK);
  CHECK(world.Ask() == WARPPOOL_OK);
}

TEST_CASE("a request that waits for a token says so, and is served by it") {
  World world;
  world.service.On(kOne).Agent(loopback::Quota().Header("Retry-After", "1").Times(1));
  world.Connect({kOne});
  CHECK(world.Ask() == WARPPOOL_QUOTA_EXHAUSTED);
  REQUIRE(warppool_request_set_wait_for_token(world.request, 1, nullptr) == WARPPOOL_OK);
  Recorder recorder(&world.service);
  const warppool_stream_callbacks callbacks = recorder.Callbacks();
  StreamHandle stream;
  REQUIRE(warppool_client_start(world.client, world.request, &callbacks, stream.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(recorder.WaitForDone());
  CHECK(recorder.Code() == WARPPOOL_OK);
  const std::vector<Record> records = recorder.Records();
  REQUIRE(records.size() > 1);
  CHECK(records[0].type == WARPPOOL_EVENT_WAITING);
  CHECK(records[0].wait_ms > 0);
  CHECK(records[0].wait_ms <= 1000);
  CHECK_FALSE(records[0].message.empty());
  CHECK(records[1].type == WARPPOOL_EVENT_STREAM_STARTED);
  CHECK(world.Info(0).state == WARPPOOL_TOKEN_READY);
}

TEST_CASE("a program that was compiled before there were pool events is served as before") {
  struct {
    size_t struct_size;
    warppool_log_sink log;
    void* log_user_data;
    warppool_pool_event_sink beyond;  // not the library's to read
  } older = {offsetof(warppool_client_options, pool_event), CheckedService::Log, nullptr,
             [](const warppool_pool_event* /*event*/, void* told) { *static_cast<bool*>(told) = true; }};
  static_assert(offsetof(decltype(older), beyond) == offsetof(warppool_client_options, pool_event));
  bool told = false;
  World world;
  world.service.Accept(kOne);
  older.log_user_data = &world.service;
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_server_url(config, world.service.url().c_str(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_add_token(config, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, kOne, nullptr,
                                    nullptr) == WARPPOOL_OK);
  warppool_client_options options = WARPPOOL_CLIENT_OPTIONS_INIT;
  std::memcpy(static_cast<void*>(&options), &older, sizeof older);
  options.pool_event_user_data = &told;
  REQUIRE(warppool_client_create(config, &options, world.client.out(), nullptr) == WARPPOOL_OK);
  MakeRequest("why", &world.request);
  CHECK(world.Ask() == WARPPOOL_OK);
  CHECK_FALSE(world.service.LogText().empty());
  CHECK_FALSE(told);

  // With its whole size, the same struct has the sink.
  options.struct_size = sizeof options;
  REQUIRE(warppool_client_create(config, &options, world.client.out(), nullptr) == WARPPOOL_OK);
  CHECK(told);
  REQUIRE(warppool_client_destroy(world.client.out()) == WARPPOOL_OK);
}

TEST_CASE("a program that was compiled before tokens had a quota gets what it knows, and no byte more") {
  DisabledWorld world;
  REQUIRE(warppool_client_pool(world.client, world.pool.out(), nullptr) == WARPPOOL_OK);
  warppool_token_info info;
  std::memset(&info, 0x5a, sizeof info);
  info.struct_size = offsetof(warppool_token_info, reason);
  REQUIRE(warppool_pool_status_token(world.pool, 0, &info, nullptr) == WARPPOOL_OK);
  CHECK(info.struct_size == offsetof(warppool_token_info, reason));
  CHECK(info.state == WARPPOOL_TOKEN_DISABLED);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&info);
  CHECK(std::all_of(bytes + info.struct_size, bytes + sizeof info, [](unsigned char byte) { return byte == 0x5a; }));
}
