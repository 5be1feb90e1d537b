// What an exchange sends and brings is wiped before its memory is given back.

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/base64url.h"
#include "base/json.h"
#include "base/wipe.h"
#include "catch.h"
#include "http/fetch.h"
#include "token/exchange.h"
#include "token/jwt.h"
#include "unit/allocations.h"
#include "unit/fakes.h"

namespace warppool::internal {
namespace {

// Long, and with much to encode.
const std::string kSent = "1//fake+long/token=" + std::string(100, '/') + "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

TEST_CASE("a text that grows leaves no copy behind") {
  const FreedMemory memory(kLetters);
  {
    std::string text;
    for (int i = 0; i < 100; ++i) AppendSecret(kLetters, &text);
    REQUIRE(text.size() == 100 * kLetters.size());
    Wipe(&text);
    CHECK(text.empty());
  }
  CHECK(memory.found() == 0);
}

TEST_CASE("a text that was longer once is wiped to its end") {
  const FreedMemory memory(kLetters);
  {
    std::string text(100, 'x');
    text.replace(50, kLetters.size(), kLetters);
    text.resize(10);
    Wipe(&text);
  }
  CHECK(memory.found() == 0);
}

TEST_CASE("what is sent to the exchange is written in one place") {
  const Secret secret(kSent);
  const FreedMemory memory(kLetters);
  std::string body = ExchangeBody(secret);
  std::string url = ExchangeUrl("https://exchange.example/v1/token", secret);
  CHECK(memory.found() == 0);
  Wipe(&body);
  Wipe(&url);
}

TEST_CASE("an answer that comes in pieces leaves none of them behind") {
  FakeClock clock;
  FakeExecutor executor{&clock};
  FakeTransport transport{&executor};
  HttpRequest request;
  request.target = std::make_shared<HttpTarget>(HttpTarget{.url = "https://exchange.example/", .headers = {}});
  const FreedMemory memory(kLetters);
  bool complete = false;
  Fetch(&transport, std::move(request), 1U << 20U, std::chrono::seconds(1),
        [&](const FetchResult& result) { complete = result.body.size() == 50 * kLetters.size(); });
  transport.Head(0, 200);
  for (int i = 0; i < 50; ++i) {  // each of which is too short to be found by itself
    transport.Body(0, std::string(kLetters.substr(0, 13)));
    transport.Body(0, std::string(kLetters.substr(13)));
  }
  transport.Done(0);
  CHECK(complete);
  CHECK(memory.found() == 0);
}

TEST_CASE("what is read of an answer and of a JWT leaves no copy behind") {
  const std::string payload = R"({"exp":2000000000,"name":")" + std::string(kLetters) + "\"}";
  const std::string jwt = "x." + EncodeBase64Url(payload) + ".x";
  const std::string twice = R"({"a":")" + std::string(kLetters) + R"(","a":")" + std::string(200, 'x') + "\"}";
  const FreedMemory memory(kLetters);
  CHECK(ReadJwtClaims(jwt).has_value());
  CHECK(FlatJson::Parse(payload).ok());
  CHECK(FlatJson::Parse(twice).ok());
  CHECK(memory.found() == 0);
}

}  // namespace
}  // namespace warppool::internal
