// The loopback service's account endpoint, and decisions about requests of any endpoint.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "catch.h"
#include "loopback.h"
#include "loopback_probe.h"

using loopback::Endpoint;
using loopback::Service;
using namespace std::chrono_literals;
using std::chrono::system_clock;

namespace {

// What stands behind "name": up to the next comma or bracket, in flat JSON.
std::string Value(const std::string& json, const std::string& name) {
  const std::string label = "\"" + name + "\":";
  const auto begin = json.find(label);
  if (begin == std::string::npos) return "";
  return json.substr(begin + label.size(), json.find_first_of(",}]", begin) - begin - label.size());
}

// "used/limit", or the status when that is not 200.
std::string Used(const Service& service, const std::string& bearer) {
  const auto result = probe::AskAccount(service, bearer);
  if (probe::Status(result) != 200) return std::to_string(probe::Status(result));
  return Value(result->body, "requestsUsedSinceLastRefresh") + "/" + Value(result->body, "requestLimit");
}

system_clock::time_point DateOf(const std::string& text) {
  std::tm parts{};
  const char* const end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return end != nullptr && *end == '\0' ? system_clock::from_time_t(timegm(&parts)) : system_clock::time_point();
}

std::string Replaced(std::string text, const std::string& part, const std::string& by) {
  const auto at = text.find(part);
  REQUIRE(at != std::string::npos);
  return text.replace(at, part.size(), by);
}

}  // namespace

TEST_CASE("an account says its quota, to the letter") {
  Service service;
  const auto refresh = system_clock::from_time_t(1795660500) + 999ms;
  service.Accept("t").SetQuota("t", {.limit = 40, .used = 7, .next_refresh = refresh, .bonus = 12});
  const auto result = probe::AskAccount(service, probe::Login(service, "t"));
  REQUIRE(probe::Status(result) == 200);
  CHECK(result->get_header_value("Content-Type") == "application/json");
  const std::string expiration = probe::Field(result->body, "expiration");
  CHECK(DateOf(expiration) > system_clock::now() + 300 * 24h);
  CHECK(result->body ==
        R"({"data":{"user":{"__typename":"UserOutput","user":{"requestLimitInfo":{"isUnlimited":false,)"
        R"("requestsUsedSinceLastRefresh":7,"requestLimit":40,"nextRefreshTime":"2026-11-26T02:35:00Z",)"
        R"("requestLimitRefreshDuration":"MONTHLY"},"bonusGrants":[{"requestCreditsGranted":12,)"
        R"("requestCreditsRemaining":12,"expiration":")" +
            expiration + R"("}]}}}})");
  CHECK(service.Complaints().empty());
  CHECK(service.Count("/graphql/v2", "t") == 1);
}

TEST_CASE("an account that nobody described has used as many requests as it was answered") {
  Service service;
  service.On("t")
      .Agent(loopback::Ok().After(1).Times(1))
      .Agent(loopback::Finish("other").Times(1))
      .Agent(loopback::Status(500).Times(1))
      .Agent(loopback::Quota().Times(1))
      .Agent(loopback::QuotaFinish().Times(1));
  service.Accept("other");
  const std::string jwt = probe::Login(service, "t");
  CHECK(Used(service, jwt) == "0/150");
  for (int i = 0; i < 6; ++i) probe::Ask(service, jwt);
  probe::Connect(service)->Post("/ai/multi-agent", probe::AgentHeaders(jwt), "", probe::kProtobuf);  // refused
  CHECK(Used(service, jwt) == "3/150");
  CHECK(Used(service, probe::Login(service, "other")) == "0/150");

  const auto result = probe::AskAccount(service, jwt);
  const auto refresh = DateOf(probe::Field(result->body, "nextRefreshTime"));
  CHECK(refresh > system_clock::now() + 29 * 24h);
  CHECK(refresh < system_clock::now() + 31 * 24h);
  CHECK(Value(result->body, "isUnlimited") == "false");
  CHECK(result->body.find(R"("bonusGrants":[])") != std::string::npos);
}

