// The transport alone, against servers that do what a test wants: silence, slow lines, and connections that die.

#include <dirent.h>
#include <fcntl.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catch.h"
#include "http/curl_transport.h"
#include "scripted_server.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

constexpr const char* kSmallAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// A transport in a loop in the test's thread. Each transfer's end is a word in `order`.
class Transfers {
 public:
  Transfers() {
    REQUIRE(loop_.Open().ok());
    REQUIRE(transport_.Open().ok());
  }

  // Runs `start` in the loop, until Stop(); 30 s are a guard against hanging.
  void Run(std::function<void()> start) {
    loop_.Post(std::move(start));
    loop_.Post([this] { loop_.After(30s, [this] { Note("hung"); }); });
    loop_.Run();
    transport_.Shutdown();
  }
  void Stop() { loop_.Stop(); }
  EventLoop& loop() { return loop_; }
  CurlTransport& transport() { return transport_; }

  void Start(const std::string& url, std::chrono::milliseconds silence, std::string body = "question",
             std::function<void()> then = nullptr, const std::string& bearer = "") {
    auto& target = targets_[url];
    if (target == nullptr) target = std::make_shared<HttpTarget>(HttpTarget{.url = url, .headers = {}});
    HttpRequest request;
    request.target = target;
    request.bearer = Secret(bearer);
    request.body = std::move(body);
    request.silence_timeout = silence;
    handlers_.push_back(std::make_unique<Handler>(this, std::move(then)));
    transport_.Start(std::move(request), handlers_.back().get());
  }
  void Note(const std::string& what) {
    order += (order.empty() ? "" : " ") + what;
    if (what == "hung") Stop();
  }

  std::string order;
  std::function<void()> on_head;

 private:
  struct Handler final : HttpHandler {
    Handler(Transfers* to, std::function<void()> next) : transfers(to), then(std::move(next)) {}
    void OnHead(HttpHead /*head*/) override {
      if (transfers->on_head) transfers->on_head();
    }
    void OnBody(std::string_view /*bytes*/) override {}
    void OnDone(const TransferResult& result) override {
      if (result.error == TransferError::kStopped) return;
      transfers->Note(result.error == TransferError::kNone      ? "done"
                      : result.error == TransferError::kSilence ? "silence"
                                                                : "failed:" + result.detail);
      then ? then() : transfers->Stop();
    }
    Transfers* const transfers;
    const std::function<void()> then;
  };

  EventLoop loop_;
  CurlTransport transport_{&loop_, {}};
  std::vector<std::unique_ptr<Handler>> handlers_;
  std::map<std::string, std::shared_ptr<const HttpTarget>> targets_;
};

// This process's descriptors of connections to `port`.
std::vector<int> ConnectionsTo(int port) {
  std::vector<int> found;
  DIR* const directory = opendir("/proc/self/fd");
  REQUIRE(directory != nullptr);
  while (const dirent* const entry = readdir(directory)) {
    const int fd = std::atoi(entry->d_name);
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) continue;
    if (peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) found.push_back(fd);
  }
  closedir(directory);
  return found;
}

int OptionOf(int fd, int level, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  CHECK(getsockopt(fd, level, option, &value, &length) == 0);
  return value;
}

}  // namespace

// Both timers are the loop's, so that a machine with too much to do delays them alike.
TEST_CASE("a service that accepts and says nothing is silent from the request's last byte on") {
  ScriptedServer server([](auto* connection) { connection->AwaitEnd(); });
  Transfers transfers;
  transfers.Run([&] {
    transfers.Start(server.url(), 1000ms);
    transfers.loop().After(1800ms, [&] { transfers.Note("late"); });
  });
  CHECK(transfers.order == "silence");
}

TEST_CASE("a service that stops in the middle is silent from its last byte on") {
  ScriptedServer server([](auto* connection) {
    if (connection->ReadRequest()) connection->Send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx");
    connection->AwaitEnd();
  });
  Transfers transfers;
  transfers.on_head = [&] { transfers.loop().After(1800ms, [&] { transfers.Note("late"); }); };
  transfers.Run([&] { transfers.Start(server.url(), 1000ms); });
  CHECK(transfers.order == "silence");
}

TEST_CASE("a long upload on a slow line is no silence") {
  constexpr std::size_t kBody = 1'500'000;
  // So slow that it takes three times as long as the limit, without a break of any length.
  ScriptedServer server(
      [](auto* connection) {
        std::string all;
        while (all.size() < kBody && connection->Read(&all, 8192) > 0) std::this_thread::sleep_for(16ms);
        connection->Send(kSmallAnswer);
        connection->AwaitEnd();
      },
      1 << 16);
  Transfers transfers;
  transfers.Run([&] { transfers.Start(server.url(), 1000ms, std::string(kBody, 'x')); });
  CHECK(transfers.order == "done");
}

