// Four processes share a state file and send requests all the time, while the service replaces refresh tokens at every
// exchange; again and again one of them is stopped for a while, or killed. No request fails, no account is lost but
// with a killed process that had the only copy of its refresh token, nothing is exchanged twice without need, nobody is
// revoked wrongly, and memory stays flat.
//
// WARPPOOL_SHARED_SEED=<seed> deals the same troubles again.

#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include "amount.h"
#include "state_sharing_fixture.h"

namespace warppool::internal {
namespace {

const int kTroubles = AmountFrom("WARPPOOL_SHARED_TROUBLES", kSanitized ? 4 : 8);
constexpr std::size_t kProcesses = 4;
constexpr int kForEver = 1'000'000'000;
// What a process may need more in the end than when everything has been in use once.
constexpr long kMostGrowthKib = 8 * 1024;

// Refresh tokens of the first half live on for a while when they are replaced.
const std::vector<std::string> kSoakAccounts = {"fake-grace-one", "fake-grace-two", "fake-strict-one",
                                                "fake-strict-two"};

std::uint32_t SharedSeed() {
  const char* const given = std::getenv("WARPPOOL_SHARED_SEED");
  return given != nullptr ? static_cast<std::uint32_t>(std::stoul(given)) : std::random_device()();
}

long ResidentKib(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string word; status >> word;) {
    long kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib;
  }
  return 0;
}

// Whether the file has the newest refresh token of the account, to be sent next or as a candidate.
bool IsKept(StateStore* store, const std::string& account, const std::string& newest) {
  const std::shared_ptr<StateStore> borrowed(store, [](StateStore*) {});
  const auto read =
      LoginRecords(borrowed, [](const LoginCredentials&, const Status&) {}).Read({Secret(account), Secret(account)});
  if (!read.ok() || !*read) return false;
  const StoredToken& token = **read;
  const auto& candidates = token.exchange.candidates;
  return token.credential == Secret(newest) ||
         std::find(candidates.begin(), candidates.end(), Secret(newest)) != candidates.end();
}

}  // namespace

TEST_CASE("four processes share a file, and one of them is stopped or killed at random, for a long time") {
  const std::uint32_t seed = SharedSeed();
  INFO("WARPPOOL_SHARED_SEED=" << seed);
  std::mt19937 random(seed);
  const TemporaryDirectory directory;
  const std::string state_file = directory / "state";
  Bookkeeper books(kSoakAccounts);
  for (std::size_t i = 0; i < kSoakAccounts.size() / 2; ++i) books.GiveGrace(kSoakAccounts[i]);
  books.SetDelay(50ms);
  World world(loopback::Options{.keep_requests = false});
  books.Keep(&world.service);

  std::vector<std::unique_ptr<Sharer>> processes(kProcesses);
  const auto start = [&](std::size_t i) {
    processes[i] = std::make_unique<Sharer>(world, state_file, kForEver, kSoakAccounts);
  };
  for (std::size_t i = 0; i < kProcesses; ++i) start(i);
  const auto served_for = [&](std::chrono::milliseconds time) {
    const int before = books.requests();
    std::this_thread::sleep_for(time);
    return Eventually([&] { return books.requests() > before + kGeneration; });
  };
  REQUIRE(served_for(1s));
  const long resident = ResidentKib(processes[0]->pid());

  auto store = OpenFileStore(state_file);
  REQUIRE(store.ok());
  int stops = 0;
  int kills = 0;
  // Accounts whose only copy died with a killed process. Those that have a time of grace are never among them.
  std::set<std::string> lost;
  for (int i = 0; i < kTroubles; ++i) {
    // The first one lives from the beginning to the end.
    const std::size_t victim = random() % kProcesses;
    if (victim > 0 && random() % 2 == 0) {
      processes[victim]->Kill();
      std::map<std::string, std::string> newest;
      for (std::size_t a = kSoakAccounts.size() / 2; a < kSoakAccounts.size(); ++a) {
        newest[kSoakAccounts[a]] = books.Newest(kSoakAccounts[a]);
      }
      start(victim);
      ++kills;
      // What another process got just now is written by then.
      REQUIRE(served_for(1s));
      for (const auto& [account, token] : newest) {
        if (books.Newest(account) == token && !IsKept(store->get(), account, token)) lost.insert(account);
      }
    } else {
      processes[victim]->Stop();
      // Some so long that others go on without it.
      std::this_thread::sleep_for(
          std::chrono::milliseconds(random() % 2 == 0 ? random() % 500 : 5'500 + random() % 1'500));
      processes[victim]->Continue();
      ++stops;
    }
    REQUIRE(served_for(std::chrono::milliseconds(random() % 500)));
  }

  CHECK(served_for(2s));
  const long grown = ResidentKib(processes[0]->pid()) - resident;
  for (auto& process : processes) process->Tell(SIGTERM);
  for (auto& process : processes) {
    const std::string report = process->Report();
    INFO(report);
    CHECK(report.find(" 0 ") != std::string::npos);  // no request failed
  }
  if (!kSanitized) CHECK(grown < kMostGrowthKib);

  WARN(books.requests() << " requests, " << books.exchanges() << " exchanges, " << books.needless()
                        << " of them again, " << stops << " stops, " << kills << " kills, " << lost.size()
                        << " accounts lost with a killed process");
  // Who was stopped or killed in an exchange has it made again, for each account once.
  CHECK(books.needless() <= (stops + kills) * static_cast<int>(kSoakAccounts.size()));
  Config config = ConfigFor(world.service, kSoakAccounts);
  config.state_file = state_file;
  world.Connect(config);
  world.service.ExpireJwts();
  for (std::size_t i = 0; i < kSoakAccounts.size(); ++i) CHECK(world.Ask(Request("hello")).ok());
  for (std::size_t i = 0; i < kSoakAccounts.size(); ++i) {
    if (lost.count(kSoakAccounts[i]) > 0) continue;
    INFO(kSoakAccounts[i]);
    const TokenStatus status = world.StatusOf(i);
    CHECK(status.state == TokenState::kReady);
    CHECK(status.failures == 0);
  }
}

}  // namespace warppool::internal
