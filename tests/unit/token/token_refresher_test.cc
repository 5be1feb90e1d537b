#include "token/token_refresher.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "catch.h"
#include "unit/token/refresher_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a token without a JWT is exchanged, and the JWT is kept") {
  Refreshing r;
  CHECK(TokenRefresher::Cached(r.token.get(), r.clock.Steady()) == nullptr);
  r.Refresh();
  REQUIRE(r.transport.started() == 1);
  const HttpRequest& request = r.transport.request(0);
  CHECK(request.target->url == "https://first.example/token?key=fake%2Bkey");
  CHECK(request.body == "grant_type=refresh_token&refresh_token=hunter2%2Bold");
  CHECK(request.bearer.empty());
  CHECK(request.target->connect_timeout == 3s);
  CHECK_FALSE(request.target->direct);
  CHECK(r.results.empty());  // never from inside
  r.transport.Answer(0, 200, Issued("one"));
  CHECK(r.last().fresh);
  CHECK(r.last().outcome == Outcome::kSuccess);
  CHECK(r.last().status.ok());
  CHECK(r.last().jwt->text.Reveal() == "hunter2-one");
  CHECK(TokenRefresher::Cached(r.token.get(), r.clock.Steady()) == r.last().jwt);
  CHECK(r.observed.refreshed.size() == 1);
}

TEST_CASE("however many wait, there is one exchange, and all get its JWT in their order") {
  Refreshing r;
  for (int i = 0; i < 50; ++i) r.Refresh();
  CHECK(r.transport.started() == 1);
  r.transport.Answer(0, 200, Issued("one"));
  REQUIRE(r.results.size() == 50);
  for (const RefreshResult& result : r.results) CHECK(result.jwt == r.results[0].jwt);
  for (std::size_t i = 0; i < 50; ++i) CHECK(r.order[i] == static_cast<int>(i));
}

TEST_CASE("two tokens are two exchanges") {
  Refreshing r;
  const auto other = std::make_shared<Token>("SHARED_fake", Tier::kShared, CredentialKind::kRefreshToken, Secret("x"));
  r.Refresh();
  r.refresher.Refresh(other, [](const RefreshResult&) {});
  REQUIRE(r.transport.started() == 2);
  r.transport.Answer(1, 200, Issued("other"));
  CHECK(r.results.empty());
  r.transport.Answer(0, 200, Issued("one"));
  CHECK(r.last().jwt->text.Reveal() == "hunter2-one");
  CHECK(other->jwt()->text.Reveal() == "hunter2-other");
}

TEST_CASE("who has forgotten is not called, and the exchange goes on all the same") {
  Refreshing r;
  const auto first = r.Refresh();
  const auto second = r.Refresh();
  r.refresher.Forget(first);
  SECTION("while another waits") {
    r.transport.Answer(0, 200, Issued("one"));
    CHECK(r.order == std::vector<int>{1});
  }
  SECTION("while nobody waits any more") {
    r.refresher.Forget(second);
    r.transport.Answer(0, 200, Issued("one", R"(, "refresh_token": "hunter2-rotated")"));
    CHECK(r.results.empty());
    CHECK(TokenRefresher::Cached(r.token.get(), r.clock.Steady()) != nullptr);
    CHECK(r.token->credential().Reveal() == "hunter2-rotated");
  }
  CHECK_FALSE(r.transport.cancelled(0));
  r.refresher.Forget(first);
  r.refresher.Forget(0);
  r.refresher.Forget(999);
}

TEST_CASE("one waiter may make another one forget, and one may wait again") {
  Refreshing r;
  TokenRefresher::Ticket last = 0;
  r.on_result = [&](int who) {
    if (who == 0) r.refresher.Forget(last);
    if (who == 1) r.Refresh();
  };
  r.Refresh();
  r.Refresh();
  last = r.Refresh();
  r.transport.Answer(0, 200, Issued("one"));
  CHECK(r.order == std::vector<int>{0, 1});
  REQUIRE(r.transport.started() == 2);  // a new exchange: the first one is over
  r.transport.Answer(1, 200, Issued("two"));
  CHECK(r.order == std::vector<int>{0, 1, 3});
  CHECK(r.last().jwt->text.Reveal() == "hunter2-two");
}

