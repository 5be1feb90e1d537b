// What may be wrong with a single setting. Pure but for FileFault(). The caller says which setting it is: a field of
// Config, or a variable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "warppool/config.h"

namespace warppool::internal {

// The end of a sentence that begins with the setting's name ("holds a blank"); nothing: it is fine. It never repeats
// the value: people paste tokens into the wrong line.
using Fault = std::optional<std::string>;

// What is wrong with a token by itself, with the name of the field: kInvalidConfig. (In validate.cc.)
Status CheckToken(const TokenConfig& token);

// A token, JWT or key that is sent as it is. Keeps line ends out of headers, catches what people paste with it, and
// what is too short to be a secret.
Fault CredentialFault(std::string_view credential);

// your_personal_refresh_token_here: what examples put where the credential belongs.
bool IsPlaceholder(std::string_view credential);

// An address of the service: https, or http to this machine.
Fault ServiceUrlFault(const std::string& url);

// A proxy with or without a log-in (base/proxy_url.h).
Fault ProxyFault(std::string_view proxy);

// Goes into a request header.
Fault HeaderFault(const std::string& value);

// Goes into log lines and error messages.
Fault LineFault(const std::string& text);

// Is it there, a file, and readable by this process?
Fault FileFault(const std::string& path);

bool IsUsed(Tier tier, const std::vector<Tier>& tier_order);

}  // namespace warppool::internal
