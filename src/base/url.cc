#include "base/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "base/ascii.h"

namespace warppool {
namespace {

constexpr std::size_t kMaxHostLength = 253;
constexpr std::size_t kMaxLabelLength = 63;

Status BadUrl(const char* what) {
  return {Code::kInvalidArgument, what};
}

// A decimal number without sign and leading zeros, at most `largest`.
std::optional<unsigned> ParseNumber(std::string_view text, unsigned largest) {
  if (text.empty() || (text.front() == '0' && text.size() > 1)) return std::nullopt;
  unsigned number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number > largest) return std::nullopt;
  return number;
}

// Calls `take` with each piece of `text` between separators, until it returns false. True: it never did.
template <typename Take>
bool ForEachPiece(std::string_view text, char separator, Take take) {
  while (true) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (!take(text.substr(0, end))) return false;
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
}

// Exactly four decimal numbers. inet_aton(), and whoever resolves with it, also reads 127.1, 0x7f.1 and 0177.0.0.1.
std::optional<std::array<unsigned, 4>> ParseIpv4(std::string_view host) {
  std::array<unsigned, 4> bytes{};
  std::size_t count = 0;
  const bool decimal = ForEachPiece(host, '.', [&](std::string_view piece) {
    const auto number = ParseNumber(piece, 255);
    if (!number || count == bytes.size()) return false;
    bytes[count++] = *number;
    return true;
  });
  if (!decimal || count != bytes.size()) return std::nullopt;
  return bytes;
}

std::optional<in6_addr> ParseIpv6(const std::string& host) {
  in6_addr address{};
  if (inet_pton(AF_INET6, host.c_str(), &address) != 1) return std::nullopt;
  return address;
}

// Would someone's resolver take it for a number? Then it must not be read as a name.
bool LooksNumeric(std::string_view label) {
  return std::all_of(label.begin(), label.end(), IsAsciiDigit) || label.substr(0, 2) == "0x";
}

// `host` in lower case.
Status CheckName(std::string_view host) {
  if (host.size() > kMaxHostLength) return BadUrl("the host is too long");
  std::string_view last;
  const bool named = ForEachPiece(host, '.', [&](std::string_view label) {
    last = label;
    return !label.empty() && label.size() <= kMaxLabelLength && std::all_of(label.begin(), label.end(), [](char c) {
      return IsAsciiLetter(c) || IsAsciiDigit(c) || c == '-' || c == '_';
    });
  });
  if (!named) return BadUrl("the host is not a name or an address");
  if (LooksNumeric(last) && !ParseIpv4(host)) return BadUrl("the host is an address in an unusual notation");
  return {};
}

// Fills host and port from what stands between "//" and the path.
Status ParseAuthority(std::string_view text, Url& url) {
  if (text.find('@') != text.npos) return BadUrl("a user name or password is not allowed");
  std::string_view rest;
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == text.npos) return BadUrl("the host lacks its closing bracket");
    url.host = AsciiLower(text.substr(1, end - 1));
    rest = text.substr(end + 1);
    if (!ParseIpv6(url.host)) return BadUrl("the host is not an IPv6 address");
  } else {
    const std::size_t end = std::min(text.find(':'), text.size());
    url.host = AsciiLower(text.substr(0, end));
    rest = text.substr(end);
    if (url.host.empty()) return BadUrl("the host is missing");
    if (Status status = CheckName(url.host); !status.ok()) return status;
  }
  url.port = url.scheme == "https" ? 443 : 80;
  if (rest.empty()) return {};
  const auto port = rest.front() == ':' ? ParseNumber(rest.substr(1), 65535) : std::nullopt;
  if (!port || *port == 0) return BadUrl("the port is not a number from 1 to 65535");
  url.port = static_cast<std::uint16_t>(*port);
  return {};
}

Status CheckPath(std::string_view path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '%') {
      if (path.size() - i < 3 || !IsAsciiHexDigit(path[i + 1]) || !IsAsciiHexDigit(path[i + 2])) {
        return BadUrl("the path has a % without two hex digits");
      }
    } else if (!IsAsciiLetter(c) && !IsAsciiDigit(c) && std::strchr("-._~!$&'()*+,;=:@/", c) == nullptr) {
      return BadUrl("the path has a character that must be percent-encoded");
    }
  }
  // libcurl resolves them before it sends: another path than the one that was configured.
  const bool plain = ForEachPiece(path, '/', [](std::string_view piece) { return piece != "." && piece != ".."; });
  return plain ? Status() : BadUrl("the path has a . or .. segment");
}

}  // namespace

bool Url::IsLoopback() const {
  if (host == "localhost") return true;
  if (const auto bytes = ParseIpv4(host)) return bytes->front() == 127;
  const auto address = ParseIpv6(host);
  return address && std::memcmp(&*address, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
}

Result<Url> ParseUrl(std::string_view text) {
  for (const char c : text) {
    if (!IsAscii(c)) return BadUrl("a non-ASCII character is not allowed");
    if (IsAsciiControl(c) || c == ' ') return BadUrl("a blank or control character is not allowed");
    if (c == '?' || c == '#') return BadUrl("a query or fragment is not allowed");
  }
  Url url;
  const std::size_t colon = std::min(text.find("://"), text.size());
  url.scheme = AsciiLower(text.substr(0, colon));
  if (colon == text.size() || (url.scheme != "http" && url.scheme != "https")) {
    return BadUrl("it must begin with https:// or http://");
  }
  text.remove_prefix(colon + 3);
  const std::size_t slash = std::min(text.find('/'), text.size());
  if (Status status = ParseAuthority(text.substr(0, slash), url); !status.ok()) return status;
  url.path = text.substr(slash);
  if (Status status = CheckPath(url.path); !status.ok()) return status;
  return url;
}

}  // namespace warppool
