// A whole answer at once, for the small ones.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "http/transport.h"

namespace warppool::internal {

struct FetchResult {
  TransferResult transfer;
  HttpHead head;            // status 0: there was none
  std::string body;         // what came, also of an answer that broke off
  bool complete = true;     // false: the body of a refusal broke off, stalled, or is longer than anybody reads
  bool readable = true;     // false: the body of a refusal cannot be decoded
  bool too_large = false;   // of a success
  SharedSecrets secrets{};  // the transport's own, for errors not to quote them
};

// How much of a refusal is read: its status has been told, and its words are short.
inline constexpr std::size_t kMaxRefusalBytes = 64U << 10U;
inline constexpr std::chrono::milliseconds kMaxRefusalTime{3'000};  // from its head on

// Posts `request` and calls `done` once with all of the answer. An answer of more than `max_bytes` and one that takes
// longer than `timeout` (kSilence) are broken off; one that is no 200 ends with what the limits above let through. The
// executor's thread only; `done` is called there, and the body is wiped after it. It cannot be cancelled: what it
// brings may be too precious to lose.
void Fetch(Transport* transport, HttpRequest request, std::size_t max_bytes, std::chrono::milliseconds timeout,
           std::function<void(const FetchResult&)> done);

}  // namespace warppool::internal
