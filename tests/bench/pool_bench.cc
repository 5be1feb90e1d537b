// What it costs to choose a token and to report how it went: for each request, beside everything else.
//
// The floor is what no pool can do without: two mutex lock/unlock pairs, two clock reads, one shared_ptr copy. It is
// measured in the same run, in a process that has started a thread: before that, an uncontended mutex costs a quarter.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/core.h"
#include "client/token_acquisition.h"
#include "token/token_pool.h"
#include "token/token_refresher.h"

namespace warppool::internal {
namespace {

using std::chrono::hours;

// A pool of `count` personal tokens with cached JWTs, and a way to keep some of them from serving.
class World {
 public:
  explicit World(int count, Strategy strategy = Strategy::kRoundRobin)
      : pool_({{Tier::kPersonal, Tier::kShared, Tier::kAnonymous}, {3, hours(1), hours(1), hours(24)}, strategy},
              Tokens(count), RealClock(), PoolReporter(Logger(), nullptr, RealClock())) {
    for (int i = 0; i < count; ++i) {
      const auto token = pool_.members().Find(NameOf(i));
      token->SetJwt(std::make_shared<const Jwt>(
          MakeJwt(Secret("fake.jwt." + NameOf(i)), hours(1), RealClock().Steady(), RealClock().Wall())));
    }
  }

  // One request: choose, take the cached JWT, report.
  void Serve() {
    auto lease = pool_.Acquire({});
    benchmark::DoNotOptimize(TokenRefresher::Cached(&lease->token(), lease->began()));
    std::move(*lease).End({Outcome::kSuccess});
  }

  // So many requests stay in flight from now on.
  void Hold(int requests) {
    for (int i = 0; i < requests; ++i) held_.push_back(*pool_.Acquire({}));
  }

  // Of each 10 tokens 9 cool or are disabled, in turn.
  void RuinNinetyPercent(int count) {
    for (int i = 0; i < count; ++i) {
      if (i % 10 == 0) continue;
      auto lease = pool_.AcquireToken(*pool_.members().Find(NameOf(i)));
      const Outcome outcome = i % 2 == 0 ? Outcome::kQuotaExhausted : Outcome::kAuthRevoked;
      std::move(*lease).End({outcome, Status(Code::kUnauthorized, "ruined for the benchmark")});
    }
  }

 private:
  static std::string NameOf(int i) { return "token-" + std::to_string(i); }
  static std::vector<TokenConfig> Tokens(int count) {
    std::vector<TokenConfig> tokens;
    for (int i = 0; i < count; ++i) {
      tokens.push_back(
          {Secret("fake-credential-" + std::to_string(i)), Tier::kPersonal, CredentialKind::kRefreshToken, NameOf(i)});
    }
    return tokens;
  }

  TokenPool pool_;
  std::vector<Lease> held_;
};

void Floor(benchmark::State& state) {
  std::mutex mutex;
  const auto shared = std::make_shared<int>(0);
  for (auto _ : state) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      benchmark::DoNotOptimize(std::chrono::steady_clock::now());
    }
    std::shared_ptr<int> copy = shared;
    benchmark::DoNotOptimize(copy);
    {
      const std::lock_guard<std::mutex> lock(mutex);
      benchmark::DoNotOptimize(std::chrono::steady_clock::now());
    }
  }
}

void AcquireAndReport(benchmark::State& state) {
  World world(static_cast<int>(state.range(0)));
  for (auto _ : state) world.Serve();
}

void AcquireAndReportNinetyPercentOut(benchmark::State& state) {
  const int count = static_cast<int>(state.range(0));
  World world(count);
  world.RuinNinetyPercent(count);
  for (auto _ : state) world.Serve();
}

void AcquireAndReportLeastInFlight(benchmark::State& state) {
  World world(static_cast<int>(state.range(0)), Strategy::kLeastInFlight);
  for (auto _ : state) world.Serve();
}

// The same while so many other requests are in flight, shared by 10 tokens.
void AcquireAndReportManyInFlight(benchmark::State& state) {
  World world(10, Strategy::kLeastInFlight);
  world.Hold(static_cast<int>(state.range(0)));
  for (auto _ : state) world.Serve();
}

// Requests without a network, of a client whose only token serves one at a time. Its I/O thread is the one that calls.
class Crowd {
 public:
  explicit Crowd(int waiting) : core_(std::make_shared<Core>(OneToken(), ClientOptions(), nullptr, RealClock())) {
    if (!core_->Open().ok()) std::abort();
    for (int i = 0; i <= waiting; ++i) Join();
  }

  // The token is freed, the first one that waits gets it, and another one joins at the end.
  void ServeNext() {
    Request* const served = requests_.front().get();
    served->acquisition.Succeed();
    core_->queue().Serve();
    requests_.pop_front();
    if (!requests_.front()->has_token) std::abort();
    Join();
  }

  // The one in the middle is cancelled, and another one joins at the end.
  void CancelOne() {
    auto& cancelled = requests_[requests_.size() / 2];
    cancelled->acquisition.End();
    cancelled = std::make_unique<Request>(core_.get());
    cancelled->acquisition.Start({});
  }

 private:
  struct Request final : TokenAcquisition::Owner {
    explicit Request(Core* core) : acquisition(&core->acquisition(), this) {}
    void Use(const Bearer& /*bearer*/) override { has_token = true; }
    void OnAttemptFailed(const AttemptFailed& /*event*/) override {}
    void OnWaiting(const Waiting& /*event*/) override {}
    void OnNoneServes(const Status& /*why*/) override { std::abort(); }

    bool has_token = false;
    TokenAcquisition acquisition;
  };

  static Config OneToken() {
    Config config;
    config.tokens.push_back({Secret("fake-api-key"), Tier::kPersonal, CredentialKind::kApiKey, "one"});
    config.max_in_flight = 1;
    config.max_token_wait = hours(24);
    return config;
  }
  void Join() {
    requests_.push_back(std::make_unique<Request>(core_.get()));
    requests_.back()->acquisition.Start({});
  }

  const std::shared_ptr<Core> core_;
  std::deque<std::unique_ptr<Request>> requests_;  // the first one has the token
};

void FreedToken(benchmark::State& state) {
  Crowd crowd(static_cast<int>(state.range(0)));
  for (auto _ : state) crowd.ServeNext();
}

void CancelWaiting(benchmark::State& state) {
  Crowd crowd(static_cast<int>(state.range(0)));
  for (auto _ : state) crowd.CancelOne();
}

// Between two calls each thread does 10 µs of work.
void WithWork(benchmark::State& state) {
  static World* world = nullptr;
  if (state.thread_index() == 0) world = new World(10);
  for (auto _ : state) {
    world->Serve();
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(10);
    while (std::chrono::steady_clock::now() < until) {
    }
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) delete std::exchange(world, nullptr);
}

BENCHMARK(Floor);
BENCHMARK(AcquireAndReport)->Arg(10)->Arg(10'000)->Arg(100'000);
BENCHMARK(AcquireAndReportNinetyPercentOut)->Arg(10'000)->Arg(100'000);
BENCHMARK(AcquireAndReportLeastInFlight)->Arg(10)->Arg(10'000);
BENCHMARK(AcquireAndReportManyInFlight)->Arg(10)->Arg(10'000);
BENCHMARK(FreedToken)->Arg(10)->Arg(10'000);
BENCHMARK(CancelWaiting)->Arg(10)->Arg(10'000);
BENCHMARK(WithWork)->Threads(1)->Threads(2)->UseRealTime();

}  // namespace
}  // namespace warppool::internal

int main(int argc, char** argv) {
  std::thread([] {}).join();  // see above
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
