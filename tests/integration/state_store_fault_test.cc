// A store that is damaged, fails, or takes its time: nothing in memory suffers, it is told, and made up for.

#include "state_fixture.h"

namespace warppool::internal {
namespace {

bool Concerns(const std::vector<StateChange>& changes, const std::string& credential) {
  const std::string key = RecordKey(Secret(credential));
  return std::any_of(changes.begin(), changes.end(), [&](const StateChange& change) { return change.key == key; });
}

}  // namespace

TEST_CASE("a rotation is in the store before its JWT is used, and before anybody else may exchange the token") {
  Gate gate;  // with the two below, before the client: it writes until it is gone
  std::atomic<bool> written{false};
  std::atomic<int> agent_requests_before{-1};
  World world;
  const auto store = std::make_shared<ObedientStore>();
  store->on_write = [&](const auto& changes) {
    if (!Concerns(changes, kRotated) || written) return;
    gate.Pass();
    agent_requests_before = world.service.Count(kAgent, kOne);
    written = true;
  };
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo(kRotated).Times(1));
  world.service.AcceptApiKey(kKey);
  Config config = ConfigFor(world.service, {kOne});
  config.tokens.push_back(ApiKeyOf(kKey, "key"));
  Client& client = world.Connect(config, store);
  gate.Close();
  Pushed first(&world, Request("hello"));
  REQUIRE(gate.WaitUntilInside(1));
  // While the write takes its time, others are served, and this token's requests wait.
  CHECK(world.Ask(Impatient())->token == "key");
  Pushed second(&world, Request("hello"));
  for (int i = 0; i < 3; ++i) {
    world.client->Recover("key").ok();
    CHECK(world.service.Count(kExchange) == 1);
  }
  CHECK_FALSE(store->Look(kRotated));
  CHECK(first->dones() == 0);
  CHECK_FALSE(client.Pool().tokens[0].jwt_expires);
  gate.Open();
  REQUIRE(first->WaitUntilDone());
  REQUIRE(second->WaitUntilDone());
  CHECK(first->status().ToString() == "ok");
  CHECK(second->status().ToString() == "ok");
  CHECK(agent_requests_before == 0);
  for (const char* credential : {kOne, kRotated}) {
    const auto stored = store->Look(credential);
    REQUIRE(stored);
    CHECK(stored->credential == Secret(kRotated));
    CHECK(stored->serial == 1);
    CHECK(stored->jwt);
  }
}

TEST_CASE("health is in the store long before the next batch of counters") {
  World world;
  const auto store = std::make_shared<ObedientStore>();
  world.service.Accept(kOne);
  world.service.On(kTwo).Agent(loopback::Ok().Times(1)).Agent(loopback::Quota().Header("Retry-After", "3600"));
  // Each client saves its own.
  auto counting = Client::Create(ConfigFor(world.service, {kOne}), {{}, {}, store});
  REQUIRE(counting.ok());
  REQUIRE((*counting)->Ask(Impatient()).ok());
  world.Connect(ConfigFor(world.service, {kTwo}), store);
  REQUIRE(world.Ask(Impatient()).ok());
  REQUIRE(store->Look(kTwo)->counters.Successes() == 0);
  REQUIRE_FALSE(world.Ask(Impatient()).ok());
  REQUIRE(Eventually([&] { return store->Look(kTwo)->health.cooling_until.has_value(); }));
  CHECK(store->Look(kTwo)->counters.Successes() == 1);
  CHECK(store->Look(kTwo)->counters.Of(Outcome::kQuotaExhausted) == 1);
  CHECK(store->Look(kTwo)->health.code == Code::kQuotaExhausted);
  CHECK(store->Look(kOne)->counters.Successes() == 0);
}

TEST_CASE("counters are in the store after the configured interval, without being asked for") {
  World world;
  const auto store = std::make_shared<ObedientStore>();
  world.service.Accept(kOne);
  Config config = ConfigFor(world.service, {kOne});
  config.state_save_interval = 50ms;
  world.Connect(config, store);
  for (std::uint64_t served = 1; served <= 2; ++served) {
    REQUIRE(world.Ask(Impatient()).ok());
    REQUIRE(Eventually([&] { return store->Look(kOne)->counters.Successes() == served; }));
  }
}

