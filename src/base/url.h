// The parts of an http or https URL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "warppool/status.h"

namespace warppool::internal {

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;
  std::string path;  // with its leading "/"; empty if there is none

  // 127.0.0.0/8, ::1 or localhost: decided on the parsed host, since "127.0.0.1.example.com" is somebody else's.
  bool IsLoopback() const;
};

struct HostAndPort {
  std::string host;  // as in Url
  std::optional<std::uint16_t> port{};
};

// "host", "host:80", "[::1]:80". As narrow as ParseUrl().
Result<HostAndPort> ParseHostAndPort(std::string_view text);

// Deliberately narrow, so that it can never read a URL in another way than libcurl does: no user or password, no query,
// no fragment, no percent-encoding in the host, no blanks, nothing but ASCII. The error names what is wrong, not the
// URL.
Result<Url> ParseUrl(std::string_view text);

}  // namespace warppool::internal
