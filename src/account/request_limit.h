// The quota query, as bytes: what is posted, and what the answer means. No I/O.
//
// It is the GraphQL operation GetRequestLimitInfo of the agent service, with the bearer of the account that it asks
// for.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "warppool/status.h"
#include "warppool/token_pool.h"

namespace warppool {

// Under the server's URL.
std::string RequestLimitPath();

// The machine, in the words of the X-Warp-OS-* headers. What is empty is sent as null.
struct OsContext {
  std::string category;
  std::string name;
  std::string version;
  std::string linux_kernel_version;
};

// The JSON to post. What is no UTF-8 in the arguments is replaced: they may come from files of the machine.
std::string RequestLimitBody(const std::string& client_version, const OsContext& os);

struct AccountFailure {
  enum class Kind {
    kRefused,   // 401, 403: the bearer, or its account
    kBusy,      // 408, 429, 5xx: no word about the account; later may do
    kUnusable,  // anything else: there is no quota to be had this way
  };
  Kind kind;
  Status status;
};

// What the service said. `now` tells which of the granted credits have expired; those whose end cannot be read count as
// expired, those that have no end never do. Numbers are between 0 and 10^15, whatever the service writes.
std::variant<Quota, AccountFailure> ReadRequestLimit(int http_status, std::string_view body,
                                                     std::optional<std::chrono::milliseconds> retry_after,
                                                     WallTime now);

}  // namespace warppool