TEST_CASE("recoveries, failures and disablings are kept as soon as they happen") {
  World world;
  const auto store = std::make_shared<ObedientStore>();
  world.service.On(kOne).Agent(loopback::Status(403).Times(2));
  world.service.Accept(kTwo);
  Config config = FillFirst(world.service, {kOne, kTwo});
  config.max_failures = 2;
  Client& client = world.Connect(config, store);
  world.Blame(1);
  REQUIRE(Eventually([&] { return store->Look(kOne)->health.failures == 1; }));
  world.SkipRest();
  world.Blame(1);
  REQUIRE(Eventually([&] { return store->Look(kOne)->health.disabled; }));
  REQUIRE(client.RecoverAll().ok());
  REQUIRE(Eventually([&] { return !store->Look(kOne)->health.disabled; }));
  CHECK(store->Look(kOne)->health.failures == 0);
}

TEST_CASE("a record that does not open is set aside and reported, and the token begins with what is configured") {
  const bool truncated = GENERATE(false, true);
  const auto store = std::make_shared<ObedientStore>();
  World world;
  for (const char* token : {kOne, kTwo}) world.service.Accept(token);
  world.Connect(ConfigFor(world.service, {kOne, kTwo}), store);
  for (int i = 0; i < 2; ++i) REQUIRE(world.Ask(Impatient()).ok());
  world.client.reset();
  const std::string key = RecordKey(Secret(kOne));
  std::string damaged = **store->Read(key);
  if (truncated) {
    damaged.resize(damaged.size() / 2);
  } else {
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
  }
  REQUIRE(store->Write({{key, damaged}}, StateDurability::kPowerLoss).ok());

  Client& client = world.Connect(ConfigFor(world.service, {kOne, kTwo}), store);
  const auto told = world.events.Of(PoolEventKind::kStoreFailed);
  REQUIRE(told.size() == 1);
  CHECK(told[0].token == NamesIn(client)[0]);
  CHECK(told[0].code != Code::kOk);
  CHECK(**store->Read(key + ".aside") == damaged);
  CHECK_FALSE(store->Read(key)->has_value());
  CHECK(CountersOf(client, NamesIn(client)[0]).requests == 0);
  CHECK(CountersOf(client, NamesIn(client)[1]).Successes() == 1);
  for (int i = 0; i < 2; ++i) CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange, kOne) == 2);
  CHECK(world.service.Count(kExchange, kTwo) == 1);

  Restart(&world, ConfigFor(world.service, {kOne, kTwo}), store);
  CHECK(world.events.Count(PoolEventKind::kStoreFailed) == 1);
  CHECK(CountersOf(*world.client, NamesIn(*world.client)[0]).Successes() == 1);
}

TEST_CASE("a damaged record of the newer credential does not hide the older one's") {
  const auto store = std::make_shared<ObedientStore>();
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo(kRotated).Times(1));
  world.Connect(ConfigFor(world.service, {kOne}), store);
  REQUIRE(world.Ask(Impatient()).ok());
  world.client.reset();
  REQUIRE(store->Write({{RecordKey(Secret(kRotated)), "no record at all"}}, StateDurability::kPowerLoss).ok());
  world.Connect(ConfigFor(world.service, {kOne}), store);
  CHECK(world.client->Statistics().total.Successes() == 1);
  world.service.ExpireJwts();
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange, kRotated) == 1);
}

TEST_CASE("a store that cannot be read at the start is an error, thrown or not") {
  const bool throws = GENERATE(false, true);
  const auto store = std::make_shared<ObedientStore>();
  store->FailReads(true);
  if (throws) store->ThrowInstead();
  World world;
  world.service.Accept(kOne);
  ClientOptions options;
  options.store = store;
  const auto refused = Client::Create(ConfigFor(world.service, {kOne}), options);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.code() == Code::kInternal);
}

TEST_CASE("a store that does not answer at the start is begun without, and what it has is taken over when it comes") {
  Gate gate;  // before the client, which waits for it at its end
  const auto store = std::make_shared<ObedientStore>();
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo(kRotated).Times(1));
  world.Connect(ConfigFor(world.service, {kOne}), store);
  REQUIRE(world.Ask(Impatient()).ok());
  world.client.reset();
  world.service.ExpireJwts();
  store->on_read = [&] { gate.Pass(); };
  gate.Close();
  Config config = ConfigFor(world.service, {kOne});
  config.store_timeout = 100ms;
  const Client& client = world.Connect(config, store);
  const auto told = world.events.Of(PoolEventKind::kStoreFailed);
  REQUIRE(told.size() == 1);
  CHECK(told[0].code == Code::kTimeout);
  CHECK(client.Statistics().total.Successes() == 0);
  gate.Open();
  CHECK(Eventually([&] { return client.Statistics().total.Successes() == 1; }));
  CHECK(world.Ask(Request("hello")).ok());
  CHECK(world.service.Count(kExchange, kOne) == 1);
  CHECK(world.service.Count(kExchange, kRotated) == 1);
}

