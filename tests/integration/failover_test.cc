// Which token serves, and who is blamed.

#include <atomic>
#include <thread>

#include "fixture.h"

namespace warppool {

TEST_CASE("a healthy token answers") {
  World world;
  world.service.Accept("fake-token-one");
  Client& client = world.Connect({"fake-token-one"});
  const auto answer = world.Ask(Request("Why is the sky blue?"));
  REQUIRE(answer.status().ToString() == "ok");
  CHECK(answer->text == "Echo: Why is the sky blue?");
  CHECK(answer->token == client.Pool().tokens[0].name);
  CHECK_FALSE(answer->conversation_id.empty());
  CHECK(answer->usage.output_tokens > 0);
  CHECK(world.StatusOf(0).served == 1);
  CHECK(world.service.Count("/proxy/token") == 1);
}

TEST_CASE("a request whose first two tokens fail is answered through the third, in one piece") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Status(403));
  world.service.On("fake-token-two").Exchange(loopback::Dead("USER_DISABLED"));
  world.service.Accept("fake-token-three");
  Client& client = world.Connect({"fake-token-one", "fake-token-two", "fake-token-three"});

  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().ToString() == "ok");
  CHECK(recorder.text() == "Echo: hello");
  CHECK(recorder.starts() == 1);
  CHECK(recorder.finishes() == 1);
  CHECK(recorder.failures() == std::vector<std::pair<Code, NextStep>>{{Code::kUnauthorized, NextStep::kNextToken},
                                                                      {Code::kUnauthorized, NextStep::kNextToken}});
  CHECK(world.StatusOf(0).failures == 1);
  CHECK(world.StatusOf(0).state == TokenState::kResting);
  CHECK(world.StatusOf(0).last_error_message.find("403") != std::string::npos);
  CHECK(world.StatusOf(1).state == TokenState::kDisabled);
  CHECK(world.StatusOf(1).last_error_message.find("USER_DISABLED") != std::string::npos);
  CHECK(world.StatusOf(2).served == 1);
  CHECK(world.StatusOf(2).failures == 0);
  CHECK(client.Pool().Summary() == "1/3 active (PERSONAL: 1/3)");
  world.SkipRest();
  CHECK(client.Pool().Summary() == "2/3 active (PERSONAL: 2/3)");
}

TEST_CASE("a refresh that answers 502 is nobody's fault, and another token serves") {
  World world;
  world.service.On("fake-token-one").Exchange(loopback::Status(502));
  world.service.Accept("fake-token-two");
  world.Connect({"fake-token-one", "fake-token-two"});
  const auto answer = world.Ask(Request("hello"));
  REQUIRE(answer.status().ToString() == "ok");
  CHECK(world.StatusOf(0).failures == 0);
  CHECK(world.StatusOf(0).last_error == Code::kOverloaded);
  CHECK(world.StatusOf(1).served == 1);
}

TEST_CASE("the third failure disables, and a success before it clears the count") {
  World world;
  world.service.On("fake-token-one")
      .Agent(loopback::Status(403).Times(2))
      .Agent(loopback::Ok().Times(1))
      .Agent(loopback::Status(403).Times(3));
  world.service.Accept(kTwo);
  world.Connect(FillFirst(world.service, {kOne, kTwo}));
  world.Blame(2);
  CHECK(world.StatusOf(0).failures == 2);
  world.SkipRest();
  const auto served = world.Ask(Request("3"));
  REQUIRE(served.ok());
  CHECK(served->token == world.client->Pool().tokens[0].name);
  CHECK(world.StatusOf(0).failures == 0);
  world.BlameAndLeaveAlone(3);
  CHECK(world.StatusOf(0).state == TokenState::kDisabled);
  const auto after = world.Ask(Request("7"));
  CHECK(after.status().code() == Code::kNoTokenReady);
  REQUIRE(after.status().attempts().size() == 1);
  CHECK(after.status().attempts()[0].message.find("disabled") != std::string::npos);
  CHECK(world.log.Count("Token failure 1/3") == 2);
  CHECK(world.log.Count("Token failure 2/3") == 2);
  CHECK(world.log.Count("Token deactivated after 3 failures") == 1);
  CHECK(world.log.Count("All tokens failed") == 1);
}

