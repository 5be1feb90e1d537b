// The defects of the system that this library grew out of, each shown to be gone. Where another test is exactly that,
// it is named instead:
//   one counter for every kind of failure, so that a lost network disables: also "with the service down ..."
//   no single flight: "50 threads that ask at once with an expired JWT cause exactly one refresh"
//   the rotated token thrown away: "a rotated refresh token is used from then on"
//   a new connection for each request: "requests of one client share their connections"
//   a late success that leaves a token unrecoverable: "the late success of an old request leaves ..."

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "fixture.h"

namespace warppool {
namespace {}  // namespace

TEST_CASE("seed defect: retrying the same failed token") {
  World world;
  world.service.On(kAll[0]).Agent(loopback::Status(403));
  world.service.On(kAll[1]).Agent(loopback::Status(500));
  world.service.Accept(kAll[2]);
  Config config = ConfigFor(world.service, kAll);
  config.retry_budget = 10;
  world.Connect(std::move(config));
  CHECK(world.Ask(Request("hello")).ok());
  for (const std::string& token : kAll) CHECK(world.service.Count(kAgent, token) == 1);
}

TEST_CASE("seed defect: a disabled neighbour skews the round robin") {
  World world;
  const std::size_t disabled = GENERATE(0U, 1U, 2U);
  for (const std::string& token : kAll) world.service.Accept(token);
  world.service.On(kAll[disabled]).Exchange(loopback::Dead("USER_DISABLED").Times(1));
  Client& client = world.Connect(kAll);
  for (int i = 0; i < 3; ++i) REQUIRE(world.Ask(Request("warm up")).ok());
  REQUIRE(client.Pool().Active() == 2);
  std::map<std::string, int> served;
  std::string before;
  for (int i = 0; i < 20; ++i) {
    const auto answer = world.Ask(Request("hello"));
    REQUIRE(answer.ok());
    CHECK(answer->token != before);
    before = answer->token;
    ++served[answer->token];
  }
  REQUIRE(served.size() == 2);
  for (const auto& [token, count] : served) CHECK(count == 10);
  // When it comes back, it has its share, and no more.
  CHECK(*client.RecoverAll() == 1);
  served.clear();
  for (int i = 0; i < 30; ++i) {
    const auto answer = world.Ask(Request("hello"));
    REQUIRE(answer.ok());
    ++served[answer->token];
  }
  REQUIRE(served.size() == 3);
  for (const auto& [token, count] : served) CHECK(count == 10);
}

TEST_CASE("seed defect: a lost network disables the pool") {
  World world;
  for (const std::string& token : kAll) world.service.Accept(token);
  Client& client = world.Connect(kAll);
  for (int i = 0; i < 3; ++i) REQUIRE(world.Ask(Request("hello")).ok());
  world.service.Stop();
  // Many more failures than it takes to disable a token, with JWTs and without.
  for (int i = 0; i < 12; ++i) {
    CHECK(world.Ask(Request("hello")).code() == Code::kNetwork);
    if (i != 5) continue;
    for (std::size_t j = 0; j < kAll.size(); ++j) client.DropAccessToken(*client.AccessToken());
  }
  CHECK(client.Pool().Active() == 3);
  for (const std::size_t i : {0U, 1U, 2U}) CHECK(world.StatusOf(i).total_failures == 0);
  // The network is back.
  loopback::Options same_port;
  same_port.port = world.service.port();
  loopback::Service again(same_port);
  for (const std::string& token : kAll) again.Accept(token);
  for (int i = 0; i < 3; ++i) CHECK(world.Ask(Request("hello")).status().ToString() == "ok");
  for (const std::string& token : kAll) CHECK(again.Count(kAgent, token) == 1);
}

TEST_CASE("seed defect: a recovery that nothing schedules") {
  World world;
  world.service.On(kAll[0]).Agent(loopback::Status(403).Times(3));
  world.service.Accept(kAll[1]);
  world.Connect(FillFirst(world.service, {kAll[0], kAll[1]}));
  world.BlameAndLeaveAlone(3);
  CHECK(world.StatusOf(0).total_failures == 3);
  CHECK(world.StatusOf(0).state == TokenState::kDisabled);
  world.Skip(59'900ms);
  // Nothing is called but this, and it need not come at the right moment.
  CHECK(world.Ask(Request("hello")).status().ToString() == "ok");
  CHECK(world.StatusOf(0).state == TokenState::kReady);
}

TEST_CASE("seed defect: a health check that checks nothing") {
  World world;
  for (const std::string& token : kAll) world.service.Accept(token);
  Client& client = world.Connect(kAll);
  for (int i = 0; i < 3; ++i) REQUIRE(world.Ask(Request("hello")).ok());
  // The pool has no reason to think ill of this one, whose JWT is still good.
  world.service.On(kAll[1]).Exchange(loopback::Dead("USER_NOT_FOUND"));
  const auto report = client.CheckHealth({.active = true});
  REQUIRE(report.ok());
  CHECK(report->Healthy() == 2);
  CHECK_FALSE(report->tokens[1].healthy);
  CHECK(report->tokens[1].problem.message().find("USER_NOT_FOUND") != std::string::npos);
  CHECK(client.Pool().Active() == 2);
}

TEST_CASE("seed defect: an unencoded form body") {
  World world;
  const std::string token = "fake+token/with=all&refresh_token=of%41them%";
  world.service.Accept(token);
  world.Connect({token});
  CHECK(world.Ask(Request("hello")).status().ToString() == "ok");
  CHECK(world.service.Count("/proxy/token", token) == 1);
}

TEST_CASE("seed defect: names that change at every start") {
  World world;
  for (const std::string& token : kAll) world.service.Accept(token);
  std::vector<std::string> reversed(kAll.rbegin(), kAll.rend());
  std::vector<std::string> names;
  for (const TokenStatus& token : world.Connect(kAll).Pool().tokens) names.push_back(token.name);
  std::vector<std::string> again;
  for (const TokenStatus& token : world.Connect(reversed).Pool().tokens) again.push_back(token.name);
  std::reverse(again.begin(), again.end());
  CHECK(again == names);
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == 3);
  // Of another process, too: SHA-256 has no salt.
  CHECK(names[0] == "PERSONAL_9786d6");
}

TEST_CASE("seed defect: 20 characters of the token in the log") {
  World world;
  const std::string secrets[] = {"fakevBxQ7ZKdW3mTqY9sLhJrN2pEoUc5gXiaF", "zR8wVyD4tGkH6nSbP1lOeMj0CuAqTxIfWvQ9Z",
                                 "q2NsXmLgTz7RbYcKdVhPwJeUoAi5FtBn8Dy3S"};
  world.service.On(secrets[0]).Exchange(loopback::Dead("INVALID_REFRESH_TOKEN"));
  world.service.On(secrets[1]).Agent(loopback::Status(403, secrets[1] + " is not welcome"));
  world.service.On(secrets[2]).Exchange(loopback::Ok().RotateTo("k5UwGpZ3xMvTq8YbRnLdEhJc1SaFoViD7sWtB").Times(1));
  Client& client = world.Connect({secrets[0], secrets[1], secrets[2]});
  CHECK(world.Ask(Request("hello")).ok());
  CHECK_FALSE(world.Ask(Request("hello")).status().message().size() > 1000);
  const auto report = client.CheckHealth({.active = true});
  REQUIRE(report.ok());
  std::string said = report->ToString();
  for (const std::string& line : world.log.Lines()) said += line + "\n";
  for (const PoolEntry& entry : world.events.All()) said += entry.token + " " + entry.reason + "\n";
  for (const TokenStatus& token : client.Pool().tokens) {
    said += token.name + " " + token.reason + " " + token.last_error_message + "\n";
  }
  CHECK(said.find(client.Pool().tokens[0].name) != std::string::npos);
  // Not even eight of them, of any token, JWT or key.
  for (const std::string& secret : world.service.Secrets()) {
    for (std::size_t i = 0; i + 8 <= secret.size(); ++i) {
      if (said.find(secret.substr(i, 8)) != std::string::npos) FAIL_CHECK("\"" << secret.substr(i, 8) << "\" was said");
    }
  }
}

TEST_CASE("seed defect: failed events skipped in silence") {
  World world;
  world.service.On(kAll[0]).Agent(loopback::UndecodableEvent());
  Client& client = world.Connect({kAll[0]});
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().code() == Code::kUndecodableEvent);
  CHECK(recorder.status().message().find("event 2") != std::string::npos);
  CHECK(recorder.finishes() == 0);
}

