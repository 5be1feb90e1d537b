#include "config/checks.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "base/ascii.h"
#include "base/url.h"
#include "base/utf8.h"
#include "platform/plain_file.h"

namespace warppool::internal {
namespace {

bool HoldsControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), IsAsciiControl);
}
bool IsAllAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), IsAscii);
}

bool IsPort(std::string_view text) {
  unsigned port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && stop == end && port >= 1 && port <= 65535;
}

}  // namespace

Fault CredentialFault(std::string_view credential) {
  if (credential.empty()) return "is empty";
  if (HoldsControl(credential)) return "holds a control character";
  if (!IsAllAscii(credential)) return "holds a non-ASCII character";
  if (AsciiLower(credential.substr(0, 7)) == "bearer ") return "begins with \"Bearer\"; give the token alone";
  if (credential.find(' ') != credential.npos) return "holds a blank";
  if (credential.find_first_of("\"'`") != credential.npos) return "holds a quote";
  return std::nullopt;
}

bool IsPlaceholder(std::string_view credential) {
  constexpr std::string_view kBegin = "your_";
  constexpr std::string_view kEnd = "_here";
  const std::string lower = AsciiLower(credential);
  return lower.size() > kBegin.size() + kEnd.size() && lower.compare(0, kBegin.size(), kBegin) == 0 &&
         lower.compare(lower.size() - kEnd.size(), kEnd.size(), kEnd) == 0;
}

Fault ServiceUrlFault(const std::string& url) {
  const auto parsed = ParseUrl(url);
  if (!parsed.ok()) return "not a usable URL: " + parsed.status().message();
  if (parsed->scheme == "http" && !parsed->IsLoopback()) {
    return "http:// is accepted for loopback addresses only, since it would show the tokens to the network";
  }
  return std::nullopt;
}

Fault ProxyFault(const std::string& proxy) {
  constexpr std::array<std::string_view, 6> kSchemes{"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
  if (HoldsControl(proxy)) return "holds a control character";
  if (proxy.find(' ') != proxy.npos) return "holds a blank";
  std::string_view rest = proxy;
  if (const std::size_t end = rest.find("://"); end != rest.npos) {
    if (std::count(kSchemes.begin(), kSchemes.end(), AsciiLower(rest.substr(0, end))) == 0) {
      return "not a proxy URL: the scheme is none of http, https, socks4, socks4a, socks5, socks5h";
    }
    rest.remove_prefix(end + 3);
  }
  rest = rest.substr(0, rest.find('/'));
  if (const std::size_t at = rest.rfind('@'); at != rest.npos) rest.remove_prefix(at + 1);
  const std::size_t bracket = rest.find(']');
  const std::size_t colon = rest.find(':', bracket == rest.npos ? 0 : bracket);
  if (rest.substr(0, colon).empty()) return "not a proxy URL: the host is missing";
  if (colon != rest.npos && !IsPort(rest.substr(colon + 1))) {
    return "not a proxy URL: the port is not a number from 1 to 65535";
  }
  return std::nullopt;
}

Fault HeaderFault(const std::string& value) {
  if (HoldsControl(value)) return "holds a control character";
  if (!IsAllAscii(value)) return "holds a non-ASCII character";
  return std::nullopt;
}

Fault LineFault(const std::string& text) {
  if (HoldsControl(text)) return "holds a control character";
  if (FirstInvalidUtf8(text)) return "is not UTF-8";
  return std::nullopt;
}

Fault FileFault(const std::string& path) {
  if (path.find('\0') != path.npos) return "holds a NUL character";
  if (const int reason = CannotRead(path); reason != 0) {
    return "cannot be read: " + std::generic_category().message(reason);
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return "is a directory";
  return std::nullopt;
}

bool IsUsed(Tier tier, const std::vector<Tier>& tier_order) {
  return std::find(tier_order.begin(), tier_order.end(), tier) != tier_order.end();
}

}  // namespace warppool::internal