TEST_CASE("a cached JWT that is refused is replaced once, without blame") {
  World world;
  world.service.Accept("fake-token-one");
  world.Connect({"fake-token-one"});
  REQUIRE(world.Ask(Request("warm up")).ok());
  world.service.ExpireJwts();
  const auto answer = world.Ask(Request("again"));
  REQUIRE(answer.status().ToString() == "ok");
  CHECK(world.service.Count("/proxy/token") == 2);
  CHECK(world.StatusOf(0).total_failures == 0);
}

TEST_CASE("a 401 on a JWT that was issued just now is a failure, if another token serves") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(401));
  SECTION("another one serves") {
    world.service.Accept(kTwo);
    world.Connect(FillFirst(world.service, {kOne, kTwo}));
    CHECK(world.Ask(Request("hello")).ok());
    CHECK(world.StatusOf(0).failures == 1);
  }
  SECTION("it is alone") {
    world.Connect({kOne});
    CHECK(world.Ask(Request("hello")).code() == Code::kUnauthorized);
    CHECK(world.StatusOf(0).failures == 0);
  }
  CHECK(world.StatusOf(0).state == TokenState::kResting);
  CHECK(world.service.Count(kAgent, kOne) == 1);
}

TEST_CASE("with the service down the attempts are counted, the error is the network's, and nobody has a failure") {
  World world;
  world.service.Accept("fake-token-one");
  world.service.Accept("fake-token-two");
  Config config = ConfigFor(world.service, {"fake-token-one", "fake-token-two"});
  config.retry_budget = 3;
  world.service.Stop();
  world.Connect(std::move(config));
  const auto answer = world.Ask(Request("hello"));
  CHECK(answer.status().code() == Code::kNetwork);
  CHECK(answer.status().retryable());
  // One token, another at once, and then as often as there is budget to wait.
  CHECK(answer.status().attempts().size() == 5);
  for (std::size_t i : {0U, 1U}) {
    CHECK(world.StatusOf(i).failures == 0);
    CHECK(world.StatusOf(i).state == TokenState::kReady);
  }
}

TEST_CASE("tokens of one tier take turns, and the next tier waits until it is needed") {
  World world;
  Config config = ConfigFor(world.service, {"fake-personal-1", "fake-personal-2", "fake-personal-3"});
  TokenConfig shared;
  shared.credential = Secret("fake-shared-1");
  shared.tier = Tier::kShared;
  config.tokens.push_back(shared);
  for (const char* token : {"fake-personal-1", "fake-personal-2", "fake-personal-3", "fake-shared-1"}) {
    world.service.Accept(token);
  }
  Client& client = world.Connect(std::move(config));
  for (int i = 0; i < 6; ++i) REQUIRE(world.Ask(Request("hello")).ok());
  for (std::size_t i = 0; i < 3; ++i) CHECK(world.StatusOf(i).served == 2);
  CHECK(world.StatusOf(3).served == 0);

  for (const char* token : {"fake-personal-1", "fake-personal-2", "fake-personal-3"}) {
    world.service.On(token).Agent(loopback::Quota());
  }
  CHECK(world.Ask(Request("hello")).ok());
  CHECK(world.StatusOf(3).served == 1);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(world.StatusOf(i).state == TokenState::kCooling);
    CHECK(world.StatusOf(i).failures == 0);
  }
  CHECK(client.Pool().Summary() == "1/4 active (PERSONAL: 0/3, SHARED: 1)");
}

TEST_CASE("a 500 becomes a failure only when another token serves the same request") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Status(500));
  SECTION("another one serves") {
    world.service.Accept("fake-token-two");
    world.Connect({"fake-token-one", "fake-token-two"});
    CHECK(world.Ask(Request("hello")).ok());
    CHECK(world.StatusOf(0).failures == 1);
  }
  SECTION("it is alone") {
    world.Connect({"fake-token-one"});
    CHECK(world.Ask(Request("hello")).code() == Code::kServerError);
    CHECK(world.StatusOf(0).failures == 0);
    CHECK(world.service.Count("/ai/multi-agent") == 4);
  }
}