TEST_CASE("seed defect: a quota that is used up as a normal end") {
  World world;
  std::string text;
  SECTION("with text") {
    text = "abc";
    world.service.On(kAll[0]).Agent(loopback::QuotaFinish().Text(text));
  }
  SECTION("without") {
    world.service.On(kAll[0]).Agent(loopback::QuotaFinish());
  }
  world.service.On(kAll[0]).Account(loopback::Status(404));
  Client& client = world.Connect({kAll[0]});
  Recorder recorder(&world);
  auto stream = client.Start(Impatient("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().code() == Code::kQuotaExhausted);
  CHECK(recorder.text() == text);
  CHECK(world.StatusOf(0).state == TokenState::kCooling);
  CHECK(world.StatusOf(0).served == 0);
}

TEST_CASE("seed defect: a missing `finished` unnoticed") {
  World world;
  world.service.On(kAll[0]).Agent(loopback::Ok().CutAfter(5, loopback::Behaviour::Cut::kClean));
  Client& client = world.Connect({kAll[0]});
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().code() == Code::kTruncated);
  CHECK_FALSE(recorder.text().empty());
  CHECK(recorder.finishes() == 0);
  CHECK(world.StatusOf(0).served == 0);
}

TEST_CASE("seed defect: one conversation id shared by all callers") {
  World world;
  for (const std::string& token : kAll) world.service.Accept(token);
  world.Connect(kAll);
  std::mutex mutex;
  std::set<std::string> conversations;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 3; ++j) {
        const auto answer = world.Ask(Request("hello"));
        const std::lock_guard<std::mutex> lock(mutex);
        if (answer.ok()) conversations.insert(answer->conversation_id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(conversations.size() == 24);
  const auto requests = world.service.Requests(kAgent);
  REQUIRE(requests.size() == 24);
  for (const auto& request : requests) {
    const bool names_one = std::any_of(conversations.begin(), conversations.end(), [&](const std::string& id) {
      return request.body.find(id) != std::string::npos;
    });
    CHECK_FALSE(names_one);
  }
}

}  // namespace warppool
