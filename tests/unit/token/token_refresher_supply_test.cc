// Tokens whose bearers the program supplies.

#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "unit/token/refresher_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

// Holds back what the program supplies until the test gives it.
class FakeSupply final : public BearerSupply {
 public:
  void Supply(const std::shared_ptr<Token>& token, Supplied done) override {
    asked.push_back(token->name());
    if (throws) throw std::runtime_error("no thread to ask in");
    waiting_.push_back(std::move(done));
  }
  void Give(const Result<SuppliedBearer>& supplied) {
    REQUIRE_FALSE(waiting_.empty());
    const Supplied done = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    done(supplied);
  }

  std::vector<std::string> asked;
  bool throws = false;

 private:
  std::vector<Supplied> waiting_;
};

struct HasSupply {
  FakeSupply supply;
};

struct Supplying : HasSupply, Refreshing {
  Supplying() : Refreshing(WithSupply(&supply)) {
    token = std::make_shared<Token>("PERSONAL_fake", Tier::kPersonal, CredentialKind::kCallback, Secret());
  }
  static RefresherOptions WithSupply(BearerSupply* supply) {
    RefresherOptions options = OneAddress();
    options.supply = supply;
    return options;
  }
  void Give(const std::string& value, std::optional<WallTime> expires = {}) {
    supply.Give(SuppliedBearer{Secret(value), ToSystemTime(expires)});
  }
  // How long the present bearer lives.
  std::optional<SteadyTime::duration> Life() const {
    const auto jwt = token->jwt();
    return jwt ? std::optional(jwt->expires_at - clock.Steady()) : std::nullopt;
  }
  // Seconds since the epoch.
  std::string In(std::chrono::seconds life) const {
    return std::to_string(
        std::chrono::duration_cast<std::chrono::seconds>(clock.Wall().time_since_epoch() + life).count());
  }
};

TEST_CASE("the program is asked, and no exchange") {
  Supplying r;
  r.Refresh();
  r.Refresh();
  CHECK(r.supply.asked == std::vector<std::string>{"PERSONAL_fake"});  // for all who wait
  CHECK(r.results.empty());
  CHECK_FALSE(r.refresher.HasPrecious());
  r.Give("hunter2-bearer");
  REQUIRE(r.results.size() == 2);
  CHECK(r.last().fresh);
  CHECK(r.last().outcome == Outcome::kSuccess);
  CHECK(r.last().jwt->text.Reveal() == "hunter2-bearer");
  CHECK(r.last().jwt == r.token->jwt());
  CHECK(r.observed.refreshed == std::vector<std::string>{"PERSONAL_fake "});
  CHECK(r.transport.started() == 0);
  CHECK(r.token->serial() == 0);
  r.Refresh();
  CHECK(r.supply.asked.size() == 2);
  r.Give("hunter2-next");
  CHECK(r.token->jwt()->text.Reveal() == "hunter2-next");
}

TEST_CASE("a bearer lives as long as the program says") {
  Supplying r;
  r.Refresh();
  r.Give("hunter2-bearer", r.clock.Wall() + 100s);
  CHECK(r.Life() == 100s);
  CHECK(r.token->jwt()->expires_at_wall == r.clock.Wall() + 100s);
  r.executor.Advance(79s);
  CHECK(r.Use());
  r.executor.Advance(1s);
  CHECK_FALSE(r.Use());  // the next one is asked for a fifth of its life before its end
}

TEST_CASE("what the program says counts for more than what the bearer says") {
  Supplying r;
  r.Refresh();
  r.Give(FakeJwt("{\"exp\": " + r.In(1000s) + "}"), r.clock.Wall() + 100s);
  CHECK(r.Life() == 100s);
}

TEST_CASE("a JWT lives until its exp, even without an iat") {
  Supplying r;
  r.Refresh();
  SECTION("alone") {
    r.Give(FakeJwt("{\"exp\": " + r.In(1000s) + "}"));
  }
  SECTION("by the issuer's clock, whenever that was") {
    r.Give(FakeJwt("{\"iat\": " + r.In(-5000s) + ", \"exp\": " + r.In(1000s) + "}"));
  }
  CHECK(r.Life() == 1000s);
}