TEST_CASE("a question is sent to its end when the answer begins before") {
  constexpr std::size_t kBody = 16'000'000;
  std::size_t received = 0;
  ScriptedServer server(
      [&](auto* connection) {
        std::string all;
        while (all.size() < 10'000 && connection->Read(&all, 1024) > 0) continue;
        connection->Send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
        while (all.size() < kBody && connection->Read(&all, 8192) > 0) continue;
        received = static_cast<std::size_t>(std::count(all.begin(), all.end(), '#'));
        connection->Send("x");
        connection->AwaitEnd();
      },
      1 << 16);
  Transfers transfers;
  transfers.Run([&] { transfers.Start(server.url(), 10s, std::string(kBody, '#')); });
  CHECK(transfers.order == "done");
  CHECK(received == kBody);
}

TEST_CASE("each transfer to one target sends its own bearer and body, and nothing of the one before") {
  std::vector<std::string> seen;
  ScriptedServer server([&](auto* connection) {
    while (connection->ReadRequest()) {
      seen.push_back(connection->TakeRequest());
      if (!connection->Send(kSmallAnswer)) return;
    }
  });
  Transfers transfers;
  const auto start = [&](const std::string& body, const std::string& bearer, const std::function<void()>& then) {
    transfers.Start(
        server.url(), 10s, body, [&, then] { transfers.loop().Post(then); }, bearer);
  };
  transfers.Run([&] {
    start("a long question", "fake-bearer-1",
          [&] { start("short", "fake-bearer-2", [&] { start("", "", [&] { transfers.Stop(); }); }); });
  });
  REQUIRE(seen.size() == 3);
  const auto body_of = [](const std::string& request) { return request.substr(request.find("\r\n\r\n") + 4); };
  CHECK_THAT(seen[0], ContainsSubstring("Authorization: Bearer fake-bearer-1\r\n"));
  CHECK(body_of(seen[0]) == "a long question");
  CHECK_THAT(seen[1], ContainsSubstring("Authorization: Bearer fake-bearer-2\r\n"));
  CHECK(body_of(seen[1]) == "short");
  CHECK_THAT(seen[2], !ContainsSubstring("Authorization"));
  CHECK(body_of(seen[2]).empty());
  CHECK(server.connections() == 1);
}

TEST_CASE("connections that nobody uses are dropped, and those in use go on") {
  ScriptedServer server([](auto* connection) {
    while (connection->ReadRequest()) {
      const bool is_slow = connection->TakeRequest().find("slow") != std::string::npos;
      if (is_slow) std::this_thread::sleep_for(300ms);
      if (!connection->Send(kSmallAnswer)) return;
    }
  });
  Transfers transfers;
  bool drop = true;
  SECTION("dropped") {}
  SECTION("not dropped: used again") {
    drop = false;
  }
  transfers.Run([&] {
    transfers.Start(server.url(), 10s, "slow", [&] { transfers.Stop(); });
    transfers.Start(server.url(), 10s, "quick", [&] {
      transfers.loop().Post([&] {
        if (drop) transfers.transport().DropIdle();
        transfers.Start(server.url(), 10s, "quick", [] {});
      });
    });
  });
  CHECK(transfers.order == "done done done");
  CHECK(server.connections() == (drop ? 3 : 2));
}

TEST_CASE("a connection that the service ends while nobody uses it keeps nobody awake, and is not used again") {
  ScriptedServer server([](auto* connection) {
    if (connection->ReadRequest()) connection->Send(kSmallAnswer);  // and closes it
  });
  Transfers transfers;
  int rounds = 0;
  transfers.loop().SetOnRound([&] { ++rounds; });
  transfers.Run([&] {
    transfers.Start(server.url(), 30s, "question", [&] {
      rounds = 0;
      transfers.loop().After(200ms, [&] {
        CHECK(rounds < 50);  // without a pause there are thousands
        transfers.Start(server.url(), 30s);
      });
    });
  });
  CHECK(transfers.order == "done done");
}

TEST_CASE("a connection notices that the other end is gone, and reaches no child program") {
  ScriptedServer server([](auto* connection) {
    if (connection->ReadRequest()) connection->Send(kSmallAnswer);
    connection->AwaitEnd();
  });
  Transfers transfers;
  std::vector<int> connections;
  int user_timeout = 0;
  int keep_alive = 0;
  int idle = 0;
  int probes = 0;
  int interval = 0;
  int flags = 0;
  transfers.on_head = [&] {
    connections = ConnectionsTo(server.port());
    if (connections.size() != 1) return;
    user_timeout = OptionOf(connections[0], IPPROTO_TCP, TCP_USER_TIMEOUT);
    keep_alive = OptionOf(connections[0], SOL_SOCKET, SO_KEEPALIVE);
    idle = OptionOf(connections[0], IPPROTO_TCP, TCP_KEEPIDLE);
    probes = OptionOf(connections[0], IPPROTO_TCP, TCP_KEEPCNT);
    interval = OptionOf(connections[0], IPPROTO_TCP, TCP_KEEPINTVL);
    flags = fcntl(connections[0], F_GETFD);
  };
  transfers.Run([&] { transfers.Start(server.url(), 10s); });
  CHECK(transfers.order == "done");
  CHECK(connections.size() == 1);
  CHECK(user_timeout == 20'000);
  CHECK(keep_alive == 1);
  CHECK(idle + probes * interval <= 20);
  CHECK((flags & FD_CLOEXEC) != 0);
  CHECK(ConnectionsTo(server.port()).empty());  // all are closed when it is shut down
}

}  // namespace warppool::internal
