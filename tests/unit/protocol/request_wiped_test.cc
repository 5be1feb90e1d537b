// Keys of models go through protobuf's messages, whose memory is given back as it is.

#include <string>
#include <string_view>

#include "catch.h"
#include "protocol/request_builder.h"
#include "unit/allocations.h"

namespace warppool::internal {
namespace {

TEST_CASE("the keys of a request are wiped before their memory is given back") {
  constexpr std::string_view kKey = "fake-key-of-a-model-that-is-long";
  Request request("hello");
  request.model_keys.keys[ModelProvider::kOpenAi] = Secret(kKey);
  request.model_keys.aws = {Secret(kKey), Secret(kKey), Secret(kKey), "region"};
  request.model_keys.google_cloud_access_token = Secret(kKey);
  Request raw;
  Request wrong = request;
  wrong.model_keys.keys[static_cast<ModelProvider>(1000)] = Secret(kKey);
  {
    std::string bytes = RequestBuilder::Create(request)->Serialize({}, "c");
    REQUIRE(bytes.find(kKey) != std::string::npos);
    raw.raw = std::move(bytes);
  }
  {
    const std::string plain(kKey);
    const FreedMemory memory(kKey);
    { const std::string copy = plain; }
    if (memory.found() == 0) return;  // this system does not say how large a block is
  }
  SECTION("once it is serialized") {
    const FreedMemory memory(kKey);
    { auto builder = RequestBuilder::Create(request); }
    CHECK(memory.found() == 0);
  }
  SECTION("if it is wrong") {
    const FreedMemory memory(kKey);
    { auto builder = RequestBuilder::Create(wrong); }
    CHECK(memory.found() == 0);
  }
  SECTION("of a raw one, when the question is dropped, and at the end") {
    const FreedMemory memory(kKey);
    {
      auto builder = RequestBuilder::Create(raw);
      builder->DropQuestion();
      CHECK(memory.found() == 0);
      auto other = RequestBuilder::Create(raw);
    }
    CHECK(memory.found() == 0);
  }
}

}  // namespace
}  // namespace warppool::internal
