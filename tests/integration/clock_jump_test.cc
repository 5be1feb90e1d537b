// A client whose machine sleeps: its clock is the test's, everything else is real.

#include <thread>

#include "client/access_token_operation.h"
#include "client/client_impl.h"
#include "membership_fixture.h"
#include "unit/fakes.h"

namespace warppool::internal {
namespace {

// The parts of a client, with a clock of the test's.
class SleepyClient {
 public:
  explicit SleepyClient(Config config)
      : core_(std::make_shared<Core>(std::move(config), ClientOptions(), nullptr, clock)) {
    REQUIRE(core_->Open().ok());
    thread_ = std::thread([core = core_] { core->RunLoop(); });
  }
  ~SleepyClient() {
    core_->Stop();
    thread_.join();
  }
  SleepyClient(const SleepyClient&) = delete;
  SleepyClient& operator=(const SleepyClient&) = delete;

  // Client::AccessToken(), in the I/O thread.
  std::shared_ptr<AccessTokenOperation> AskForBearer() {
    auto run = std::make_shared<AccessTokenOperation>(core_, Patience(), std::nullopt);
    REQUIRE(core_->Launch(run));
    return run;
  }
  TokenPool& pool() { return core_->pool(); }
  // Lets the I/O thread go round, as it does at the latest after 5 s.
  void Nudge() {
    core_->loop().Post([] {});
  }

  FakeClock clock;

 private:
  std::shared_ptr<Core> core_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("after a sleep no bearer is handed out that has ended, and no connection is used that was idle") {
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().JwtLife(3600s));
  SleepyClient client(ConfigFor(world.service, {kOne}));
  const auto before = client.AskForBearer()->Wait(kPatience);
  REQUIRE(before.ok());
  CHECK(client.AskForBearer()->Wait(kPatience)->value == before->value);
  CHECK(world.service.Count(kExchange) == 1);
  client.clock.Sleep(8h);
  const auto after = client.AskForBearer()->Wait(kPatience);
  REQUIRE(after.ok());
  CHECK(after->value != before->value);
  CHECK(ToWallTime(*after->expires) > client.clock.Wall());
  REQUIRE(world.service.Count(kExchange) == 2);
  const auto requests = world.service.Requests(kExchange);
  CHECK(requests[0].connection != requests[1].connection);
}

TEST_CASE("without a sleep the connection is used again") {
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().JwtLife(3600s));
  SleepyClient client(ConfigFor(world.service, {kOne}));
  REQUIRE(client.AskForBearer()->Wait(kPatience).ok());
  client.clock.Advance(1h);
  REQUIRE(client.AskForBearer()->Wait(kPatience).ok());
  const auto requests = world.service.Requests(kExchange);
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].connection == requests[1].connection);
}

TEST_CASE("who waits for a token that cools gets it when the machine has slept long enough") {
  World world;
  world.service.Accept(kOne);
  Config config = ConfigFor(world.service, {kOne});
  config.max_token_wait = 2h;
  SleepyClient client(std::move(config));
  std::move(*client.pool().Acquire({}))
      .End({Outcome::kQuotaExhausted, Status(Code::kQuotaExhausted, "spent"), std::chrono::milliseconds(1h)});
  const auto run = client.AskForBearer();
  CHECK(run->Wait(50ms).code() == Code::kTimeout);
  client.clock.Sleep(8h);
  client.Nudge();
  CHECK(run->Wait(kPatience).ok());
}

}  // namespace warppool::internal
