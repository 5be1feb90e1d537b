// The behaviours that wait for one token at one endpoint. Counts requests, and nothing else: no clock, no I/O.
// Not thread-safe.
#pragma once

#include <deque>
#include <optional>

#include "loopback.h"

namespace loopback {

class ScriptQueue {
 public:
  void Add(Behaviour behaviour);

  // How to answer the next request. Nothing when no script is left; while a behaviour still lets requests pass
  // (`after`), that is a plain Ok().
  std::optional<Behaviour> Next();

 private:
  std::deque<Behaviour> queue_;  // the first one's `after` and `times` are what is left of them
};

}  // namespace loopback
