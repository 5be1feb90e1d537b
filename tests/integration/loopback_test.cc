// The loopback service itself: the exchange, the scripts, what it records, its life. Its streams:
// loopback_stream_test.cc; accounts and decisions: loopback_account_test.cc.
#include "loopback.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <future>
#include <thread>

#include "catch.h"
#include "loopback_probe.h"

using loopback::Service;
using namespace std::chrono_literals;

namespace {

bool Contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// The statuses of `count` exchanges, one after the other: "200 503 200".
std::string Statuses(const Service& service, const std::string& token, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    all += (i == 0 ? "" : " ") + std::to_string(probe::Status(probe::Exchange(service, token)));
  }
  return all;
}

}  // namespace

TEST_CASE("a known refresh token is exchanged for a JWT, on both paths") {
  Service service;
  service.Accept("good-token");
  for (const std::string path : {"/proxy/token", "/v1/token"}) {
    const auto result = probe::Exchange(service, "good-token", path);
    REQUIRE(probe::Status(result) == 200);
    CHECK(result->get_header_value("Content-Type") == "application/json");
    CHECK(probe::Field(result->body, "expires_in") == "3600");
    CHECK(probe::Field(result->body, "refresh_token") == "good-token");
    CHECK(probe::Field(result->body, "token_type") == "Bearer");
    CHECK(probe::Field(result->body, "access_token") == probe::Field(result->body, "id_token"));
    CHECK_FALSE(probe::Field(result->body, "user_id").empty());
    CHECK_FALSE(probe::Field(result->body, "project_id").empty());
  }
  CHECK(service.Complaints().empty());
}

TEST_CASE("a JWT has three parts, and its payload says when it ends") {
  Service service;
  service.On("t").Exchange(loopback::Ok().JwtLife(120s));
  const std::string jwt = probe::Login(service, "t");
  REQUIRE(std::count(jwt.begin(), jwt.end(), '.') == 2);
  CHECK(jwt.find('=') == std::string::npos);
  const auto begin = jwt.find('.') + 1;
  std::string payload;
  REQUIRE_FALSE(
      warppool::internal::DecodeBase64Url(std::string_view(jwt).substr(begin, jwt.rfind('.') - begin), &payload));
  const auto number = [&](const std::string& name) {
    return std::stol(payload.substr(payload.find("\"" + name + "\":") + name.size() + 3));
  };
  CHECK(number("exp") - number("iat") == 120);
  CHECK(probe::Login(service, "t") != jwt);
}

TEST_CASE("a percent-encoded refresh token is decoded") {
  Service service;
  service.Accept("a+b/c=d&e f%");
  CHECK(probe::Status(probe::Exchange(service, "a%2Bb%2fc%3Dd%26e+f%25")) == 200);
}

TEST_CASE("an unknown refresh token is refused as invalid") {
  Service service;
  const auto result = probe::Exchange(service, "nobody");
  REQUIRE(probe::Status(result) == 400);
  CHECK(result->body.find(R"({"error":{"code":400,"message":"INVALID_REFRESH_TOKEN")") == 0);
  CHECK(service.Complaints().empty());
}

TEST_CASE("a malformed exchange is refused, with a complaint") {
  Service service;
  service.Accept("a/b").Accept("t");
  const auto client = probe::Connect(service);
  const std::string good = probe::ExchangeBody("t");
  struct Case {
    const char* body;
    const char* content_type;
    const char* complaint;
  };
  const Case bad =
      GENERATE(Case{"grant_type=refresh_token&refresh_token=t", "application/json", "Content-Type"},
               Case{"refresh_token=t", probe::kForm, "grant_type is missing"},
               Case{"grant_type=password&refresh_token=t", probe::kForm, "grant_type is not"},
               Case{"grant_type=refresh_token", probe::kForm, "refresh_token is missing"},
               Case{"grant_type=refresh_token&refresh_token=", probe::kForm, "refresh_token is missing"},
               Case{"grant_type=refresh_token&refresh_token=a/b", probe::kForm, "percent-encoded"},
               Case{"grant_type=refresh_token&refresh_token=t%2", probe::kForm, "percent-encoded"},
               Case{"grant_type=refresh_token&refresh_token=t%zz", probe::kForm, "percent-encoded"},
               Case{"grant_type=refresh_token&refresh_token=t&refresh_token=t", probe::kForm, "percent-encoded"});
  CAPTURE(bad.body);
  CHECK(probe::Status(client->Post("/proxy/token", bad.body, bad.content_type)) == 400);
  REQUIRE(service.Complaints().size() == 1);
  CHECK(service.Complaints()[0].find(bad.complaint) != std::string::npos);
  CHECK(probe::Status(client->Post("/proxy/token", good, probe::kForm)) == 200);
}