TEST_CASE("a quota that is used up shows in the stream or before it, and another token serves either way") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::QuotaFinish());
  world.service.Accept("fake-token-two");
  world.Connect({"fake-token-one", "fake-token-two"});
  const auto answer = world.Ask(Request("hello"));
  REQUIRE(answer.status().ToString() == "ok");
  CHECK(world.StatusOf(0).state == TokenState::kCooling);
  CHECK(world.StatusOf(0).ready_at.has_value());
}

TEST_CASE("a request that the service rejects is not tried with other tokens") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Status(422));
  world.service.Accept("fake-token-two");
  world.Connect({"fake-token-one", "fake-token-two"});
  CHECK(world.Ask(Request("hello")).code() == Code::kRequestRejected);
  CHECK(world.service.Count("/ai/multi-agent") == 1);
  CHECK(world.StatusOf(0).failures == 0);
}

TEST_CASE("a service that is overloaded gets one other token, then patience") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Overloaded().Header("Retry-After", "0").Times(1));
  world.service.On("fake-token-two").Agent(loopback::Overloaded().Times(1));
  Client& client = world.Connect({"fake-token-one", "fake-token-two"});
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().ToString() == "ok");
  CHECK(recorder.failures() == std::vector<std::pair<Code, NextStep>>{{Code::kOverloaded, NextStep::kNextToken},
                                                                      {Code::kOverloaded, NextStep::kWait}});
}

TEST_CASE("a service that asks for more patience than the request has gets none") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Overloaded().Header("Retry-After", "3600"));
  world.Connect({"fake-token-one"});
  const auto answer = world.Ask(Request("hello"));
  CHECK(answer.status().code() == Code::kOverloaded);
  REQUIRE(answer.status().error().retry_after.has_value());
  CHECK(*answer.status().error().retry_after == 1h);
  CHECK(world.service.Count("/ai/multi-agent") == 1);
}

TEST_CASE("a service that asks for more patience than the limit is asked again when that is over") {
  World world;
  world.service.On(kOne).Agent(loopback::Overloaded().Header("Retry-After", "3600").Times(3));
  Config config = ConfigFor(world.service, {kOne});
  config.retry_after_limit = 20ms;
  world.Connect(std::move(config));
  CHECK(world.Ask(Request("hello")).status().ToString() == "ok");
  CHECK(world.service.Count(kAgent) == 4);
}

TEST_CASE("50 threads that ask at once with an expired JWT cause exactly one refresh") {
  World world;
  int useless = 50;  // requests at most that are sent with the old JWT
  SECTION("the service refuses it") {
    world.service.Accept("fake-token-one");
    world.Connect({"fake-token-one"});
    REQUIRE(world.Ask(Request("warm up")).ok());
    world.service.ExpireJwts();
  }
  SECTION("the client knows") {
    world.service.On("fake-token-one").Exchange(loopback::Ok().JwtLife(0s).Times(1));
    Client& client = world.Connect({"fake-token-one"});
    REQUIRE(world.Said(client.AccessToken().status()).ToString() == "ok");
    useless = 0;
  }
  const int refreshes = world.service.Count("/proxy/token");
  const int requests = world.service.Count("/ai/multi-agent");
  // Long enough for all of them to arrive while the exchange is under way.
  world.service.On("fake-token-one").Exchange(loopback::Ok().Delay(500ms));
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 50; ++i) {
    threads.emplace_back([&] { answered += world.Ask(Request("hello")).ok() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(answered == 50);
  CHECK(world.service.Count("/proxy/token") == refreshes + 1);
  CHECK(world.service.Count("/ai/multi-agent") >= requests + 50);
  CHECK(world.service.Count("/ai/multi-agent") <= requests + 50 + useless);
  CHECK(world.StatusOf(0).total_failures == 0);
}

TEST_CASE("a fault of nobody and a fault of one token on the way leave one answer in one piece, and one blame") {
  World world;
  world.service.On("fake-token-one").Exchange(loopback::Status(502));
  world.service.On("fake-token-two").Agent(loopback::Status(403));
  world.service.Accept("fake-token-three");
  Client& client = world.Connect({"fake-token-one", "fake-token-two", "fake-token-three"});
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().ToString() == "ok");
  CHECK(recorder.text() == "Echo: hello");
  CHECK(recorder.starts() == 1);
  CHECK(recorder.finishes() == 1);
  CHECK(recorder.failures() == std::vector<std::pair<Code, NextStep>>{{Code::kOverloaded, NextStep::kNextToken},
                                                                      {Code::kUnauthorized, NextStep::kNextToken}});
  const int blamed[] = {0, 1, 0};
  for (const std::size_t i : {0U, 1U, 2U}) {
    CHECK(world.StatusOf(i).failures == blamed[i]);
    CHECK(world.StatusOf(i).total_failures == static_cast<std::uint64_t>(blamed[i]));
    CHECK(world.StatusOf(i).state == (i == 1 ? TokenState::kResting : TokenState::kReady));
    CHECK(world.StatusOf(i).served == (i == 2 ? 1 : 0));
  }
  // Waiting was not needed: each was asked once.
  CHECK(world.service.Count("/proxy/token") == 3);
  CHECK(world.service.Count("/ai/multi-agent") == 2);
}

TEST_CASE("a quota that ends after text ends the answer: what was said is not said again by another token") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::QuotaFinish().Text("abc"));
  world.service.Accept("fake-token-two");
  Client& client = world.Connect({"fake-token-one", "fake-token-two"});
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.text() == "abc");
  CHECK(recorder.starts() == 1);
  CHECK(recorder.status().code() == Code::kQuotaExhausted);
  CHECK(world.StatusOf(0).state == TokenState::kCooling);
  CHECK(world.StatusOf(0).ready_at.has_value());
  CHECK(world.StatusOf(0).total_failures == 0);
  CHECK(world.StatusOf(1).state == TokenState::kReady);
  CHECK(world.service.Count("/ai/multi-agent") == 1);
  CHECK(world.service.Count("", "fake-token-two") == 0);
}

