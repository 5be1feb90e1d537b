// What lies between the library and the service, and what must not travel.

#include <pthread.h>

#include <csignal>
#include <future>

#include "fixture.h"
#include "raw_server.h"

namespace warppool {
namespace {

// One API key, for a service at `url`; tried once.
Config ConfigAt(World* world, const std::string& url) {
  Config config = ConfigFor(world->service, {"wk-1.fakefake"});
  config.tokens[0].kind = CredentialKind::kApiKey;
  config.server_url = url;
  config.retry_budget = 0;
  return config;
}

}  // namespace

TEST_CASE("what does not speak HTTP is said to") {
  World world;
  RawServer server("SSH-2.0-fake\r\n");
  world.Connect(ConfigAt(&world, "http://" + server.Address()));
  const auto answer = world.Ask(Request("hello"));
  CHECK(answer.status().code() == Code::kMisconfigured);
  CHECK(answer.status().message().find("does not speak HTTP") != std::string::npos);
}

TEST_CASE("what is not on this machine goes through the proxy, without a look at its name") {
  World world;
  RawServer proxy("HTTP/1.1 502 no way\r\nContent-Length: 0\r\n\r\n");
  Config config = ConfigAt(&world, "https://service.invalid");
  config.proxy = Secret("http://" + proxy.Address());
  world.Connect(std::move(config));
  const auto answer = world.Ask(Request("hello"));
  CHECK(answer.status().code() == Code::kNetwork);
  CHECK(proxy.Received().find("CONNECT service.invalid:443") == 0);
  CHECK(proxy.Received().find("Bearer") == std::string::npos);
}

TEST_CASE("a host that the proxy is not for is reached without it") {
  World world;
  RawServer proxy("");
  Config config = ConfigAt(&world, "https://0.0.0.0:1");
  config.proxy = Secret("http://" + proxy.Address());
  config.no_proxy = "0.0.0.0";
  world.Connect(std::move(config));
  CHECK(world.Ask(Request("hello")).code() == Code::kNetwork);
  CHECK(proxy.Received().empty());
}

TEST_CASE("loopback addresses bypass the proxy") {
  World world;
  world.service.Accept("fake-token-one");
  RawServer proxy("");
  Config config = ConfigFor(world.service, {"fake-token-one"});
  config.proxy = Secret("http://" + proxy.Address());
  world.Connect(std::move(config));
  CHECK(world.Ask(Request("hello")).status().ToString() == "ok");
  CHECK(proxy.Received().empty());
}

TEST_CASE("the process environment's proxy is not looked at") {
  World world;
  RawServer proxy("");
  REQUIRE(setenv("HTTPS_PROXY", ("http://" + proxy.Address()).c_str(), 1) == 0);
  world.Connect(ConfigAt(&world, "https://0.0.0.0:1"));
  CHECK(world.Ask(Request("hello")).code() == Code::kNetwork);
  unsetenv("HTTPS_PROXY");
  CHECK(proxy.Received().empty());
}

TEST_CASE("a redirect is not followed: the bearer does not travel") {
  World world;
  RawServer elsewhere("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  SECTION("of the agent endpoint") {
    world.service.On("fake-token-one")
        .Agent(loopback::Status(307).Header("Location", "http://" + elsewhere.Address() + "/"));
  }
  SECTION("of the token exchange") {
    world.service.On("fake-token-one")
        .Exchange(loopback::Status(307).Header("Location", "http://" + elsewhere.Address() + "/"));
  }
  world.Connect({"fake-token-one"});
  const auto answer = world.Ask(Request("hello"));
  CHECK(answer.status().code() == Code::kMisconfigured);
  CHECK(answer.status().message().find("WARP_SERVER_URL") != std::string::npos);
  CHECK(elsewhere.Received().empty());
  CHECK(world.StatusOf(0).total_failures == 0);
}

TEST_CASE("a service that quotes credentials does not get them into errors or logs") {
  World world;
  SECTION("the refresh token") {
    world.service.On("fake-token-one")
        .Exchange(loopback::Status(400, R"({"error":{"message":"bad: fake-token-one"}})"));
    world.Connect({"fake-token-one"});
    const auto answer = world.Ask(Request("hello"));
    CHECK(answer.status().message().find("[secret]") != std::string::npos);
  }
  SECTION("the bearer") {
    world.service.On("wk-1.fakefake").Agent(loopback::Status(403, R"({"userDisplayMessage":"no: wk-1.fakefake"})"));
    world.Connect(ConfigAt(&world, world.service.url()));
    const auto answer = world.Ask(Request("hello"));
    CHECK(answer.status().error().user_message == "no: [secret]");
  }
}

TEST_CASE("the I/O thread takes none of the program's signals") {
  World world;
  world.service.Accept("fake-token-one");
  std::promise<sigset_t> blocked;
  auto stream =
      world.Connect({"fake-token-one"}).Start(Request("hello"), {nullptr, [&](const Status&) {
                                                                   sigset_t mask;
                                                                   pthread_sigmask(SIG_SETMASK, nullptr, &mask);
                                                                   blocked.set_value(mask);
                                                                 }});
  REQUIRE(stream.ok());
  const sigset_t mask = blocked.get_future().get();
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGALRM, SIGCHLD, SIGUSR1}) {
    CHECK(sigismember(&mask, signal) == 1);
  }
}

}  // namespace warppool
