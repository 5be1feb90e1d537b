// Token exchanges that take long: what has arrived is read before one is given up, and what comes later is kept.

#include <atomic>
#include <future>

#include "scripted_server.h"
#include "state_fixture.h"

namespace warppool {
namespace {

constexpr const char* kIssued = "fake-bearer-issued-late";

// An exchange that answers when the test says so, with a new refresh token.
class HeldExchange {
 public:
  ~HeldExchange() { Answer(); }

  // The answer is on its way to who asked first; at once to all others.
  void Answer() { answer_.Open(); }
  bool WaitUntilAsked() {
    return Eventually([&] { return asked_ > 0; });
  }
  bool WaitUntilSent() {
    return Eventually([&] { return sent_ > 0; });
  }
  int asked() const { return asked_; }
  std::string url() const { return server_.url(); }

 private:
  void Talk(ScriptedServer::Connection* connection) {
    while (connection->ReadRequest()) {
      connection->TakeRequest();
      ++asked_;
      answer_.Pass();
      if (!connection->SendJson(std::string(R"({"id_token": ")") + kIssued +
                                R"(", "expires_in": "3600", "refresh_token": ")" + kRotated + "\"}")) {
        return;
      }
      ++sent_;
    }
  }

  struct Closed : Gate {
    Closed() { Close(); }
  };
  Closed answer_;
  std::atomic<int> asked_{0};
  std::atomic<int> sent_{0};
  ScriptedServer server_{[this](auto* connection) { Talk(connection); }};
};

// "mine", to be exchanged there, and "key", an API key; no attempt is repeated.
Config ConfigAt(World* world, const std::string& exchange, std::chrono::milliseconds refresh_timeout) {
  world->service.AcceptApiKey(kIssued);
  world->service.AcceptApiKey(kKey);
  Config config = ConfigFor(world->service, {});
  config.tokens = {TokenOf(kOne), ApiKeyOf(kKey, "key")};
  config.tokens[0].name = "mine";
  config.refresh_url = exchange;
  config.refresh_timeout = refresh_timeout;
  config.retry_budget = 0;
  return config;
}

Request Of(const std::string& token) {
  Request request = Impatient();
  request.tokens = {token};
  return request;
}

}  // namespace

TEST_CASE("an answer that came while a callback kept the I/O thread is taken, and no time-out is declared") {
  HeldExchange exchange;
  Gate gate;
  gate.Close();
  World world;
  world.service.Decide([&](loopback::Endpoint, const std::string& token) {
    if (token == kKey) gate.Pass();
    return std::optional<loopback::Behaviour>();
  });
  const auto limit = 300ms;
  Client& client = world.Connect(ConfigAt(&world, exchange.url(), limit));
  std::atomic<bool> held{false};
  StreamCallbacks callbacks;
  callbacks.on_event = [&](const Event& event) {
    if (std::holds_alternative<TextDelta>(event) && !held.exchange(true)) {
      exchange.Answer();
      CHECK(exchange.WaitUntilSent());
      std::this_thread::sleep_for(limit);  // since the exchange was asked
    }
    return Flow::kContinue;
  };
  std::promise<Status> done;
  callbacks.on_done = [&](const Status& status) { done.set_value(status); };
  const auto stream = client.Start(Of("key"), std::move(callbacks));
  REQUIRE(stream.ok());
  REQUIRE(gate.WaitUntilInside(1));
  Recorder recorder(&world);
  const auto waits = client.Start(Of("mine"), recorder.Callbacks());
  REQUIRE(waits.ok());
  REQUIRE(exchange.WaitUntilAsked());
  gate.Open();
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().ToString() == "ok");
  CHECK(recorder.failures().empty());
  CHECK(held);
  CHECK(exchange.asked() == 1);
  CHECK(done.get_future().get().ok());
}

TEST_CASE("an exchange that takes longer than anybody waits is kept, and serves the next request") {
  HeldExchange exchange;
  auto store = std::make_shared<internal::ObedientStore>();
  World world;
  Client& client = world.Connect(ConfigAt(&world, exchange.url(), 100ms), store);
  CHECK(world.Ask(Of("mine")).code() == Code::kNetwork);
  CHECK(StatusOf(client, "mine")->total_failures == 0);
  CHECK(world.Ask(Impatient())->token == "key");  // "mine" is tried, and left, and sent nothing more
  CHECK(exchange.asked() == 1);
  exchange.Answer();
  SECTION("while the client runs") {
    REQUIRE(Eventually([&] { return StatusOf(client, "mine")->jwt_expires.has_value(); }));
    CHECK(world.Ask(Of("mine"))->token == "mine");
    CHECK(world.events.Count(PoolEventKind::kRotated) == 1);
  }
  SECTION("while the client is closed") {
    CHECK(client.Close(0ms).ok());
  }
  const auto stored = store->Look(kOne);
  REQUIRE(stored);
  CHECK(stored->credential == Secret(kRotated));
  CHECK(exchange.asked() == 1);
}

TEST_CASE("an exchange that trickles for ever is left all the same") {
  ScriptedServer exchange([](auto* connection) {
    if (!connection->ReadRequest()) return;
    connection->Send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n");
    while (connection->Send(" ")) std::this_thread::sleep_for(1ms);
  });
  World world;
  world.Connect(ConfigAt(&world, exchange.url(), 100ms));
  CHECK(world.Ask(Of("mine")).code() == Code::kNetwork);
  CHECK(world.Ask(Impatient()).ok());
  CHECK(exchange.connections() == 1);
}

}  // namespace warppool
