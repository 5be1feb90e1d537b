// What the program is told of its tokens, when, and in which words.

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>

#include "fixture.h"

namespace warppool {
namespace {

using Kind = PoolEventKind;
using WallClock = std::chrono::system_clock;

// Reads the events on from where it stopped.
class Reader {
 public:
  explicit Reader(World* world) : world_(world) {}

  // "loaded TOKEN", "tier exhausted TOKEN SHARED", ... of what was told since; the tokens by their number in the pool.
  std::vector<std::string> Next() {
    const auto all = world_->events.All();
    const auto tokens = world_->client->Pool().tokens;
    std::vector<std::string> lines;
    for (; read_ < all.size(); ++read_) {
      const PoolEntry& entry = all[read_];
      std::string line = PoolEventKindName(entry.kind);
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (tokens[i].name == entry.token) line += " " + std::to_string(i);
      }
      if (entry.kind == Kind::kTierExhausted) line += std::string(" ") + TierName(entry.tier);
      lines.push_back(std::move(line));
    }
    return lines;
  }

 private:
  World* const world_;
  std::size_t read_ = 0;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("each event comes once, when it happens") {
  World world;
  world.service.On(kOne).Agent(loopback::Ok().Times(1)).Agent(loopback::Status(403).Times(3));
  world.service.Accept(kTwo);
  Config config = FillFirst(world.service, {kOne, kTwo});
  config.tokens[1].tier = Tier::kShared;
  Client& client = world.Connect(std::move(config));
  Reader reader(&world);
  CHECK(reader.Next() == Lines{"loaded 0", "loaded 1"});
  CHECK(world.Ask(Impatient("served")).ok());
  CHECK(reader.Next() == Lines{"chosen 0", "refreshed 0"});
  CHECK(world.Ask(Impatient("first")).ok());
  CHECK(reader.Next() == Lines{"chosen 0", "attempt failed 0", "chosen 1", "refreshed 1", "failure 0"});
  world.SkipRest();
  CHECK(world.Ask(Impatient("second")).ok());
  CHECK(reader.Next() == Lines{"chosen 0", "attempt failed 0", "chosen 1", "failure 0"});
  world.SkipRest();
  CHECK(world.Ask(Impatient("third")).ok());
  // A 403 says nothing against the JWT: it was not asked for anew.
  CHECK(reader.Next() ==
        Lines{"chosen 0", "attempt failed 0", "chosen 1", "failure 0", "disabled 0", "tier exhausted 0 PERSONAL"});
  world.Skip(60s);
  REQUIRE(client.Pool().tokens[0].state == TokenState::kHalfOpen);
  CHECK(reader.Next() == Lines{});
  CHECK(world.Ask(Impatient("probe")).ok());
  CHECK(reader.Next() == Lines{"chosen 0", "refreshed 0", "recovered 0"});
}

// It is back at once, and perhaps nobody has to do anything.
TEST_CASE("a rest is no event but that of the attempt that failed") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(403).Times(1));
  world.Connect({kOne});
  Reader reader(&world);
  reader.Next();
  CHECK(world.Ask(Impatient("hello")).code() == Code::kUnauthorized);
  REQUIRE(world.StatusOf(0).state == TokenState::kResting);
  CHECK(reader.Next() == Lines{"chosen 0", "refreshed 0", "attempt failed 0"});
  world.SkipRest();
  CHECK(world.StatusOf(0).state == TokenState::kReady);
  CHECK(world.Ask(Impatient("hello")).ok());
  CHECK(reader.Next() == Lines{"chosen 0"});
}