TEST_CASE("other methods and other paths are refused") {
  Service service;
  const auto client = probe::Connect(service);
  CHECK(probe::Status(client->Get("/proxy/token")) == 405);
  CHECK(probe::Status(client->Put("/ai/multi-agent", "x", "text/plain")) == 405);
  CHECK(service.Complaints().size() == 2);
  CHECK(probe::Status(client->Post("/elsewhere", "x", "text/plain")) == 404);
  CHECK(service.Count("/elsewhere") == 1);
}

TEST_CASE("without the required key the exchange is refused as Firebase does") {
  Service service;
  service.Accept("t").RequireKey("the-key");
  const auto missing = probe::Exchange(service, "t");
  REQUIRE(probe::Status(missing) == 403);
  CHECK(missing->body.find("API key") != std::string::npos);
  const auto wrong = probe::Exchange(service, "t", "/proxy/token?key=another");
  REQUIRE(probe::Status(wrong) == 400);
  CHECK(wrong->body.find("API key not valid") != std::string::npos);
  CHECK(probe::Status(probe::Exchange(service, "t", "/v1/token?key=the-key")) == 200);
  CHECK(service.Requests("/v1/token").at(0).query == "key=the-key");
}

TEST_CASE("a rotated refresh token takes the place of the old one, with what is left of its scripts") {
  Service service;
  service.On("old").Exchange(loopback::Ok().RotateTo("new").Times(1)).Exchange(loopback::Status(503).After(1).Times(1));
  const auto rotated = probe::Exchange(service, "old");
  REQUIRE(probe::Status(rotated) == 200);
  CHECK(probe::Field(rotated->body, "refresh_token") == "new");

  const auto refused = probe::Exchange(service, "old");
  REQUIRE(probe::Status(refused) == 400);
  CHECK(refused->body.find("TOKEN_EXPIRED") != std::string::npos);
  const auto renewed = probe::Exchange(service, "new");
  REQUIRE(probe::Status(renewed) == 200);
  CHECK(probe::Field(renewed->body, "user_id") == probe::Field(rotated->body, "user_id"));
  CHECK(Statuses(service, "new", 2) == "503 200");

  // The JWT that came with the rotation serves on, and a script for the new token is one for it, too.
  service.On("new").Agent(loopback::Status(500).Times(1));
  const std::string jwt = probe::Field(rotated->body, "id_token");
  CHECK(probe::Status(probe::Ask(service, jwt)) == 500);
  CHECK(probe::Status(probe::Ask(service, jwt)) == 200);
  CHECK(service.Count("/ai/multi-agent", "old") == 2);
}

