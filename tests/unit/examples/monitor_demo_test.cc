#include "monitor_demo.h"

#include "catch.h"

using namespace std::chrono_literals;
using loopback::Behaviour;
using loopback::Endpoint;
using monitor::DemoScript;
using warppool::PoolEventKind;

namespace {

// Asks as the client would.
class ScriptTest {
 protected:
  int Ask(const std::string& name) { return Status(Endpoint::kAgent, name); }
  int Exchange(const std::string& name) { return Status(Endpoint::kExchange, name); }
  void Tell(PoolEventKind kind) {
    warppool::PoolEvent event{kind, warppool::Tier::kPersonal};
    event.token = "refused";
    script.OnEvent(event);
  }
  void EndQuota() {
    while (Ask("small-quota") != 429) {
    }
  }

  DemoScript script;
  DemoScript::WallTime now = std::chrono::system_clock::from_time_t(1'800'000'000) + 300ms;

 private:
  // What is answered; 200, and a new refresh token: 299.
  int Status(Endpoint endpoint, const std::string& name) {
    const auto behaviour = script.Decide(endpoint, "demo-token-" + name, now);
    if (!behaviour || behaviour->kind == Behaviour::Kind::kOk) return behaviour && behaviour->rotate_to ? 299 : 200;
    return behaviour->status;
  }
};

}  // namespace

TEST_CASE_METHOD(ScriptTest, "one token works a while, and is refused for good") {
  for (int i = 0; i < 3; ++i) CHECK(Ask("expires") == 200);
  CHECK(Exchange("expires") == 200);
  CHECK(Ask("expires") == 401);
  CHECK(Exchange("expires") == 400);
  CHECK(Exchange("expires") == 400);
}

TEST_CASE_METHOD(ScriptTest, "one quota ends, and comes back") {
  for (int i = 0; i < 10; ++i) CHECK(Ask("small-quota") == 200);
  CHECK(script.SmallQuota(now).used == 10);
  CHECK(Ask("small-quota") == 429);
  const auto back = script.SmallQuota(now).next_refresh;
  REQUIRE(back);
  CHECK(*back == std::chrono::floor<std::chrono::seconds>(*back));  // all that the account endpoint tells
  CHECK(*back > now + 14s);
  now += 10s;
  CHECK(Ask("small-quota") == 429);
  CHECK(script.SmallQuota(now).next_refresh == back);
  now = *back;
  CHECK(script.SmallQuota(now).used == 0);
  CHECK(Ask("small-quota") == 200);
  CHECK(script.SmallQuota(now).used == 1);
}

TEST_CASE_METHOD(ScriptTest, "one fault follows from another, however long that takes") {
  CHECK(Ask("refused") == 200);
  EndQuota();
  for (int i = 0; i < 20; ++i) CHECK(Ask("refused") == 403);
  CHECK(Ask("rotates") == 200);
  Tell(PoolEventKind::kDisabled);

  CHECK(Exchange("rotates") == 200);
  CHECK(Ask("rotates") == 200);
  CHECK(Ask("rotates") == 401);
  CHECK(Ask("refused") == 403);
  CHECK(Exchange("rotates") == 299);
  CHECK(Exchange("rotates-1") == 200);

  for (int i = 0; i < 4; ++i) CHECK(Ask("steady") == 429);
  CHECK(Ask("steady") == 200);

  CHECK(Ask("refused") == 403);
  Tell(PoolEventKind::kDisabled);  // tried again in vain
  CHECK(Ask("refused") == 200);
  Tell(PoolEventKind::kRecovered);
  CHECK(Ask("refused") == 200);
}

TEST_CASE_METHOD(ScriptTest, "after a round comes the next one") {
  for (int round = 1; round <= 3; ++round) {
    EndQuota();
    CHECK(Ask("refused") == 403);
    Tell(PoolEventKind::kDisabled);
    CHECK(Ask("rotates") == 200);
    CHECK(Ask("rotates") == 401);
    CHECK(Exchange("rotates") == 299);
    for (int i = 0; i < 4; ++i) CHECK(Ask("slow") == 429);
    Tell(PoolEventKind::kDisabled);
    CHECK(Ask("refused") == 200);
    Tell(PoolEventKind::kRecovered);
    now += 20s;
  }
}

TEST_CASE_METHOD(ScriptTest, "no check runs while a token is to come back by itself") {
  REQUIRE(script.BeginCheck());
  CHECK_FALSE(script.BeginCheck());
  EndQuota();
  CHECK(Ask("refused") == 200);  // the check would bring it back
  script.EndCheck();
  CHECK(Ask("refused") == 403);
  CHECK_FALSE(script.BeginCheck());
  Tell(PoolEventKind::kDisabled);
  CHECK_FALSE(script.BeginCheck());
}