TEST_CASE("writes that fail lose nothing in memory, are told, and are made up for") {
  const bool throws = GENERATE(false, true);
  enum class MadeUpFor { kByTheNextChange, kAfterTheInterval, kAtTheEnd };
  const auto when = GENERATE(MadeUpFor::kByTheNextChange, MadeUpFor::kAfterTheInterval, MadeUpFor::kAtTheEnd);
  const auto store = std::make_shared<ObedientStore>();
  if (throws) store->ThrowInstead();
  World world;
  world.service.On(kOne)
      .Exchange(loopback::Ok().RotateTo(kRotated).Times(1))
      .Agent(loopback::Ok().Times(2))
      .Agent(loopback::Status(403).Times(1));
  world.service.Accept(kTwo);
  Config config = FillFirst(world.service, {kOne, kTwo});
  config.state_save_interval = when == MadeUpFor::kAfterTheInterval ? 50ms : 1h;
  world.Connect(config, store);
  store->FailWrites(true);
  REQUIRE(world.Ask(Impatient()).ok());
  REQUIRE(Eventually([&] { return world.events.Count(PoolEventKind::kStoreFailed) > 0; }));
  CHECK(world.events.Of(PoolEventKind::kStoreFailed)[0].code == Code::kInternal);
  world.service.ExpireJwts();
  REQUIRE(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange, kRotated) == 1);
  CHECK_FALSE(store->Look(kOne));

  store->FailWrites(false);
  if (when == MadeUpFor::kByTheNextChange) {
    world.Blame(1);
    REQUIRE(Eventually([&] {
      const auto stored = store->Look(kOne);
      return stored && stored->health.failures == 1;
    }));
    CHECK(store->Look(kOne)->credential == Secret(kRotated));
    CHECK(store->Look(kRotated)->credential == Secret(kRotated));
    CHECK(store->Look(kOne)->counters.Successes() == 2);
  }
  if (when == MadeUpFor::kAfterTheInterval) {
    REQUIRE(Eventually([&] { return store->Look(kRotated).has_value(); }));
    CHECK(store->Look(kOne)->credential == Secret(kRotated));
  }
  Restart(&world, ConfigFor(world.service, {kOne}), store);
  CHECK(world.client->Statistics().total.Successes() == 2);
  world.service.ExpireJwts();
  world.service.On(kRotated).Agent(loopback::Ok());
  static_cast<void>(world.Ask(Impatient()));
  CHECK(world.service.Count(kExchange, kOne) == 1);
  CHECK(world.service.Count(kExchange, kRotated) == 2);
}

TEST_CASE("a health that could not be written is written later") {
  const auto store = std::make_shared<ObedientStore>();
  World world;
  world.service.On(kOne).Agent(loopback::Ok().Times(1)).Agent(loopback::Quota().Header("Retry-After", "3600"));
  Config config = ConfigFor(world.service, {kOne});
  config.state_save_interval = 50ms;
  world.Connect(config, store);
  REQUIRE(world.Ask(Impatient()).ok());
  store->FailWrites(true);
  REQUIRE_FALSE(world.Ask(Impatient()).ok());
  REQUIRE(Eventually([&] { return store->failures() > 0; }));
  store->FailWrites(false);
  REQUIRE(Eventually([&] { return store->Look(kOne)->health.cooling_until.has_value(); }));
  CHECK(store->Look(kOne)->counters.Successes() == 1);
}

