// A program that restarts goes on where it was.

#include "state_fixture.h"

namespace warppool::internal {
namespace {

constexpr const char* kRotatedAgain = "fake-token-rotated-again";

// A client of `credentials` with a state file of its own.
Config Keeping(const World& world, const TemporaryDirectory& directory, const std::vector<std::string>& credentials) {
  Config config = ConfigFor(world.service, credentials);
  config.state_file = directory / "state";
  return config;
}

}  // namespace

TEST_CASE("a restart goes on with the JWT, and then with the refresh token that replaced the configured one") {
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo(kRotated).Times(1));
  world.Connect(Keeping(world, directory, {kOne}));
  REQUIRE(world.Ask(Impatient()).ok());

  Restart(&world, Keeping(world, directory, {kOne}));
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange) == 1);
  CHECK(world.events.Count(PoolEventKind::kRestored) == 1);

  Restart(&world, Keeping(world, directory, {kOne}));
  world.service.ExpireJwts();
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange, kOne) == 1);
  CHECK(world.service.Count(kExchange, kRotated) == 1);
  CHECK(world.StatusOf(0).total_failures == 0);
  CHECK(world.events.Count(PoolEventKind::kStoreFailed) == 0);
}

TEST_CASE("a JWT that a store kept is renewed ahead of its end, and one that has ended is not sent") {
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().JwtLife(2s));
  Config config = Keeping(world, directory, {kOne});
  config.background_refresh = false;
  world.Connect(config);
  REQUIRE(world.Ask(Impatient()).ok());
  SECTION("renewed") {
    config.background_refresh = true;
    Client& client = Restart(&world, config);
    REQUIRE(client.AccessToken().ok());
    REQUIRE(Eventually([&] { return world.service.Count(kExchange) >= 2; }));
  }
  SECTION("ended") {
    REQUIRE(Eventually([&] { return !world.StatusOf(0).jwt_expires.has_value(); }));
    Restart(&world, config);
    CHECK_FALSE(world.StatusOf(0).jwt_expires);
    CHECK(world.Ask(Impatient()).ok());
    CHECK(world.service.Count(kExchange) == 2);
    for (const loopback::Seen& seen : world.service.Requests(kAgent)) CHECK(seen.status == 200);
  }
}

TEST_CASE("whichever credential of a login is configured, a restart goes on with the newest") {
  const auto configured = GENERATE(as<std::string>{}, kOne, kRotated, kRotatedAgain);
  INFO(configured);
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne)
      .Exchange(loopback::Ok().RotateTo(kRotated).Times(1))
      .Exchange(loopback::Ok().RotateTo(kRotatedAgain).Times(1));
  world.Connect(Keeping(world, directory, {kOne}));
  REQUIRE(world.Ask(Impatient()).ok());
  world.service.ExpireJwts();
  REQUIRE(world.Ask(Impatient()).ok());
  REQUIRE(world.service.Count(kExchange) == 2);

  for (int restarts = 1; restarts <= 2; ++restarts) {
    Client& client = Restart(&world, Keeping(world, directory, {configured}));
    CHECK(client.Statistics().total.Successes() == static_cast<std::uint64_t>(1 + restarts));
    CHECK(world.Ask(Impatient()).ok());
    CHECK(world.service.Count(kExchange) == 2);
  }
  // And back to the first one.
  Restart(&world, Keeping(world, directory, {kOne}));
  world.service.ExpireJwts();
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange, kRotatedAgain) == 1);
  CHECK(world.service.Count(kExchange) == 3);
  CHECK(world.client->Statistics().total.Successes() == 5);
}

TEST_CASE("a login that goes on under its newer credential is found under the older one, too") {
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne)
      .Exchange(loopback::Ok().RotateTo(kRotated).Times(1))
      .Exchange(loopback::Ok().RotateTo(kRotatedAgain).Times(1));
  world.Connect(Keeping(world, directory, {kOne}));
  REQUIRE(world.Ask(Impatient()).ok());
  Restart(&world, Keeping(world, directory, {kRotated}));
  world.service.ExpireJwts();
  REQUIRE(world.Ask(Impatient()).ok());
  REQUIRE(world.service.Count(kExchange, kRotated) == 1);
  Restart(&world, Keeping(world, directory, {kOne}));
  CHECK(world.client->Statistics().total.Successes() == 2);
  world.service.ExpireJwts();
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange, kRotatedAgain) == 1);
}