TEST_CASE("one refused refresh is one failure, however many wait for it") {
  World world;
  world.service.On(kOne).Exchange(loopback::Status(400, R"({"error":{"message":"SOMETHING_NEW"}})").Delay(200ms));
  world.service.Accept(kTwo);
  world.Connect(FillFirst(world.service, {kOne, kTwo}));
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&] { answered += world.Ask(Request("hello")).ok() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(answered == 20);
  CHECK(world.service.Count(kExchange, kOne) == 1);
  CHECK(world.StatusOf(0).total_failures == 1);
}

TEST_CASE("a rotated refresh token is used from then on") {
  World world;
  world.service.On("fake-token-one").Exchange(loopback::Ok().RotateTo("fake-token-rotated").Times(1));
  Client& client = world.Connect({"fake-token-one"});
  const std::string name = client.Pool().tokens[0].name;
  REQUIRE(world.Ask(Request("1")).ok());
  world.service.ExpireJwts();
  REQUIRE(world.Ask(Request("2")).ok());
  CHECK(world.service.Count("/proxy/token", "fake-token-rotated") == 1);
  CHECK(client.Pool().tokens[0].name == name);
}

TEST_CASE("an API key is its own bearer") {
  World world;
  world.service.AcceptApiKey("wk-1.fakefake");
  Config config = ConfigFor(world.service, {});
  TokenConfig key;
  key.credential = Secret("wk-1.fakefake");
  key.kind = CredentialKind::kApiKey;
  config.tokens.push_back(key);
  world.Connect(std::move(config));
  CHECK(world.Ask(Request("hello")).ok());
  CHECK(world.service.Count("/proxy/token") == 0);
}

TEST_CASE("a refused exchange without an API key names the variable to set") {
  World world;
  world.service.RequireKey("fake-web-key");
  world.service.Accept("fake-token-one");
  SECTION("none is set") {
    world.Connect({"fake-token-one"});
    const auto answer = world.Ask(Request("hello"));
    CHECK(answer.status().code() == Code::kMisconfigured);
    CHECK(answer.status().message().find("WARP_FIREBASE_API_KEY") != std::string::npos);
    CHECK(world.StatusOf(0).failures == 0);
  }
  SECTION("it is set") {
    Config config = ConfigFor(world.service, {"fake-token-one"});
    config.firebase_api_key = Secret("fake-web-key");
    world.Connect(std::move(config));
    CHECK(world.Ask(Request("hello")).ok());
  }
}

}  // namespace warppool
