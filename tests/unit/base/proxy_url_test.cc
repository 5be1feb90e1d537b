#include "base/proxy_url.h"

#include <string>

#include "catch.h"

namespace warppool::internal {
namespace {

TEST_CASE("a proxy's address and log-in are told apart") {
  struct Row {
    const char* url;
    const char* address;
    const char* login;
    const char* secrets;  // with a blank behind each
  };
  const auto row = GENERATE(values<Row>({
      {"", "", "", ""},
      {"proxy", "proxy", "", ""},
      {"proxy:3128", "proxy:3128", "", ""},
      {"HTTP://proxy:3128/", "HTTP://proxy:3128", "", ""},
      {"socks5://[::1]:1080", "socks5://[::1]:1080", "", ""},
      {"http://user:fake-password@10.0.0.1:80", "http://10.0.0.1:80", "user:fake-password",
       "user:fake-password fake-password "},
      {"user:fake%40pass%2fword:%@proxy", "proxy", "user:fake%40pass%2fword:%",
       "user:fake@pass/word:% fake@pass/word:% "},
      {"http://fake-user-token@proxy", "http://proxy", "fake-user-token", "fake-user-token fake-user-token "},
      {"http://fake-user-token:@proxy", "http://proxy", "fake-user-token:", "fake-user-token: fake-user-token "},
      {"http://:fake-password@proxy", "http://proxy", ":fake-password", ":fake-password fake-password "},
  }));
  INFO(row.url);
  const auto proxy = ParseProxyUrl(row.url);
  REQUIRE(proxy.ok());
  CHECK(proxy->address == row.address);
  CHECK(proxy->login.Reveal() == row.login);
  std::string secrets;
  if (proxy->secrets) {
    for (const Secret& secret : *proxy->secrets) secrets += std::string(secret.Reveal()) + " ";
  }
  CHECK(secrets == row.secrets);
}

TEST_CASE("a proxy's URL that others may read in another way is refused, and not shown") {
  struct Row {
    const char* url;
    const char* why;
  };
  const auto row = GENERATE(values<Row>({
      {"http://user:S3CR@ET@127.0.0.1:9", "an @ in the user name or the password must be written as %40"},
      {"http://user:S3CR#ET@127.0.0.1:9", "a # in the user name or the password must be written as %23"},
      {"http://user:S3CR?ET@127.0.0.1:9", "a ? in the user name or the password must be written as %3F"},
      {"http://user:S3CR/ET@127.0.0.1:9", "a / in the user name or the password must be written as %2F"},
      {"http://S3CR:12/ET@127.0.0.1:9", "a / in the user name or the password must be written as %2F"},
      {"http://user:S3CRET@127.0.0.1:9/x", "nothing may follow the host and the port"},
      {"http://user:S3CRET@ho!st:9", "the host is not a name or an address"},
      {"http://user:S3CRET@", "the host is missing"},
      {"http://user:S3CRET@[::1", "the host lacks its closing bracket"},
      {"http://user:S3CRET@host:x", "the port is not a number from 1 to 65535"},
      {"http://user:S3CR%0AET@host", "the user name or the password holds a control character"},
      {"http://user:S3CR\nET@host", "a control character is not allowed"},
      {"http://user:S3CR ET@host", "a blank is not allowed"},
      {"http://user:S3CR\xC3\xA9@host", "a non-ASCII character must be percent-encoded"},
      {"S3CRET://host", "the scheme is none of http, https, socks4, socks4a, socks5, socks5h"},
  }));
  INFO(row.url);
  const auto proxy = ParseProxyUrl(row.url);
  REQUIRE_FALSE(proxy.ok());
  CHECK(proxy.status().message() == row.why);
}

}  // namespace
}  // namespace warppool::internal