TEST_CASE("the tokens of one account share its quota, and API keys have their own") {
  Service service;
  service.AcceptAs("a", "someone").AcceptAs("b", "someone").Accept("c").AcceptApiKey("wk-1.abc");
  const std::string a = probe::Login(service, "a");
  const std::string b = probe::Login(service, "b");
  probe::Ask(service, a);
  probe::Ask(service, b);
  CHECK(Used(service, a) == "2/150");
  service.SetQuota("b", {.limit = 10, .used = 9}).SetQuota("wk-1.abc", {.limit = 5});
  CHECK(Used(service, a) == "9/10");
  CHECK(Used(service, b) == "9/10");
  CHECK(Used(service, probe::Login(service, "c")) == "0/150");
  probe::Ask(service, "wk-1.abc");
  CHECK(Used(service, "wk-1.abc") == "1/5");
  CHECK(Used(service, a) == "9/10");
}

TEST_CASE("a rotated token keeps its account's quota") {
  Service service;
  service.On("old").Exchange(loopback::Ok().RotateTo("new").Times(1));
  service.SetQuota("old", {.limit = 3, .used = 1});
  probe::Exchange(service, "old");
  CHECK(Used(service, probe::Login(service, "new")) == "1/3");
}

TEST_CASE("a quota for a token that is not known yet makes it known") {
  Service service;
  service.SetQuota("t", {.unlimited = true}).SetQuota("wk-2.def", {.limit = 1});
  const auto result = probe::AskAccount(service, probe::Login(service, "t"));
  REQUIRE(probe::Status(result) == 200);
  CHECK(Value(result->body, "isUnlimited") == "true");
  CHECK(Used(service, "wk-2.def") == "0/1");
}

TEST_CASE("the account endpoint accepts the bearers that the agent accepts, and no other") {
  Service service;
  service.Accept("t");
  const std::string jwt = probe::Login(service, "t");
  CHECK(probe::Status(probe::AskAccount(service, jwt)) == 200);
  for (const std::string& bearer : {std::string("stray"), std::string("t")}) {
    const auto result = probe::AskAccount(service, bearer);
    REQUIRE(probe::Status(result) == 401);
    CHECK(result->get_header_value("Content-Type") == "application/json");
    CHECK(result->body == R"({"error":"unauthenticated"})");
  }
  CHECK(service.Complaints() == std::vector<std::string>{"/graphql/v2: a refresh token was sent as the bearer"});
  service.ExpireJwts();
  CHECK(probe::Status(probe::AskAccount(service, jwt)) == 401);
  const auto client = probe::Connect(service);
  CHECK(probe::Status(client->Post(probe::kAccountPath, probe::AccountBody(), "application/json")) == 401);
  CHECK(probe::Status(client->Get(probe::kAccountPath)) == 405);
}

