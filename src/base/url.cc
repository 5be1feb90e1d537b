#include "base/url.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "base/ascii.h"

namespace warppool::internal {
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

using Ipv6Groups = std::array<std::uint16_t, 8>;

// "2001": one to four hex digits.
std::optional<std::uint16_t> ParseIpv6Group(std::string_view text) {
  if (text.empty() || text.size() > 4 || !std::all_of(text.begin(), text.end(), IsAsciiHexDigit)) return std::nullopt;
  std::uint16_t group = 0;
  std::from_chars(text.data(), text.data() + text.size(), group, 16);
  return group;
}

// What inet_pton() reads (RFC 4291, 2.2).
std::optional<Ipv6Groups> ParseIpv6(std::string_view host) {
  Ipv6Groups groups{};
  std::size_t count = 0;
  std::optional<std::size_t> gap;  // the "::" stands in front of the group with this index
  if (host.substr(0, 2) == "::") {
    gap = 0;
    host.remove_prefix(2);
  }
  while (!host.empty()) {
    const std::size_t end = std::min(host.find(':'), host.size());
    const std::string_view piece = host.substr(0, end);
    host.remove_prefix(end);
    if (host.empty() && piece.find('.') != piece.npos) {
      const auto bytes = ParseIpv4(piece);
      if (!bytes || count + 2 > groups.size()) return std::nullopt;
      for (std::size_t i = 0; i < bytes->size(); i += 2) {
        groups[count++] = static_cast<std::uint16_t>((*bytes)[i] << 8U | (*bytes)[i + 1]);
      }
      break;
    }
    const auto group = ParseIpv6Group(piece);
    if (!group || count == groups.size()) return std::nullopt;
    groups[count++] = *group;
    if (host.empty()) break;
    host.remove_prefix(1);
    if (host.empty()) return std::nullopt;  // a single colon at the end
    if (host.front() != ':') continue;
    if (gap) return std::nullopt;
    gap = count;
    host.remove_prefix(1);
  }
  if (count < groups.size() ? !gap : gap.has_value()) return std::nullopt;
  // What follows the gap moves to the end.
  if (gap) {
    std::rotate(groups.begin() + static_cast<std::ptrdiff_t>(*gap), groups.begin() + static_cast<std::ptrdiff_t>(count),
                groups.end());
  }
  return groups;
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
  auto parsed = ParseHostAndPort(text);
  if (!parsed) return parsed.status();
  url.host = std::move(parsed->host);
  url.port = parsed->port.value_or(url.scheme == "https" ? 443 : 80);
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
  return address && *address == Ipv6Groups{0, 0, 0, 0, 0, 0, 0, 1};
}

Result<HostAndPort> ParseHostAndPort(std::string_view text) {
  HostAndPort parsed;
  std::string_view rest;
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == text.npos) return BadUrl("the host lacks its closing bracket");
    parsed.host = AsciiLower(text.substr(1, end - 1));
    rest = text.substr(end + 1);
    if (!ParseIpv6(parsed.host)) return BadUrl("the host is not an IPv6 address");
  } else {
    const std::size_t end = std::min(text.find(':'), text.size());
    parsed.host = AsciiLower(text.substr(0, end));
    rest = text.substr(end);
    if (parsed.host.empty()) return BadUrl("the host is missing");
    if (Status status = CheckName(parsed.host); !status.ok()) return status;
  }
  if (rest.empty()) return parsed;
  const auto port = rest.front() == ':' ? ParseNumber(rest.substr(1), 65535) : std::nullopt;
  if (!port || *port == 0) return BadUrl("the port is not a number from 1 to 65535");
  parsed.port = static_cast<std::uint16_t>(*port);
  return parsed;
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

}  // namespace warppool::internal
