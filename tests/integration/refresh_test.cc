// When JWTs are fetched: ahead of their end, once for all who wait, and not while the service asks for peace. And what
// happens when none can be had.

#include <atomic>
#include <future>
#include <thread>

#include "fixture.h"

namespace warppool {
namespace {

using loopback::Endpoint;

}  // namespace

TEST_CASE("a JWT that was used is renewed ahead of its end, without a request, and then left alone") {
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().JwtLife(1s));
  world.Connect({kOne});
  REQUIRE(world.Ask(Request("hello")).ok());
  REQUIRE(world.service.Count(kExchange) == 1);
  REQUIRE(Eventually([&] { return world.service.Count(kExchange) == 2; }));
  CHECK(world.service.Count("/ai/multi-agent") == 1);
  CHECK(world.StatusOf(0).served == 1);
  CHECK(world.StatusOf(0).in_flight == 0);

  // Nobody has used the second one. Another client shows how long that is: it uses its own all the time.
  Config busy_config = ConfigFor(world.service, {kTwo});
  world.service.On(kTwo).Exchange(loopback::Ok().JwtLife(1s));
  auto busy = Client::Create(std::move(busy_config));
  REQUIRE(busy.ok());
  REQUIRE(Eventually([&] {
    REQUIRE((*busy)->AccessToken().ok());
    return world.service.Count(kExchange, kTwo) >= 4;
  }));
  CHECK(world.service.Count(kExchange, kOne) == 2);
  CHECK(world.Ask(Request("hello")).ok());
  CHECK(world.service.Count(kExchange, kOne) == 3);
}

TEST_CASE("a program that does not want it gets no renewal ahead") {
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().JwtLife(1s));
  world.service.On(kTwo).Exchange(loopback::Ok().JwtLife(1s));
  Config config = ConfigFor(world.service, {kOne});
  config.background_refresh = false;
  world.Connect(std::move(config));
  REQUIRE(world.Ask(Request("hello")).ok());
  auto other = Client::Create(ConfigFor(world.service, {kTwo}));
  REQUIRE(other.ok());
  REQUIRE((*other)->Ask(Request("hello")).ok());
  REQUIRE(Eventually([&] { return world.service.Count(kExchange, kTwo) == 2; }));
  CHECK(world.service.Count(kExchange, kOne) == 1);
  REQUIRE(Eventually([&] { return !world.StatusOf(0).jwt_expires.has_value(); }));
  CHECK(world.service.Count(kExchange, kOne) == 1);
  CHECK(world.Ask(Request("hello")).ok());
  CHECK(world.service.Count(kExchange, kOne) == 2);
}

TEST_CASE("while the renewal ahead fails the old JWT serves, and nobody is blamed") {
  World world;
  // With a life of 10 s that is due after 7 s to 8 s.
  world.service.On(kOne)
      .Exchange(loopback::Ok().JwtLife(10s).Times(1))
      .Exchange(loopback::Status(400, R"({"error":{"message":"SOMETHING_NEW"}})"));
  world.service.On(kTwo).Exchange(loopback::Ok().JwtLife(10s).Times(1)).Exchange(loopback::Status(503));
  Client& client = world.Connect({kOne, kTwo});
  for (int i = 0; i < 2; ++i) REQUIRE(world.Ask(Request("hello")).ok());
  REQUIRE(Eventually([&] { return world.service.Count(kExchange) >= 4; }));
  for (int i = 0; i < 4; ++i) CHECK(world.Ask(Impatient("with the old one")).status().ToString() == "ok");
  CHECK(world.service.Count(kExchange) == 4);  // and they are not asked for again at once
  for (const std::size_t i : {0U, 1U}) {
    CHECK(world.StatusOf(i).served == 3);
    CHECK(world.StatusOf(i).total_failures == 0);
    CHECK(world.StatusOf(i).state == TokenState::kReady);
  }
  CHECK(client.Pool().Active() == 2);
}

