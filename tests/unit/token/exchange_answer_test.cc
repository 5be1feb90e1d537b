#include "token/exchange_answer.h"

#include <fmt/format.h>

#include "catch.h"

namespace warppool {
namespace {

TEST_CASE("no part of a credential is in an error, however the service quotes it") {
  const std::string sent = "fakexyzw";
  std::string escaped;
  for (const char c : sent) escaped += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
  // Words are cut after 200 bytes: in front of the credential, behind it, and inside it.
  for (const std::size_t before : {0U, 185U, 192U, 196U, 199U}) {
    for (const std::string& quoted : {sent, escaped}) {
      INFO(before << " " << quoted);
      FetchResult answer;
      answer.head.status = 400;
      answer.body = R"({"error":{"message":")" + std::string(before, '.') + quoted + R"( is not known"}})";
      const auto read = ReadExchangeAnswer(answer, {"https://fake.invalid", "THE_SETTING"}, Secret(sent), Secret(), {});
      REQUIRE(std::holds_alternative<ExchangeFailure>(read));
      const std::string& message = std::get<ExchangeFailure>(read).status.message();
      CHECK(message.find("fake") == message.npos);
      CHECK(message.find("..f") == message.npos);
    }
  }
}

}  // namespace
}  // namespace warppool