TEST_CASE("a login is found under the configured credential, however often that was replaced") {
  const TemporaryDirectory directory;
  World world;
  std::atomic<int> exchanges{0};
  world.service.Accept(kOne);
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string&) -> std::optional<loopback::Behaviour> {
    if (endpoint != loopback::Endpoint::kExchange) return std::nullopt;
    return loopback::Ok().RotateTo("fake-token-" + std::to_string(++exchanges));
  });
  Client& client = world.Connect(Keeping(world, directory, {kOne}));
  for (int i = 0; i < 40; ++i) {
    REQUIRE(client.AccessToken().ok());
    client.DropAccessToken(*client.AccessToken());
  }
  REQUIRE(exchanges == 40);
  Restart(&world, Keeping(world, directory, {kOne}));
  REQUIRE(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange, "fake-token-40") == 1);
  CHECK(world.service.Count(kExchange, kOne) == 1);
  world.client.reset();
  // What a login leaves behind does not grow for ever.
  const std::string content = ContentOf(directory / "state");
  CHECK(std::count(content.begin(), content.end(), '\n') <= 40);
}

TEST_CASE("a cooling goes on after a restart, until the time that it had") {
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne).Agent(loopback::Quota().Header("Retry-After", "3600"));
  world.service.Accept(kTwo);
  world.Connect(Keeping(world, directory, {kOne, kTwo}));
  REQUIRE(world.Ask(Impatient()).ok());
  const TokenStatus before = world.StatusOf(0);
  REQUIRE(before.state == TokenState::kCooling);
  REQUIRE(before.ready_at);

  Restart(&world, Keeping(world, directory, {kOne, kTwo}));
  const TokenStatus after = world.StatusOf(0);
  CHECK(after.state == TokenState::kCooling);
  CHECK(after.reason == before.reason);
  REQUIRE(after.ready_at);
  CHECK(std::chrono::abs(*after.ready_at - *before.ready_at) < 1s);
  for (int i = 0; i < 3; ++i) CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kAgent, kOne) == 1);
}

TEST_CASE("a cooling that ended while the program was away is over") {
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne).Agent(loopback::Quota().Header("Retry-After", "1").Times(1));
  world.service.Accept(kTwo);
  world.Connect(Keeping(world, directory, {kOne, kTwo}));
  REQUIRE(world.Ask(Impatient()).ok());
  const auto until = world.StatusOf(0).ready_at;
  REQUIRE(until);
  world.client.reset();
  REQUIRE(Eventually([&] { return std::chrono::system_clock::now() > *until; }));
  world.Connect(Keeping(world, directory, {kOne, kTwo}));
  CHECK(world.StatusOf(0).state == TokenState::kReady);
}

TEST_CASE("who was disabled is half open at once after a restart") {
  const bool for_good = GENERATE(false, true);
  INFO(for_good);
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne).Exchange((for_good ? loopback::Dead("USER_DISABLED") : loopback::Status(403)).Times(1));
  world.service.Accept(kTwo);
  Config config = Keeping(world, directory, {kOne, kTwo});
  config.strategy = Strategy::kFillFirst;
  config.max_failures = 1;
  config.recovery_delay = 3'600'000ms;
  world.Connect(config);
  REQUIRE(world.Ask(Impatient()).ok());
  REQUIRE(world.StatusOf(0).state == TokenState::kDisabled);
  const std::string reason = world.StatusOf(0).reason;

  Restart(&world, config);
  CHECK(world.StatusOf(0).state == TokenState::kHalfOpen);
  CHECK(world.StatusOf(0).reason == reason);
  if (for_good) {  // behind all that are ready
    CHECK(world.Ask(Impatient()).ok());
    CHECK(world.StatusOf(0).served == 0);
    config.tokens.resize(1);
    Restart(&world, config);
    CHECK(world.StatusOf(0).state == TokenState::kHalfOpen);
  }
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.StatusOf(0).served == 1);
  CHECK(world.StatusOf(0).state == TokenState::kReady);
  CHECK(world.StatusOf(0).failures == 0);
  Restart(&world, config);
  CHECK(world.StatusOf(0).state == TokenState::kReady);
}

