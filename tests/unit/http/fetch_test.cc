#include "http/fetch.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "unit/fakes.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

struct Fetching {
  explicit Fetching(std::size_t max_bytes = 10, std::chrono::milliseconds timeout = 1000ms) {
    HttpRequest request;
    request.target = std::make_shared<HttpTarget>(HttpTarget{.url = "https://service.example/path", .headers = {}});
    request.body = "question";
    Fetch(&transport, std::move(request), max_bytes, timeout,
          [this](FetchResult r) { results.push_back(std::move(r)); });
  }
  const FetchResult& result() const {
    REQUIRE(results.size() == 1);
    return results[0];
  }

  FakeClock clock;
  FakeExecutor executor{&clock};
  FakeTransport transport{&executor};
  std::vector<FetchResult> results;
};

TEST_CASE("a fetch brings status, headers and the whole body, once") {
  Fetching fetch;
  CHECK(fetch.transport.request(0).target->url == "https://service.example/path");
  CHECK(fetch.transport.request(0).body == "question");
  fetch.transport.Head(0, 429, {{"retry-after", "7"}});
  fetch.transport.Body(0, "some");
  fetch.transport.Body(0, "");
  fetch.transport.Body(0, " more");
  CHECK(fetch.results.empty());
  fetch.transport.Done(0);
  CHECK(fetch.result().transfer.error == TransferError::kNone);
  CHECK(fetch.result().head.status == 429);
  CHECK(fetch.result().head.Find("retry-after") == "7");
  CHECK(fetch.result().head.Find("date").empty());
  CHECK(fetch.result().body == "some more");
  CHECK_FALSE(fetch.result().too_large);
  CHECK(fetch.executor.timers() == 0);
  fetch.executor.Advance(1h);
  CHECK(fetch.results.size() == 1);
}

TEST_CASE("a fetch without an answer says what the transport says") {
  const auto error =
      GENERATE(TransferError::kNoConnection, TransferError::kConnectionLost, TransferError::kTlsUntrusted,
               TransferError::kNotHttp, TransferError::kNotDecoded, TransferError::kStopped, TransferError::kInternal);
  Fetching fetch;
  fetch.transport.Done(0, error, "the reason");
  CHECK(fetch.result().transfer.error == error);
  CHECK(fetch.result().transfer.detail == "the reason");
  CHECK(fetch.result().head.status == 0);
  CHECK(fetch.executor.timers() == 0);
}

TEST_CASE("what came of an answer that broke off is there") {
  Fetching fetch;
  fetch.transport.Head(0, 200);
  fetch.transport.Body(0, "half");
  fetch.transport.Done(0, TransferError::kConnectionLost);
  CHECK(fetch.result().transfer.error == TransferError::kConnectionLost);
  CHECK(fetch.result().head.status == 200);
  CHECK(fetch.result().body == "half");
}

TEST_CASE("an answer larger than the limit is broken off, and no more of it is kept") {
  Fetching fetch;
  fetch.transport.Head(0, 200);
  SECTION("in one piece") {
    fetch.transport.Body(0, std::string(1000, 'x'));
  }
  SECTION("byte by byte") {
    for (int i = 0; i < 11; ++i) fetch.transport.Body(0, "x");
  }
  CHECK(fetch.result().too_large);
  CHECK(fetch.result().body.size() <= 10);
  CHECK(fetch.transport.cancelled(0));
  CHECK(fetch.executor.timers() == 0);
}

TEST_CASE("an answer just as large as the limit is whole") {
  Fetching fetch;
  fetch.transport.Answer(0, 200, "0123456789");
  CHECK_FALSE(fetch.result().too_large);
  CHECK(fetch.result().body == "0123456789");
}

