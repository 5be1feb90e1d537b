// Acquisitions with a real pool, refresher, queue and circuit breakers, whose attempts end as the test says. Of the
// tokens those called "..k" are API keys, which need no exchange.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/token_acquisition.h"
#include "unit/token/exchange_lock_fixture.h"
#include "unit/token/pool_fixture.h"

namespace warppool::internal {

struct Acquiring {
  // A request: what it was told, in its order, and the acquisition that it owns. "use p1", "p1 failed: wait",
  // "waiting", "none".
  class Request final : public TokenAcquisition::Owner {
   public:
    explicit Request(const AcquisitionServices* services) : acquisition(services, this) {}

    void Use(const Bearer& bearer) override { Note("use " + bearer.token->name()); }
    void OnAttemptFailed(const AttemptFailed& event) override {
      constexpr const char* kSteps[] = {"", "same", "next", "wait", "give up"};
      Note(std::string(event.token) + " failed: " + kSteps[static_cast<std::size_t>(event.next)]);
    }
    void OnWaiting(const Waiting& /*event*/) override { Note("waiting"); }
    void OnNoneServes(const Status& why) override {
      Note("none");
      status = why;
    }

    // The service, or what is on the way to it, answers so.
    void Meet(Outcome outcome, Code code, std::optional<std::chrono::milliseconds> retry_after = {}) {
      acquisition.Fail({outcome, Status(code, "because"), retry_after});
    }
    void MeetOverload(std::optional<std::chrono::milliseconds> retry_after = {}) {
      Meet(Outcome::kOverloaded, Code::kOverloaded, retry_after);
    }
    std::vector<std::string> TakeStory() { return std::exchange(story_, {}); }

    std::optional<Status> status;  // why none serves
    TokenAcquisition acquisition;

   private:
    void Note(std::string what) { story_.push_back(std::move(what)); }

    std::vector<std::string> story_;
  };
  using Story = std::vector<std::string>;

  explicit Acquiring(std::vector<std::string> names, PoolOptions options = ForGood())
      : pool(std::move(names), std::move(options)) {
    pool.on_freed = [this] { queue.Serve(); };
    services.pool = &pool.pool;
    services.queue = &queue;
    services.refresher = &refresher;
    services.agent = &agent;
    services.exchange = &exchange;
    services.loop = &executor;
    services.clock = &pool.clock;
    services.dates = &pool.clock;
    services.failover = {{}, std::chrono::seconds(120)};
    services.max_wait = std::chrono::seconds(30);
    services.unit_random = [] { return 0.0; };
    services.drop_refused = [](const Bearer& bearer, const Status& /*why*/) {
      bearer.token->DropJwt(bearer.jwt->text.Reveal());
    };
    services.ask_quota = [](const Bearer& /*bearer*/) {};
    services.review_revoked = [] {};
    services.may_come = [](const TokenPool::Wanted& /*wanted*/) { return false; };
  }
  ~Acquiring() {
    requests.clear();
    transport.Shutdown();
  }
  Acquiring(const Acquiring&) = delete;
  Acquiring& operator=(const Acquiring&) = delete;

  Request& Make() {
    requests.push_back(std::make_unique<Request>(&services));
    return *requests.back();
  }
  Request& Start(const Patience& patience = {}) {
    Request& request = Make();
    request.acquisition.Start(patience);
    return request;
  }
  // One that goes on with what the token has begun.
  Request& StartKept(const std::string& name) {
    Request& request = Make();
    request.acquisition.KeepTo(pool.pool.members().Find(name));
    request.acquisition.Start({});
    return request;
  }
  // One that has no time to wait.
  Request& StartHurried() {
    Patience patience;
    patience.deadline = pool.clock.Steady();
    return Start(patience);
  }
  void Pass(std::chrono::milliseconds time) { executor.Advance(time); }

  Pool pool;
  FakeExecutor executor{&pool.clock};
  FakeTransport transport{&executor};
  FakeExchangeLock lock;
  TokenRefresher refresher{Locking::WithLock(OneAddress(), &lock), &transport, nullptr, pool.clock, Logger()};
  WaitQueue queue{&pool.pool, &executor, pool.clock, [](const TokenPool::Wanted&) { return false; }};
  CircuitBreaker agent{&executor, pool.clock};
  CircuitBreaker exchange{&executor, pool.clock};
  AcquisitionServices services;
  std::vector<std::unique_ptr<Request>> requests;
};

}  // namespace warppool::internal