TEST_CASE("those who wait for one exchange keep their own time-outs") {
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().Delay(1s));
  Client& client = world.Connect({kOne});
  Recorder hurried(&world);
  std::vector<std::unique_ptr<Recorder>> patient;
  std::vector<std::unique_ptr<Stream>> streams;
  const auto start = [&](const Request& request, Recorder* recorder) {
    auto stream = client.Start(request, recorder->Callbacks());
    REQUIRE(stream.ok());
    streams.push_back(*std::move(stream));
  };
  start(WithTimeout("hurried", 50ms), &hurried);
  for (int i = 0; i < 5; ++i) {
    patient.push_back(std::make_unique<Recorder>(&world));
    start(WithTimeout("patient", i == 0 ? 0ms : 20s), patient.back().get());
  }
  CHECK(world.Said(client.AccessToken(20ms).status()).code() == Code::kTimeout);
  REQUIRE(hurried.WaitUntilDone());
  CHECK(hurried.status().code() == Code::kDeadlineExceeded);
  CHECK(patient[0]->dones() == 0);
  for (const auto& recorder : patient) {
    REQUIRE(recorder->WaitUntilDone());
    CHECK(recorder->status().ToString() == "ok");
  }
  CHECK(world.service.Count(kExchange) == 1);
  CHECK(world.StatusOf(0).total_failures == 0);
}

TEST_CASE("an exchange that hangs holds back no other token, not even in a client that is new") {
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().Delay(1000s));
  world.service.Accept(kTwo);
  Config config = ConfigFor(world.service, {kOne, kTwo});
  config.refresh_timeout = 1000s;
  Client& client = world.Connect(std::move(config));
  Recorder first(&world);
  Recorder second(&world);
  auto one = client.Start(Request("hangs"), first.Callbacks());
  REQUIRE(one.ok());
  REQUIRE(Eventually([&] { return world.service.Count(kExchange, kOne) == 1; }));
  auto two = client.Start(Request("hello"), second.Callbacks());
  REQUIRE(two.ok());
  REQUIRE(second.WaitUntilDone());
  CHECK(second.status().ToString() == "ok");
  CHECK(first.dones() == 0);
}

TEST_CASE(
    "an exchange that is too much asked for one token is no reason to spare it: the others serve, and nobody is "
    "blamed") {
  World world;
  world.service.On(kOne).Exchange(loopback::Status(429).Header("Retry-After", "20").Times(2));
  world.service.Accept(kTwo);
  Client& client = world.Connect({kOne, kTwo});
  for (int i = 0; i < 6; ++i) {
    CHECK(world.Ask(Request("hello")).status().ToString() == "ok");
  }
  CHECK(client.Pool().tokens[0].total_failures == 0);
  CHECK(client.Pool().tokens[0].served > 0);
  CHECK(client.Pool().tokens[1].served >= 3);
}

TEST_CASE("an only token whose exchange asks for a pause is waited for") {
  World world;
  world.service.On(kOne).Exchange(loopback::Status(429).Header("Retry-After", "1").Times(1));
  world.Connect({kOne});
  CHECK(world.Ask(Request("hello")).status().ToString() == "ok");
  CHECK(world.service.Count(kExchange) == 2);
}

TEST_CASE("the token that the service replaces is kept even if nobody waits for the answer any more") {
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo("fake-token-rotated").Delay(300ms).Times(1));
  Client& client = world.Connect({kOne});
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(Eventually([&] { return world.service.Count(kExchange) == 1; }));
  stream->reset();
  CHECK(recorder.status().code() == Code::kCancelled);
  REQUIRE(Eventually([&] { return world.events.Count(PoolEventKind::kRotated) == 1; }));
  world.service.ExpireJwts();
  CHECK(world.Ask(Request("again")).status().ToString() == "ok");
  CHECK(world.service.Count(kExchange, "fake-token-rotated") == 1);
  CHECK(world.service.Count(kExchange, kOne) == 1);
}

TEST_CASE("a setting that breaks every exchange does not break an API key") {
  World world;
  SECTION("there is no exchange at that address") {
    world.service.OnAny().Exchange(loopback::Status(404));
  }
  SECTION("it wants another key") {
    world.service.RequireKey("fake-web-key");
  }
  SECTION("it redirects") {
    world.service.OnAny().Exchange(loopback::Status(302).Header("Location", "http://127.0.0.1:9/"));
  }
  Code code = Code::kMisconfigured;
  SECTION("what answers is no exchange") {
    world.service.OnAny().Exchange(loopback::Raw("<html>hello</html>"));
    code = Code::kBlocked;
  }
  world.service.Accept(kOne).Accept(kTwo).AcceptApiKey(kKey);
  Config config = ConfigFor(world.service, {kOne, kTwo, kKey});
  config.tokens[2].kind = CredentialKind::kApiKey;
  config.tokens[2].tier = Tier::kAnonymous;
  Client& client = world.Connect(std::move(config));
  for (int i = 0; i < 4; ++i) {
    const auto answer = world.Ask(Impatient("hello"));
    REQUIRE(answer.status().ToString() == "ok");
    CHECK(answer->token == client.Pool().tokens[2].name);
  }
  for (const std::size_t i : {0U, 1U}) {
    CHECK(world.StatusOf(i).state == TokenState::kReady);
    CHECK(world.StatusOf(i).total_failures == 0);
    CHECK(world.StatusOf(i).last_error == code);
  }
  // One look at a broken setting is enough for one request.
  CHECK(world.service.Count(kExchange) == 4);
}

