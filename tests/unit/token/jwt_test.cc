#include "token/jwt.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "catch.h"
#include "unit/fakes.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

TEST_CASE("a JWT's claims say when it was issued and when it ends") {
  const auto claims = ReadJwtClaims(FakeJwt(R"({"iat": 1700000000, "exp": 1700003600, "sub": "x"})"));
  REQUIRE(claims);
  CHECK(claims->issued_at == seconds(1'700'000'000));
  CHECK(claims->expires_at == seconds(1'700'003'600));
}

TEST_CASE("a JWT may be silent about when it was issued") {
  const auto claims = ReadJwtClaims(FakeJwt(R"({"exp": 5})"));
  REQUIRE(claims);
  CHECK_FALSE(claims->issued_at);
  CHECK(claims->expires_at == 5s);
  CHECK_FALSE(ReadJwtClaims(FakeJwt(R"({"exp": 5, "iat": "soon"})"))->issued_at);
}

TEST_CASE("a JWT's dates may have fractions and exponents") {
  CHECK(ReadJwtClaims(FakeJwt(R"({"exp": 1700000000.9})"))->expires_at == seconds(1'700'000'000));
  CHECK(ReadJwtClaims(FakeJwt(R"({"exp": 1.7e9})"))->expires_at == seconds(1'700'000'000));
}

TEST_CASE("the payload may be padded, though it should not be") {
  const std::string claims = R"({"exp":77})";
  CHECK(ReadJwtClaims("h." + EncodeBase64Url(claims) + ".s")->expires_at == 77s);
  CHECK(ReadJwtClaims("." + EncodeBase64Url(claims) + ".")->expires_at == 77s);  // only the payload is looked at
}

TEST_CASE("what has no end in it is no JWT with claims") {
  const std::string payload = EncodeBase64Url(R"({"exp": 5})");
  const auto text = GENERATE_COPY(as<std::string>(), "", ".", "..", "...", "wk-1.abcdef", "a.b.c", "opaque-token",
                                  payload, "h." + payload, "h." + payload + ".s.t", "h.*" + payload + ".s");
  INFO(text);
  CHECK_FALSE(ReadJwtClaims(text));
  const auto claims =
      GENERATE(as<std::string>(), "", "{}", "[]", "5", "exp", R"({"iat": 5})", R"({"exp": null})", R"({"exp": true})",
               R"({"exp": "soon"})", R"({"exp": ""})", R"({"exp": 0})", R"({"exp": -5})", R"({"exp": {"a": 5}})",
               R"({"exp": [5]})", R"({"exp": 1e13})", R"({"exp": 1e308})", R"({"exp": 99999999999999999999})",
               R"({"exp": "inf"})", R"({"exp": "nan"})", R"({"exp": 5)", "{\"exp\": 5, \"a\": \"\xFF\"}");
  INFO(claims);
  CHECK_FALSE(ReadJwtClaims(FakeJwt(claims)));
}

// Seconds since the epoch of a FakeClock that stands still.
std::string FromNow(std::chrono::seconds by) {
  return std::to_string(std::chrono::floor<seconds>(FakeClock().Wall().time_since_epoch() + by).count());
}

TEST_CASE("a JWT that says only when it ends lives until then by this machine's clock") {
  const FakeClock clock;
  const Jwt jwt =
      MakeJwt(Secret(FakeJwt("{\"exp\": " + FromNow(1000s) + "}")), std::nullopt, clock.Steady(), clock.Wall());
  CHECK(jwt.life == 1000s);
  CHECK(jwt.expires_at == clock.Steady() + 1000s);
  CHECK(jwt.refresh_at == clock.Steady() + 800s);
  CHECK(jwt.expires_at_wall == clock.Wall() + 1000s);
}

TEST_CASE("a JWT that has just come is kept for 30 s, whatever this machine's clock says, and told as what it says") {
  const FakeClock clock;
  const auto [by, life, refreshed] =
      GENERATE(table<seconds, seconds, seconds>({{2s, 2s, 30s}, {-3600s, 0s, 30s}, {35s, 35s, 30s}, {50s, 50s, 40s}}));
  const Jwt jwt =
      MakeJwt(Secret(FakeJwt("{\"exp\": " + FromNow(by) + "}")), std::nullopt, clock.Steady(), clock.Wall());
  CHECK(jwt.life == life);
  CHECK(jwt.expires_at_wall == clock.Wall() + life);
  CHECK(jwt.expires_at == clock.Steady() + std::max(life, seconds(30)));
  CHECK(jwt.refresh_at == clock.Steady() + refreshed);
}

struct Made {
  seconds life;
  std::chrono::milliseconds lead;  // refreshed so long before the end
};

Made Make(const std::string& text, std::optional<seconds> life) {
  const FakeClock clock;
  const Jwt jwt = MakeJwt(Secret(text), life, clock.Steady(), clock.Wall());
  CHECK(jwt.text.Reveal() == text);
  CHECK(jwt.expires_at - clock.Steady() == jwt.expires_at_wall - clock.Wall());
  return {std::chrono::duration_cast<seconds>(jwt.expires_at - clock.Steady()),
          std::chrono::duration_cast<std::chrono::milliseconds>(jwt.expires_at - jwt.refresh_at)};
}

TEST_CASE("a JWT is refreshed five minutes before its end, or a fifth of its life if that is less") {
  struct Row {
    seconds life;
    std::chrono::milliseconds lead;
  };
  const auto row = GENERATE(values<Row>(
      {{3600s, 300s}, {1501s, 300s}, {1500s, 300s}, {1499s, 299'800ms}, {10s, 2s}, {1s, 200ms}, {0s, 0ms}}));
  const Made made = Make("opaque", row.life);
  CHECK(made.life == row.life);
  CHECK(made.lead == row.lead);
}

TEST_CASE("the exchange's word about a JWT's life goes before its claims") {
  CHECK(Make(FakeJwt(R"({"iat": 100, "exp": 700})"), 3600s).life == 3600s);
}

TEST_CASE("without the exchange's word a JWT lives as long as its claims differ, whatever the issuer's clock") {
  CHECK(Make(FakeJwt(R"({"iat": 100, "exp": 700})"), std::nullopt).life == 600s);
  CHECK(Make(FakeJwt(R"({"iat": 9900000000, "exp": 9900001800})"), std::nullopt).life == 1800s);
}

TEST_CASE("a JWT that says nothing useful is taken to live an hour") {
  CHECK(Make("opaque", std::nullopt).life == 3600s);
  CHECK(Make(FakeJwt(R"({"iat": 700})"), std::nullopt).life == 3600s);
}

TEST_CASE("a life that makes no sense neither overflows nor ends before it begins") {
  CHECK(Make("opaque", seconds::max()).life == 366 * 24h);
  CHECK(Make("opaque", seconds::min()).life == 0s);
  CHECK(Make("opaque", -1s).life == 0s);
  CHECK(Make(FakeJwt(R"({"iat": 1, "exp": 999999999999})"), std::nullopt).life == 366 * 24h);
  CHECK(Make(FakeJwt(R"({"iat": 700, "exp": 100})"), std::nullopt).life == 0s);
}

}  // namespace
}  // namespace warppool::internal
