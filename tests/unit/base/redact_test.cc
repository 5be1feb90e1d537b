#include "base/redact.h"

#include <string>

#include "catch.h"

namespace warppool::internal {
namespace {

std::string Without(std::string_view secret, std::string text) {
  Redact(secret, &text);
  return text;
}

TEST_CASE("a secret is replaced wherever it stands") {
  CHECK(Without("fake-key", "fake-key") == "[secret]");
  CHECK(Without("fake-key", "a fake-key, fake-keyfake-key b") == "a [secret], [secret][secret] b");
  CHECK(Without("fake-key", "fake-ke") == "fake-ke");
  CHECK(Without("secret", "a secret") == "a [secret]");
  CHECK(Without("fake-key", "") == "");
  CHECK(Without("", "nothing") == "nothing");
}

TEST_CASE("a secret is replaced in JSON's escapes, too") {
  CHECK(Without("fake", R"({"error":"\u0066ake"})") == R"({"error":"[secret]"})");
  CHECK(Without("fake", R"(\u0066\u0061\u006b\u0065\u0066\u0061\u006B\u0065)") == "[secret][secret]");
  CHECK(Without("/a\"b\\c", R"(\/a\"b\\c)") == "[secret]");
  CHECK(Without("/a\"b\\c", R"(\u002Fa\u0022b\u005cc)") == "[secret]");
  CHECK(Without("fakf", R"(fak\f)") == R"(fak\f)");  // a form feed
  for (const char* other : {R"(\u0066ak)", R"(\u0066ak\u006)", R"(\u0066ak\u0064)", R"(fak\)", R"(\u0066ak\u00 65)"}) {
    CHECK(Without("fake", other) == other);
  }
}

TEST_CASE("a status is redacted in all of its texts") {
  Error error{.code = Code::kUnauthorized, .message = "m fake-key"};
  error.service_code = "s fake-key";
  error.user_message = "u fake-key";
  const Status status = Redacted(Status(std::move(error)), "fake-key");
  CHECK(status.message() == "m [secret]");
  CHECK(status.error().service_code == "s [secret]");
  CHECK(status.error().user_message == "u [secret]");
  CHECK(Redacted(Status(), "fake-key").ok());
}

}  // namespace
}  // namespace warppool::internal
