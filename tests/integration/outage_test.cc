// A service that goes away under the requests of many threads, and comes back.

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fixture.h"

namespace warppool {
namespace {

constexpr int kAskers = 8;
const std::vector<std::string> kFourTokens = {"fake-token-one", "fake-token-two", "fake-token-three",
                                              "fake-token-four"};

std::unique_ptr<loopback::Service> ServiceAt(int port) {
  loopback::Options options;
  options.port = port;
  auto service = std::make_unique<loopback::Service>(options);
  for (const std::string& token : kFourTokens) service->Accept(token);
  return service;
}

// The service can go before an answer, or in it.
bool IsLost(const Status& status) {
  const auto& attempts = status.error().attempts;
  return !attempts.empty() && std::all_of(attempts.begin(), attempts.end(), [](const auto& attempt) {
    return attempt.code == Code::kNetwork || attempt.code == Code::kConnectionLost;
  });
}

}  // namespace

TEST_CASE("while the service is away requests fail for the network, and afterwards no token is the worse for it") {
  auto service = ServiceAt(0);
  const int port = service->port();
  PoolBook events;
  Config config = ConfigFor(*service, kFourTokens);
  config.max_failures = 1;
  config.retry_budget = 1;
  auto made = Client::Create(std::move(config), {{}, events.Sink()});
  REQUIRE(made.status().ToString() == "ok");
  const auto client = *std::move(made);

  Gate gate;
  std::atomic<bool> stops{false};
  std::atomic<int> answered{0};
  std::atomic<int> lost{0};
  std::mutex mutex;
  std::vector<std::string> others;  // what else became of requests
  std::vector<std::thread> threads;
  for (int i = 0; i < kAskers; ++i) {
    threads.emplace_back([&] {
      while (!stops) {
        gate.Pass();
        const Status status = client->Ask(Request("hello")).status;
        if (status.ok() || IsLost(status)) {
          ++(status.ok() ? answered : lost);
        } else {
          const std::lock_guard<std::mutex> lock(mutex);
          others.push_back(status.ToString());
        }
      }
    });
  }
  // A new one in each phase: those that were under way when it began do not count.
  const auto comes_to = [](const std::atomic<int>& count) {
    const int before = count;
    return Eventually([&] { return count >= before + 50; });
  };
  CHECK(comes_to(answered));
  CHECK(lost == 0);
  service->Stop();
  CHECK(comes_to(lost));
  service.reset();
  CHECK(comes_to(lost));
  // Nobody may find it before it knows the tokens. It never learns of their JWTs.
  gate.Close();
  CHECK(gate.WaitUntilInside(kAskers));
  service = ServiceAt(port);
  gate.Open();
  CHECK(comes_to(answered));
  stops = true;
  for (std::thread& thread : threads) thread.join();

  CHECK(others == std::vector<std::string>());
  for (const TokenStatus& token : client->Pool().tokens) {
    CHECK(token.state == TokenState::kReady);
    CHECK(token.total_failures == 0);
    CHECK(token.in_flight == 0);
  }
  for (const auto kind : {PoolEventKind::kFailure, PoolEventKind::kDisabled, PoolEventKind::kCooling,
                          PoolEventKind::kTierExhausted, PoolEventKind::kPoolExhausted}) {
    CHECK(events.Count(kind) == 0);
  }
  CHECK(service->Complaints().empty());
}

}  // namespace warppool