TEST_CASE("a store whose reads fail keeps no request from being served") {
  const auto store = std::make_shared<ObedientStore>();
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo(kRotated).Times(1));
  world.Connect(ConfigFor(world.service, {kOne}), store);
  if (GENERATE(false, true)) store->ThrowInstead();
  store->FailReads(true);
  CHECK(world.Ask(Impatient()).status().ToString() == "ok");
  world.service.ExpireJwts();
  CHECK(world.Ask(Impatient()).status().ToString() == "ok");
  CHECK(world.service.Count(kExchange, kRotated) == 1);
  CHECK(world.events.Count(PoolEventKind::kStoreFailed) > 0);
  store->FailReads(false);
  Restart(&world, ConfigFor(world.service, {kOne}), store);
  CHECK(world.client->Statistics().total.Successes() == 2);
  world.service.ExpireJwts();
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange, kOne) == 1);
}

TEST_CASE("a slow store holds up no request that needs no exchange, and no call") {
  Gate gate;  // before the client, which writes until it is gone
  World world;
  const auto store = std::make_shared<ObedientStore>();
  store->on_write = [&](const auto&) { gate.Pass(); };
  for (const char* token : {kOne, kTwo}) world.service.Accept(token);
  world.service.AcceptApiKey(kKey);
  world.service.On(kKey).Agent(loopback::Quota().Header("Retry-After", "3600").Times(1));
  Config config = ConfigFor(world.service, {kOne});
  config.tokens.push_back(ApiKeyOf(kKey, "key"));
  Client& client = world.Connect(config, store);
  REQUIRE(world.Ask(Impatient()).ok());
  gate.Close();
  REQUIRE(world.Ask(Impatient()).ok());  // the key cools, which is to be kept
  REQUIRE(gate.WaitUntilInside(1));
  for (int i = 0; i < 5; ++i) CHECK(world.Ask(Impatient()).ok());
  CHECK(client.Recover("key").ok());
  CHECK(client.AddToken(TokenOf(kTwo, Tier::kPersonal, "two")).ok());
  CHECK(client.RenameToken("key", "clef").ok());
  CHECK(client.CheckHealth().ok());
  CHECK(world.Ask(Impatient()).ok());
  // One that needs an exchange waits for the store, and no longer than it has time.
  REQUIRE(client.RemoveToken("clef").ok());
  Request hurried("hurried");
  hurried.timeout = 50ms;
  world.service.ExpireJwts();
  CHECK(world.Ask(hurried).status().code() == Code::kDeadlineExceeded);
  gate.Open();
  CHECK(world.Ask(Request("hello")).ok());
}

TEST_CASE("a client that is closed during an exchange keeps what comes of it") {
  World world;
  const auto store = std::make_shared<ObedientStore>();
  TokenGate gate(loopback::Endpoint::kExchange, kOne);
  world.service.Decide(gate.Decision());
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo(kRotated).Delay(200ms));
  Client& client = world.Connect(ConfigFor(world.service, {kOne}), store);
  gate.Close();
  Pushed request(&world, Request("hello"));
  REQUIRE(gate.WaitUntilInside(1));
  gate.Open();
  REQUIRE(client.Close(0ms).ok());
  CHECK(request->status().code() == Code::kCancelled);
  REQUIRE(store->Look(kOne));
  CHECK(store->Look(kOne)->credential == Secret(kRotated));
  CHECK(store->Look(kRotated));
}

TEST_CASE("what an exchange of a removed or replaced token brings is kept") {
  World world;
  const auto store = std::make_shared<ObedientStore>();
  TokenGate gate(loopback::Endpoint::kExchange, kOne);
  world.service.Decide(gate.Decision());
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo(kRotated).Times(1));
  world.service.Accept(kTwo);
  Config config = ConfigFor(world.service, {});
  config.tokens = {TokenOf(kOne, Tier::kPersonal, "one"), TokenOf(kTwo, Tier::kPersonal, "two")};
  Client& client = world.Connect(config, store);
  gate.Close();
  Pushed request(&world, Request("hello"));
  REQUIRE(gate.WaitUntilInside(1));
  SECTION("removed") {
    REQUIRE(client.RemoveToken("one").ok());
  }
  SECTION("replaced") {
    REQUIRE(client.ReplaceCredential("one", ApiKeyOf(kKey)).ok());
  }
  gate.Open();
  REQUIRE(request->WaitUntilDone());
  CHECK(request->status().ToString() == "ok");
  Restart(&world, config, store);
  world.service.ExpireJwts();
  for (int i = 0; i < 2; ++i) CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count(kExchange, kOne) == 1);
  CHECK(world.service.Count(kExchange, kRotated) == 1);
}

}  // namespace warppool::internal
