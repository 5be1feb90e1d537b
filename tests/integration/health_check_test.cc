// How the tokens are: what the pool knows, and what the service says when it is asked.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <thread>

#include "fixture.h"

namespace warppool {
namespace {

using loopback::Endpoint;

TokenConfig KeyOf(const std::string& key, Tier tier = Tier::kPersonal) {
  TokenConfig token;
  token.credential = Secret(key);
  token.kind = CredentialKind::kApiKey;
  token.tier = tier;
  return token;
}

// The report of an active check.
HealthReport Check(World* world, HealthCheckOptions options = {}) {
  options.active = true;
  const auto report = world->client->CheckHealth(options);
  REQUIRE(report.status().ToString() == "ok");
  world->Note(report->ToString());
  for (const TokenHealthResult& result : report->tokens) {
    world->Said(result.problem);
    world->Said(result.quota_problem);
  }
  return *report;
}

bool Has(const std::string& text, const std::string& part) {
  INFO(text);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

}  // namespace

TEST_CASE("a passive check says what the pool knows, and sends nothing") {
  World world;
  world.service.Accept(kOne);
  world.service.On(kTwo).Exchange(loopback::Dead("USER_DISABLED"));
  Client& client = world.Connect({kTwo, kOne});
  const auto before = client.CheckHealth();
  REQUIRE(before.ok());
  CHECK(before->Healthy() == 2);
  CHECK(world.service.Requests("").empty());

  CHECK(world.Ask(Impatient("hello")).ok());
  const std::size_t sent = world.service.Requests("").size();
  const auto after = client.CheckHealth();
  REQUIRE(after.ok());
  world.Note(after->ToString());
  CHECK(after->Healthy() == 1);
  REQUIRE(after->tokens.size() == 2);
  CHECK_FALSE(after->tokens[0].healthy);
  CHECK(Has(after->tokens[0].problem.ToString(), "USER_DISABLED"));
  CHECK(after->tokens[0].token.state == TokenState::kDisabled);
  CHECK(after->tokens[1].healthy);
  CHECK(after->tokens[1].problem.ok());
  CHECK(world.service.Requests("").size() == sent);
}

TEST_CASE("an active check refreshes each token, asks for its quota, and reports in the seed's manner") {
  World world;
  const auto reset = std::chrono::system_clock::from_time_t(1924992000);  // 2031-01-01
  world.service.SetQuota("fake-healthy", {.limit = 40, .used = 7, .next_refresh = reset, .bonus = 5});
  world.service.SetQuota("fake-unlimited", {.unlimited = true});
  world.service.On("fake-mute").Account(loopback::Status(404));
  world.service.On("fake-dead").Exchange(loopback::Dead("TOKEN_EXPIRED"));
  world.service.On("fake-refused").Account(loopback::Status(403));
  world.service.AcceptApiKey(kKey);
  Config config =
      ConfigFor(world.service, {"fake-healthy", "fake-unlimited", "fake-mute", "fake-dead", "fake-refused"});
  config.tokens.push_back(KeyOf(kKey, Tier::kShared));
  world.Connect(std::move(config));
  CHECK(world.Ask(Request("hello")).ok());  // one JWT is there already
  REQUIRE(world.service.Count(kExchange) == 1);

  const HealthReport report = Check(&world);
  CHECK(report.Healthy() == 4);
  REQUIRE(report.tokens.size() == 6);
  const bool healthy[] = {true, true, true, false, false, true};
  for (std::size_t i = 0; i < 6; ++i) {
    INFO(i);
    CHECK(report.tokens[i].healthy == healthy[i]);
    CHECK(report.tokens[i].problem.ok() == healthy[i]);
    CHECK(report.tokens[i].token.name == world.client->Pool().tokens[i].name);
    CHECK(report.tokens[i].token.in_flight == 0);
  }
  CHECK(world.service.Count(kExchange, "fake-healthy") == 2);
  CHECK(world.service.Count(kExchange) == 6);
  CHECK(world.service.Count(kAccount) == 5);

  CHECK(report.tokens[0].token.quota->Remaining() == 38);
  CHECK(report.tokens[0].token.quota->next_reset == reset);
  CHECK(report.tokens[0].quota_problem.ok());
  CHECK(report.tokens[1].token.quota->unlimited);
  CHECK_FALSE(report.tokens[2].token.quota.has_value());
  CHECK(report.tokens[2].quota_problem.code() == Code::kMisconfigured);
  CHECK(report.tokens[3].token.state == TokenState::kDisabled);
  CHECK(report.tokens[4].token.failures == 0);  // a 403 for a query is told, and blamed on nobody
  CHECK(report.tokens[5].token.quota->limit == 150);

  const std::string text = report.ToString();
  Has(text, "Healthy tokens: 4/6\n");
  Has(text, "Unhealthy tokens: 2\n");
  Has(text, report.tokens[0].token.name +
                " (PERSONAL): failures=0, active=true, quota=33 of 40 left, bonus=5, "
                "reset=2031-01-01T00:00:00Z\n");
  Has(text, report.tokens[1].token.name + " (PERSONAL): failures=0, active=true, quota=unlimited");
  Has(text, report.tokens[3].token.name + " (PERSONAL): failures=0, active=false");
  Has(text, "(TOKEN_EXPIRED)");
  Has(text, report.tokens[4].token.name + " (PERSONAL): failures=0, active=true");
  Has(text, report.tokens[5].token.name + " (SHARED): failures=0, active=true, quota=150 of 150 left");
  CHECK(std::count(text.begin(), text.end(), '\n') >= 8);
}

TEST_CASE("a check asks no more tokens at a time than it may") {
  Gate gate;
  World world;
  std::vector<std::string> tokens;
  for (int i = 0; i < 12; ++i) tokens.push_back("fake-token-" + std::to_string(i));
  for (const std::string& token : tokens) world.service.Accept(token);
  world.service.Decide([&](Endpoint /*endpoint*/, const std::string& /*token*/) {
    gate.Pass(5ms);
    return std::optional<loopback::Behaviour>();
  });
  Client& client = world.Connect(tokens);
  REQUIRE(client.AccessToken().ok());  // the service is known to be HTTP/1.1
  const int concurrency = GENERATE(1, 3);
  gate.Close();
  std::thread opener([&] {
    gate.WaitUntilInside(concurrency);
    std::this_thread::sleep_for(20ms);  // for one more, if it comes
    gate.Open();
  });
  HealthCheckOptions options;
  options.concurrency = concurrency;
  const HealthReport report = Check(&world, options);
  opener.join();
  CHECK(report.Healthy() == 12);
  CHECK(gate.most() == concurrency);
  CHECK(world.service.Count(kExchange) == 13);
}

TEST_CASE("what is not through when the time is over is unhealthy, and the rest is as it is") {
  World world;
  world.service.Accept(kOne);
  world.service.On(kTwo).Exchange(loopback::Ok().Delay(100s));
  world.service.On("fake-token-three").Account(loopback::Ok().Delay(100s));
  world.Connect({kOne, kTwo, "fake-token-three"});
  HealthCheckOptions options;
  options.timeout = 2500ms;
  const HealthReport report = Check(&world, options);
  CHECK(report.tokens[0].problem.ToString() == "ok");
  CHECK(report.tokens[0].healthy);
  for (const std::size_t i : {1U, 2U}) {
    CHECK_FALSE(report.tokens[i].healthy);
    CHECK(report.tokens[i].problem.code() == Code::kTimeout);
    CHECK(report.tokens[i].token.state == TokenState::kReady);
    CHECK(report.tokens[i].token.failures == 0);
    CHECK(world.StatusOf(i).in_flight == 0);
  }
  CHECK(world.Ask(Impatient("hello")).ok());
}

TEST_CASE("a check that may take no time is over at once") {
  World world;
  world.service.Accept(kOne);
  world.Connect({kOne});
  HealthCheckOptions options;
  options.timeout = 0ms;
  const HealthReport report = Check(&world, options);
  CHECK(report.tokens[0].problem.code() == Code::kTimeout);
  options.timeout = -1ms;
  CHECK(Check(&world, options).Healthy() == 1);
}

TEST_CASE("an active check inside a callback would wait for itself, a passive one does not") {
  World world;
  world.service.Accept(kOne);
  Client& client = world.Connect({kOne});
  std::promise<std::pair<Code, int>> seen;
  auto stream =
      client.Start(Request("hello"), {nullptr, [&](const Status& /*status*/) {
                                        const auto active = client.CheckHealth({.active = true});
                                        const auto passive = client.CheckHealth();
                                        seen.set_value({active.code(), passive.ok() ? passive->Healthy() : -1});
                                      }});
  REQUIRE(stream.ok());
  const auto [active, passive] = seen.get_future().get();
  CHECK(active == Code::kMisuse);
  CHECK(passive == 1);
}

TEST_CASE("a check's options are checked, and a closed client is not") {
  World world;
  world.service.Accept(kOne);
  Client& client = world.Connect({kOne});
  for (const int concurrency : {0, -1, 1001}) {
    HealthCheckOptions options;
    options.concurrency = concurrency;
    const auto report = client.CheckHealth(options);
    CHECK(world.Said(report.status()).code() == Code::kInvalidArgument);
    CHECK(report.status().message().find("concurrency") != std::string::npos);
  }
  CHECK(client.Close(0ms).ok());
  CHECK(client.CheckHealth({.active = true}).code() == Code::kMisuse);
}

TEST_CASE(
    "a token that was refused for good, or disabled without a way back, is recovered when the service accepts it") {
  World world;
  SECTION("refused for good") {
    world.service.On(kOne).Exchange(loopback::Dead("USER_DISABLED").Times(2));
  }
  SECTION("disabled") {
    world.service.On(kOne).Agent(loopback::Status(403).Times(1)).Account(loopback::Status(403).Times(1));
  }
  world.service.Accept(kTwo);
  Config config = FillFirst(world.service, {kOne, kTwo});
  config.max_failures = 1;
  config.recovery_delay = 0ms;
  world.Connect(std::move(config));
  world.BlameAndLeaveAlone(1);
  const HealthReport ill = Check(&world);
  CHECK(ill.Healthy() == 0);
  CHECK(ill.tokens[0].problem.code() == Code::kUnauthorized);
  CHECK(ill.tokens[0].token.state == TokenState::kDisabled);
  CHECK(world.Ask(Impatient("hello")).code() == Code::kNoTokenReady);
  CHECK(world.service.Count(kExchange, kOne) == 2);

  const HealthReport well = Check(&world);
  CHECK(well.Healthy() == 1);
  CHECK(well.tokens[0].token.state == TokenState::kReady);
  CHECK(well.tokens[0].token.failures == 0);
  CHECK(world.events.Count(PoolEventKind::kRecovered) == 1);
  CHECK(world.Ask(Impatient("hello")).ok());
}

TEST_CASE("a token whose quota is back is ready again after an active check") {
  World world;
  world.service.On(kOne).Agent(loopback::Quota().Header("Retry-After", "3600").Times(1));
  world.Connect({kOne});
  CHECK(world.Ask(Impatient("hello")).code() == Code::kQuotaExhausted);
  world.service.SetQuota(kOne, {.limit = 10, .used = 10, .next_refresh = std::chrono::system_clock::now() + 2h});
  CHECK(Check(&world).tokens[0].token.state == TokenState::kCooling);
  world.service.SetQuota(kOne, {.limit = 10, .used = 0});
  CHECK(Check(&world).tokens[0].token.state == TokenState::kReady);
  CHECK(world.Ask(Impatient("hello")).ok());
}

TEST_CASE("a check finds what the pool could not know, and three such findings disable, if another token passes") {
  World world;
  SECTION("the quota query refuses its JWT") {
    world.service.On(kOne).Account(loopback::Status(401));
  }
  SECTION("its exchange is refused") {
    world.service.On(kOne).Exchange(loopback::Status(403));
  }
  SECTION("its exchange fails") {
    world.service.On(kOne).Exchange(loopback::Status(500));
  }
  world.service.Accept(kTwo);
  world.Connect({kOne, kTwo});
  CHECK(world.client->CheckHealth()->Healthy() == 2);
  for (int i = 1; i <= 3; ++i) {
    const HealthReport report = Check(&world);
    CHECK(report.Healthy() == 1);
    CHECK(report.tokens[0].token.failures == i);
    CHECK(report.tokens[1].token.failures == 0);
  }
  CHECK(world.client->CheckHealth()->Healthy() == 1);
  CHECK(world.StatusOf(0).state == TokenState::kDisabled);
}

TEST_CASE("a check whose tokens are all refused, or in which only one of another kind passes, blames nobody") {
  World world;
  world.service.On(kOne).Account(loopback::Status(401));
  world.service.On(kTwo).Exchange(loopback::Status(403));
  Config config = ConfigFor(world.service, {kOne, kTwo});
  config.max_failures = 1;
  int healthy = 0;
  SECTION("all") {}
  SECTION("an API key passes") {
    world.service.AcceptApiKey(kKey);
    config.tokens.push_back(KeyOf(kKey));
    healthy = 1;
  }
  world.Connect(std::move(config));
  for (int i = 0; i < 3; ++i) {
    const HealthReport report = Check(&world);
    CHECK(report.Healthy() == healthy);
    for (const std::size_t token : {0U, 1U}) {
      CHECK(report.tokens[token].problem.code() == Code::kUnauthorized);
      CHECK(report.tokens[token].token.state == TokenState::kResting);
      CHECK(report.tokens[token].token.total_failures == 0);
    }
  }
  CHECK(world.events.Count(PoolEventKind::kFailure) == 0);
}

TEST_CASE("an exchange that cannot be reached makes tokens unhealthy, and blames none") {
  World world;
  world.service.OnAny().Exchange(loopback::Status(503));
  world.service.Accept(kOne).Accept(kTwo);
  world.Connect({kOne, kTwo});
  for (int i = 0; i < 4; ++i) {
    const HealthReport report = Check(&world);
    CHECK(report.Healthy() == 0);
    for (const TokenHealthResult& result : report.tokens) {
      CHECK(result.problem.code() == Code::kOverloaded);
      CHECK(result.token.state == TokenState::kReady);
      CHECK(result.token.failures == 0);
    }
  }
}

TEST_CASE("an API key is checked where quotas are told") {
  World world;
  world.service.AcceptApiKey(kKey);
  Config config = ConfigFor(world.service, {});
  config.tokens.push_back(KeyOf(kKey));
  SECTION("accepted") {
    world.Connect(std::move(config));
    CHECK(Check(&world).Healthy() == 1);
    CHECK(world.StatusOf(0).quota.has_value());
  }
  SECTION("refused") {
    world.service.On(kKey).Account(loopback::Status(401));
    world.Connect(std::move(config));
    const HealthReport report = Check(&world);
    CHECK(report.Healthy() == 0);
    CHECK(report.tokens[0].problem.code() == Code::kUnauthorized);
    CHECK(report.tokens[0].token.state == TokenState::kResting);
    CHECK(report.tokens[0].token.failures == 0);
  }
  SECTION("quotas are not told: nothing is known of it") {
    world.service.On(kKey).Account(loopback::Status(404));
    world.Connect(std::move(config));
    const HealthReport report = Check(&world);
    CHECK(report.Healthy() == 0);
    CHECK(report.tokens[0].problem.code() == Code::kMisconfigured);
    Has(report.tokens[0].problem.message(), "404");
    CHECK(report.tokens[0].token.failures == 0);
    CHECK(report.tokens[0].token.state == TokenState::kReady);
  }
  CHECK(world.service.Count(kExchange) == 0);
}

TEST_CASE("closing the client ends a check") {
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().Delay(100s));
  world.service.On(kTwo).Account(loopback::Ok().Delay(100s));
  world.service.Accept("fake-token-three");
  Client& client = world.Connect({"fake-token-three", kOne, kTwo});
  REQUIRE(client.AccessToken().ok());  // the service is known to be HTTP/1.1
  world.service.On("fake-token-three").Exchange(loopback::Ok().Delay(100s));
  auto check = std::async(std::launch::async, [&] {
    HealthCheckOptions options;
    options.active = true;
    options.timeout = -1ms;
    return client.CheckHealth(options);
  });
  REQUIRE(Eventually([&] { return world.service.Count(kExchange) == 4 && world.service.Count(kAccount) == 1; }));
  CHECK(client.Close(0ms).ok());
  const auto report = check.get();
  REQUIRE(report.ok());
  CHECK(report->Healthy() == 0);
  for (const TokenHealthResult& result : report->tokens) CHECK(world.Said(result.problem).code() == Code::kCancelled);
}

TEST_CASE("a check is no request, and serves none") {
  World world;
  world.service.Accept(kOne).AcceptApiKey(kKey);
  Config config = ConfigFor(world.service, {kOne});
  config.tokens.push_back(KeyOf(kKey));
  config.max_in_flight = 1;
  Client& client = world.Connect(std::move(config));
  const std::string next = client.Explain()[0].turn == 1 ? client.Explain()[0].name : client.Explain()[1].name;
  const HealthReport report = Check(&world);
  CHECK(report.Healthy() == 2);
  for (const TokenHealthResult& result : report.tokens) CHECK(result.token.served == 0);
  CHECK(world.events.Count(PoolEventKind::kChosen) == 0);
  const auto answer = world.Ask(Impatient("hello"));
  REQUIRE(answer.ok());
  CHECK(answer->token == next);  // nobody's turn was taken
}

TEST_CASE("after a fork the child asks for nothing, and changes nothing") {
  World world;
  world.service.Accept(kOne);
  Client& client = world.Connect({kOne});
  const std::string name = client.Pool().tokens[0].name;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int wrong = 0;
    if (client.CheckHealth({.active = true}).code() != Code::kMisuse) wrong |= 1;
    if (client.CheckHealth().code() != Code::kMisuse) wrong |= 2;
    if (client.Recover(name).code() != Code::kMisuse) wrong |= 4;
    if (client.RecoverAll().code() != Code::kMisuse) wrong |= 8;
    if (!client.Explain().empty()) wrong |= 16;
    _exit(wrong);
  }
  int state = 0;
  REQUIRE(waitpid(child, &state, 0) == child);
  CHECK(state == 0);
  CHECK(Check(&world).Healthy() == 1);
}

TEST_CASE("a check leaves alone what a request is trying just now") {
  Gate gate;
  World world;
  world.service.On(kOne).Agent(loopback::Status(403).Times(1));
  world.service.Decide([&](Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint == Endpoint::kAgent) gate.Pass();
    return std::optional<loopback::Behaviour>();
  });
  world.service.Accept(kTwo);
  Config config = FillFirst(world.service, {kOne, kTwo});
  config.max_failures = 1;
  Client& client = world.Connect(std::move(config));
  world.BlameAndLeaveAlone(1);
  world.Skip(60s);
  REQUIRE(world.StatusOf(0).state == TokenState::kHalfOpen);
  gate.Close();
  Recorder probe(&world);
  auto stream = client.Start(Request("probe"), probe.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(gate.WaitUntilInside(1));
  const HealthReport report = Check(&world);
  CHECK(report.tokens[0].problem.code() == Code::kNoTokenReady);
  CHECK(world.service.Count(kAccount) == 0);
  gate.Open();
  REQUIRE(probe.WaitUntilDone());
  CHECK(probe.status().ok());
  CHECK(Check(&world).Healthy() == 1);
}

}  // namespace warppool