TEST_CASE("a JWT that was supplied just now is used and kept for 30 s, whatever this machine's clock says of its exp") {
  Supplying r;
  r.Refresh();
  SECTION("ends now") {
    r.Give(FakeJwt("{\"exp\": " + r.In(0s) + "}"));
  }
  SECTION("has ended") {
    r.Give(FakeJwt("{\"exp\": " + r.In(-7200s) + "}"));
  }
  SECTION("has ended, in another age") {
    r.Give(FakeJwt(R"({"exp": 1})"));
  }
  SECTION("ends in a moment") {
    r.Give(FakeJwt("{\"exp\": " + r.In(2s) + "}"));
  }
  REQUIRE(r.last().status.ToString() == "ok");
  CHECK(r.last().fresh);
  CHECK(r.last().jwt == r.token->jwt());
  r.executor.Advance(30s - 1ms);
  CHECK(r.Use());
  r.executor.Advance(1ms);
  CHECK_FALSE(r.Use());
  r.Refresh();
  CHECK(r.supply.asked.size() == 2);
}

TEST_CASE("a bearer is not kept beyond the end that the program gave it") {
  Supplying r;
  r.Refresh();
  r.Give(FakeJwt("{\"exp\": " + r.In(-7200s) + "}"), r.clock.Wall() + 5s);
  CHECK(r.Life() == 5s);
}

TEST_CASE("what says nothing of its end serves until it is refused") {
  Supplying r;
  r.Refresh();
  r.Give(GENERATE("hunter2-opaque", "hunter2.two.dots", "hunter2."));
  CHECK(r.last().fresh);
  CHECK(r.Life() == kMaxJwtLife);
  r.executor.Advance(24h * 360);
  CHECK(r.Use());
}

TEST_CASE("an end beyond all reason is one that nobody lives to see") {
  Supplying r;
  r.Refresh();
  SECTION("of a JWT") {
    r.Give(FakeJwt(GENERATE(R"({"exp": 9999999999})", R"({"exp": 253402300799})", R"({"exp": 1e12})")));
  }
  SECTION("of the program's") {
    r.supply.Give(SuppliedBearer{Secret("hunter2-bearer"), std::chrono::system_clock::time_point::max()});
  }
  CHECK(r.last().status.ToString() == "ok");
  CHECK(r.Life() == kMaxJwtLife);
}

TEST_CASE("what the program supplies must be of use") {
  Supplying r;
  r.Refresh();
  std::string message = "the bearer that the program supplied has ended already";
  SECTION("empty") {
    r.Give("");
    message = "the bearer that the program supplied is empty";
  }
  SECTION("empty, with an end to come") {
    r.Give("", r.clock.Wall() + 100s);
    message = "the bearer that the program supplied is empty";
  }
  SECTION("one that would end the header, and begin another") {
    r.Give(GENERATE("hunter2\r\nX-Injected: 1", "hunter2\n", "hunter2 bearer", "hunter2\xC3\xA9", "hunter2\x7F"));
    message = "the bearer that the program supplied holds a blank, a line end or another such character";
  }
  SECTION("ended") {
    r.Give("hunter2-bearer", r.clock.Wall());
  }
  SECTION("ended long ago") {
    using Date = std::chrono::system_clock::time_point;
    r.supply.Give(SuppliedBearer{Secret("hunter2-bearer"), GENERATE(Date(), Date::min())});
  }
  CHECK(r.last().jwt == nullptr);
  CHECK(r.last().outcome == Outcome::kAuthRejected);
  CHECK(r.last().status.code() == Code::kUnauthorized);
  CHECK(r.last().status.message() == message);
  CHECK(r.last().status.token() == "PERSONAL_fake");
  CHECK(r.token->jwt() == nullptr);
  CHECK(r.observed.refreshed.empty());
  r.Refresh();
  CHECK(r.supply.asked.size() == 2);  // without a pause
}