TEST_CASE("events say why, how often, and until when") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(403).Times(2));
  world.service.Accept(kTwo);
  Config config = FillFirst(world.service, {kOne, kTwo});
  config.max_failures = 2;
  config.recovery_delay = 10min;
  const auto begin = SkippingClock::Get().Wall();
  Client& client = world.Connect(std::move(config));
  world.Blame(2);
  const auto end = SkippingClock::Get().Wall();
  const std::string name = client.Pool().tokens[0].name;
  for (const PoolEntry& entry : world.events.All()) {
    INFO(PoolEventKindName(entry.kind));
    CHECK(entry.time >= begin - 1ms);
    CHECK(entry.time <= end);
    if (entry.token != name) continue;
    const bool exhausted = entry.kind == Kind::kTierExhausted || entry.kind == Kind::kPoolExhausted;
    const bool disabled = entry.kind == Kind::kDisabled || exhausted;
    const bool failure = entry.kind == Kind::kAttemptFailed || entry.kind == Kind::kFailure || disabled;
    CHECK_FALSE(entry.reason.empty());
    CHECK(entry.code == (failure ? Code::kUnauthorized : Code::kOk));
    if (failure) CHECK(entry.reason.find("403") != std::string::npos);
    CHECK(entry.until.has_value() == (entry.kind == Kind::kRefreshed || disabled));
    CHECK(entry.tier == Tier::kPersonal);
  }
  const auto failures = world.events.Of(Kind::kFailure);
  REQUIRE(failures.size() == 2);
  CHECK(failures[0].failures == 1);
  CHECK(failures[1].failures == 2);
  const auto disabled = world.events.Of(Kind::kDisabled);
  REQUIRE(disabled.size() == 1);
  CHECK(disabled[0].failures == 2);
  CHECK(*disabled[0].until >= begin + 5s + 10min - 1ms);
  CHECK(*disabled[0].until <= end + 10min + 1ms);
  const auto refreshed = world.events.Of(Kind::kRefreshed);
  REQUIRE(refreshed.size() == 2);
  CHECK(refreshed[0].token == name);
  CHECK(*refreshed[0].until >= begin + 3600s);
  CHECK(*refreshed[0].until <= end + 3600s);
}

TEST_CASE("a refusal for good disables without a failure and without a time") {
  World world;
  world.service.On(kOne).Exchange(loopback::Dead("USER_DISABLED"));
  world.service.Accept(kTwo);
  world.Connect({kOne, kTwo});
  Reader reader(&world);
  reader.Next();
  CHECK(world.Ask(Impatient("hello")).ok());
  CHECK(reader.Next() == Lines{"chosen 0", "attempt failed 0", "disabled 0", "chosen 1", "refreshed 1"});
  const auto disabled = world.events.Of(Kind::kDisabled);
  REQUIRE(disabled.size() == 1);
  CHECK(disabled[0].code == Code::kUnauthorized);
  CHECK(disabled[0].reason.find("USER_DISABLED") != std::string::npos);
  CHECK(disabled[0].failures == 0);
  CHECK_FALSE(disabled[0].until.has_value());
}

TEST_CASE("a quota that is used up, and that it is back") {
  World world;
  world.service.On(kOne).Agent(loopback::Quota().Header("Retry-After", "1").Times(1));
  world.Connect({kOne});
  Reader reader(&world);
  reader.Next();
  const auto begin = WallClock::now();
  CHECK(world.Ask(Impatient("hello")).code() == Code::kQuotaExhausted);
  const auto end = WallClock::now();
  CHECK(reader.Next() == Lines{"chosen 0", "refreshed 0", "attempt failed 0", "cooling 0", "tier exhausted 0 PERSONAL",
                               "pool exhausted 0"});
  const auto cooling = world.events.Of(Kind::kCooling);
  REQUIRE(cooling.size() == 1);
  CHECK(cooling[0].code == Code::kQuotaExhausted);
  CHECK(cooling[0].failures == 0);
  REQUIRE(cooling[0].until.has_value());
  CHECK(*cooling[0].until >= begin + 1s);
  CHECK(*cooling[0].until <= end + 1s + 1ms);
  REQUIRE(Eventually([&] { return world.StatusOf(0).state == TokenState::kReady; }));
  CHECK(reader.Next() == Lines{"recovered 0"});
  CHECK(world.Ask(Impatient("hello")).ok());
  CHECK(reader.Next() == Lines{"chosen 0"});
}

TEST_CASE("a server error becomes a failure when another token serves, and is told then") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(500).Times(1));
  world.service.Accept(kTwo);
  world.Connect({kOne, kTwo});
  Reader reader(&world);
  reader.Next();
  CHECK(world.Ask(Impatient("hello")).ok());
  CHECK(reader.Next() == Lines{"chosen 0", "refreshed 0", "attempt failed 0", "chosen 1", "refreshed 1", "failure 0"});
  CHECK(world.events.Of(Kind::kFailure)[0].code == Code::kServerError);
  world.SkipRest();
  CHECK(world.Ask(Impatient("hello")).ok());
  CHECK(reader.Next() == Lines{"chosen 0", "recovered 0"});
}