TEST_CASE("a malformed quota query is refused, with a complaint, and does not count for the script") {
  Service service;
  service.On("t").Account(loopback::Status(503).Times(1));
  const std::string jwt = probe::Login(service, "t");
  const std::string good = probe::AccountBody();
  struct Case {
    std::string path;
    std::string body;
    std::string content_type;
    std::string complaint;
  };
  const std::string path = probe::kAccountPath;
  const std::string json = "application/json";
  const std::string operation = R"(,"operationName":"GetRequestLimitInfo")";
  const std::vector<Case> all = {
      {path, good, "text/plain", "Content-Type is not"},
      {"/graphql/v2", good, json, "op is not"},
      {"/graphql/v2?op=GetFeatureModelChoices", good, json, "op is not"},
      {path + "&x=%zz", good, json, "properly encoded"},
      {path, "", json, "not valid JSON"},
      {path, good + "}", json, "not valid JSON"},
      {path, R"(["query"])", json, "query is missing"},
      {path, Replaced(good, R"("query":)", R"("Query":)"), json, "query is missing"},
      {path, Replaced(good, "requestLimitInfo", "workspaces"), json, "does not ask for requestLimitInfo"},
      {path, Replaced(good, operation, ""), json, "operationName is not"},
      {path, Replaced(good, operation, R"(,"operationName":"Other")"), json, "operationName is not"},
      {path, Replaced(good, R"({"version":"v0"})", "{}"), json, "clientContext.version is missing"},
      {path, Replaced(good, R"("v0")", R"("")"), json, "clientContext.version is missing"},
      {path, Replaced(good, R"("Linux")", "null"), json, "osContext.category is missing"},
      {path, Replaced(good, R"("variables":)", R"("values":)"), json, "clientContext.version is missing"},
  };
  const auto client = probe::Connect(service);
  const httplib::Headers headers = {{"Authorization", "Bearer " + jwt}};
  for (const Case& bad : all) {
    CAPTURE(bad.path, bad.body);
    const auto result = client->Post(bad.path, headers, bad.body, bad.content_type.c_str());
    REQUIRE(probe::Status(result) == 400);
    CHECK(result->get_header_value("Content-Type") == "application/json");
    CHECK(service.Complaints().back().find(bad.complaint) != std::string::npos);
  }
  CHECK(service.Complaints().size() == all.size());
  CHECK(Used(service, jwt) == "503");
  CHECK(Used(service, jwt) == "0/150");
  CHECK(service.Complaints().size() == all.size());
}

TEST_CASE("the account endpoint is scripted for itself, per token and for any") {
  const probe::SigpipeIgnored guard;
  Service service;
  service.Accept("other").On("t").Account(loopback::Status(429, "busy").Header("Retry-After", "7").Times(1));
  service.On("t").Account(loopback::Raw("<html>").Times(1)).Account(loopback::Reset().Times(1));
  service.OnAny().Account(loopback::Status(502).Times(1));
  const std::string jwt = probe::Login(service, "t");
  CHECK(probe::Status(probe::Ask(service, jwt)) == 200);

  const auto busy = probe::AskAccount(service, jwt);
  REQUIRE(probe::Status(busy) == 429);
  CHECK(busy->body == "busy");
  CHECK(busy->get_header_value("Retry-After") == "7");
  const auto raw = probe::AskAccount(service, jwt);
  REQUIRE(probe::Status(raw) == 200);
  CHECK(raw->body == "<html>");
  CHECK(Used(service, jwt) == "-1");
  CHECK(Used(service, probe::Login(service, "other")) == "502");
  CHECK(Used(service, jwt) == "1/150");
}

TEST_CASE("an account's answer can be late") {
  Service service;
  service.On("t").Account(loopback::Ok().Delay(80ms).Times(1));
  const std::string jwt = probe::Login(service, "t");
  const auto begin = std::chrono::steady_clock::now();
  CHECK(Used(service, jwt) == "0/150");
  CHECK(std::chrono::steady_clock::now() - begin >= 80ms);
}

TEST_CASE("an account can be refused with the service's words") {
  Service service;
  service.On("t").Account(loopback::AccountRefused("Sorry, \"you\" not.").Times(1));
  const std::string jwt = probe::Login(service, "t");
  const auto result = probe::AskAccount(service, jwt);
  REQUIRE(probe::Status(result) == 200);
  CHECK(result->get_header_value("Content-Type") == "application/json");
  CHECK(result->body ==
        R"({"data":{"user":{"__typename":"UserFacingError","error":{"message":"Sorry, \"you\" not."}}}})");
  CHECK(Used(service, jwt) == "0/150");
}

TEST_CASE("a decision comes before the scripts, for one request, and moves none on") {
  Service service;
  std::atomic<int> asked{0};
  service.On("t").Exchange(loopback::Status(503).Times(1));
  service.On("wk-1.abc").Agent(loopback::Status(503).Times(1)).Account(loopback::Status(503).Times(1));
  service.Decide([&](Endpoint, const std::string&) -> std::optional<loopback::Behaviour> {
    // Neither `times` nor `after` mean anything here.
    if (asked++ % 2 == 0) return loopback::Status(500).Times(5).After(5);
    return std::nullopt;
  });
  const auto statuses = [](const auto& send) {
    std::string all;
    for (int i = 0; i < 4; ++i) all += (i == 0 ? "" : " ") + std::to_string(probe::Status(send()));
    return all;
  };
  CHECK(statuses([&] { return probe::Exchange(service, "t"); }) == "500 503 500 200");
  CHECK(statuses([&] { return probe::Ask(service, "wk-1.abc"); }) == "500 503 500 200");
  CHECK(statuses([&] { return probe::AskAccount(service, "wk-1.abc"); }) == "500 503 500 200");
  CHECK(asked == 12);
}