TEST_CASE("an answer that takes too long is broken off") {
  Fetching fetch;
  SECTION("before it begins") {}
  SECTION("although it keeps coming") {
    fetch.transport.Head(0, 200);
    fetch.transport.Body(0, "a");
  }
  fetch.executor.Advance(999ms);
  CHECK(fetch.results.empty());
  fetch.transport.Body(0, "b");
  fetch.executor.Advance(1ms);
  CHECK(fetch.result().transfer.error == TransferError::kSilence);
  CHECK_THAT(fetch.result().transfer.detail, Catch::Matchers::ContainsSubstring("1000 ms"));
  CHECK(fetch.transport.cancelled(0));
}

TEST_CASE("whoever gets the answer may fetch again at once") {
  FakeClock clock;
  FakeExecutor executor{&clock};
  FakeTransport transport{&executor};
  std::vector<std::string> bodies;
  Fetch(&transport, {}, 10, 1s, [&](const FetchResult& first) {
    bodies.push_back(first.body);
    Fetch(&transport, {}, 10, 1s, [&](const FetchResult& second) { bodies.push_back(second.body); });
  });
  transport.Answer(0, 200, "one");
  transport.Answer(1, 200, "two");
  CHECK(bodies == std::vector<std::string>{"one", "two"});
}

TEST_CASE("of a refusal that stalls or trickles, what came within three seconds counts, with its status") {
  Fetching fetch(10, 30'000ms);
  fetch.transport.Head(0, 503);
  SECTION("it stalls") {
    fetch.transport.Body(0, "a");
    fetch.executor.Advance(2999ms);
    CHECK(fetch.results.empty());
    fetch.executor.Advance(1ms);
    CHECK(fetch.result().body == "a");
  }
  SECTION("it trickles") {
    for (int i = 0; i < 3; ++i) {
      CHECK(fetch.results.empty());
      fetch.transport.Body(0, "a");
      fetch.executor.Advance(1000ms);
    }
    CHECK(fetch.result().body == "aaa");
  }
  CHECK(fetch.result().head.status == 503);
  CHECK(fetch.result().transfer.error == TransferError::kNone);
  CHECK_FALSE(fetch.result().complete);
  CHECK(fetch.transport.cancelled(0));
  CHECK(fetch.executor.timers() == 0);
}

TEST_CASE("of a refusal that is long the beginning counts") {
  Fetching fetch(10);
  fetch.transport.Head(0, 403);
  fetch.transport.Body(0, std::string(kMaxRefusalBytes, 'x'));
  CHECK(fetch.results.empty());
  fetch.transport.Body(0, "y");
  CHECK(fetch.result().body == std::string(kMaxRefusalBytes, 'x'));
  CHECK_FALSE(fetch.result().complete);
  CHECK_FALSE(fetch.result().too_large);
}

TEST_CASE("a refusal counts though its words broke off") {
  Fetching fetch;
  fetch.transport.Head(0, 403);
  fetch.transport.Body(0, "half");
  fetch.transport.Done(0, TransferError::kConnectionLost);
  CHECK(fetch.result().transfer.error == TransferError::kNone);
  CHECK(fetch.result().body == "half");
  CHECK_FALSE(fetch.result().complete);
}

TEST_CASE("a refusal counts though the time for the whole answer is over") {
  Fetching fetch(10, 1000ms);
  fetch.transport.Head(0, 429, {{"retry-after", "60"}});
  fetch.executor.Advance(1000ms);
  CHECK(fetch.result().head.status == 429);
  CHECK(fetch.result().transfer.error == TransferError::kNone);
  CHECK_FALSE(fetch.result().complete);
}

TEST_CASE("a fault of this side behind a refusal's head is no word of the service") {
  const auto error = GENERATE(TransferError::kInternal, TransferError::kStopped);
  Fetching fetch;
  fetch.transport.Head(0, 403);
  fetch.transport.Done(0, error);
  CHECK(fetch.result().transfer.error == error);
}

TEST_CASE("a refusal whose words cannot be decoded says so") {
  Fetching fetch;
  fetch.transport.Head(0, 403);
  fetch.transport.Done(0, TransferError::kNotDecoded);
  CHECK(fetch.result().transfer.error == TransferError::kNone);
  CHECK_FALSE(fetch.result().readable);
}

}  // namespace
}  // namespace warppool::internal