TEST_CASE("failures go on where they were") {
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne).Agent(loopback::Status(403));
  world.service.Accept(kTwo);
  Config config = Keeping(world, directory, {kOne, kTwo});
  config.strategy = Strategy::kFillFirst;
  world.Connect(config);
  world.Blame(2);
  REQUIRE(world.StatusOf(0).failures == 2);
  Restart(&world, config);
  CHECK(world.StatusOf(0).failures == 2);
  CHECK(world.StatusOf(0).state == TokenState::kReady);
  world.Blame(1);
  CHECK(world.StatusOf(0).state == TokenState::kDisabled);
  CHECK(CountersOf(*world.client, NamesIn(*world.client)[0]).failures == 3);
}

TEST_CASE("counters go on where they were, those of API keys, too") {
  const TemporaryDirectory directory;
  World world;
  world.service.Accept(kOne);
  world.service.AcceptApiKey("wk-1.fakefake");
  world.service.On(kTwo).Agent(loopback::Status(403));
  Config config = Keeping(world, directory, {kOne, kTwo});
  config.tokens.push_back(ApiKeyOf("wk-1.fakefake"));
  config.max_failures = 1000;
  Stats before = world.Connect(config).Statistics();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) REQUIRE(world.Ask(Impatient()).ok());
    const Stats ended = world.client->Statistics();
    CHECK(ended.total.Successes() == before.total.Successes() + 4);
    Restart(&world, config);
    before = world.client->Statistics();
    CHECK(Parts(before.total) == Parts(ended.total));
    CHECK(before.total.first_event.sum == ended.total.first_event.sum);
    REQUIRE(before.tokens.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(Parts(before.tokens[i].counters) == Parts(ended.tokens[i].counters));
      CHECK(before.tokens[i].last_used.has_value());
    }
    CHECK(before.requests.started == 0);
  }
}

TEST_CASE("a token that is removed keeps its record, and has it again when it comes back") {
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne)
      .Exchange(loopback::Ok().RotateTo(kRotated).Times(1))
      .Agent(loopback::Quota().Header("Retry-After", "3600").Times(1));
  world.service.Accept(kTwo);
  Client& client = world.Connect(Keeping(world, directory, {kOne, kTwo}));
  REQUIRE(world.Ask(Impatient()).ok());
  const std::string name = NamesIn(client)[0];
  REQUIRE(StatusOf(client, name)->state == TokenState::kCooling);
  REQUIRE(client.RemoveToken(name).ok());
  REQUIRE(client.AddToken(TokenOf(kOne)).ok());
  REQUIRE(Eventually([&] { return StatusOf(client, name)->state == TokenState::kCooling; }));
  CHECK(CountersOf(client, name).requests == 1);
  world.service.ExpireJwts();
  REQUIRE(client.Recover(name).ok());
  REQUIRE(client.RemoveToken(NamesIn(client)[0]).ok());
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange, kOne) == 1);
  CHECK(world.service.Count(kExchange, kRotated) == 1);
  CHECK(world.events.Count(PoolEventKind::kStoreFailed) == 0);
}

TEST_CASE("a token that a reload or another credential brings has what the store knows of it") {
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo(kRotated).Times(1));
  world.service.Accept(kTwo);
  world.Connect(Keeping(world, directory, {kOne}));
  REQUIRE(world.Ask(Impatient()).ok());
  Client& client = Restart(&world, Keeping(world, directory, {kTwo}));
  const int restored = world.events.Count(PoolEventKind::kRestored);
  SECTION("reload") {
    REQUIRE(client.Reload(Keeping(world, directory, {kOne}))->added.size() == 1);
  }
  SECTION("another credential") {
    REQUIRE(client.ReplaceCredential(NamesIn(client)[0], TokenOf(kOne)).ok());
  }
  SECTION("another credential, and back") {
    REQUIRE(client.Reload(Keeping(world, directory, {kOne}))->added.size() == 1);
    REQUIRE(client.ReplaceCredential(NamesIn(client)[0], TokenOf(kTwo)).ok());
    REQUIRE(client.ReplaceCredential(NamesIn(client)[0], TokenOf(kOne)).ok());
  }
  REQUIRE(Eventually([&] { return world.events.Count(PoolEventKind::kRestored) > restored; }));
  REQUIRE(Eventually([&] { return world.StatusOf(0).jwt_expires.has_value(); }));
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange) == 1);
  world.service.ExpireJwts();
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange, kOne) == 1);
  CHECK(world.service.Count(kExchange, kRotated) == 1);
}