TEST_CASE("a JWT is used until shortly before its end") {
  Refreshing r;
  r.Refresh();
  r.transport.Answer(0, 200, Issued("one", R"(, "expires_in": "3600")"));
  r.executor.Advance(3299s);
  CHECK(TokenRefresher::Cached(r.token.get(), r.clock.Steady()) != nullptr);
  r.executor.Advance(1s);
  CHECK(TokenRefresher::Cached(r.token.get(), r.clock.Steady()) == nullptr);
}

TEST_CASE("when a refresh fails the old JWT serves until it really ends") {
  Refreshing r;
  r.Refresh();
  r.transport.Answer(0, 200, Issued("one", R"(, "expires_in": 3600)"));
  r.executor.Advance(3400s);
  r.Refresh();
  r.FailAll(1);
  REQUIRE(r.last().jwt != nullptr);
  CHECK(r.last().jwt->text.Reveal() == "hunter2-one");
  CHECK_FALSE(r.last().fresh);
  CHECK(r.last().outcome == Outcome::kNetwork);
  CHECK_FALSE(r.last().status.ok());
  // It is not asked for again at once, but before it ends.
  CHECK(TokenRefresher::Cached(r.token.get(), r.clock.Steady()) != nullptr);
  r.executor.Advance(30s);
  CHECK(TokenRefresher::Cached(r.token.get(), r.clock.Steady()) == nullptr);
  r.executor.Advance(150s);  // 20 s before the end
  r.Refresh();
  r.FailAll(3);
  REQUIRE(r.last().jwt != nullptr);
  r.executor.Advance(20s);
  CHECK(TokenRefresher::Cached(r.token.get(), r.clock.Steady()) == nullptr);
  r.Refresh();
  r.FailAll(5);
  CHECK(r.last().jwt == nullptr);
  CHECK(r.last().outcome == Outcome::kNetwork);
  CHECK(r.observed.refreshed.size() == 1);
}

TEST_CASE("a final message ends the old JWT's service") {
  Refreshing r;
  r.Refresh();
  r.transport.Answer(0, 200, Issued("one", R"(, "expires_in": 3600)"));
  r.executor.Advance(3400s);
  r.Refresh();
  r.transport.Answer(1, 400, R"({"error": {"message": "TOKEN_EXPIRED"}})");
  CHECK(r.transport.started() == 2);  // the other address is not asked
  CHECK(r.last().jwt == nullptr);
  CHECK(r.last().outcome == Outcome::kAuthRevoked);
  CHECK(r.last().status.token() == "PERSONAL_fake");
  CHECK(TokenRefresher::Cached(r.token.get(), r.clock.Steady()) == nullptr);
}

TEST_CASE("a rotated credential is used from the next exchange on") {
  Refreshing r;
  r.Refresh();
  r.transport.Answer(0, 200, Issued("one", R"(, "refresh_token": "hunter2-new")"));
  CHECK(r.token->credential().Reveal() == "hunter2-new");
  r.executor.Advance(1h);
  r.Refresh();
  CHECK_THAT(r.transport.request(1).body, Catch::Matchers::EndsWith("refresh_token=hunter2-new"));
  r.transport.Answer(1, 200, Issued("two"));
  CHECK(r.token->credential().Reveal() == "hunter2-new");  // an answer without one takes nothing away
}

TEST_CASE("a rotated credential is kept even when the rest of the answer is of no use") {
  Refreshing r;
  r.Refresh();
  SECTION("no life") {
    r.transport.Answer(0, 200, Issued("one", R"(, "expires_in": "soon", "refresh_token": "hunter2-new")"));
  }
  SECTION("no bearer") {
    r.transport.Answer(0, 200, R"({"refresh_token": "hunter2-new"})");
    CHECK(r.observed.rotated == std::vector<std::string>{"PERSONAL_fake"});  // once, whatever the next address says
    r.transport.Answer(1, 200, R"({"refresh_token": "hunter2-new"})");
    CHECK(r.observed.rotated.size() == 1);
  }
  CHECK(r.token->credential().Reveal() == "hunter2-new");
}

}  // namespace
}  // namespace warppool::internal