TEST_CASE("a decision is asked with the endpoint and the token that it is about") {
  Service service;
  std::mutex mutex;
  std::string asked;
  service.Accept("t").AcceptApiKey("wk-1.abc");
  service.Decide([&](Endpoint endpoint, const std::string& token) -> std::optional<loopback::Behaviour> {
    const std::lock_guard lock(mutex);
    asked += std::string(endpoint == Endpoint::kExchange ? "e"
                         : endpoint == Endpoint::kAgent  ? "g"
                                                         : "q") +
             ":" + token + " ";
    return std::nullopt;
  });
  const std::string jwt = probe::Login(service, "t");
  CHECK(probe::Status(probe::Ask(service, jwt)) == 200);
  CHECK(probe::Status(probe::AskAccount(service, jwt)) == 200);
  CHECK(probe::Status(probe::Ask(service, "wk-1.abc")) == 200);
  // Refused ones are not asked about.
  CHECK(probe::Status(probe::Exchange(service, "nobody")) == 400);
  CHECK(probe::Status(probe::Ask(service, "stray")) == 401);
  CHECK(probe::Status(probe::AskAccount(service, "stray")) == 401);
  CHECK(probe::Status(
            probe::Connect(service)->Post("/ai/multi-agent", probe::AgentHeaders(jwt), "", probe::kProtobuf)) == 400);
  CHECK(asked == "e:t g:t q:t g:wk-1.abc ");
}

TEST_CASE("a decision can rotate, and answer another text") {
  Service service;
  service.Accept("old");
  service.Decide([](Endpoint endpoint, const std::string& token) -> std::optional<loopback::Behaviour> {
    if (endpoint == Endpoint::kAgent) return loopback::Ok().Text("decided");
    if (token == "old") return loopback::Ok().RotateTo("new").JwtLife(60s);
    return std::nullopt;
  });
  const auto rotated = probe::Exchange(service, "old");
  REQUIRE(probe::Status(rotated) == 200);
  CHECK(probe::Field(rotated->body, "refresh_token") == "new");
  CHECK(probe::Field(rotated->body, "expires_in") == "60");
  CHECK(probe::Exchange(service, "old")->body.find("TOKEN_EXPIRED") != std::string::npos);
  CHECK(probe::Read(probe::Ask(service, probe::Login(service, "new"))->body).text == "decided");
  const auto secrets = service.Secrets();
  CHECK(std::find(secrets.begin(), secrets.end(), "new") != secrets.end());
}

TEST_CASE("decisions are taken several at once, and may use the service") {
  Service service;
  service.Accept("t");
  CHECK(probe::Status(probe::Exchange(service, "t")) ==
        200);  // httplib's client makes its statics, before there are other threads
  std::mutex mutex;
  std::condition_variable both;
  int inside = 0;
  service.Decide([&](Endpoint, const std::string&) -> std::optional<loopback::Behaviour> {
    service.Accept("another");  // would hang if the service held its lock
    std::unique_lock lock(mutex);
    ++inside;
    both.notify_all();
    if (!both.wait_for(lock, 30s, [&] { return inside >= 2; })) return loopback::Status(500);
    return std::nullopt;
  });
  auto first = std::async(std::launch::async, [&] { return probe::Status(probe::Exchange(service, "t")); });
  auto second = std::async(std::launch::async, [&] { return probe::Status(probe::Exchange(service, "t")); });
  CHECK(first.get() == 200);
  CHECK(second.get() == 200);
}
