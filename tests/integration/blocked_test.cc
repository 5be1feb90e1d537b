// What a proxy, a firewall or the edge answers in the service's place blames no token, and ends within reason.

#include <string>
#include <vector>

#include "fixture.h"
#include "raw_server.h"

namespace warppool {
namespace {

constexpr const char* kFirstToken = "fake-token-one";
constexpr const char* kSecondToken = "fake-token-two";
constexpr const char* kThirdToken = "fake-token-three";
constexpr const char* kServiceKey = "wk-1.fakefake";
constexpr const char* kForeignPage = "<html><head><title>Access denied</title></head><body>policy 7</body></html>";

void CheckNobodyIsBlamed(World* world, std::size_t tokens) {
  for (std::size_t i = 0; i < tokens; ++i) {
    CHECK(world->StatusOf(i).state == TokenState::kReady);
    CHECK(world->StatusOf(i).failures == 0);
  }
}

// An API key for the address of a server of bytes; tried once.
Config ConfigAtAddress(World* world, const std::string& url) {
  Config config = ConfigFor(world->service, {kServiceKey});
  config.tokens[0].kind = CredentialKind::kApiKey;
  config.server_url = url;
  config.retry_budget = 0;
  return config;
}

}  // namespace

TEST_CASE("a page in the place of the exchange disables no token, whatever its status") {
  const int status = GENERATE(400, 401, 402, 403, 405, 410, 413, 421, 451);
  World world;
  world.service.Accept(kFirstToken).Accept(kSecondToken);
  world.service.OnAny().Exchange(loopback::Status(status, kForeignPage).Header("Content-Type", "text/html"));
  world.Connect({kFirstToken, kSecondToken});
  for (int i = 0; i < 3; ++i) {
    const auto answer = world.Ask(Impatient());
    CHECK(answer.status().code() == Code::kBlocked);
    CHECK(answer.status().message().find("Access denied") != std::string::npos);
    CHECK(answer.status().message().find("policy 7") == std::string::npos);
  }
  CheckNobodyIsBlamed(&world, 2);
}

TEST_CASE("a page in the place of the agent, for what one prompt holds, leaves all tokens to the next prompt") {
  World world;
  for (const char* token : {kFirstToken, kSecondToken, kThirdToken}) {
    world.service.On(token).Agent(loopback::Status(403, kForeignPage).Header("Content-Type", "text/html").Times(3));
  }
  world.Connect({kFirstToken, kSecondToken, kThirdToken});
  for (int i = 0; i < 3; ++i) {
    const auto answer = world.Ask(Impatient("a prompt that the edge does not like"));
    CHECK(answer.status().code() == Code::kBlocked);
    CHECK(answer.status().attempts().size() == 3);
  }
  CheckNobodyIsBlamed(&world, 3);
  CHECK(world.Ask(Impatient("an innocent prompt")).status().ToString() == "ok");
}

TEST_CASE("at most four tokens meet what answers in the place of the agent") {
  World world;
  std::vector<std::string> tokens;
  for (int i = 0; i < 8; ++i) tokens.push_back("fake-token-" + std::to_string(i));
  for (const std::string& token : tokens) world.service.On(token).Agent(loopback::Status(403, kForeignPage));
  world.Connect(tokens);
  CHECK(world.Ask(Impatient()).status().attempts().size() == 4);
  CheckNobodyIsBlamed(&world, 8);
}

TEST_CASE("one of several tokens that is met by a page is no reason not to be served by another") {
  World world;
  world.service.On(kFirstToken).Agent(loopback::Status(403, kForeignPage));
  world.service.Accept(kSecondToken);
  world.Connect({kFirstToken, kSecondToken});
  for (int i = 0; i < 6; ++i) CHECK(world.Ask(Impatient()).status().ToString() == "ok");
  CheckNobodyIsBlamed(&world, 2);
}

TEST_CASE("the exchange's rate limits are waited for, and nobody's fault") {
  const char* const words = GENERATE("QUOTA_EXCEEDED", "TOO_MANY_ATTEMPTS_TRY_LATER : later");
  World world;
  world.service.On(kFirstToken).Exchange(loopback::Dead(words).Times(2));
  Config config = ConfigFor(world.service, {kFirstToken});
  config.retry_base_delay = 1ms;
  world.Connect(std::move(config));
  CHECK(world.Ask(Request("hello")).status().ToString() == "ok");
  CheckNobodyIsBlamed(&world, 1);
}

TEST_CASE("a token whose account is gone is revoked, with or without words behind the code") {
  const char* const words = GENERATE("USER_DISABLED", "USER_DISABLED : by an administrator");
  World world;
  world.service.On(kFirstToken).Exchange(loopback::Dead(words));
  world.Connect({kFirstToken});
  CHECK(world.Ask(Impatient()).status().code() == Code::kUnauthorized);
  CHECK(world.StatusOf(0).state == TokenState::kDisabled);
  CHECK(world.service.Count(kExchange) == 1);
}

TEST_CASE("a key of another project is the setting's fault") {
  World world;
  world.service.Accept(kFirstToken).Accept(kSecondToken);
  world.service.OnAny().Exchange(loopback::Dead("PROJECT_NUMBER_MISMATCH"));
  world.Connect({kFirstToken, kSecondToken});
  for (int i = 0; i < 3; ++i) {
    const auto answer = world.Ask(Impatient());
    CHECK(answer.status().code() == Code::kMisconfigured);
    CHECK(answer.status().message().find("WARP_FIREBASE_API_KEY") != std::string::npos);
  }
  CheckNobodyIsBlamed(&world, 2);
}

TEST_CASE("an API key serves past an exchange that does not answer, and nobody waits for that") {
  RawServer exchange("HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n");
  World world;  // closes its connections first
  world.service.AcceptApiKey(kServiceKey);
  Config config = ConfigFor(world.service, {kFirstToken});
  config.tokens.push_back({Secret(kServiceKey), Tier::kShared, CredentialKind::kApiKey, "key"});
  config.refresh_url = "http://" + exchange.Address() + "/t";
  config.retry_base_delay = 1h;  // whoever waits fails
  world.Connect(std::move(config));
  const auto answer = world.Ask(Request("hello"));
  REQUIRE(answer.status().ToString() == "ok");
  CHECK(answer->token == "key");
}

TEST_CASE("when the token that needs no exchange is refused, the others have their turn all the same") {
  World world;
  world.service.On(kFirstToken).Exchange(loopback::Status(503).Times(1));
  world.service.Accept(kSecondToken);
  world.service.AcceptApiKey(kServiceKey);
  world.service.On(kServiceKey).Agent(loopback::Status(401));
  Config config = ConfigFor(world.service, {kFirstToken, kSecondToken});
  config.tokens.push_back({Secret(kServiceKey), Tier::kShared, CredentialKind::kApiKey, "key"});
  world.Connect(std::move(config));
  const auto answer = world.Ask(Request("hello"));
  REQUIRE(answer.status().ToString() == "ok");
  CHECK(answer->token == world.client->Pool().tokens[1].name);
}

TEST_CASE("a token that rests does not lead around the limit of those that meet what is on the way") {
  World world;
  std::vector<std::string> tokens;
  for (int i = 0; i < 8; ++i) tokens.push_back("fake-token-" + std::to_string(i));
  world.service.On(tokens[0]).Agent(loopback::Quota().Header("Retry-After", "2").Times(1));
  for (const std::string& token : tokens) world.service.On(token).Agent(loopback::Status(403, kForeignPage));
  world.Connect(tokens);
  CHECK_FALSE(world.Ask(Request("hello")).ok());
  CHECK(world.service.Count("/ai/multi-agent") == 5);  // the quota, and four
}

TEST_CASE("a refusal whose words stall or trickle speaks by its status, long before the silence limit") {
  RawServer server("HTTP/1.1 429 no\r\nContent-Type: text/plain\r\nContent-Length: 500\r\n\r\n0123456789",
                   RawServer::kStall);
  World world;  // closes its connections first
  Config config = ConfigAtAddress(&world, "http://" + server.Address());
  config.silence_timeout = 1h;
  world.Connect(std::move(config));
  const auto answer = world.Ask(Impatient());
  CHECK(answer.status().code() == Code::kOverloaded);
  CHECK(answer.status().error().http_status == 429);
}

TEST_CASE("a proxy that wants a log-in is named at once, and asked once") {
  RawServer proxy("HTTP/1.1 407 no\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n");
  World world;  // closes its connections first
  Config config = ConfigAtAddress(&world, "https://service.invalid");
  config.retry_budget = 3;
  config.proxy = Secret("http://" + proxy.Address());
  world.Connect(std::move(config));
  const auto answer = world.Ask(Request("hello"));
  CHECK(answer.status().code() == Code::kMisconfigured);
  CHECK(answer.status().message().find("WARP_PROXY") != std::string::npos);
  CHECK(answer.status().attempts().size() == 1);
}

TEST_CASE("a proxy that does not connect to the service is told as what is on the way") {
  RawServer proxy("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  World world;  // closes its connections first
  Config config = ConfigAtAddress(&world, "https://service.invalid");
  config.proxy = Secret("http://" + proxy.Address());
  world.Connect(std::move(config));
  const auto answer = world.Ask(Request("hello"));
  CHECK(answer.status().code() == Code::kBlocked);
  CHECK(answer.status().message().find("403") != std::string::npos);
  CHECK(answer.status().message().find("WARP_PROXY") != std::string::npos);
  CheckNobodyIsBlamed(&world, 1);
}

TEST_CASE("an answer that is JSON instead of a stream brings the service's words, and a quota is a quota") {
  World world;
  world.service.On(kFirstToken)
      .Agent(loopback::Status(200, R"({"error": {"message": "not today", "code": "SOME_CODE"}})")
                 .Header("Content-Type", "application/json")
                 .Times(1));
  world.service.On(kSecondToken)
      .Agent(loopback::Status(200, R"({"error": {"message": "none left", "code": "OUT_OF_CREDITS"}})")
                 .Header("Content-Type", "application/json"));
  world.Connect({kFirstToken, kSecondToken});
  const auto answer = world.Ask(Impatient());
  CHECK(answer.status().code() == Code::kNotAStream);
  CHECK(answer.status().error().user_message == "not today");
  CHECK(answer.status().error().service_code == "SOME_CODE");
  CHECK(world.Ask(Impatient()).status().ToString() == "ok");
  CHECK(world.StatusOf(1).state == TokenState::kCooling);
}

TEST_CASE("an error event without words is no keep-alive") {
  World world;
  world.service.On(kFirstToken).Agent(loopback::Raw("event: error\ndata:\n\n"));
  world.Connect({kFirstToken});
  CHECK(world.Ask(Request("hello")).status().code() == Code::kAgentError);
  CHECK(world.service.Count("/ai/multi-agent") == 1);
}

TEST_CASE("an event that tells of an error ends the answer with the service's words, and a quota is a quota") {
  World world;
  world.service.On(kFirstToken)
      .Agent(loopback::Raw("event: error\ndata: {\"error\": {\"message\": \"not today\", \"code\": \"SOME_CODE\"}}\n\n")
                 .Times(1));
  world.service.On(kSecondToken)
      .Agent(loopback::Raw("event: Error\ndata: {\"code\": \"OUT_OF_CREDITS\", \"message\": \"none left\"}\n\n"));
  world.Connect({kFirstToken, kSecondToken});
  const auto answer = world.Ask(Impatient());
  CHECK(answer.status().code() == Code::kAgentError);
  CHECK(answer.status().error().user_message == "not today");
  CHECK(answer.status().error().service_code == "SOME_CODE");
  CHECK(answer.status().message().find("event 1") != std::string::npos);
  CHECK(world.Ask(Impatient()).status().ToString() == "ok");
  CHECK(world.StatusOf(1).state == TokenState::kCooling);
  CheckNobodyIsBlamed(&world, 1);
}

}  // namespace warppool
