// The quota query, as bytes: what is posted, and what the answer means. No I/O.
//
// It is the GraphQL operation GetRequestLimitInfo of the agent service, with the bearer of the account that it asks
// for.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "http/refusal.h"
#include "warppool/status.h"
#include "warppool/token_pool.h"

namespace warppool::internal {

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

inline constexpr EndpointFacts kQuotaQuery{Endpoint::kAccount, "the quota query"};

// What the service said. `now` tells which of the granted credits have expired; those whose end cannot be read count as
// expired, those that have no end never do. Numbers are between 0 and 10^15, whatever the service writes.
std::variant<Quota, Refusal> ReadRequestLimit(const HttpHead& head, RefusalBody body, WallTime now);

}  // namespace warppool::internal
