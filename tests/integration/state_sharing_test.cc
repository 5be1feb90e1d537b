// Several processes share a state file, while the service replaces each refresh token at every exchange: no account is
// lost, and no exchange is made twice. Some processes are killed.
//
// Nothing helps who is killed between the service's answer and its own write: the only copy of a credential dies with
// it. So nobody is killed just then.

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include "amount.h"
#include "state_fixture.h"

namespace warppool::internal {
namespace {

using loopback::Endpoint;

// Of all processes.
const int kRequests = AmountFrom("WARPPOOL_SHARED_REQUESTS", kSanitized ? 1'600 : 10'000);
constexpr int kThreads = 4;       // in each of them
constexpr int kGeneration = 100;  // requests after which all JWTs end
const std::vector<std::string> kAccounts = {"fake-token-one", "fake-token-two", "fake-token-three"};

// A running state_sharer.
class Sharer {
 public:
  Sharer(const World& world, const std::string& state_file, int requests) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    const std::string url = world.service.url();
    const std::string count = std::to_string(requests);
    const std::string threads = std::to_string(kThreads);
    std::vector<const char*> arguments = {WARPPOOL_STATE_SHARER, url.c_str(), state_file.c_str(), count.c_str(),
                                          threads.c_str()};
    for (const std::string& account : kAccounts) arguments.push_back(account.c_str());
    arguments.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      execv(WARPPOOL_STATE_SHARER, const_cast<char* const*>(arguments.data()));
      _exit(127);
    }
    close(ends[1]);
    report_ = ends[0];
    REQUIRE(pid_ > 0);
  }
  ~Sharer() {
    if (!reaped_) Kill();
    Reap();
    close(report_);
  }
  Sharer(const Sharer&) = delete;
  Sharer& operator=(const Sharer&) = delete;

  // What it has to say at its end: "<answered> <failed> <how>". Empty: it did not end by itself.
  std::string Report() {
    std::string text;
    char buffer[4096];
    for (;;) {
      const ssize_t got = read(report_, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    const int status = Reap();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return "";
    return text;
  }
  // When it returns the process is dead. Any thread.
  void Kill() {
    kill(pid_, SIGKILL);
    siginfo_t info;
    while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
    }
  }

 private:
  int Reap() {
    if (reaped_) return status_;
    while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    reaped_ = true;
    return status_;
  }

  pid_t pid_ = 0;
  int report_ = -1;
  bool reaped_ = false;
  int status_ = 0;
};

// Ends all JWTs after so many requests, replaces refresh tokens at every exchange, and keeps the books.
class Bookkeeper {
 public:
  // Outlives the service, which asks it as long as a request is under way.
  void Keep(loopback::Service* service) {
    service_ = service;
    for (const std::string& account : kAccounts) {
      service->Accept(account);
      account_of_[account] = account;
    }
    service->Decide([this](Endpoint endpoint, const std::string& token) { return Decide(endpoint, token); });
  }

  // Asked at each request, under the lock, when each account was served since the JWTs ended, with one of those that
  // came after: no exchange is under way. May take its time.
  void SetOnQuiet(std::function<void()> on_quiet) {
    const std::lock_guard<std::mutex> lock(mutex_);
    on_quiet_ = std::move(on_quiet);
  }
  // Asked at each exchange, before it is made; true: the connection breaks instead. Without the lock.
  void SetOnExchange(std::function<bool()> on_exchange) {
    const std::lock_guard<std::mutex> lock(mutex_);
    on_exchange_ = std::move(on_exchange);
  }

  int exchanges() const { return Locked(exchanges_); }
  // Exchanges of accounts whose last JWT had not ended.
  int needless() const { return Locked(needless_); }
  int generations() const { return Locked(generation_); }
  int requests() const { return Locked(requests_); }

 private:
  int Locked(const int& number) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return number;
  }

  std::optional<loopback::Behaviour> Decide(Endpoint endpoint, const std::string& token) {
    if (endpoint == Endpoint::kAgent) OnRequest(token);
    if (endpoint == Endpoint::kExchange) return OnExchange(token);
    return std::nullopt;
  }
  void OnRequest(const std::string& token) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++requests_;
    ++served_[account_of_[token]];
    // More than may have been on their way when the JWTs ended.
    const bool quiet = std::all_of(kAccounts.begin(), kAccounts.end(),
                                   [&](const std::string& account) { return served_[account] > 2 * kThreads; });
    if (quiet && on_quiet_) on_quiet_();
    if (requests_ % kGeneration != 0) return;
    ++generation_;
    served_.clear();
    service_->ExpireJwts();
  }
  loopback::Behaviour OnExchange(const std::string& token) {
    std::function<bool()> on_exchange;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      on_exchange = on_exchange_;
    }
    if (on_exchange && on_exchange()) return loopback::Reset();
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::string account = account_of_[token];
    const auto last = last_exchange_.find(account);
    if (last != last_exchange_.end() && last->second == generation_) ++needless_;
    last_exchange_[account] = generation_;
    std::string next = account + "-" + std::to_string(++exchanges_);
    account_of_[next] = account;
    return loopback::Ok().RotateTo(std::move(next));
  }

  loopback::Service* service_ = nullptr;
  mutable std::mutex mutex_;
  std::function<void()> on_quiet_;
  std::function<bool()> on_exchange_;
  std::map<std::string, std::string> account_of_;  // by refresh token
  std::map<std::string, int> last_exchange_;       // the generation, by account
  std::map<std::string, int> served_;              // in this generation, by account
  int generation_ = 0;
  int requests_ = 0;
  int exchanges_ = 0;
  int needless_ = 0;
};

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
  Bookkeeper books;
  World world;
  books.Keep(&world.service);
  {
    Sharer one(world, directory / "state", kRequests / 2);
    Sharer two(world, directory / "state", kRequests / 2);
    const std::string all = std::to_string(kRequests / 2) + " 0 \n";
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
  Bookkeeper books;
  World world;
  books.Keep(&world.service);
  books.SetOnQuiet([&] {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!doomed) return;
    victim->Kill();
    doomed = false;
    changed.notify_all();
  });
  Sharer survivor(world, directory / "state", 1'000'000);
  int kills = 0;
  for (; kills < kKills; ++kills) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      victim = std::make_unique<Sharer>(world, directory / "state", 1'000'000);
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
  Sharer last(world, directory / "state", kRequests / 4);
  CHECK(last.Report() == std::to_string(kRequests / 4) + " 0 \n");
  CHECK(Refused(world) == 0);
  CHECK(books.needless() == 0);
}

TEST_CASE("who is killed in the middle of an exchange keeps nobody else from it") {
  const TemporaryDirectory directory;
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0;
  Bookkeeper books;
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
  Sharer victim(world, directory / "state", 1'000'000);
  {
    std::unique_lock<std::mutex> lock(mutex);
    REQUIRE(changed.wait_for(lock, kPatience, [&] { return inside == static_cast<int>(kAccounts.size()); }));
  }
  Sharer heir(world, directory / "state", 60);
  victim.Kill();
  {
    const std::lock_guard<std::mutex> lock(mutex);
    dead = true;
    changed.notify_all();
  }
  CHECK(heir.Report() == "60 0 \n");
  CHECK(Refused(world) == 0);
  CHECK(books.exchanges() == static_cast<int>(kAccounts.size()));
}

}  // namespace warppool::internal