TEST_CASE("a setting that breaks every exchange fails at once, naming itself, when no token can do without") {
  World world;
  world.service.OnAny().Exchange(loopback::Status(404));
  world.service.Accept(kOne).Accept(kTwo);
  world.Connect({kOne, kTwo});
  const auto refused = world.Ask(Request("hello"));
  CHECK(refused.code() == Code::kMisconfigured);
  CHECK(refused.status().message().find("404") != std::string::npos);
  CHECK(refused.status().message().find("WARP_SERVER_URL") != std::string::npos);
  CHECK(world.service.Count(kExchange) == 1);
  for (const std::size_t i : {0U, 1U}) CHECK(world.StatusOf(i).total_failures == 0);
}

TEST_CASE("a setting that breaks every exchange does not break a token whose JWT is there") {
  World world;
  std::atomic<bool> broken{false};
  world.service.Accept(kOne).Accept(kTwo);
  world.service.Decide([&](Endpoint endpoint, const std::string& token) -> std::optional<loopback::Behaviour> {
    if (endpoint != Endpoint::kExchange) return std::nullopt;
    if (broken) return loopback::Status(404);
    return token == kOne ? std::optional(loopback::Status(503)) : std::nullopt;
  });
  Config config = ConfigFor(world.service, {kOne, kTwo});
  config.strategy = Strategy::kFillFirst;
  Client& client = world.Connect(std::move(config));
  CHECK(world.Ask(Request("hello")).ok());
  broken = true;
  for (int i = 0; i < 3; ++i) {
    const auto answer = world.Ask(Impatient("hello"));
    REQUIRE(answer.status().ToString() == "ok");
    CHECK(answer->token == client.Pool().tokens[1].name);
  }
  CHECK(world.service.Count(kExchange, kTwo) == 1);
  // Once that is gone, too, nothing is left.
  client.DropAccessToken(*client.AccessToken());
  world.service.ExpireJwts();
  CHECK(world.Ask(Impatient("hello")).code() == Code::kMisconfigured);
}

TEST_CASE("a broken setting and an API key that fails: the setting is the error, and the key is in it") {
  World world;
  world.service.OnAny().Exchange(loopback::Status(404));
  world.service.Accept(kOne);
  world.service.On(kKey).Agent(loopback::Status(403));
  Config config = ConfigFor(world.service, {kOne, kKey});
  config.tokens[1].kind = CredentialKind::kApiKey;
  Client& client = world.Connect(std::move(config));
  const auto refused = world.Ask(Impatient("hello"));
  CHECK(refused.code() == Code::kMisconfigured);
  REQUIRE(refused.status().attempts().size() == 2);
  CHECK(refused.status().attempts()[1].token == client.Pool().tokens[1].name);
  CHECK(refused.status().attempts()[1].code == Code::kUnauthorized);
}

TEST_CASE("a 401 that comes after the renewal, and a renewed one that is over as well, blame nobody") {
  Gate gate;
  std::atomic<int> asked = 0;
  World world;
  world.service.Accept("fake-token-one");
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string&) -> std::optional<loopback::Behaviour> {
    if (endpoint != loopback::Endpoint::kAgent) return std::nullopt;
    const int request = ++asked;
    if (request == 2) gate.Pass();
    if (request == 2 || request == 3) return loopback::Status(401);
    return std::nullopt;
  });
  Client& client = world.Connect({"fake-token-one"});
  REQUIRE(world.Ask(Request("first")).ok());
  gate.Close();
  Recorder late(&world);
  auto stream = client.Start(Request("late"), late.Callbacks());
  REQUIRE(gate.WaitUntilInside(1));
  CHECK(world.Ask(Request("soon")).status().ToString() == "ok");  // refused with the old JWT, and renewed it
  CHECK(world.service.Count("/proxy/token") == 2);
  world.service.ExpireJwts();  // and that one is over, too
  gate.Open();
  REQUIRE(late.WaitUntilDone());
  CHECK(late.status().ToString() == "ok");
  CHECK(world.service.Count("/proxy/token") == 3);
  CHECK(world.StatusOf(0).total_failures == 0);
}

}  // namespace warppool
