#include "base/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

TEST_CASE("a URL falls into scheme, host, port and path") {
  struct Row {
    const char* text;
    const char* scheme;
    const char* host;
    int port;
    const char* path;
  };
  const auto row = GENERATE(values<Row>({
      {"https://app.warp.dev", "https", "app.warp.dev", 443, ""},
      {"https://app.warp.dev/", "https", "app.warp.dev", 443, "/"},
      {"HTTPS://App.Warp.Dev/Path", "https", "app.warp.dev", 443, "/Path"},
      {"http://localhost:8000/proxy/token", "http", "localhost", 8000, "/proxy/token"},
      {"http://127.0.0.1", "http", "127.0.0.1", 80, ""},
      {"https://[::1]:8443/x", "https", "::1", 8443, "/x"},
      {"https://[2001:DB8::A]", "https", "2001:db8::a", 443, ""},
      {"https://my_service-1:65535/", "https", "my_service-1", 65535, "/"},
      {"https://host/a%20b/@c:d", "https", "host", 443, "/a%20b/@c:d"},
      {"https://127.0.0.1.example.com/", "https", "127.0.0.1.example.com", 443, "/"},
  }));
  INFO(row.text);
  const auto url = ParseUrl(row.text);
  REQUIRE(url.ok());
  CHECK(url->scheme == row.scheme);
  CHECK(url->host == row.host);
  CHECK(url->port == row.port);
  CHECK(url->path == row.path);
}

TEST_CASE("whatever could be read in two ways is no URL") {
  const std::string text =
      GENERATE(as<std::string>(),
               // no scheme, or another
               "", "/", "app.warp.dev", "//app.warp.dev", "https:/host", "https:host", "ftp://host", "://host",
               " https://host", "file:///etc/passwd",
               // no host, or an odd one
               "https://", "https:///path", "https://:443", "https://.", "https://a..b", "https://a.", "https://a%2eb",
               "https://a,b", "https://a\\b",
               "https://b\xC3\xBC"
               "cher.example",
               // somebody else's host behind a familiar one
               "https://127.0.0.1@example.com", "https://user:word@host", "https://@host",
               "http://localhost:80@example.com/", "https://example.com\\@host",
               // addresses that only some resolvers understand
               "http://127.1", "http://0x7f.1", "http://0x7f000001", "http://2130706433", "http://0177.0.0.1",
               "http://127.0.0.01", "http://127.0.0.256", "http://1.2.3.4.5", "http://127.0.0.0x1",
               "http://0X7F.0.0.0X1", "http://0x", "http://1",
               // brackets
               "https://[::1", "https://::1", "https://[]", "https://[::g]", "https://[127.0.0.1]",
               "https://[fe80::1%25eth0]", "https://[::1]x", "https://[::1]8443", "https://a[::1]",
               // ports
               "https://host:", "https://host:0", "https://host:65536", "https://host:+1", "https://host:-1",
               "https://host:080", "https://host:8a", "https://host:1:2", "https://host:99999999999999999999",
               // what comes after
               "https://host?query", "https://host/path?query", "https://host/#fragment", "https://host/a b",
               "https://host/a\tb", "https://host/\r\nHost: evil", "https://host/\x7f", "https://host/%",
               "https://host/%2", "https://host/%zz", "https://host/<>", "https://host/a\\b", "https://host/../admin",
               "https://host/a/./b", "https://host/..", "https://host/\xE2\x82\xAC");
  INFO(text);
  const auto url = ParseUrl(text);
  REQUIRE_FALSE(url.ok());
  CHECK(url.code() == Code::kInvalidArgument);
  CHECK_FALSE(url.status().message().empty());
}

TEST_CASE("a NUL does not end a URL early") {
  CHECK_FALSE(ParseUrl(std::string_view("https://host\0.evil", 18)).ok());
  CHECK_FALSE(ParseUrl(std::string_view("https://host/\0", 14)).ok());
}

TEST_CASE("an endless host name is refused") {
  CHECK(ParseUrl("https://" + std::string(63, 'a')).ok());
  CHECK_FALSE(ParseUrl("https://" + std::string(64, 'a')).ok());
  std::string name = "a";
  while (name.size() <= 253) name += ".a";
  CHECK_FALSE(ParseUrl("https://" + name).ok());
}

TEST_CASE("the error does not repeat the URL") {
  const auto url = ParseUrl("https://user:hunter2@host/");
  REQUIRE_FALSE(url.ok());
  CHECK_THAT(url.status().ToString(), !Catch::Matchers::ContainsSubstring("hunter2"));
}

TEST_CASE("loopback is this machine, and nothing that only looks like it") {
  struct Row {
    const char* text;
    bool is_loopback;
  };
  const auto row = GENERATE(values<Row>({
      {"http://localhost", true},
      {"http://LOCALHOST:80/", true},
      {"http://127.0.0.1:8000", true},
      {"http://127.255.255.254", true},
      {"http://[::1]", true},
      {"http://[0:0:0:0:0:0:0:1]", true},
      {"http://127.0.0.1.example.com", false},
      {"http://localhost.evil", false},
      {"http://evil.localhost.com", false},
      {"http://notlocalhost", false},
      {"http://128.0.0.1", false},
      {"http://0.0.0.0", false},
      {"http://[::]", false},
      {"http://[::2]", false},
      {"http://[1::1]", false},
      {"http://127-0-0-1", false},
  }));
  INFO(row.text);
  const auto url = ParseUrl(row.text);
  REQUIRE(url.ok());
  CHECK(url->IsLoopback() == row.is_loopback);
}

TEST_CASE("an IPv6 address is what inet_pton() takes for one, and loopback what it reads as ::1") {
  const std::vector<std::string> seeds{"::",
                                       "::1",
                                       "1::",
                                       "1:2:3:4:5:6:7:8",
                                       "1:2:3:4:5:6:7::",
                                       "::2:3:4:5:6:7:8",
                                       "1:2:3::5:6:7:8",
                                       "::1.2.3.4",
                                       "::ffff:127.0.0.1",
                                       "1:2:3:4:5:6:1.2.3.4",
                                       "1::5:6:127.0.0.1",
                                       "0:0:0:0:0:0:0:1",
                                       "0000:0::0001",
                                       "::0.0.0.1",
                                       "1:2:3:4:5:6:7:1.2.3.4",
                                       "1:2:3:4::5:6:7:8",
                                       "fe80::12ab:34ff:fe56:789a",
                                       "::00001",
                                       "::01.2.3.4"};
  std::mt19937 random(4);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  int addresses = 0;
  int loopbacks = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = seeds[below(seeds.size())];
    for (std::size_t changes = below(3); changes > 0 && !text.empty(); --changes) {
      const std::size_t at = below(text.size());
      const char c = "0123f:.:g"[below(9)];
      switch (below(3)) {
        case 0:
          text.erase(at, 1);
          break;
        case 1:
          text.insert(at, 1, c);
          break;
        default:
          text[at] = c;
      }
    }
    in6_addr address{};
    const bool is_address = inet_pton(AF_INET6, text.c_str(), &address) == 1;
    const bool is_loopback = is_address && IN6_IS_ADDR_LOOPBACK(&address);
    const auto url = ParseUrl("https://[" + text + "]");
    INFO(text);
    REQUIRE(url.ok() == is_address);
    REQUIRE((url.ok() && url->IsLoopback()) == is_loopback);
    if (is_address) ++addresses;
    if (is_loopback) ++loopbacks;
  }
  CHECK(addresses > 2'000);
  CHECK(loopbacks > 200);
}

}  // namespace
}  // namespace warppool::internal