TEST_CASE("what is nobody's fault is told as a failure, and as nothing else") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(503).Times(1));
  world.service.Accept(kTwo);
  world.Connect({kOne, kTwo});
  Reader reader(&world);
  reader.Next();
  CHECK(world.Ask(Impatient("hello")).ok());
  CHECK(reader.Next() == Lines{"chosen 0", "refreshed 0", "attempt failed 0", "chosen 1", "refreshed 1"});
  CHECK(world.events.Of(Kind::kAttemptFailed)[0].code == Code::kOverloaded);
}

TEST_CASE("a replaced refresh token is told, and so is a second token of an account") {
  World world;
  world.service.AcceptAs(kOne, "someone").AcceptAs(kTwo, "someone");
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo("fake-token-rotated").Times(1));
  Client& client = world.Connect({kOne, kTwo});
  Reader reader(&world);
  reader.Next();
  CHECK(world.Ask(Impatient("hello")).ok());
  CHECK(reader.Next() == Lines{"chosen 0", "refreshed 0", "rotated 0"});
  CHECK(world.Ask(Impatient("hello")).ok());
  CHECK(reader.Next() == Lines{"chosen 1", "refreshed 1", "same account 1"});
  CHECK(world.log.Count("Refresh token replaced by the service: " + client.Pool().tokens[0].name) == 1);
}

TEST_CASE("the end of a tier is told with its name, and the end of the last one as the pool's") {
  World world;
  for (const char* token : {"fake-personal-1", "fake-personal-2", "fake-shared-1"}) {
    world.service.On(token).Agent(loopback::Quota().Header("Retry-After", "3600"));
  }
  Config config = ConfigFor(world.service, {"fake-personal-1", "fake-personal-2", "fake-shared-1"});
  config.tokens[2].tier = Tier::kShared;
  world.Connect(std::move(config));
  Reader reader(&world);
  reader.Next();
  CHECK(world.Ask(Impatient("hello")).code() == Code::kQuotaExhausted);
  CHECK(reader.Next() ==
        Lines{"chosen 0", "refreshed 0", "attempt failed 0", "cooling 0",                               //
              "chosen 1", "refreshed 1", "attempt failed 1", "cooling 1", "tier exhausted 1 PERSONAL",  //
              "chosen 2", "refreshed 2", "attempt failed 2", "cooling 2", "tier exhausted 2 SHARED",    //
              "pool exhausted 2"});
  CHECK(world.Ask(Impatient("hello")).code() == Code::kNoTokenReady);
  CHECK(reader.Next() == Lines{});
  CHECK(*world.client->RecoverAll() == 3);
  CHECK(reader.Next() == Lines{"recovered 0", "recovered 1", "recovered 2"});
  for (const PoolEntry& entry : world.events.Of(Kind::kRecovered)) CHECK_FALSE(entry.reason.empty());
}

TEST_CASE("a call for a bearer is told as a choice") {
  World world;
  world.service.Accept(kOne);
  Client& client = world.Connect({kOne});
  Reader reader(&world);
  reader.Next();
  CHECK(client.AccessToken().ok());
  CHECK(reader.Next() == Lines{"chosen 0", "refreshed 0"});
  CHECK(client.AccessToken().ok());
  CHECK(reader.Next() == Lines{"chosen 0"});
}

TEST_CASE("a sink that throws disturbs nothing") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(403));
  world.service.On(kTwo).Agent(loopback::Quota().Header("Retry-After", "1").Times(1));
  Config config = ConfigFor(world.service, {kOne, kTwo});
  config.max_failures = 1;
  config.recovery_delay = 0ms;
  std::atomic<int> thrown{0};
  auto client = Client::Create(std::move(config), {world.log.Sink(), [&](const PoolEvent& /*event*/) {
                                                     ++thrown;
                                                     throw std::runtime_error("!");
                                                   }});
  REQUIRE(client.ok());
  CHECK((*client)->Ask(Impatient("hello")).status.code() == Code::kAllTokensFailed);
  CHECK((*client)->Ask(Request("hello")).ok());
  CHECK(*(*client)->RecoverAll() == 1);
  for (int i = 0; i < 2; ++i) CHECK((*client)->Ask(Impatient("hello")).ok());
  CHECK(*(*client)->RecoverAll() == 1);
  CHECK(thrown > 10);
  const auto tokens = (*client)->Pool().tokens;
  CHECK(tokens[0].total_failures == 1);
  CHECK(tokens[1].served == 3);
}

