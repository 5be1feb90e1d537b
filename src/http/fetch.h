// A whole answer at once, for the small ones.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "http/transport.h"

namespace warppool {

struct FetchResult {
  TransferResult transfer;
  HttpHead head;     // status 0: there was none
  std::string body;  // what came, also of an answer that broke off
  bool too_large = false;
};

// Posts `request` and calls `done` once with all of the answer. An answer of more than `max_bytes` and one that takes
// longer than `timeout` (kSilence) are broken off. The executor's thread only; `done` is called there, and
// the body is wiped after it. Cannot be
// cancelled: what it brings may be too precious to lose.
void Fetch(Transport* transport, HttpRequest request, std::size_t max_bytes, std::chrono::milliseconds timeout,
           std::function<void(const FetchResult&)> done);

}  // namespace warppool
