#include "base/redact.h"

#include <memory>
#include <string>
#include <vector>

#include "base/base64url.h"
#include "catch.h"

namespace warppool::internal {
namespace {

std::string Without(std::string_view secret, std::string text) {
  Redact(secret, &text);
  return text;
}

std::string Standard(std::string base64url) {
  for (char& c : base64url) c = c == '-' ? '+' : c == '_' ? '/' : c;
  return base64url;
}

TEST_CASE("a secret is replaced wherever it stands") {
  CHECK(Without("fake-key", "fake-key") == "[secret]");
  CHECK(Without("fake-key", "a fake-key, fake-keyfake-key b") == "a [secret], [secret][secret] b");
  CHECK(Without("fake-key", "fake-ke") == "fake-ke");
  CHECK(Without("a secret", "it is a secret") == "it is [secret]");
  CHECK(Without("fake-key", "") == "");
  CHECK(Without("", "nothing") == "nothing");
}

TEST_CASE("what is too short to be a secret is left: words would be eaten") {
  CHECK(Without("k", "the refresh token has expired") == "the refresh token has expired");
  CHECK(Without("expired", "the refresh token has expired") == "the refresh token has expired");
  CHECK(Without("expired!", "the refresh token has expired!") == "the refresh token has [secret]");
}

TEST_CASE("a secret is replaced in JSON's escapes, too") {
  CHECK(Without("fake-key", R"({"error":"\u0066ake-key"})") == R"({"error":"[secret]"})");
  CHECK(Without("fake-key", R"(\u0066\u0061\u006b\u0065-key\u0066\u0061\u006B\u0065-key)") == "[secret][secret]");
  CHECK(Without("/a\"b\\c/d/", R"(\/a\"b\\c\/d\/)") == "[secret]");
  CHECK(Without("/a\"b\\c/d/", R"(\u002Fa\u0022b\u005cc/d/)") == "[secret]");
  CHECK(Without("fake\\key", "a fake\\key") == "a [secret]");           // not escaped
  CHECK(Without("fake\xC3\xA9key", R"(fake\u00e9key)") == "[secret]");  // a key of a model need not be ASCII
  CHECK(Without("fake\xE2\x82\xACkey", R"(fake\u20ACkey)") == "[secret]");
  CHECK(Without("/fake/key/", R"({"body":"{\"token\":\"\\\/fake\\/key\\u002f\"}"})") ==
        R"({"body":"{\"token\":\"[secret]\"}"})");                     // JSON in JSON
  CHECK(Without("fakfakfakf", R"(fakfakfak\f)") == R"(fakfakfak\f)");  // a form feed
  for (const char* other :
       {R"(\u0066ake-ke)", R"(\u0066ake-ke\u007)", R"(\u0066ake-ke\u0078)", R"(fake-ke\)", R"(\u0066ake-ke\u00 79)"}) {
    CHECK(Without("fake-key", other) == other);
  }
}

TEST_CASE("a secret is replaced where it is percent-encoded") {
  const std::string token = "1//0g+x/y=";
  CHECK(Without(token, "refresh_token=1%2F%2F0g%2Bx%2Fy%3D&x") == "refresh_token=[secret]&x");
  CHECK(Without(token, "refresh_token=1%2f%2f0g%2bx%2fy%3d&x") == "refresh_token=[secret]&x");
  CHECK(Without(token, "1%2f/0g%2Bx/y=") == "[secret]");
  CHECK(Without(token, "%31%2F%2F%30%67%2B%78%2F%79%3D") == "[secret]");
  CHECK(Without(token, R"(1%2F%2F0g%2Bx\u00252Fy%3D)") == "[secret]");  // and in JSON
  CHECK(Without("fake%41key", "fake%41key") == "[secret]");             // which looks encoded
  CHECK(Without("fake%41key", "fake%2541key") == "[secret]");
  for (const char* other : {"1%2F%2F0g%2Bx%2Fy%3E", "1%2F%2F0g%2Bx%2Fy%3", "1%2F%2F0g%2Bx%2Fy%"}) {
    CHECK(Without(token, other) == other);
  }
}

TEST_CASE("a secret is replaced in base64, whatever stands before and behind it") {
  const std::string secret = "fake+key/\xFB\xFF\xBE?~";
  for (const char* before : {"", "u", "us", "user:", "other text"}) {
    for (const char* behind : {"", "x", "xy", "more of it"}) {
      const std::string encoded = EncodeBase64Url(before + secret + behind);
      for (const std::string& form : {encoded, Standard(encoded)}) {
        INFO(form);
        const std::string text = Without(secret, "Basic " + form + ", it was");
        // What is left at either end holds bits of nothing else.
        const std::size_t begin = 8 * std::string(before).size() / 6;
        const std::size_t end = (8 * (std::string(before).size() + secret.size()) + 5) / 6;
        const std::string rest = *behind == '\0' ? "" : form.substr(end);
        CHECK(text == "Basic " + form.substr(0, begin) + "[secret]" + rest + ", it was");
      }
    }
  }
  CHECK(Without("user:fake-password", "Basic dXNlcjpmYWtlLXBhc3N3b3Jk") == "Basic [secret]");
  CHECK(Without("fake-password", "Basic dXNlcjpmYWtlLXBhc3N3b3Jk") == "Basic dXNlcj[secret]");
  const std::string in_json = R"(ZmFrZStrZXkv\/\/++)";
  CHECK(Without("fake+key/", in_json) == R"([secret]\/\/++)");
  CHECK(Without("fake+key/?~>", "ZmFrZStrZXkvP34%2B") == "[secret]");
  CHECK(Without("fake-key", "ZmFrZS1rZW") == "ZmFrZS1rZW");
}

TEST_CASE("a bearer of three parts is replaced as one text") {
  const std::string jwt = EncodeBase64Url("{\"alg\":\"x\"}") + "." + EncodeBase64Url("{\"exp\":1}") + ".fake-signature";
  CHECK(Without(jwt, "Bearer " + jwt + "!") == "Bearer [secret]!");
}

TEST_CASE("several secrets are replaced, and none of nobody's") {
  const auto secrets =
      std::make_shared<const std::vector<Secret>>(std::vector<Secret>{Secret("fake-one"), Secret("fake-two")});
  std::string text = "fake-two and fake-one";
  Redact(secrets, &text);
  CHECK(text == "[secret] and [secret]");
  Redact(SharedSecrets(), &text);
  CHECK(text == "[secret] and [secret]");
}

TEST_CASE("a status is redacted in all of its texts") {
  Error error{.code = Code::kUnauthorized, .message = "m fake-key"};
  error.service_code = "s fake-key";
  error.user_message = "u fake-key";
  error.attempts.push_back({"token", Code::kUnauthorized, "a fake-key"});
  const Status status = Redacted(Status(std::move(error)), "fake-key");
  CHECK(status.message() == "m [secret]");
  CHECK(status.error().service_code == "s [secret]");
  CHECK(status.error().user_message == "u [secret]");
  CHECK(status.error().attempts[0].message == "a [secret]");
  CHECK(Redacted(Status(), "fake-key").ok());
}

}  // namespace
}  // namespace warppool::internal