TEST_CASE("a sink that throws in a log line disturbs nothing either") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(403).Times(1));
  world.service.Accept(kTwo);
  auto client = Client::Create(ConfigFor(world.service, {kOne, kTwo}),
                               {[](const LogRecord& /*record*/) { throw 1; }, world.events.Sink()});
  REQUIRE(client.ok());
  CHECK((*client)->Ask(Request("hello")).ok());
  CHECK(world.events.Count(Kind::kFailure) == 1);
}

TEST_CASE("the log says what the events say") {
  World world;
  std::vector<std::string> credentials;
  for (int i = 0; i < 6; ++i) credentials.push_back("fake-token-" + std::to_string(i));
  for (const std::string& token : credentials) world.service.Accept(token);
  // Of each kind of failure some, at random, but the same ones at each run.
  std::atomic<unsigned> number{0};
  world.service.Decide(
      [&](loopback::Endpoint endpoint, const std::string& token) -> std::optional<loopback::Behaviour> {
        if (endpoint == loopback::Endpoint::kAccount) return std::nullopt;
        const unsigned n = ++number;
        if (endpoint == loopback::Endpoint::kExchange) {
          return token == "fake-token-5" ? std::optional(loopback::Dead("USER_NOT_FOUND")) : std::nullopt;
        }
        if (n % 11 == 3) return loopback::Quota().Header("Retry-After", "0");
        // What more than one of them meets is the service's.
        if (token == "fake-token-3" && n % 2 == 0) return loopback::Status(500);
        if (token == "fake-token-4" && n % 3 != 0) return loopback::Status(403);
        if (n % 13 == 4) return loopback::Status(502);
        return std::nullopt;
      });
  Config config = ConfigFor(world.service, credentials);
  config.recovery_delay = 5ms;
  config.max_failures = 2;
  world.Connect(std::move(config));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) {
        static_cast<void>(world.Ask(Impatient("hello")));
        world.SkipRest();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(*world.client->RecoverAll() > 0);  // one of them is refused for good
  REQUIRE(world.client->Close(-1ms).ok());
  const std::pair<Kind, const char*> told[] = {{Kind::kLoaded, "Loaded token: "},
                                               {Kind::kChosen, "INFO Selected token: "},
                                               {Kind::kDisabled, "Token deactivated"},
                                               {Kind::kCooling, "Token cooling, quota used up: "},
                                               {Kind::kRecovered, "Token works again: "},
                                               {Kind::kRefreshed, "Refreshed JWT: "},
                                               {Kind::kTierExhausted, "ready any more in tier"}};
  for (const auto& [kind, words] : told) {
    INFO(words);
    CHECK(world.events.Count(kind) == world.log.Count(words));
  }
  CHECK(world.events.Count(Kind::kDisabled) > 0);
  CHECK(world.events.Count(Kind::kRecovered) > 0);
  CHECK(world.events.Count(Kind::kFailure) > 0);
  std::uint64_t blamed = 0;
  std::uint64_t refreshes = 0;
  for (const TokenStatus& token : world.client->Pool().tokens) {
    blamed += token.total_failures;
    refreshes += token.refreshes;
    for (const PoolEntry& entry : world.events.All()) {
      if (entry.token == token.name) CHECK(entry.tier == token.tier);
    }
  }
  // A probe that fails is a failure, too, told as what follows from it.
  const auto disabled = world.events.Of(Kind::kDisabled);
  const auto probes = std::count_if(disabled.begin(), disabled.end(), [](const PoolEntry& entry) {
    return entry.reason.find("USER_NOT_FOUND") == std::string::npos;
  });
  CHECK(blamed >= static_cast<std::uint64_t>(world.events.Count(Kind::kFailure)));
  CHECK(blamed <= static_cast<std::uint64_t>(world.events.Count(Kind::kFailure) + probes));
  CHECK(refreshes == static_cast<std::uint64_t>(world.events.Count(Kind::kRefreshed)));
}

}  // namespace warppool