TEST_CASE("a dead token is refused with its message") {
  Service service;
  for (const std::string message :
       {"TOKEN_EXPIRED", "INVALID_REFRESH_TOKEN", "MISSING_REFRESH_TOKEN", "USER_DISABLED", "USER_NOT_FOUND"}) {
    service.On(message).Exchange(loopback::Dead(message));
    const auto result = probe::Exchange(service, message);
    REQUIRE(probe::Status(result) == 400);
    CHECK(result->body.find(R"({"error":{"code":400,"message":")" + message + '"') == 0);
  }
}

TEST_CASE("two tokens can be one account, and are two by default") {
  Service service;
  service.Accept("a").AcceptAs("b", "someone").AcceptAs("c", "someone");
  const auto user = [&](const char* token) { return probe::Field(probe::Exchange(service, token)->body, "user_id"); };
  CHECK(user("b") == "someone");
  CHECK(user("c") == "someone");
  CHECK(user("a") != "someone");
}

TEST_CASE("a behaviour lets `after` requests pass, applies `times`, and the next one follows") {
  Service service;
  service.On("t")
      .Exchange(loopback::Status(503).After(1).Times(2))
      .Exchange(loopback::Status(500).Times(0))
      .Exchange(loopback::Dead("USER_DISABLED").Times(1));
  CHECK(Statuses(service, "t", 6) == "200 503 503 400 200 200");
}

TEST_CASE("a behaviour without `times` applies for ever") {
  Service service;
  service.On("t").Exchange(loopback::Status(503).After(1)).Exchange(loopback::Status(500));
  CHECK(Statuses(service, "t", 4) == "200 503 503 503");
}

TEST_CASE("a script for any token applies to those whose own script has ended") {
  Service service;
  service.Accept("b").On("a").Exchange(loopback::Status(500).Times(1));
  service.OnAny().Exchange(loopback::Status(503).Times(2));
  CHECK(Statuses(service, "a", 2) == "500 503");
  CHECK(Statuses(service, "b", 2) == "503 200");
}

TEST_CASE("scripts of two endpoints do not touch each other, nor another token") {
  Service service;
  service.Accept("b").On("a").Agent(loopback::Status(500).Times(1));
  CHECK(Statuses(service, "a", 1) == "200");
  CHECK(probe::Status(probe::Ask(service, probe::Login(service, "b"))) == 200);
  const std::string jwt = probe::Login(service, "a");
  CHECK(probe::Status(probe::Ask(service, jwt)) == 500);
  CHECK(probe::Status(probe::Ask(service, jwt)) == 200);
}

TEST_CASE("a request that is refused does not count for the script") {
  Service service;
  service.On("t").Agent(loopback::Status(500).Times(1));
  const std::string jwt = probe::Login(service, "t");
  CHECK(probe::Status(
            probe::Connect(service)->Post("/ai/multi-agent", probe::AgentHeaders(jwt), "", probe::kProtobuf)) == 400);
  CHECK(probe::Status(probe::Ask(service, jwt)) == 500);
}

TEST_CASE("requests are kept as they came") {
  Service service;
  service.Accept("a").Accept("b");
  const auto client = probe::Connect(service);
  client->Post("/proxy/token?key=k%20k", {{"X-Odd", "1"}}, probe::ExchangeBody("a"), probe::kForm);
  client->Post("/proxy/token", probe::ExchangeBody("b"), probe::kForm);
  probe::Ask(service, probe::Login(service, "a"));

  const auto seen = service.Requests("/proxy/token");
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].query == "key=k%20k");
  CHECK(seen[0].body == probe::ExchangeBody("a"));
  CHECK(seen[0].token == "a");
  CHECK(seen[0].status == 200);
  const auto has = [&](const char* name) {
    return std::any_of(seen[0].headers.begin(), seen[0].headers.end(), [&](const auto& h) { return h.first == name; });
  };
  CHECK(has("X-Odd"));
  CHECK_FALSE(has("REMOTE_ADDR"));
  CHECK(seen[1].connection == seen[0].connection);
  CHECK(seen[2].connection != seen[0].connection);
  CHECK(service.Count("/proxy/token", "a") == 2);
  CHECK(service.Count("", "a") == 3);
  CHECK(service.Requests("").size() == 4);
}

TEST_CASE("requests are not kept when that is not wanted") {
  Service service({.keep_requests = false});
  CHECK(probe::Status(probe::Exchange(service, "nobody")) == 400);
  CHECK(service.Requests("").empty());
}

