// What the monitor writes where there is no terminal: one line for each thing that happened, as key=value pairs, so
// that it can be searched; no escape codes. Pure: it reads no clock and writes nowhere. The lines have no line ends.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "monitor_text.h"
#include "monitor_view.h"

namespace monitor {

// TIME event=disabled token=NAME tier=PERSONAL until=TIME reason="..."; failures=2 where one was added
std::string EventLine(const Remark& remark, Style style);

// TIME pool ready=5 of=7 answered=40 failed=0 running=3 attempts_ok=98% first_event="~180 ms"
std::string PoolLine(const Picture& picture, Style style);

// Which tokens are in another state than before, or until another time, or were not there.
class StateWatch {
 public:
  // TIME token=NAME tier=PERSONAL state=cooling back_in=12s running=0 ok=100% quota="0/10" reason="..."
  std::vector<std::string> Changes(const Picture& picture, Style style);

 private:
  struct Standing {
    warppool::TokenState state;
    std::optional<std::chrono::system_clock::time_point> ready_at;
  };
  static bool IsSame(const Standing& a, const Standing& b);

  std::map<std::string, Standing> standings_;  // by name
};

// The last word: how each token is, and the totals; several lines.
std::vector<std::string> Summary(const Picture& picture, Style style);

}  // namespace monitor
