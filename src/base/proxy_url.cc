#include "base/proxy_url.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/url.h"
#include "base/wipe.h"

namespace warppool::internal {
namespace {

constexpr std::array<std::string_view, 6> kProxySchemes{"http", "https", "socks4", "socks4a", "socks5", "socks5h"};

Status BadProxy(std::string_view what) {
  return {Code::kInvalidArgument, std::string(what)};
}

// As curl does: a % without two digits behind it stands for itself.
Secret PercentDecoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  const WipedAtEnd wiped(&decoded);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view digits = text.substr(i + 1, 2);
    const bool is_escape =
        text[i] == '%' && digits.size() == 2 && std::all_of(digits.begin(), digits.end(), IsAsciiHexDigit);
    if (!is_escape) {
      decoded += text[i];
      continue;
    }
    unsigned byte = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    decoded += static_cast<char>(static_cast<unsigned char>(byte));
    i += digits.size();
  }
  return Secret(decoded);
}

// Of a log-in the password; of one without a password the user's name. And both, as a proxy is sent them in base64.
Result<SharedSecrets> SecretsOfLogin(std::string_view login) {
  const std::size_t colon = std::min(login.find(':'), login.size());
  const Secret both = PercentDecoded(login);
  const std::string_view bytes = both.Reveal();
  if (std::any_of(bytes.begin(), bytes.end(), IsAsciiControl)) {
    return BadProxy("the user name or the password holds a control character");
  }
  const std::string_view password = login.substr(std::min(colon + 1, login.size()));
  std::vector<Secret> secrets{both, PercentDecoded(password.empty() ? login.substr(0, colon) : password)};
  return SharedSecrets(std::make_shared<const std::vector<Secret>>(std::move(secrets)));
}

}  // namespace

Result<ProxyUrl> ParseProxyUrl(std::string_view text) {
  ProxyUrl proxy;
  if (text.empty()) return proxy;
  for (const char c : text) {
    if (IsAsciiControl(c)) return BadProxy("a control character is not allowed");
    if (c == ' ') return BadProxy("a blank is not allowed");
    if (!IsAscii(c)) return BadProxy("a non-ASCII character must be percent-encoded");
    if (c == '?') return BadProxy("a ? in the user name or the password must be written as %3F");
    if (c == '#') return BadProxy("a # in the user name or the password must be written as %23");
  }
  std::string_view rest = text;
  std::string_view scheme;
  if (const std::size_t end = rest.find("://"); end != rest.npos) {
    scheme = rest.substr(0, end);
    if (std::count(kProxySchemes.begin(), kProxySchemes.end(), AsciiLower(scheme)) == 0) {
      return BadProxy("the scheme is none of http, https, socks4, socks4a, socks5, socks5h");
    }
    rest.remove_prefix(end + 3);
  }
  if (std::count(rest.begin(), rest.end(), '@') > 1) {
    return BadProxy("an @ in the user name or the password must be written as %40");
  }
  const std::size_t at = rest.find('@');
  if (const std::size_t slash = rest.find('/'); slash != rest.npos) {
    if (at != rest.npos && slash < at) return BadProxy("a / in the user name or the password must be written as %2F");
    if (slash + 1 < rest.size()) return BadProxy("nothing may follow the host and the port");
    rest.remove_suffix(1);
  }
  if (at != rest.npos) {
    const std::string_view login = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    auto secrets = SecretsOfLogin(login);
    if (!secrets.ok()) return secrets.status();
    proxy.secrets = *std::move(secrets);
    proxy.login = Secret(login);
  }
  if (const auto parsed = ParseHostAndPort(rest); !parsed.ok()) return parsed.status();
  if (!scheme.empty()) proxy.address = std::string(scheme) + "://";
  proxy.address += rest;
  return proxy;
}

}  // namespace warppool::internal