TEST_CASE("without kept requests only the newest JWTs are valid") {
  Service service({.keep_requests = false});
  service.Accept("t").Accept("other");
  const std::string other = probe::Login(service, "other");
  std::vector<std::string> jwts;
  for (int i = 0; i < 9; ++i) jwts.push_back(probe::Login(service, "t"));
  CHECK(probe::Status(probe::Ask(service, jwts[0])) == 401);
  CHECK(probe::Status(probe::Ask(service, jwts[1])) == 200);
  CHECK(probe::Status(probe::Ask(service, jwts[8])) == 200);
  CHECK(probe::Status(probe::Ask(service, other)) == 200);
}

TEST_CASE("without kept requests neither tokens, JWTs, secrets nor complaints pile up") {
  Service service({.keep_requests = false});
  service.Accept("token-0");
  std::string token = "token-0";
  std::string jwt;
  for (int i = 1; i <= 30; ++i) {
    const std::string next = "token-" + std::to_string(i);
    service.On(token).Exchange(loopback::Ok().RotateTo(next).Times(1));
    const auto result = probe::Exchange(service, token);
    REQUIRE(probe::Status(result) == 200);
    jwt = probe::Field(result->body, "id_token");
    probe::Ask(service, "stray-" + std::to_string(i));
    probe::Exchange(service, "unknown-" + std::to_string(i));
    token = next;
  }
  CHECK(probe::Status(probe::Ask(service, jwt)) == 200);
  CHECK(probe::Exchange(service, "token-29")->body.find("TOKEN_EXPIRED") != std::string::npos);
  CHECK(probe::Exchange(service, "token-22")->body.find("TOKEN_EXPIRED") != std::string::npos);
  CHECK(probe::Exchange(service, "token-21")->body.find("INVALID_REFRESH_TOKEN") != std::string::npos);
  const auto secrets = service.Secrets();
  const auto count = [&](const std::string& start) {
    return std::count_if(secrets.begin(), secrets.end(), [&](const auto& s) { return s.find(start) == 0; });
  };
  CHECK(count("eyJ") == 8);
  CHECK(Contains(secrets, jwt));
  CHECK(Contains(secrets, "token-30"));
  CHECK(count("stray-") == 0);
  CHECK(count("unknown-") == 0);

  const auto client = probe::Connect(service);
  for (int i = 0; i < 1010; ++i) client->Post("/proxy/token", "x", "text/plain");
  CHECK(service.Complaints().size() == 1000);
}

TEST_CASE("without kept requests a token that comes back is not forgotten as a replaced one") {
  Service service({.keep_requests = false});
  service.Accept("a");
  std::string token = "a";
  // It swings between two, and ends with the one whose first replacement lies farthest back.
  for (int i = 0; i < 20; ++i) {
    const std::string next = token == "a" ? "b" : "a";
    service.On(token).Exchange(loopback::Ok().RotateTo(next).Times(1));
    REQUIRE(probe::Status(probe::Exchange(service, token)) == 200);
    token = next;
  }
  CHECK(token == "a");
  CHECK(probe::Status(probe::Exchange(service, "a")) == 200);
  CHECK(probe::Exchange(service, "b")->body.find("TOKEN_EXPIRED") != std::string::npos);

  service.Accept("b");
  for (int i = 0; i < 10; ++i) {
    const std::string next = "a" + std::to_string(i);
    service.On(token).Exchange(loopback::Ok().RotateTo(next).Times(1));
    REQUIRE(probe::Status(probe::Exchange(service, token)) == 200);
    token = next;
  }
  CHECK(probe::Status(probe::Exchange(service, "b")) == 200);
}

TEST_CASE("everything secret is listed for leak tests") {
  Service service;
  service.Accept("t").AcceptApiKey("wk-1.abc").RequireKey("required");
  service.OnAny().Exchange(loopback::Ok().RotateTo("rotated").Times(1));
  probe::Exchange(service, "unknown", "/proxy/token?key=required");
  probe::Exchange(service, "t", "/proxy/token?key=wrong");
  const auto result = probe::Exchange(service, "t", "/proxy/token?key=required");
  probe::Ask(service, "stray");
  const auto secrets = service.Secrets();
  for (const std::string secret : {"t", "wk-1.abc", "required", "rotated", "unknown", "wrong", "stray"}) {
    CAPTURE(secret);
    CHECK(Contains(secrets, secret));
  }
  CHECK(Contains(secrets, probe::Field(result->body, "id_token")));
}

