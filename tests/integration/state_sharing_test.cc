// Several processes share a state file, while the service replaces each refresh token at every exchange: no account is
// lost, and no exchange is made twice. Some processes are killed.
//
// Nothing helps who is killed between the service's answer and its own write: the only copy of a credential dies with
// it. So nobody is killed just then.

#include "amount.h"
#include "state_sharing_fixture.h"

namespace warppool::internal {
namespace {

// Of all processes.
const int kRequests = AmountFrom("WARPPOOL_SHARED_REQUESTS", kSanitized ? 1'600 : 10'000);
const std::vector<std::string> kAccounts = {"fake-token-one", "fake-token-two", "fake-token-three"};

// How many exchanges the service refused.
int Refused(const World& world) {
  int refused = 0;
  for (const loopback::Seen& seen : world.service.Requests(kExchange)) refused += seen.status == 400 ? 1 : 0;
  return refused;
}

// What the file says, as a client that comes later sees it.
Stats InFile(World* world, const std::string& state_file) {
  Config config = ConfigFor(world->service, kAccounts);
  config.state_file = state_file;
  const Client& client = world->Connect(config);
  CHECK(client.Pool().Active() == static_cast<int>(kAccounts.size()));
  return client.Statistics();
}

}  // namespace

TEST_CASE("two processes share a file with a rotation at every refresh, lose no account and refresh nothing twice") {
  const TemporaryDirectory directory;
  Bookkeeper books(kAccounts);
  World world;
  books.Keep(&world.service);
  {
    Sharer one(world, directory / "state", kRequests / 2, kAccounts);
    Sharer two(world, directory / "state", kRequests / 2, kAccounts);
    const std::string all = std::to_string(kRequests / 2) + " 0 ";
    CHECK(one.Report() == all);
    CHECK(two.Report() == all);
  }
  CHECK(Refused(world) == 0);
  CHECK(books.needless() == 0);
  CHECK(books.generations() >= kRequests / kGeneration);
  // Each account was needed in each generation but maybe the last one, which begins with the last request.
  const int accounts = static_cast<int>(kAccounts.size());
  CHECK(books.exchanges() >= books.generations() * accounts);
  CHECK(books.exchanges() <= (books.generations() + 1) * accounts);

  const Stats kept = InFile(&world, directory / "state");
  CHECK(kept.total.Successes() == static_cast<std::uint64_t>(kRequests));
  CHECK(kept.total.refreshes == static_cast<std::uint64_t>(books.exchanges()));
  const auto served = kept.total.first_event.Count();
  CHECK(served == static_cast<std::uint64_t>(kRequests));
  CHECK(world.Ask(Impatient()).ok());
  CHECK(Refused(world) == 0);
}

TEST_CASE("of processes that share a file some are killed, and the others go on") {
  constexpr int kKills = 5;
  const TemporaryDirectory directory;
  std::mutex mutex;
  std::condition_variable changed;
  std::unique_ptr<Sharer> victim;
  bool doomed = false;
  Bookkeeper books(kAccounts);
  World world;
  books.Keep(&world.service);
  books.SetOnQuiet([&] {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!doomed) return;
    victim->Kill();
    doomed = false;
    changed.notify_all();
  });
  Sharer survivor(world, directory / "state", 1'000'000, kAccounts);
  int kills = 0;
  for (; kills < kKills; ++kills) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      victim = std::make_unique<Sharer>(world, directory / "state", 1'000'000, kAccounts);
    }
    // In the middle: it has sent some requests, and the JWTs have ended meanwhile.
    const int began = books.requests();
    REQUIRE(Eventually([&] { return books.requests() > began + 3 * kGeneration / 2; }));
    std::unique_lock<std::mutex> lock(mutex);
    doomed = true;
    REQUIRE(changed.wait_for(lock, kPatience, [&] { return !doomed; }));
    victim.reset();
  }
  const int after = books.requests();
  CHECK(Eventually([&] { return books.requests() > after + 2 * kGeneration; }));
  Sharer last(world, directory / "state", kRequests / 4, kAccounts);
  CHECK(last.Report() == std::to_string(kRequests / 4) + " 0 ");
  CHECK(Refused(world) == 0);
  CHECK(books.needless() == 0);
}

TEST_CASE("who is killed in the middle of an exchange keeps nobody else from it") {
  const TemporaryDirectory directory;
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0;
  Bookkeeper books(kAccounts);
  World world;
  books.Keep(&world.service);
  bool dead = false;
  books.SetOnExchange([&] {
    std::unique_lock<std::mutex> lock(mutex);
    if (inside == static_cast<int>(kAccounts.size())) return false;
    ++inside;
    changed.notify_all();
    changed.wait_for(lock, kPatience, [&] { return dead; });
    return true;
  });
  Sharer victim(world, directory / "state", 1'000'000, kAccounts);
  {
    std::unique_lock<std::mutex> lock(mutex);
    REQUIRE(changed.wait_for(lock, kPatience, [&] { return inside == static_cast<int>(kAccounts.size()); }));
  }
  Sharer heir(world, directory / "state", 60, kAccounts);
  victim.Kill();
  {
    const std::lock_guard<std::mutex> lock(mutex);
    dead = true;
    changed.notify_all();
  }
  CHECK(heir.Report() == "60 0 ");
  CHECK(Refused(world) == 0);
  CHECK(books.exchanges() == static_cast<int>(kAccounts.size()));
}

}  // namespace warppool::internal
