// One reading of all answers that bring not what was asked for, whichever endpoint gave them: whose doing it is, and in
// which words that is told. A pure function of what came.
//
// A proxy, a firewall or the edge may answer in the service's place, so the order decides:
//
//   the transfer failed ; 407 ; a redirect ; 408, 425, 429 and 5xx ; the shape ; the status
//
// An answer has the service's own shape if its body is empty, if it has an X-Warp-* header, or if it is a JSON object
// with "error", "errors", "message", "code" or "userDisplayMessage" (from the token exchange also with what a success
// has, from an account query with "data"; from the agent also an event stream). An answer of another shape says nothing
// of a token, whatever its status.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/transport.h"
#include "warppool/outcome.h"
#include "warppool/status.h"

namespace warppool::internal {

enum class Endpoint : std::uint8_t { kExchange, kAgent, kAccount };

// What was asked, as far as errors speak of it.
struct EndpointFacts {
  Endpoint endpoint = Endpoint::kAgent;
  std::string_view name = "the service";         // or "the token exchange", "the quota query"
  std::string_view setting = "WARP_SERVER_URL";  // which leads there
  bool has_api_key = false;                      // the exchange's key was sent
};

// An attempt that failed.
struct Refusal {
  Outcome outcome = Outcome::kCancelled;
  Status status;
  std::optional<std::chrono::milliseconds> retry_after{};  // Retry-After; with kQuotaExhausted, until the quota is back
};

// A body, or its beginning. No secret may be in it: its words go into errors.
struct RefusalBody {
  std::string_view text;
  bool complete = true;  // false: it broke off, stalled, or is too long to be read to its end
  bool readable = true;  // false: it came in an encoding that nobody here knows
  // Of a 200: why it cannot be used, as "it has no id_token".
  std::string_view fault{};
};

// A transfer that did not bring a whole answer. `began`: the answer's head had come.
Refusal ReadTransferError(const TransferResult& result, const EndpointFacts& facts, bool began);

// An answer, of whatever status.
Refusal ReadRefusal(const HttpHead& head, const RefusalBody& body, const EndpointFacts& facts, WallTime now);

// Whether a transfer that failed behind a refusal's head leaves the word to that head: what came counts, even if it
// broke off. Not if the fault is on this side.
bool LeavesRefusal(TransferError error);

// Replaces `secret` in all values of `head`: before any of it is quoted, or cut.
void RedactHead(std::string_view secret, HttpHead* head);
// The same of several, and in the body, too.
void RedactAnswer(const SharedSecrets& secrets, std::string* body, HttpHead* head);

// An event of a stream that says, instead of an answer, what went wrong ("event: error").
Refusal ReadErrorEvent(std::string_view data, const EndpointFacts& facts);

}  // namespace warppool::internal