TEST_CASE("with TLS the service is trusted through its own authority, and through nothing else") {
  const probe::SigpipeIgnored guard;
  std::string file;
  {
    Service service({.tls = true});
    service.Accept("t");
    file = service.ca_file();
    struct stat status {};
    REQUIRE(stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600U);
    CHECK(service.url().find("https://localhost:") == 0);
    CHECK(probe::Read(probe::Ask(service, probe::Login(service, "t"))->body).text == "Echo: hello");

    httplib::Client by_address("https://127.0.0.1:" + std::to_string(service.port()));
    by_address.set_ca_cert_path(file);
    CHECK(probe::Status(by_address.Get("/")) == 404);

    httplib::Client stranger(service.url());
    CHECK(stranger.Get("/").error() == httplib::Error::SSLServerVerification);
    httplib::Client clear("http://127.0.0.1:" + std::to_string(service.port()));
    CHECK_FALSE(clear.Get("/"));
  }
  CHECK(access(file.c_str(), F_OK) != 0);
}

TEST_CASE("a stopped service refuses connections, closes idle ones, and finishes its answers") {
  const probe::SigpipeIgnored guard;
  Service service;
  service.On("t").Agent(loopback::Ok().Gap(20ms));
  const auto idle = probe::Connect(service);
  CHECK(probe::Status(idle->Get("/")) == 404);

  std::promise<void> begun;
  auto answer = std::async(std::launch::async, [&, jwt = probe::Login(service, "t")] {
    std::string body;
    bool first = true;
    const auto client = probe::Connect(service);
    httplib::Request request;
    request.method = "POST";
    request.path = "/ai/multi-agent";
    request.headers = probe::AgentHeaders(jwt);
    request.set_header("Content-Type", probe::kProtobuf);
    request.body = probe::WireRequest("hello").SerializeAsString();
    request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
      body.append(data, size);
      if (std::exchange(first, false)) begun.set_value();
      return true;
    };
    client->send(request);
    return body;
  });
  begun.get_future().wait();
  service.Stop();
  service.Stop();
  pollfd closed{.fd = idle->socket(), .events = POLLIN, .revents = 0};
  CHECK(poll(&closed, 1, 60'000) == 1);
  CHECK_FALSE(idle->Get("/"));
  CHECK_FALSE(probe::Connect(service)->Get("/"));
  CHECK(probe::Read(answer.get()).kinds == "icmaaaaaaaf");
}

TEST_CASE("two services do not share a port") {
  Service service;
  CHECK_THROWS_AS(Service({.port = service.port()}), std::runtime_error);
}

TEST_CASE("many connections at once are all served") {
  Service service;
  service.Accept("t");
  // httplib's client makes its static objects here, before there are other threads: in a library that is not
  // instrumented ThreadSanitizer does not see how the compiler guards them.
  CHECK(probe::Status(probe::Exchange(service, "t")) == 200);
  std::vector<std::future<int>> statuses;
  for (int i = 0; i < 40; ++i) {
    statuses.push_back(std::async(std::launch::async, [&] { return probe::Status(probe::Exchange(service, "t")); }));
  }
  for (auto& status : statuses) CHECK(status.get() == 200);
}

TEST_CASE("the program's SIGPIPE disposition stays as it was") {
  struct sigaction before {};
  struct sigaction after {};
  struct sigaction mine {};
  mine.sa_handler = SIG_DFL;
  sigaction(SIGPIPE, &mine, &before);
  { Service service; }
  sigaction(SIGPIPE, &before, &after);
  CHECK(after.sa_handler == SIG_DFL);
}