TEST_CASE("whether anybody is to blame is for the program to say") {
  struct Row {
    Code code;
    Outcome outcome;
    Code told = Code::kOk;  // else the same
  };
  const auto row = GENERATE(values<Row>({
      {Code::kNetwork, Outcome::kNetwork},
      {Code::kOverloaded, Outcome::kNetwork},
      {Code::kServerError, Outcome::kNetwork},
      {Code::kTimeout, Outcome::kNetwork, Code::kNetwork},  // of the program's, not of who waits for the request
      {Code::kEnd, Outcome::kAuthRejected, Code::kInternal},
      {Code::kCancelled, Outcome::kNetwork},
      {Code::kOutOfMemory, Outcome::kNetwork},
      {Code::kUnauthorized, Outcome::kAuthRejected},
      {Code::kInternal, Outcome::kAuthRejected},
      {Code::kInvalidArgument, Outcome::kAuthRejected},
      {Code::kQuotaExhausted, Outcome::kAuthRejected},
      {Code::kMisconfigured, Outcome::kAuthRejected},
  }));
  INFO(CodeName(row.code));
  Supplying r;
  r.Refresh();
  r.supply.Give(Status(row.code, "the keyring is locked"));
  CHECK(r.last().jwt == nullptr);
  CHECK_FALSE(r.last().fresh);
  CHECK(r.last().outcome == row.outcome);
  CHECK(r.last().status.code() == (row.told == Code::kOk ? row.code : row.told));
  CHECK(r.last().status.message() == "the keyring is locked");
  CHECK(r.last().status.token() == "PERSONAL_fake");
}

TEST_CASE("when the program has no new bearer the old one serves until its end") {
  Supplying r;
  r.Refresh();
  r.Give("hunter2-bearer", r.clock.Wall() + 1000s);
  r.executor.Advance(900s);
  CHECK_FALSE(r.Use());
  r.Refresh();
  r.supply.Give(Status(Code::kUnauthorized, "the keyring is locked"));
  REQUIRE(r.last().jwt != nullptr);
  CHECK(r.last().jwt->text.Reveal() == "hunter2-bearer");
  CHECK_FALSE(r.last().fresh);
  CHECK(r.Use());  // and is not asked for again at once
  r.executor.Advance(100s);
  CHECK_FALSE(r.Use());
  r.Refresh();
  r.supply.Give(Status(Code::kUnauthorized, "the keyring is locked"));
  CHECK(r.last().jwt == nullptr);
}

TEST_CASE("a bearer in use is renewed ahead of its end, and an idle one is not") {
  Supplying r;
  r.Refresh();
  r.Give("hunter2-bearer", r.clock.Wall() + 1000s);
  const bool used = GENERATE(false, true);
  if (used) CHECK(r.Use());
  r.executor.Advance(800s);
  CHECK(r.observed.due.size() == (used ? 1 : 0));
}

TEST_CASE("a program that cannot be asked is told to whoever asks") {
  Supplying r;
  r.supply.throws = true;
  CHECK_THROWS(r.Refresh());
  r.supply.throws = false;
  r.Refresh();
  r.Give("hunter2-bearer");
  CHECK(r.results.size() == 1);
  CHECK(r.last().fresh);
}

TEST_CASE("who waits for the program leaves at the limit, and a late bearer is used by the next who asks") {
  Supplying r;
  r.Refresh();
  r.executor.Advance(30s);
  REQUIRE(r.results.size() == 1);
  CHECK(r.last().jwt == nullptr);
  CHECK(r.last().outcome == Outcome::kNetwork);
  CHECK(r.last().status.code() == Code::kNetwork);
  CHECK(r.last().status.error().retryable);
  CHECK(r.supply.asked.size() == 1);
  r.executor.Advance(1h);
  SECTION("who has not come yet finds it") {
    r.Give("hunter2-late");
    CHECK(r.Use());
  }
  SECTION("who waits gets it") {
    r.Refresh();
    r.Give("hunter2-late");
    REQUIRE(r.results.size() == 2);
    CHECK(r.last().fresh);
  }
  CHECK(r.supply.asked.size() == 1);
  CHECK(r.token->jwt()->text.Reveal() == "hunter2-late");
}

}  // namespace
}  // namespace warppool::internal
