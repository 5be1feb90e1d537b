#include "http/curl_handle.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "http/curl_transfer.h"

namespace warppool::internal {
namespace {

std::shared_ptr<const HttpTarget> TargetAt(const std::string& url) {
  return std::make_shared<HttpTarget>(HttpTarget{.url = url, .headers = {}});
}

struct IgnoredAnswer final : HttpHandler {
  void OnHead(HttpHead /*head*/) override {}
  void OnBody(std::string_view /*bytes*/) override {}
  void OnDone(const TransferResult& /*result*/) override {}
};

}  // namespace

TEST_CASE("an idle handle is for its own target, and is handed out once") {
  const auto one = TargetAt("http://one.example/");
  const auto other = TargetAt("http://one.example/");  // another object is another target
  IdleCurlHandles idle;
  auto handle = CurlHandle::Make(one, {});
  REQUIRE(handle != nullptr);
  const CurlHandle* const made = handle.get();
  idle.Put(std::move(handle));
  CHECK(idle.Take(other.get()) == nullptr);
  handle = idle.Take(one.get());
  CHECK(handle.get() == made);
  CHECK(idle.Take(one.get()) == nullptr);
}

TEST_CASE("of idle handles the eight that were used last are kept") {
  IdleCurlHandles idle;
  std::vector<std::shared_ptr<const HttpTarget>> targets;
  for (int i = 0; i < 9; ++i) {
    targets.push_back(TargetAt("http://" + std::to_string(i) + ".example/"));
    idle.Put(CurlHandle::Make(targets.back(), {}));
  }
  CHECK(idle.Take(targets[0].get()) == nullptr);
  for (std::size_t i = 1; i < targets.size(); ++i) CHECK(idle.Take(targets[i].get()) != nullptr);
  idle.Put(CurlHandle::Make(targets[0], {}));
  idle.Clear();
  CHECK(idle.Take(targets[0].get()) == nullptr);
}

TEST_CASE("a handle is used again after a transfer that went well, and after no other one") {
  IgnoredAnswer handler;
  HttpRequest request;
  request.target = TargetAt("http://one.example/");
  request.body = "question";
  CurlTransfer transfer(nullptr, 1, request, &handler);
  REQUIRE(transfer.SetUp(CurlHandle::Make(request.target, {})));
  bool again = false;
  SECTION("all of the answer has come") {
    transfer.Finish(CURLE_OK);
    again = true;
  }
  SECTION("it broke off") {
    transfer.Finish(CURLE_RECV_ERROR);
  }
  SECTION("it was cancelled") {
    transfer.Cancel();
  }
  SECTION("it was paused for a while") {
    transfer.Pause();
    transfer.Resume();
    transfer.Finish(CURLE_OK);
  }
  SECTION("it went silent") {
    transfer.FinishWithSilence();
  }
  CHECK((transfer.TakeHandle() != nullptr) == again);
}

}  // namespace warppool::internal
