#include "config/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/ascii.h"
#include "base/proxy_url.h"
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

}  // namespace

Fault CredentialFault(std::string_view credential) {
  if (credential.empty()) return "is empty";
  if (HoldsControl(credential)) return "holds a control character";
  if (!IsAllAscii(credential)) return "holds a non-ASCII character";
  if (AsciiLower(credential.substr(0, 7)) == "bearer ") return "begins with \"Bearer\"; give the token alone";
  if (credential.find(' ') != credential.npos) return "holds a blank";
  if (credential.find_first_of("\"'`") != credential.npos) return "holds a quote";
  if (credential.size() < kMinSecretBytes) {
    return fmt::format("is too short to be one: it has fewer than {} bytes", kMinSecretBytes);
  }
  return std::nullopt;
}

bool IsPlaceholder(std::string_view credential) {
  constexpr std::string_view kBegin = "your_";
  constexpr std::string_view kEnd = "_here";
  const auto is = [](std::string_view text, std::string_view lower) {
    return text.size() == lower.size() && ContainsIgnoringCase(text, lower);
  };
  return credential.size() > kBegin.size() + kEnd.size() && is(credential.substr(0, kBegin.size()), kBegin) &&
         is(credential.substr(credential.size() - kEnd.size()), kEnd);
}

Fault ServiceUrlFault(const std::string& url) {
  const auto parsed = ParseUrl(url);
  if (!parsed.ok()) return "not a usable URL: " + parsed.status().message();
  if (parsed->scheme == "http" && !parsed->IsLoopback()) {
    return "http:// is accepted for loopback addresses only, since it would show the tokens to the network";
  }
  return std::nullopt;
}

Fault ProxyFault(std::string_view proxy) {
  const auto parsed = ParseProxyUrl(proxy);
  if (!parsed.ok()) return "not a proxy URL: " + parsed.status().message();
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
