// What it costs to choose a token and to report how it went: for each request, beside everything else.
//
// The floor is what no pool can do without: two mutex lock/unlock pairs, two clock reads, one shared_ptr copy. It is
// measured in the same run, in a process that has started a thread: before that, an uncontended mutex costs a quarter.
#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "token/token_pool.h"
#include "token/token_refresher.h"

namespace warppool {
namespace {

using std::chrono::hours;

// A pool of `count` personal tokens with cached JWTs, and a way to keep some of them from serving.
class World {
 public:
  explicit World(int count, Strategy strategy = Strategy::kRoundRobin)
      : pool_({{Tier::kPersonal, Tier::kShared, Tier::kAnonymous}, {3, hours(1), hours(1), hours(24)}, strategy},
              Tokens(count), RealClock(), PoolReporter(Logger(), nullptr, RealClock())) {
    for (int i = 0; i < count; ++i) {
      const auto token = pool_.Find(NameOf(i));
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

  // Of each 10 tokens 9 cool or are disabled, in turn.
  void RuinNinetyPercent(int count) {
    for (int i = 0; i < count; ++i) {
      if (i % 10 == 0) continue;
      auto lease = pool_.AcquireToken(*pool_.Find(NameOf(i)));
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
BENCHMARK(WithWork)->Threads(1)->Threads(2)->UseRealTime();

}  // namespace
}  // namespace warppool

int main(int argc, char** argv) {
  std::thread([] {}).join();  // see above
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
