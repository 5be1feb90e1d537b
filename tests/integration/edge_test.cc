// Where two things meet that seldom do.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

#include "fixture.h"
#include "raw_server.h"

namespace warppool {

TEST_CASE("a thread that starts after Close is not taken for the I/O thread") {
  World world;
  world.service.Accept("fake-token-one");
  Client& client = world.Connect({"fake-token-one"});
  auto stream = client.Start(Request("hello"));
  REQUIRE(stream.ok());
  REQUIRE(client.Close(-1ms).ok());
  // The I/O thread's memory, and with it its id, goes to the next thread.
  Code first = Code::kOk;
  Code close = Code::kOk;
  std::string text;
  std::thread([&] {
    auto event = (*stream)->Next(0ms);
    first = event.code();
    for (; event.ok(); event = (*stream)->Next(0ms)) {
      if (const auto* delta = std::get_if<TextDelta>(&*event)) text += delta->text;
    }
    close = client.Close(0ms).code();
  }).join();
  CHECK(first == Code::kOk);
  CHECK(text == "Echo: hello");
  CHECK(close == Code::kOk);
  CHECK(client.AccessToken().code() == Code::kMisuse);
}

TEST_CASE("an answer that is complete does not pass its time-out while the program pauses") {
  World world;
  world.service.Accept("fake-token-one");
  Client& client = world.Connect({"fake-token-one"});
  Request request("hello");
  request.timeout = 500ms;
  std::promise<void> at_end;
  std::promise<Status> done;
  auto stream = client.Start(request, {[&](const Event& event) {
                                         if (!std::holds_alternative<Finished>(event)) return Flow::kContinue;
                                         at_end.set_value();
                                         return Flow::kPause;
                                       },
                                       [&](const Status& status) { done.set_value(status); }});
  REQUIRE(stream.ok());
  at_end.get_future().get();
  auto over = done.get_future();
  // Nothing can be seen to happen here: what must not happen is an end by the time-out.
  CHECK(over.wait_for(700ms) == std::future_status::timeout);
  (*stream)->Resume();
  CHECK(over.get().ToString() == "ok");
}

TEST_CASE("a client that is destroyed while a stream pauses on its last event leaves nothing behind") {
  World world;
  world.service.Accept("fake-token-one");
  Client& client = world.Connect({"fake-token-one"});
  std::promise<void> at_end;
  auto alive = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = alive;
  auto stream = client.Start(Request("hello"), {[&at_end, alive](const Event& event) {
                                                  if (!std::holds_alternative<Finished>(event)) return Flow::kContinue;
                                                  at_end.set_value();
                                                  return Flow::kPause;
                                                },
                                                nullptr});
  REQUIRE(stream.ok());
  alive.reset();
  at_end.get_future().get();
  std::this_thread::sleep_for(150ms);  // longer than the end of the HTTP answer is waited for
  *stream = nullptr;
  CHECK(watch.expired());
  world.client.reset();
}

TEST_CASE("connections that are never made fail together, each within its own time") {
  World world;
  // Takes the connection, and says nothing to the TLS hello.
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(listen(listener, 64) == 0);
  REQUIRE(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  Config config = ConfigFor(world.service, {"wk-1.fakefake"});
  config.tokens[0].kind = CredentialKind::kApiKey;
  config.server_url = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  config.connect_timeout = 200ms;
  config.retry_budget = 0;
  Client& client = world.Connect(std::move(config));
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  std::atomic<int> network{0};
  for (int i = 0; i < 60; ++i) {
    threads.emplace_back([&] { network += client.Ask(Request("hello")).status.code() == Code::kNetwork ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  close(listener);
  CHECK(network == 60);
  // One after the other they would take 12 s.
  CHECK(std::chrono::steady_clock::now() - begin < 8s);
}

TEST_CASE("the beginning of a secret is not quoted either") {
  const std::string token = "fake-" + std::string(400, 'q');
  World world;
  world.service.On(token).Exchange(loopback::Status(400, R"({"error":{"message":"bad token )" + token + "\"}}"));
  const auto answer = world.Connect({token}).Ask(Request("hello"));
  CHECK(world.Said(answer.status).ToString().find("qqqqqqqq") == std::string::npos);
  CHECK(world.log.Count("qqqqqqqq") == 0);
  CHECK(world.log.Count("[secret]") > 0);
}

TEST_CASE("a refusal is one although its words broke off") {
  World world;
  RawServer server("HTTP/1.1 403 no\r\nContent-Length: 1000\r\n\r\n{\"error\": \"half");
  Config config = ConfigFor(world.service, {"wk-1.fakefake"});
  config.tokens[0].kind = CredentialKind::kApiKey;
  config.server_url = "http://" + server.Address();
  const auto answer = world.Connect(std::move(config)).Ask(Request("hello"));
  CHECK(world.Said(answer.status).code() == Code::kUnauthorized);
  CHECK(world.StatusOf(0).last_error == Code::kUnauthorized);
  CHECK(world.StatusOf(0).state == TokenState::kResting);
}

TEST_CASE("the media type's case and parameters do not matter") {
  World world;
  // init, and done
  RawServer server(
      "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\nConnection: close\r\n\r\n"
      "data: CgA=\n\ndata: GgISAA==\n\n");
  Config config = ConfigFor(world.service, {"wk-1.fakefake"});
  config.tokens[0].kind = CredentialKind::kApiKey;
  config.server_url = "http://" + server.Address();
  CHECK(world.Said(world.Connect(std::move(config)).Ask(Request("hello")).status).ToString() == "ok");
}

}  // namespace warppool
