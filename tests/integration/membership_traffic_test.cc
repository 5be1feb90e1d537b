// Tokens that come, go and change while many threads send requests: everyone is served, and the numbers add up.

#include <atomic>
#include <mutex>
#include <thread>

#include "membership_fixture.h"

namespace warppool {
namespace {

constexpr const char* kBase = "fake-token-base";
constexpr int kTrafficThreads = 8;
constexpr int kEach = 80;
const std::vector<std::string> kGuests = {"fake-token-guest-1", "fake-token-guest-2", "fake-token-guest-3",
                                          "fake-token-guest-4"};

// Eight threads that send requests. Thread-safe.
class Traffic {
 public:
  explicit Traffic(World* world) {
    for (int i = 0; i < kTrafficThreads; ++i) {
      threads_.emplace_back([this, world] {
        for (int n = 0; n < kEach; ++n) {
          const auto answer = world->Ask(Request("hello"));
          if (!answer.ok()) Fault(answer.status().ToString());
        }
        ++through_;
      });
    }
  }
  ~Traffic() { Join(); }
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  bool over() const { return through_ == kTrafficThreads; }
  void Join() {
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  void Fault(std::string what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    faults_.push_back(std::move(what));
  }
  std::vector<std::string> faults() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return faults_;
  }

 private:
  std::vector<std::thread> threads_;
  std::atomic<int> through_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> faults_;
};

Config BaseConfig(World* world) {
  world->service.Accept(kBase);
  for (const std::string& guest : kGuests) world->service.Accept(guest);
  Config config = ConfigFor(world->service, {});
  config.tokens = {TokenOf(kBase, Tier::kPersonal, "base")};
  return config;
}

void CheckBooks(const World& world, const Traffic& traffic) {
  CHECK(traffic.faults() == std::vector<std::string>());
  const Stats stats = world.client->Statistics();
  const auto sent = static_cast<std::uint64_t>(kTrafficThreads * kEach);
  CHECK(stats.requests.succeeded == sent);
  CHECK(stats.requests.running == 0);
  CHECK(stats.total.Successes() == sent);
  CHECK(stats.total.requests == sent);
  CHECK(stats.total.first_event.Count() == sent);
  CHECK(stats.total.failures == 0);
  CHECK(world.service.Count(kAgent) == kTrafficThreads * kEach);
  for (const TokenStats& token : stats.tokens) CHECK(token.in_flight == 0);
  for (const TierStats& tier : stats.tiers) CHECK(tier.in_flight == 0);
}

// A guest's life, once. The first status that is not OK ends it.
Status Visit(Client* client, int i) {
  const std::string& credential = kGuests[static_cast<std::size_t>(i % 2)];
  const std::string& another = kGuests[static_cast<std::size_t>(2 + i % 2)];
  auto name = client->AddToken(TokenOf(credential, Tier::kPersonal, i % 3 == 0 ? "" : "guest"));
  if (name.ok()) name = client->RenameToken(*name, "renamed");
  if (name.ok()) name = client->MoveToken(*name, Tier::kShared);
  if (name.ok()) name = client->MoveToken(*name, Tier::kPersonal);
  if (name.ok()) name = client->ReplaceCredential(*name, TokenOf(another));
  return name.ok() ? client->RemoveToken(*name) : name.status();
}

}  // namespace

TEST_CASE("eight threads are served while tokens come, go, change and are reloaded, and the numbers add up") {
  World world;
  Config config = BaseConfig(&world);
  Config full = config;
  for (const std::string& guest : kGuests) full.tokens.push_back(TokenOf(guest));
  Client& client = world.Connect(config);
  GrowthWatch watch;
  Traffic traffic(&world);
  int rounds = 0;
  for (; !traffic.over(); ++rounds) {
    const Status status = Visit(&client, rounds);
    INFO(status.ToString());
    REQUIRE(status.ok());
    full.strategy = rounds % 2 == 0 ? Strategy::kLeastInFlight : Strategy::kRoundRobin;
    full.tokens[1].tier = rounds % 3 == 0 ? Tier::kShared : Tier::kPersonal;
    const auto grown = client.Reload(full);
    REQUIRE(grown.status().ToString() == "ok");
    CHECK(grown->added.size() == kGuests.size());
    CHECK(watch.Look(client) == "");
    CHECK(client.Pool().tokens.size() == 1 + kGuests.size());
    CHECK(client.Explain().size() == 1 + kGuests.size());
    const auto shrunk = client.Reload(config);
    REQUIRE(shrunk.status().ToString() == "ok");
    CHECK(shrunk->removed.size() == kGuests.size());
    CHECK(NamesIn(client) == std::vector<std::string>{"base"});
    CHECK(watch.Look(client) == "");
  }
  traffic.Join();
  CHECK(rounds > 1);
  CheckBooks(world, traffic);
  CHECK(watch.Look(client) == "");
}

TEST_CASE("threads that change the members at the same time leave a pool that is one") {
  World world;
  Client& client = world.Connect(BaseConfig(&world));
  Traffic traffic(&world);
  std::atomic<int> changes{0};
  std::vector<std::thread> rivals;
  for (int i = 0; i < 3; ++i) {
    rivals.emplace_back([&, i] {
      // At least until one of them came through: on a busy machine the traffic may be over first.
      for (int n = i; !traffic.over() || changes == 0; ++n) {
        const Status status = Visit(&client, n);
        if (status.ok()) ++changes;
        // The others were faster.
        if (!status.ok() && status.code() != Code::kInvalidArgument) traffic.Fault(status.ToString());
        if (n % 2 != 0) static_cast<void>(client.RemoveToken("renamed"));
      }
    });
  }
  for (std::thread& rival : rivals) rival.join();
  traffic.Join();
  CheckBooks(world, traffic);
  CHECK(changes > 0);
  for (const std::string& name : NamesIn(client)) {
    if (name != "base") CHECK(client.RemoveToken(name).ok());
  }
  CHECK(NamesIn(client) == std::vector<std::string>{"base"});
  CHECK(world.Ask(Impatient())->token == "base");
}

}  // namespace warppool
