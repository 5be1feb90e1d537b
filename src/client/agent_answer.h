// What an answer of the agent endpoint means that is no stream, or a stream that broke: whose fault, and what to say.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "http/transport.h"
#include "warppool/stats.h"
#include "warppool/status.h"

namespace warppool {

struct AttemptResult {
  Outcome outcome = Outcome::kCancelled;
  Status status;
  std::optional<std::chrono::milliseconds> retry_after{};  // Retry-After; with kQuotaExhausted, until the quota is back
};

// An HTTP status other than 200. `body`: its beginning.
AttemptResult ReadRefusal(const HttpHead& head, std::string_view body, WallTime now);

// A transfer that did not bring a whole answer. `began`: the answer's head had come.
AttemptResult ReadTransferError(const TransferResult& result, bool began);

}  // namespace warppool