TEST_CASE("a kept refresh token that is refused for good is not the end: the configured one is tried once") {
  const bool works = GENERATE(true, false);
  INFO(works);
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo(kRotated).Times(1));
  world.Connect(Keeping(world, directory, {kOne}));
  REQUIRE(world.Ask(Impatient()).ok());
  world.service.ExpireJwts();
  world.service.On(kRotated).Exchange(loopback::Dead("TOKEN_EXPIRED").Times(1));
  if (works) world.service.Accept(kOne);
  Restart(&world, Keeping(world, directory, {kOne}));
  const auto answer = world.Ask(Impatient());
  CHECK(answer.ok() == works);
  CHECK(world.service.Count(kExchange, kRotated) == 1);
  CHECK(world.service.Count(kExchange, kOne) == 2);
  if (!works) {
    CHECK(answer.status().code() == Code::kUnauthorized);
    CHECK(world.StatusOf(0).state == TokenState::kDisabled);
    return;
  }
  CHECK(world.StatusOf(0).state == TokenState::kReady);
  CHECK(world.StatusOf(0).total_failures == 0);
  Restart(&world, Keeping(world, directory, {kOne}));
  world.service.ExpireJwts();
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange, kRotated) == 1);
  CHECK(world.service.Count(kExchange, kOne) == 3);
}

TEST_CASE("two clients of one process share a store") {
  const auto store = NewMemoryStore();
  World world;
  world.service.On(kOne)
      .Exchange(loopback::Ok().RotateTo(kRotated).Times(1))
      .Exchange(loopback::Ok().RotateTo(kRotatedAgain).Times(1));
  world.Connect(ConfigFor(world.service, {kOne}), store);
  auto other = Client::Create(ConfigFor(world.service, {kOne}), {world.log.Sink(), world.events.Sink(), store});
  REQUIRE(other.ok());
  REQUIRE(world.Ask(Impatient()).ok());
  CHECK((*other)->Ask(Impatient()).status.ToString() == "ok");
  CHECK(world.service.Count(kExchange) == 1);
  world.service.ExpireJwts();
  CHECK((*other)->Ask(Impatient()).status.ToString() == "ok");
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange) == 2);
  CHECK(world.service.Count(kExchange, kRotated) == 1);
  other->reset();
  Restart(&world, ConfigFor(world.service, {kOne}), store);
  const Counters total = world.client->Statistics().total;
  CHECK(total.Successes() == 4);
  CHECK(total.refreshes == 2);
  // Who came with an old JWT, and went on with the other's new one.
  CHECK(total.Of(Outcome::kAuthStale) == 2);
}

TEST_CASE("two tokens that turn out to be one login exchange it one after the other") {
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne)
      .Exchange(loopback::Ok().RotateTo(kRotated).Times(1))
      .Exchange(loopback::Ok().RotateTo(kRotatedAgain).Times(1));
  world.Connect(Keeping(world, directory, {kOne}));
  REQUIRE(world.Ask(Impatient()).ok());
  // The user adds the new one, and leaves the old one where it is.
  Restart(&world, Keeping(world, directory, {kOne, kRotated}));
  world.service.ExpireJwts();
  std::vector<std::unique_ptr<Pushed>> requests;
  for (int i = 0; i < 8; ++i) requests.push_back(std::make_unique<Pushed>(&world, Request("hello")));
  for (const auto& request : requests) {
    REQUIRE((*request)->WaitUntilDone());
    CHECK((*request)->status().ToString() == "ok");
  }
  for (const loopback::Seen& seen : world.service.Requests(kExchange)) CHECK(seen.status == 200);
  CHECK(world.client->Pool().Active() == 2);
}

TEST_CASE("a token whose bearers the program supplies works beside a store, which keeps nothing of it") {
  const auto store = std::make_shared<ObedientStore>();
  World world;
  world.service.AcceptApiKey("fake-supplied");
  TokenConfig token;
  token.kind = CredentialKind::kCallback;
  token.name = "mine";
  token.bearer_source.supply = [](const std::string&) -> Result<SuppliedBearer> {
    return SuppliedBearer{Secret("fake-supplied")};
  };
  Config config = ConfigFor(world.service, {});
  config.tokens = {token};
  world.Connect(config, store);
  CHECK(world.Ask(Impatient()).ok());
  REQUIRE(world.client->Close(0ms).ok());
  CHECK(store->writes() == 0);
  CHECK(store->failures() == 0);
  CHECK(world.events.Count(PoolEventKind::kStoreFailed) == 0);
}

}  // namespace warppool::internal
