// The URL of a proxy, which may hold a log-in.
#pragma once

#include <string>
#include <string_view>

#include "base/redact.h"
#include "warppool/secret.h"
#include "warppool/status.h"

namespace warppool::internal {

struct ProxyUrl {
  std::string address;      // [scheme://]host[:port]
  Secret login{};           // user[:password], percent-encoded as it was written; empty: none
  SharedSecrets secrets{};  // what no error may show of it
};

// [scheme://][user[:password]@]host[:port][/], as curl has it, but so narrow that curl cannot read it in another way:
// what stands in user and password for something else (@ / ? #) must be percent-encoded there. Empty: no proxy. The
// error names what is wrong, and shows nothing of the URL.
Result<ProxyUrl> ParseProxyUrl(std::string_view text);

}  // namespace warppool::internal
